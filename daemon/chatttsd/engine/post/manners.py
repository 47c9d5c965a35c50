"""An engine with the manners that screen readers need: no silence at its ends, any rate, an even loudness."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from chatttsd.constants import SAMPLE_RATE
from chatttsd.engine.api import Cancelled, Emit, Engine, Level, SynthesisRequest, Voice
from chatttsd.engine.post.level import Leveller, WholeLeveller
from chatttsd.engine.post.silence import SilenceTrimmer
from chatttsd.engine.post.stretching import Stretcher

Samples = NDArray[np.int16]

HEAD_SECONDS: Final = 0.005
"""Silence kept before the first sound."""
TAIL_SECONDS: Final = 0.06
"""Kept after the last: the end of a breath."""
_PIECE: Final = SAMPLE_RATE // 2
"""Samples worked on between two looks at the cancel flag: 2 to 6 ms of work."""


@runtime_checkable
class Hastened(Protocol):
    """An engine that wants to know how fast its sound is heard."""

    def hear_at(self, rate: float) -> None:
        """Take the rate at which what comes next is heard."""


class Mannered:
    """Wraps an engine that knows neither rate nor pitch and tells no words; it is asked for the usual ones.

    At rate and pitch 1 no sound of a text waits; else it does for as long as `stretching` says. What answers
    a key stroke is prepared, and waits for its end, so that all of it is as loud as speech.
    """

    def __init__(self, engine: Engine) -> None:
        self.name = engine.name
        self.detail = engine.detail
        self._engine = engine

    def voices(self) -> Sequence[Voice]:
        """List the engine's voices."""
        return self._engine.voices()

    def synthesise(self, request: SynthesisRequest, emit: Emit, cancelled: Cancelled) -> None:
        """Emit one segment; raises what the engine raises."""
        if isinstance(self._engine, Hastened):
            self._engine.hear_at(request.rate)
        passage = _Passage(request, emit, cancelled)
        try:
            self._engine.synthesise(usual(request), passage.take, cancelled)
            passage.finish()
            if (level := passage.level) is not None:
                request.tell_level(level)
        finally:
            passage.close()

    def close(self) -> None:
        """Release what the engine holds."""
        self._engine.close()


def usual(request: SynthesisRequest) -> SynthesisRequest:
    """Return a request, and those that follow it, as an engine without rate and pitch takes them."""
    following = tuple(usual(item) for item in request.following)
    return replace(request, rate=1.0, pitch=1.0, following=following)


class _Passage:
    """One request's samples on their way from the engine to `emit`."""

    def __init__(self, request: SynthesisRequest, emit: Emit, cancelled: Cancelled) -> None:
        self._emit = emit
        self._cancelled = cancelled
        self._stopped = False
        self._trimmer = SilenceTrimmer(int(HEAD_SECONDS * SAMPLE_RATE), int(TAIL_SECONDS * SAMPLE_RATE))
        self._leveller = Leveller(gain=request.gain) if request.kind == "text" else WholeLeveller()
        changed = (request.rate, request.pitch) != (1.0, 1.0)
        self._stretcher = Stretcher(request.rate, request.pitch) if changed else None

    def take(self, samples: Samples) -> bool:
        """Take what the engine emits; False means stop."""
        for start in range(0, samples.size, _PIECE):
            if not self._pass(self._leveller.feed(self._trimmer.feed(samples[start : start + _PIECE]))):
                return False
        return not self._stopped

    def finish(self) -> None:
        """Emit what is still held, unless the request was cancelled."""
        self._pass(self._leveller.feed(self._trimmer.finish()))
        self._pass(self._leveller.finish())
        if self._stretcher is not None and not self._stopped:
            self._send(self._stretcher.finish())

    @property
    def level(self) -> Level | None:
        """How loud the finished whole is by itself; None when it was cancelled or is silent."""
        return None if self._stopped else self._leveller.level

    def close(self) -> None:
        """Give back what is not Python's."""
        if self._stretcher is not None:
            self._stretcher.close()

    def _pass(self, samples: Samples) -> bool:
        self._stopped = self._stopped or self._cancelled()
        if self._stopped:
            return False
        return self._send(samples if self._stretcher is None else self._stretcher.feed(samples))

    def _send(self, samples: Samples) -> bool:
        if samples.size and not self._emit(samples):
            self._stopped = True
        return not self._stopped
