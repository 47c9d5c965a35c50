"""How far a stream is from one decode of the whole, for the settings that trade delay for exactness."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from chatttsd.engine.chattts.api import TOKENS_PER_SECOND
from chatttsd.engine.chattts.vocoder.network import Placement, open_reader
from chatttsd.engine.chattts.vocoder.spectrum import HOP, log_mel
from chatttsd.engine.chattts.vocoder.stream import StreamingVocoder, StreamSettings
from chatttsd.engine.chattts.vocoder.vocoder import FRAMES_PER_TOKEN, Vocoder
from chatttsd.models.layout import HIDDEN, VOCOS

Floats = NDArray[np.float32]
_DECIBELS: Final = 20 / np.log(10)
"""dB of a natural logarithm of amplitudes."""
_NO_ERROR: Final = 1e-20
"""Relative error power that stands for none: 200 dB."""


@dataclass(frozen=True, slots=True)
class Difference:
    """Between a sound and the reference that it should be."""

    snr_db: float
    """Power of the reference over that of the error."""
    max_abs: float
    """The largest error of a sample, where 1 is full scale."""
    log_mel_db: float
    """Root mean square of the difference of the mel spectra."""


class Ruler:
    """Measures differences; the mel filters are those in the model's folder."""

    def __init__(self, directory: Path) -> None:
        with open_reader(directory, VOCOS, Placement(torch.device("cpu"), torch.float32)) as vocos:
            self._window = vocos.read("feature_extractor.mel_spec.spectrogram.window")
            self._filters = vocos.read("feature_extractor.mel_spec.mel_scale.fb")

    def difference(self, found: Floats, reference: Floats) -> Difference:
        """Compare two sounds of one length."""
        error = found.astype(np.float64) - reference
        power = max(float(np.square(error).sum() / np.square(reference.astype(np.float64)).sum()), _NO_ERROR)
        mels = self._log_mel(found) - self._log_mel(reference)
        return Difference(
            snr_db=-10 * float(np.log10(power)),
            max_abs=float(np.abs(error).max()),
            log_mel_db=float(_DECIBELS * mels.square().mean().sqrt()),
        )

    def _log_mel(self, samples: Floats) -> Tensor:
        return log_mel(torch.from_numpy(samples), self._window, self._filters)


def sweep(
    vocoder: Vocoder, ruler: Ruler, hidden: Tensor, settings: Iterable[StreamSettings]
) -> list[tuple[StreamSettings, Difference]]:
    """Stream hidden states [n, 768] with each of the settings and compare with one decode of them all."""
    whole = vocoder.decode(hidden)
    return [(each, ruler.difference(stream_all(vocoder, hidden, each), whole)) for each in settings]


def stream_all(vocoder: Vocoder, hidden: Tensor, settings: StreamSettings) -> Floats:
    """Return the samples of a stream that is given all hidden states [n, 768]."""
    stream = StreamingVocoder(vocoder, settings)
    return np.concatenate([stream.push(hidden), stream.finish()])


def joins(settings: StreamSettings, tokens: int) -> list[int]:
    """Return the samples at which the chunks of a stream of that many tokens begin, but for the first."""
    ends = takewhile(lambda end: end <= tokens, settings.boundaries())
    return [HOP * FRAMES_PER_TOKEN * (end - settings.lookahead) for end in ends]


def _random(noise: np.random.Generator, tokens: int) -> Floats:
    return noise.standard_normal((tokens, HIDDEN), np.float32)


def _sines(noise: np.random.Generator, tokens: int) -> Floats:
    """Four sines of at most `_FASTEST` Hz in each value: what speech at most changes at."""
    seconds = np.arange(tokens)[:, None] / TOKENS_PER_SECOND
    waves = [
        np.sin(2 * np.pi * (noise.uniform(0, _FASTEST, HIDDEN) * seconds + noise.uniform(0, 1, HIDDEN)))
        for _ in range(_SINES)
    ]
    summed: Floats = (np.sum(waves, axis=0) / np.sqrt(_SINES / 2)).astype(np.float32)
    return summed


def _walk(noise: np.random.Generator, tokens: int) -> Floats:
    """Each value walks at random, and is drawn back to 0 within `_MEMORY` tokens."""
    steps, state = _random(noise, tokens), np.zeros(HIDDEN, np.float32)
    keep = 1 - 1 / _MEMORY
    for place, step in enumerate(steps):
        state = keep * state + np.sqrt(1 - keep**2) * step
        steps[place] = state
    return steps


_SINES: Final = 4
_FASTEST: Final = 8.0
_MEMORY: Final = 12
SYNTHETIC: Final[Mapping[str, Callable[[np.random.Generator, int], Floats]]] = {
    "random": _random,
    "sines": _sines,
    "walk": _walk,
}
"""Hidden states without a decoder: every token new, or smooth as those of speech are; variance 1."""


def synthetic_hidden(kind: str, tokens: int, seed: int = 0) -> Tensor:
    """Return hidden states [tokens, 768] of a kind in `SYNTHETIC`."""
    return torch.from_numpy(SYNTHETIC[kind](np.random.default_rng(seed), tokens))
