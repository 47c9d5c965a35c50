"""Silence at the ends of a stream, by a screen reader's measure."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.int16]

QUIET: Final = 32
"""Samples up to this magnitude are silence: 1/1024 of full scale, as NVDA has it (its PR 17648)."""
NOTHING: Final = np.zeros(0, np.int16)


class SilenceTrimmer:
    """Drops silence before the first sound of a stream but `head` samples, and after the last but `tail`.

    Sound is never held back: only silence is, until it is known whether sound follows.
    """

    def __init__(self, head: int, tail: int) -> None:
        self.dropped = 0
        """How many samples were dropped before the first sound; known from that on."""
        self._head = head
        self._tail = tail
        self._held: list[Samples] = []
        self._started = False

    def feed(self, samples: Samples) -> Samples:
        """Return what is known to be inside the sound."""
        loud = np.flatnonzero((samples > QUIET) | (samples < -QUIET))
        if not loud.size:
            self._held.append(samples)
            return NOTHING
        before = np.concatenate([*self._held, samples[: loud[0]]])
        if not self._started:
            self.dropped = max(0, before.size - self._head)
            before = before[self.dropped :]
        self._started = True
        self._held = [samples[loud[-1] + 1 :]]
        return np.concatenate([before, samples[loud[0] : loud[-1] + 1]])

    def finish(self) -> Samples:
        """Return the silence that may follow the last sound; nothing if there was no sound."""
        if not self._started:
            return NOTHING
        return np.concatenate(self._held)[: self._tail]
