"""Upstream's own `ChatTTS.Chat` as a backend: slow, and what the fast one is compared with."""

from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray

from chatttsd.engine.api import EngineError
from chatttsd.engine.chattts.api import ModelError, Sampling
from chatttsd.engine.chattts.upstream import import_chat, silent_logger
from chatttsd.engine.chattts.wording import wants_refinement

_NO_BRACKETS: Final = str.maketrans("[]", "  ")
"""Upstream reads `[name]` as a control token, and a `[` without its `]` swallows the rest of a text."""
_REFINE_STYLES: Final = ("oral", "laugh", "break")
_DEFAULT_SPEED: Final = "5"

Cancelled = Callable[[], bool]


class _Context:
    """Upstream's interrupt flag, asked at each token: here it asks whoever wants to cancel."""

    def __init__(self) -> None:
        self.cancelled: Cancelled = _never

    def set(self, value: bool) -> None:
        """Do nothing: upstream clears its flag at times that race with setting it."""

    def get(self) -> bool:
        """Tell whether to stop."""
        return self.cancelled()


class ReferenceModel:
    """`ChatTTS.Chat` loaded from a model folder (the one that holds `asset/`); used from one thread only.

    Raises ModelError when ChatTTS cannot be imported or the files cannot be loaded.
    """

    def __init__(self, directory: Path, device: str = "cpu") -> None:
        self.chat: Any = import_chat()(silent_logger())
        _quieten()
        paths = {name: str(directory / part) for name, part in asdict(self.chat.config.path).items()}
        missing = next((path for path in paths.values() if not Path(path).exists()), None)
        if missing:
            raise ModelError(f"{missing}: No such file or directory")
        try:
            # Chat.load() would hash 1.2 GB, or download and run a program, depending on its source.
            loaded = self.chat._load(device=torch.device(device), **paths)  # noqa: SLF001 - see above
        except Exception as error:
            raise ModelError(f"{directory}: ChatTTS cannot load it: {_line(error)}") from error
        if not loaded:
            raise ModelError(f"{directory}: ChatTTS did not load every part of the model")
        self._context = self.chat.context = _Context()

    def speak(
        self,
        text: str,
        speaker: str | None,
        sampling: Sampling,
        parameters: Mapping[str, str] | None = None,
        *,
        sample: str | None = None,
        sample_text: str | None = None,
        cancelled: Cancelled | None = None,
    ) -> NDArray[np.float32]:
        """Return a segment at 24 kHz, float32 [samples]; `text` is normalised already, brackets are spaces.

        `speaker` and `sample` are `spk_emb` and `spk_smp` strings; `parameters` are `speed`, `oral`, `laugh`,
        `break` and `refine`. What was drawn is returned when `cancelled` tells so. Raises EngineError.
        """
        asked = parameters or {}
        self._context.cancelled = cancelled or _never
        code = self._code_params(sampling, asked)
        code.spk_emb, code.spk_smp, code.txt_smp = speaker, sample, sample_text
        torch.manual_seed(sampling.seed)  # not `manual_seed`, with which upstream draws each token alike
        try:
            # Chat.infer() would drop each sample near zero, not only those at the ends.
            chunks = self.chat._infer(  # noqa: SLF001 - see above
                text.translate(_NO_BRACKETS),
                skip_refine_text=not wants_refinement(asked),
                do_text_normalization=False,
                do_homophone_replacement=False,
                split_text=False,
                params_refine_text=self._refine_params(asked),
                params_infer_code=code,
            )
            return np.ascontiguousarray(next(chunks)[0], dtype=np.float32)
        except Exception as error:  # upstream raises whatever comes
            raise EngineError(f"ChatTTS failed: {type(error).__name__}") from error
        finally:
            self._context.cancelled = _never

    def _code_params(self, sampling: Sampling, asked: Mapping[str, str]) -> Any:  # noqa: ANN401 - untyped upstream
        """Return fresh parameters: upstream writes into those it is given, and shares its defaults."""
        return self.chat.InferCodeParams(
            prompt=f"[speed_{asked.get('speed', _DEFAULT_SPEED)}]",
            top_P=sampling.top_p,
            top_K=sampling.top_k,
            temperature=sampling.temperature,
            repetition_penalty=float(sampling.repetition_penalty),
            max_new_token=sampling.max_tokens,
            show_tqdm=False,
        )

    def _refine_params(self, asked: Mapping[str, str]) -> Any:  # noqa: ANN401 - untyped upstream
        styles = (f"[{name}_{asked[name]}]" for name in _REFINE_STYLES if name in asked)
        return self.chat.RefineTextParams(prompt="".join(styles), show_tqdm=False)


def _quieten() -> None:
    """Keep transformers from drawing progress bars and load reports into the journal."""
    from transformers.utils import logging  # here: only the reference backend has transformers

    logging.disable_progress_bar()  # type: ignore[no-untyped-call]  # transformers has no types here
    logging.set_verbosity_error()  # type: ignore[no-untyped-call]  # transformers has no types here


def _never() -> bool:
    return False


def _line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)
