"""The inverse STFT of Vocos hop by hop, so that a stream can be made of it without an error at its edges.

Sample 0 is the middle of frame 0 ("center"). Hop h, the samples from h * HOP, is the sum of a quarter of each
of the frames h - 1 .. h + 2; frames before the first and after the last do not exist and do not count in the
normalisation either. n frames make n - 1 hops.
"""

from typing import Final

import torch
from torch import Tensor

from chatttsd.models.layout import BINS, FFT

HOP: Final = 256
"""Samples from one frame to the next."""
QUARTERS: Final = FFT // HOP
BEFORE: Final = 1
"""Frames before frame h that hop h needs."""
AFTER: Final = QUARTERS - BEFORE - 1
"""Frames after frame h that hop h needs."""
_QUIETEST: Final = 1e-5
"""Mel magnitudes below it count as this."""
_LOUDEST: Final = 100.0
"""Magnitudes are cut here, as upstream does."""


class Synthesis:
    """Makes samples of spectra; `window` is [FFT]."""

    def __init__(self, window: Tensor) -> None:
        self._window = window
        self._quarters = window.square().reshape(QUARTERS, HOP)

    def frames(self, spectra: Tensor) -> Tensor:
        """Return the windowed frames [n, FFT] of [n, 2 * BINS] (log magnitude, then phase in radians)."""
        magnitude = spectra[:, :BINS].exp().clamp(max=_LOUDEST)
        waves = torch.fft.irfft(torch.polar(magnitude, spectra[:, BINS:].contiguous()), FFT)
        windowed: Tensor = waves * self._window
        return windowed

    def hops(self, frames: Tensor, *, first: bool, last: bool) -> Tensor:
        """Return the samples [k * HOP] of k hops from their frames [k + BEFORE + AFTER, FFT].

        `first`, `last`: the first frame is one before the sound, the last is one after it; both are zeros.
        """
        count = len(frames) - BEFORE - AFTER
        parts = frames.reshape(-1, QUARTERS, HOP)
        samples = parts[:count, QUARTERS - 1].clone()
        for quarter in range(QUARTERS - 1):
            start = QUARTERS - 1 - quarter
            samples += parts[start : start + count, quarter]
        weights = self._quarters.sum(0).expand(count, HOP).clone()
        if first:
            weights[0] -= self._quarters[QUARTERS - 1]
        if last:
            weights[-1] -= self._quarters[0]
        return samples.div_(weights).flatten()


def silent_frames(count: int, like: Tensor) -> Tensor:
    """Return frames of zeros, [count, FFT]."""
    return like.new_zeros(count, FFT)


def log_mel(samples: Tensor, window: Tensor, filters: Tensor) -> Tensor:
    """Return the log mel magnitudes [1 + n // 256, mels] of samples [n]; filters are [bins, mels]."""
    spectrum = torch.stft(
        samples, FFT, HOP, window=window, center=True, pad_mode="reflect", return_complex=True
    ).abs()
    return (spectrum.t() @ filters).clamp(min=_QUIETEST).log()
