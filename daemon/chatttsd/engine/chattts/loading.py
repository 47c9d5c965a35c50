"""From a model's folder to an engine that is warm: files checked, parts loaded side by side, all run once."""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import torch

from chatttsd.engine.api import Engine, ModelSettings
from chatttsd.engine.chattts import heap
from chatttsd.engine.chattts.api import Decoder, ModelError
from chatttsd.engine.chattts.batch import Batch
from chatttsd.engine.chattts.decoders import choose, make_decoder, make_vocoder, torch_threads
from chatttsd.engine.chattts.delivery import Lead
from chatttsd.engine.chattts.engine import ChatTTSEngine
from chatttsd.engine.chattts.interruptible import Interruptible
from chatttsd.engine.chattts.precision import Choice
from chatttsd.engine.chattts.reference_engine import ReferenceEngine
from chatttsd.engine.chattts.rendering import Rendering, Turns, VocoderThread
from chatttsd.engine.chattts.speaking import Speaking
from chatttsd.engine.chattts.text.front_end import FrontEnd
from chatttsd.engine.chattts.tokens import Tokens
from chatttsd.engine.chattts.vocoder.stream import StreamingVocoder
from chatttsd.engine.chattts.vocoder.vocoder import Vocoder
from chatttsd.engine.chattts.warming import warm
from chatttsd.engine.chattts.weights import Weights
from chatttsd.engine.chattts.wording import Voices, Wording
from chatttsd.models.check import check_model
from chatttsd.models.fault import Mending
from chatttsd.models.manifest import ModelFilesError

Report = Callable[[str], None]

_CHECKED: Final = 0.3
"""How much of loading the check of the files is, for a person who waits."""
_PACKED: Final = 0.6
"""How much the decoder is."""


@dataclass(frozen=True, slots=True)
class Parts:
    """A model that is loaded."""

    weights: Weights
    decoder: Decoder
    interrupt: Interruptible | None
    vocoder: Vocoder
    wording: Wording
    voices: Voices
    choice: Choice
    speaker_token: int


@dataclass(slots=True)
class _Progress:
    """Reports whole per cents, each once, in order."""

    report: Report
    told: int = field(default=-1)

    def __call__(self, share: float) -> None:
        percent = int(100 * share)
        if percent > self.told:
            self.told = percent
            self.report(f"loading {percent} %")


def load(settings: ModelSettings, voices: Path, report: Report) -> Engine:
    """Return a warm engine; raises ModelError."""
    directory = Path(settings.model_dir)
    if settings.backend == "reference":
        return _load_reference(settings, directory, voices, report)
    parts = load_parts(settings, voices, report)
    report("warming")
    return assemble(parts, settings, report)


def load_parts(settings: ModelSettings, voices: Path, report: Report) -> Parts:
    """Check the files and load everything; raises ModelError."""
    directory = Path(settings.model_dir)
    progress = _Progress(report)
    _check(directory, lambda share: progress(_CHECKED * share))
    with _told_to_listeners(directory):
        return _load_parts(settings, voices, progress)


def _load_parts(settings: ModelSettings, voices: Path, progress: Callable[[float], None]) -> Parts:
    directory = Path(settings.model_dir)
    heap.return_large_blocks()
    heap.drop_library_pages()
    weights = Weights(directory)
    tokens = Tokens(directory, weights.shape)
    with ThreadPoolExecutor(1) as beside:
        front_end = beside.submit(FrontEnd, emoji=settings.emoji)
        choice = choose(settings.precision, settings.device)
        heap.drop_library_pages()
        vocoder = beside.submit(make_vocoder, directory, choice)
        threads = threads_of(settings)
        torch.set_num_threads(torch_threads(choice, threads))
        decoder, interrupt = make_decoder(
            weights, choice, tokens, threads, lambda share: progress(_CHECKED + _PACKED * share)
        )
        progress(_CHECKED + _PACKED)
        found = Voices.at(voices)
        wording = Wording(front_end.result(), tokens, decoder, found)
        parts = Parts(weights, decoder, interrupt, vocoder.result(), wording, found, choice, tokens.speaker)
    progress(1.0)
    return parts


def threads_of(settings: ModelSettings) -> int:
    """Return how many threads the settings allow."""
    return settings.threads or len(os.sched_getaffinity(0))


def assemble(parts: Parts, settings: ModelSettings, report: Report) -> ChatTTSEngine:
    """Put an engine together and run every path of it once."""
    open_rendering, close = _rendering(parts, threads_of(settings))
    lead = Lead()
    batch = Batch(parts.decoder)
    speaking = Speaking(batch, open_rendering, lead, retries=settings.retries, report=report)
    fitting = warm(parts.wording, batch, open_rendering, parts.weights.shape.hidden)
    speaking.most_rows = min(settings.batch, fitting)
    heap.trim()
    heap.drop_library_pages()
    return ChatTTSEngine(
        parts.wording,
        parts.voices,
        batch,
        speaking,
        lead,
        detail=parts.choice.detail,
        interrupt=parts.interrupt,
        close=close,
    )


def _rendering(parts: Parts, threads: int) -> tuple[Callable[[], Rendering], Callable[[], None]]:
    """Return what opens a segment's rendering, and what ends its thread if it has one."""
    if threads == 1:
        return lambda: Turns(lambda: StreamingVocoder(parts.vocoder)), lambda: None
    need_cores = (lambda _count: None) if parts.interrupt is None else parts.interrupt.leave_cores
    thread = VocoderThread(
        lambda: StreamingVocoder(parts.vocoder), lambda: torch.set_num_threads(1), need_cores
    )
    return thread.open, thread.close


def _check(directory: Path, progress: Callable[[float], None]) -> None:
    """Check the model's files; raises ModelError."""
    try:
        check_model(directory, progress=lambda done, total: progress(done / max(1, total)))
    except ModelFilesError as error:
        raise ModelError(str(error)) from None


@contextmanager
def _told_to_listeners(directory: Path) -> Iterator[None]:
    """Say what is wrong with a model whose files are whole as `models.fault` does, without the folder."""
    try:
        yield
    except ModelError as error:
        told = str(error).removeprefix(f"{directory}/")
        if told == str(error):
            raise
        if isinstance(error.__cause__, OSError):
            raise ModelError(f"the model's file {told}") from None
        raise ModelError(f"this is not a ChatTTS model: {told} ({Mending.OTHER})") from None


def _load_reference(
    settings: ModelSettings, directory: Path, voices: Path, report: Report
) -> ReferenceEngine:
    """Load upstream's code; raises ModelError."""
    # It needs libraries that the fast backend does without.
    from chatttsd.engine.chattts.reference import ReferenceModel

    progress = _Progress(report)
    _check(directory, lambda share: progress(_CHECKED * share))
    device = "cuda" if settings.device != "cpu" and torch.cuda.is_available() else "cpu"
    torch.set_num_threads(threads_of(settings))
    model = ReferenceModel(directory, device)
    progress(1.0)
    front_end = FrontEnd(emoji=settings.emoji)
    return ReferenceEngine(model, front_end, Voices.at(voices), retries=settings.retries, report=report)
