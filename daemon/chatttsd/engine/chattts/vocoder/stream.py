"""The vocoder as a stream: samples while tokens are still being drawn, at the same cost for each second.

Tokens are taken in chunks whose ends depend on the count of tokens only, so equal tokens give equal samples
in whatever pieces they come. A chunk's samples are final up to `lookahead` tokens before its end; the next
chunk makes them anew from there, and the two are blended over `crossfade` samples. The blend is linear: both
are the same sound but for a small error, so amplitudes add; equal power, made for sounds that are unlike,
would swell by 3 dB in the middle.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate, chain, repeat
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from chatttsd.engine.chattts.vocoder.spectrum import HOP
from chatttsd.engine.chattts.vocoder.vocoder import FRAMES_PER_TOKEN, Vocoder
from chatttsd.models.layout import HIDDEN

_INCOMPLETE: Final = 2
"""Hops before the end of the known frames that lack one."""


@dataclass(frozen=True, slots=True)
class StreamSettings:
    """How a stream is cut; the defaults are chosen by `python tests/bench/vocoder.py`."""

    lookahead: int = 8
    """Tokens (21.3 ms each) that must follow a sample before it is final; 2 at least."""
    settle: int = 8
    """Tokens that must follow before a layer keeps its output for good; `lookahead` at least."""
    chunks: tuple[int, ...] = (12, 16, 24, 32, 48, 64)
    """Tokens that become sound at a time; the last number repeats. They grow slowly enough for tokens
    drawn 1.5 times as fast as they sound never to let the sound run dry."""
    crossfade: int = 192
    """Samples of a seam (24 a ms), 0 for none; it must fit between a chunk's final samples and its end."""

    def __post_init__(self) -> None:
        if not 2 <= self.lookahead <= self.settle:
            raise ValueError(
                f"lookahead {self.lookahead}, settle {self.settle}: allowed is 2 <= lookahead <= settle"
            )
        if not self.chunks or min(self.chunks) < 1:
            raise ValueError(f"chunks {self.chunks}: allowed are numbers from 1, at least one")
        if not 0 <= self.crossfade <= self._longest_crossfade():
            raise ValueError(
                f"crossfade {self.crossfade}: allowed are 0 to {self._longest_crossfade()} samples"
            )

    def _longest_crossfade(self) -> int:
        known = FRAMES_PER_TOKEN * self.lookahead - _INCOMPLETE
        return HOP * min(known, FRAMES_PER_TOKEN * min(self.chunks))

    def boundaries(self) -> Iterator[int]:
        """Yield the numbers of tokens at which chunks end, without end."""
        sizes = chain(self.chunks, repeat(self.chunks[-1]))
        return (self.lookahead + tokens for tokens in accumulate(sizes))


class StreamingVocoder:
    """One segment's samples as its tokens come; to cancel, drop it. Used from one thread.

    All that `push` and `finish` return is (2n - 1) * 256 float32 samples for n tokens. NaN in a hidden state
    comes out as NaN samples around its place, at most 52 tokens to either side.
    """

    def __init__(self, vocoder: Vocoder, settings: StreamSettings | None = None) -> None:
        self._settings = settings or StreamSettings()
        self._segment = vocoder.segment(FRAMES_PER_TOKEN * self._settings.settle)
        self._boundaries = self._settings.boundaries()
        self._boundary = next(self._boundaries)
        self._waiting = torch.zeros(0, HIDDEN)
        self._taken = 0
        self._faded = np.zeros(0, np.float32)
        self._fade = _fade_in(self._settings.crossfade)

    def boundaries(self) -> Iterator[int]:
        """Yield the numbers of tokens at which a push makes samples."""
        return self._settings.boundaries()

    def push(self, hidden: Tensor) -> NDArray[np.float32]:
        """Take the next hidden states [n, 768]; returns the samples that have become final, often none."""
        self._waiting = torch.cat((self._waiting.to(hidden), hidden.detach()))
        ready = []
        while self._taken + len(self._waiting) >= self._boundary:
            ready.append(self._chunk())
            self._boundary = next(self._boundaries)
        return np.concatenate(ready) if ready else np.zeros(0, np.float32)

    def finish(self) -> NDArray[np.float32]:
        """Return the samples that are left; nothing may be pushed after it."""
        return self._blend(self._segment.advance(self._take(len(self._waiting)), 0, last=True).cpu().numpy())

    def _chunk(self) -> NDArray[np.float32]:
        hidden = self._take(self._boundary - self._taken)
        ahead = FRAMES_PER_TOKEN * self._settings.lookahead
        more = -(-self._settings.crossfade // HOP)
        samples = self._segment.advance(hidden, ahead, last=False, more=more).cpu().numpy()
        final = len(samples) - more * HOP
        sound = self._blend(samples[:final])
        self._faded = samples[final : final + self._settings.crossfade]
        return sound

    def _take(self, count: int) -> Tensor:
        taken, self._waiting = self._waiting[:count], self._waiting[count:]
        self._taken += count
        return taken

    def _blend(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """Go over from the last chunk's version of the first samples to this one's."""
        if len(self._faded):
            head = samples[: len(self._faded)]
            head[:] = self._faded + self._fade * (head - self._faded)
        return samples


def _fade_in(length: int) -> NDArray[np.float32]:
    """Weights of the newer version, rising from above 0 to below 1."""
    return (np.arange(1, length + 1, dtype=np.float32) / (length + 1)).astype(np.float32)
