"""Importing ChatTTS: what is missing or broken is named, and nothing half imported stays."""

import importlib
import logging
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from chatttsd.engine.chattts.api import ModelError
from chatttsd.engine.chattts.upstream import import_chat, silent_logger

ROOTS = {"ChatTTS", "vocos", "torchaudio"}
Package = Callable[[str, dict[str, str]], None]


def of_upstream() -> set[str]:
    return {name for name in sys.modules if name.partition(".")[0] in ROOTS}


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Package]:
    """Return what writes a package that is found before the real one; the real ones come back afterwards."""
    real = {name: sys.modules[name] for name in of_upstream()}
    for name in real:
        del sys.modules[name]
    monkeypatch.syspath_prepend(tmp_path)

    def write(name: str, files: dict[str, str]) -> None:
        (tmp_path / name).mkdir(exist_ok=True)
        for file, content in ({"__init__.py": ""} | files).items():
            (tmp_path / name / file).write_text(content)
        importlib.invalidate_caches()

    write("torchaudio", {})
    yield write
    for name in of_upstream():
        del sys.modules[name]
    sys.modules.update(real)


def test_chat_comes_from_the_installed_package() -> None:
    chat = import_chat()
    assert chat.__name__ == "Chat"
    assert import_chat() is chat
    assert hasattr(sys.modules["torchaudio"].transforms, "MelSpectrogram")


def test_the_undeclared_dependency_is_named(package: Package, monkeypatch: pytest.MonkeyPatch) -> None:
    package("ChatTTS", {"__init__.py": "class Chat: ..."})
    monkeypatch.setitem(sys.modules, "requests", None)
    with pytest.raises(ModelError, match=r"needs the package requests, .*: install chatttsd\[reference\]"):
        import_chat()
    assert of_upstream() == set()


def test_a_missing_package_is_named_and_installing_it_is_enough(package: Package) -> None:
    package("ChatTTS", {"__init__.py": "from . import part\nimport vocos\nclass Chat: ...", "part.py": ""})
    package("vocos", {"__init__.py": "import nowhere_to_be_found"})
    with pytest.raises(ModelError, match="the package nowhere_to_be_found is missing"):
        import_chat()
    assert of_upstream() == set()
    package("vocos", {"__init__.py": "installed = True"})
    assert import_chat().__name__ == "Chat"


@pytest.mark.parametrize(
    "error", ["OSError('no such library')", "RuntimeError('two\\nlines')", "ImportError('x')"]
)
def test_whatever_an_import_raises_is_one_line(package: Package, error: str) -> None:
    package("ChatTTS", {"__init__.py": f"from . import part\nraise {error}", "part.py": ""})
    with pytest.raises(
        ModelError, match=rf"ChatTTS cannot be imported: {error.partition('(')[0]}: "
    ) as caught:
        import_chat()
    assert "\n" not in str(caught.value)
    assert of_upstream() == set()


def test_a_missing_torchaudio_is_named(package: Package) -> None:
    package("ChatTTS", {"__init__.py": "class Chat: ..."})
    package("torchaudio", {"__init__.py": "raise ModuleNotFoundError('gone', name='torchaudio')"})
    with pytest.raises(ModelError, match="the package torchaudio is missing"):
        import_chat()
    assert of_upstream() == set()


BROKEN_EXTENSION = {
    "__init__.py": "from . import before, _extension, functional",
    "before.py": "",
    "_extension.py": "raise OSError('Could not load this library: _torchaudio.so')",
    "functional.py": (
        "from torchaudio._extension import _IS_TORCHAUDIO_EXT_AVAILABLE as there, fail_if_no_align\n"
        "@fail_if_no_align\ndef align(): ...\n"
    ),
}


def test_a_torchaudio_whose_extension_does_not_load_is_used_without_it(package: Package) -> None:
    package("torchaudio", BROKEN_EXTENSION)
    package("ChatTTS", {"__init__.py": "import torchaudio.functional\nclass Chat: ..."})
    import_chat()
    functional = sys.modules["torchaudio.functional"]
    assert functional.there is False
    with pytest.raises(RuntimeError, match="align needs torchaudio's compiled extension"):
        functional.align()


def test_a_torchaudio_that_is_broken_otherwise_is_forgotten(package: Package) -> None:
    package("torchaudio", BROKEN_EXTENSION | {"functional.py": "raise OSError('another library')"})
    package("ChatTTS", {"__init__.py": "class Chat: ..."})
    with pytest.raises(ModelError, match="OSError: another library"):
        import_chat()
    assert of_upstream() == set()


def test_warnings_of_upstream_are_not_errors_here(package: Package) -> None:
    package("ChatTTS", {"__init__.py": "import warnings\nwarnings.warn('old')\nclass Chat: ..."})
    assert import_chat().__name__ == "Chat"


def test_the_logger_says_nothing(caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]) -> None:
    logger = silent_logger()
    with caplog.at_level(logging.DEBUG):
        logger.critical("a text that nobody may read")
        logger.debug("nor this")
    assert caplog.records == []
    assert capfd.readouterr() == ("", "")
