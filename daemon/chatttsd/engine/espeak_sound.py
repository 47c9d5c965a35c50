"""What happens to espeak-ng's samples on their way out: silence at the ends trimmed, the rate converted."""

from typing import Final

import numpy as np
import soxr
from numpy.typing import NDArray

from chatttsd.constants import SAMPLE_RATE

Samples = NDArray[np.int16]

QUIET: Final = 64
"""Samples up to this magnitude (-54 dBFS) count as silence."""
_NOTHING: Final = np.zeros(0, np.int16)


class SilenceTrimmer:
    """Drops silence before the first and after the last sound of a stream, down to `margin` samples."""

    def __init__(self, margin: int) -> None:
        self._margin = margin
        self._held: list[Samples] = []
        self._started = False

    def feed(self, samples: Samples) -> Samples:
        """Return what is known to be inside the sound; silence is held back until sound follows it."""
        loud = np.flatnonzero((samples > QUIET) | (samples < -QUIET))
        if not loud.size:
            self._held.append(samples)
            return _NOTHING
        before = np.concatenate([*self._held, samples[: loud[0]]])
        if not self._started:
            before = before[max(0, before.size - self._margin) :]
        self._started = True
        self._held = [samples[loud[-1] + 1 :]]
        return np.concatenate([before, samples[loud[0] : loud[-1] + 1]])

    def finish(self) -> Samples:
        """Return the silence that may follow the last sound; nothing if there was no sound."""
        if not self._started:
            return _NOTHING
        return np.concatenate(self._held)[: self._margin]


class Resampler:
    """A stream of int16 samples from `rate` to `constants.SAMPLE_RATE`, with soxr's delay compensated."""

    def __init__(self, rate: int) -> None:
        # In int16 soxr adds dither seeded by the time of day: the same request would never sound the same.
        self._stream = soxr.ResampleStream(rate, SAMPLE_RATE, 1, dtype="float32", quality="HQ")

    def feed(self, samples: Samples) -> Samples:
        """Return what can be computed so far."""
        return self._convert(samples, last=False)

    def finish(self) -> Samples:
        """Return the rest; nothing may be fed after it."""
        return self._convert(_NOTHING, last=True)

    def _convert(self, samples: Samples, *, last: bool) -> Samples:
        converted = self._stream.resample_chunk(samples.astype(np.float32), last=last)
        rounded: Samples = np.clip(np.rint(converted), -32768, 32767).astype(np.int16)
        return rounded
