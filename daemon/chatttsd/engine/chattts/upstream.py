"""Importing ChatTTS 0.2.5, whose dependencies are incompletely declared and can fail to load.

Nothing of ChatTTS stays imported after a failure, so that a later attempt starts afresh.
"""

import importlib
import importlib.util
import logging
import sys
import warnings
from collections.abc import Callable, Collection, Iterable
from types import ModuleType
from typing import Any, Final

from chatttsd.engine.chattts.api import ModelError

_UNDECLARED: Final = ("requests",)
"""What ChatTTS imports and does not name as a dependency."""
_INSTALL: Final = "install chatttsd[reference]"
_PURE_PYTHON: Final = frozenset({"ChatTTS", "vocos", "torchaudio"})
"""Packages whose modules may be forgotten after a failed import: importing them again is harmless."""
_EXTENSION: Final = "torchaudio._extension"
_SILENT: Final = logging.CRITICAL + 1


def import_chat() -> Any:  # noqa: ANN401 - the class ChatTTS.Chat, which has no types
    """Return upstream's `ChatTTS.Chat`; raises ModelError that says what is missing or broken."""
    for name in _UNDECLARED:
        if importlib.util.find_spec(name) is None:
            raise ModelError(f"ChatTTS needs the package {name}, which it does not declare: {_INSTALL}")
    before = set(sys.modules)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of upstream and its dependencies: nobody here can mend them
            _import_torchaudio()
            return importlib.import_module("ChatTTS").Chat
    except ModelError:
        _forget(before)
        raise
    except Exception as error:  # a broken package may raise anything while it is imported
        _forget(before)
        missing = isinstance(error, ModuleNotFoundError) and error.name
        what = f"the package {missing} is missing" if missing else f"{type(error).__name__}: {_line(error)}"
        raise ModelError(f"ChatTTS cannot be imported: {what}; {_INSTALL}") from error


def silent_logger() -> logging.Logger:
    """Return a logger of its own that drops everything: upstream logs what it is told to say."""
    return logging.Logger("ChatTTS", _SILENT)  # noqa: LOG001 - nobody else shall get it by its name


def _import_torchaudio() -> None:
    """Import torchaudio without its compiled extension where that does not load.

    Its wheels for CUDA do not load beside a CPU build of torch, and torchaudio takes an extension that is
    there but does not load as fatal, one that is not there as normal. What vocos and ChatTTS
    use is pure Python.
    """
    before = set(sys.modules)
    try:
        importlib.import_module("torchaudio")
    except ModuleNotFoundError:
        raise
    except (ImportError, OSError, RuntimeError):
        _forget(before)
        sys.modules[_EXTENSION] = _absent_extension()
        importlib.import_module("torchaudio")


def _absent_extension() -> ModuleType:
    """Return what `torchaudio._extension` is when its wheel holds no compiled library."""
    module = ModuleType(_EXTENSION)
    names = {
        "_IS_TORCHAUDIO_EXT_AVAILABLE": False,
        "_IS_ALIGN_AVAILABLE": False,
        "fail_if_no_align": _failing,
    }
    vars(module).update(names)
    return module


def _failing(function: Callable[..., object]) -> Callable[..., object]:
    def fail(*_: object, **__: object) -> object:
        raise RuntimeError(f"{function.__name__} needs torchaudio's compiled extension, which does not load")

    return fail


def _forget(before: Collection[str]) -> None:
    """Drop the pure-Python modules that came since `before`, whole packages or halves."""
    for name in _since(before):
        del sys.modules[name]


def _since(before: Collection[str]) -> Iterable[str]:
    return [name for name in sys.modules if name not in before and name.partition(".")[0] in _PURE_PYTHON]


def _line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), "")
