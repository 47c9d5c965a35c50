"""Silence at the head and the tail of a segment taken off while it streams, and floats made int16."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from chatttsd.constants import SAMPLE_RATE

Floats = NDArray[np.float32]
QUIET_RMS: Final = 0.003
"""-50 dBFS over 10 ms: the model's noise between words is less, the faintest consonant more."""
HEAD_SECONDS: Final = 0.02
"""Kept before the first sound."""
TAIL_SECONDS: Final = 0.06
"""Kept after the last."""
HELD_SECONDS: Final = 0.3
"""At most this much silence waits for the sound after it, and so at most this much is cut at the tail."""
_BLOCK: Final = SAMPLE_RATE // 100
_FULL_SCALE: Final = 32767
_NOTHING: Final = np.zeros(0, np.float32)


class Trimmer:
    """One segment's float samples; its result does not depend on how they are cut into chunks."""

    def __init__(self) -> None:
        self._rest = _NOTHING
        self._held = _NOTHING
        self._started = False

    def feed(self, samples: Floats) -> Floats:
        """Return what is known to be wanted of the samples so far."""
        joined = np.concatenate([self._rest, samples])
        whole = joined.size // _BLOCK * _BLOCK
        self._rest = joined[whole:]
        return self._pass(joined[:whole])

    def finish(self) -> Floats:
        """Return the rest; nothing may be fed after it."""
        last = np.concatenate([self._pass(self._padded()), self._held[: int(TAIL_SECONDS * SAMPLE_RATE)]])
        return last if self._started else _NOTHING

    def _padded(self) -> Floats:
        missing = -self._rest.size % _BLOCK
        return np.concatenate([self._rest, np.zeros(missing, np.float32)])

    def _pass(self, samples: Floats) -> Floats:
        """Take whole blocks."""
        levels = np.sqrt(np.square(samples).reshape(-1, _BLOCK).mean(axis=1))
        loud = np.flatnonzero(levels > QUIET_RMS)
        joined = np.concatenate([self._held, samples])
        if not self._started and not loud.size:
            self._held = joined[-int(HEAD_SECONDS * SAMPLE_RATE) :]
            return _NOTHING
        begin = 0 if self._started else self._head(loud[0])
        after = self._held.size + (loud[-1] + 1) * _BLOCK if loud.size else 0
        keep = max(after, joined.size - int(HELD_SECONDS * SAMPLE_RATE))
        self._started = True
        self._held = joined[keep:]
        return joined[begin:keep]

    def _head(self, block: int) -> int:
        return max(0, self._held.size + block * _BLOCK - int(HEAD_SECONDS * SAMPLE_RATE))


def to_int16(samples: Floats) -> NDArray[np.int16]:
    """Return samples of -1..1 as int16; louder ones are limited."""
    scaled: NDArray[np.int16] = np.rint(np.clip(samples, -1.0, 1.0) * _FULL_SCALE).astype(np.int16)
    return scaled
