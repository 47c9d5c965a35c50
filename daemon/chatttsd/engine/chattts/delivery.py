"""What is heard of one attempt at a segment: listened to, trimmed, and held back while there is time to."""

import time
from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from chatttsd.constants import SAMPLE_RATE
from chatttsd.engine.api import Emit
from chatttsd.engine.chattts.guard import Fault, SoundJudge
from chatttsd.engine.chattts.trimming import Trimmer, to_int16

LEAST_LEAD_SECONDS: Final = 1.5
"""With less than this ahead of the ear nothing is held back."""
LONGEST_HOLD_SECONDS: Final = 5.0
"""Far below the time after which a worker without any audio counts as hung."""


class CancelledError(Exception):
    """The request is not wanted any more."""


class Lead:
    """How many seconds the sound that was emitted is ahead of the ear, at least: playing may be paused."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self.rate = 1.0
        """How fast the sound is heard: 2 for twice as fast as it was made."""
        self._seconds = 0.0
        self._asked = clock()

    def seconds(self) -> float:
        """Return the lead now."""
        now = self.clock()
        self._seconds = max(0.0, self._seconds - (now - self._asked))
        self._asked = now
        return self._seconds

    def add(self, seconds: float) -> None:
        """Take emitted sound into account."""
        self._seconds = self.seconds() + seconds / self.rate

    def reset(self) -> None:
        """Start another utterance: nothing of it has been emitted."""
        self.seconds()
        self._seconds = 0.0


class Delivery:
    """One attempt's float samples on their way to `emit`."""

    def __init__(self, emit: Emit, lead: Lead) -> None:
        self._emit = emit
        self._lead = lead
        self._began = lead.clock()
        self._judge = SoundJudge()
        self._trimmer = Trimmer()
        self._held: list[NDArray[np.float32]] = []
        self._holding = True
        self._heard = False

    @property
    def heard(self) -> bool:
        """Whether something of it was emitted: then it cannot be made again."""
        return self._heard

    def take(self, samples: NDArray[np.float32]) -> Fault | None:
        """Take samples [n] in -1..1, for `release` to emit; a fault means that these are dropped."""
        fault = self._judge.feed(samples)
        if fault is None:
            self._held.append(self._trimmer.feed(samples))
        return fault

    def release(self) -> None:
        """Emit what was taken, unless there is time to wait for the end; raises CancelledError."""
        self._holding = self._holding and self._may_hold()
        if not self._holding:
            self._flush()

    def finish(self) -> Fault | None:
        """Emit the rest, unless the whole has a fault; raises CancelledError."""
        fault = self._judge.finish()
        if fault is None:
            self._held.append(self._trimmer.finish())
            self._flush()
        return fault

    def _may_hold(self) -> bool:
        waited = self._lead.clock() - self._began
        return waited < LONGEST_HOLD_SECONDS and self._lead.seconds() > LEAST_LEAD_SECONDS

    def _flush(self) -> None:
        for samples in filter(lambda held: held.size, self._held):
            self._heard = True
            if not self._emit(to_int16(samples)):
                raise CancelledError
            self._lead.add(samples.size / SAMPLE_RATE)
        self._held.clear()
