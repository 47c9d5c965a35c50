"""espeak-ng's samples at the project's sample rate."""

from typing import Final

import numpy as np
import soxr
from numpy.typing import NDArray

from chatttsd.constants import SAMPLE_RATE

Samples = NDArray[np.int16]

_NOTHING: Final = np.zeros(0, np.int16)


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
