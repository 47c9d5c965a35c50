"""Random tensors: activations stay sane through twenty layers, the sound is neither silent nor NaN."""

import re
import zlib
from dataclasses import dataclass
from typing import Final

import numpy as np

from chatttsd.engine.chattts.random_model import lengths
from chatttsd.engine.chattts.random_model.lengths import Array
from chatttsd.engine.chattts.random_model.vocabulary import SIZE, SPECIAL
from chatttsd.models.layout import AUDIO_TOKENS, BINS, CODEBOOKS, FFT, HIDDEN, MELS, Shape

TOKENS_PER_SECOND: Final = 24_000 / 512
ENDS: Final = ("plausible", "early", "never")
_EARLY: Final = 0.1
"""`early` gives this part of the audio that a text should get."""

_HEAD: Final = 64
"""Values of one attention head."""
_DOWN: Final = 0.7
"""Gain of the feed-forward part's last matrix: 20 layers make the residual grow about fourfold."""
_LOGIT: Final = 0.6
"""Standard deviation of the codes' logits: at temperature 0.3 a handful of codes are likely."""
_REFINED: Final = 2.25
"""Logit of [Ebreak]: among the twenty likeliest text tokens, so a refinement has a few dozen tokens."""
_GROWTH: Final = 0.7
"""What a layer adds to the mean square of the residual, which is 1 at first; less in a long text."""
_BIAS: Final = 0.05
_SPREAD: Final = 0.1
"""Standard deviations of biases, and of norm weights around 1."""
_LAYER_SCALE: Final = 0.2
"""How much a ConvNeXt block adds to what went in."""

_SAMPLE_RATE: Final = 24_000
_LOUDNESS: Final = 0.1
"""Root mean square of the sound."""
_TILT: Final = 2_500.0
"""Hz over which the sound's spectrum falls by a factor of e."""
_LOG_SPREAD: Final = 0.4
"""Standard deviation of the spectrum's natural logarithm over time."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """What a random model is made from; equal recipes give equal files."""

    layers: int = 20
    seed: int = 0
    rate: float = TOKENS_PER_SECOND
    """Audio tokens for a second of text, where `end` is `plausible`."""
    end: str = "plausible"
    """`plausible`; `early`: a tenth of it; `never`: the end code is impossible."""

    def __post_init__(self) -> None:
        if self.layers < 1 or self.seed < 0 or not self.rate > 0:
            raise ValueError(f"got {self}, allowed: layers from 1, seed from 0, rate above 0")
        if self.end not in ENDS:
            raise ValueError(f"end: got {self.end!r}, allowed: {', '.join(ENDS)}")

    def tensor(self, file: str, name: str, shape: Shape) -> Array:
        """Return one tensor of a file; it depends on no other: layer 0 is the same with 2 and 20 layers."""
        kind = "fixed" if name.endswith((".window", ".fb")) else file.rpartition("/")[2].split(".")[0]
        if kind == "fixed":
            return _hann() if name.endswith(".window") else mel_filters()
        noise = np.random.default_rng([self.seed, zlib.crc32(f"{file}:{name}".encode())])
        if kind == "model":
            return _gpt(noise, name, shape)
        if kind == "Embed":
            return self._embed(noise, name, shape)
        return _convolutional(noise, name, shape)

    def _embed(self, noise: np.random.Generator, name: str, shape: Shape) -> Array:
        if name.endswith("original0"):
            return self._head_lengths(name, shape)
        rows = _normal(noise, shape)
        if name.startswith("emb_text"):
            lengths.put_in_text(rows, self.rate * (_EARLY if self.end == "early" else 1.0))
        elif name.startswith("emb_code"):
            rows /= np.sqrt(CODEBOOKS)
            lengths.put_in_codes(rows, CODEBOOKS)
        else:
            rows[:, lengths.RESERVED] = 0.0
            row, direction = _end_of(name, self.end)
            rows[row] = direction
        return rows

    def _head_lengths(self, name: str, shape: Shape) -> Array:
        values = np.full(shape, _LOGIT, np.float32)
        row, _ = _end_of(name, self.end)
        refined = _REFINED * np.sqrt(1 + _GROWTH * self.layers)
        values[row] = refined if name.startswith("head_text") else lengths.end_row(self.end)[1]
        return values


def _end_of(name: str, end: str) -> tuple[int, Array]:
    """Return which row of a head ends what it draws, and its direction."""
    if name.startswith("head_text"):
        row = np.zeros(HIDDEN, np.float32)
        row[lengths.ONE] = 1.0
        return SIZE + SPECIAL.index("[Ebreak]"), row
    return AUDIO_TOKENS - 1, lengths.end_row(end)[0]


def _normal(noise: np.random.Generator, shape: Shape, scale: float = 1.0) -> Array:
    values = noise.standard_normal(shape, np.float32)
    if scale != 1.0:
        values *= np.float32(scale)
    return values


def _gpt(noise: np.random.Generator, name: str, shape: Shape) -> Array:
    if len(shape) == 1:
        weight = 1 + _normal(noise, shape, _SPREAD)
        weight[lengths.RESERVED] = 1.0
        return weight
    part = name.split(".")[-2][0]
    values = _normal(noise, shape, (_DOWN if part == "d" else 1.0) / np.sqrt(shape[1]))
    if part in "od":
        values[lengths.RESERVED] = 0.0
    else:
        values[:, lengths.RESERVED] = 0.0
    if re.match(r"layers\.0\.self_attn", name):
        lengths.average_head({part: values}, _HEAD)
    return values


def _convolutional(noise: np.random.Generator, name: str, shape: Shape) -> Array:
    """Return a tensor of the Decoder, the DVAE or Vocos."""
    if name == "coef":
        return noise.uniform(1.0, 3.0, shape).astype(np.float32)
    if name == "head.out.bias":
        return _spectrum_bias(noise)
    if name == "head.out.weight":
        scale = np.full((2 * BINS, 1), 1.0, np.float32)
        scale[:BINS] = _LOG_SPREAD
        return _normal(noise, shape, 1 / np.sqrt(shape[1])) * scale
    if name.endswith(".bias"):
        return _normal(noise, shape, _BIAS)
    if len(shape) == 1:
        scaled = "norm" not in name
        return (1 + _normal(noise, shape, _SPREAD)) * np.float32(_LAYER_SCALE if scaled else 1.0)
    return _normal(noise, shape, 1 / np.sqrt(np.prod(shape[1:])))


def _spectrum_bias(noise: np.random.Generator) -> Array:
    """Return the bias of Vocos's last layer: log magnitudes of a falling spectrum, then phases in radians."""
    frequency = np.arange(BINS) * (_SAMPLE_RATE / FFT)
    magnitude = np.exp(-frequency / _TILT)
    # Random phases give the inverse STFT a variance of 2 sum(m^2) / FFT^2 / (the squared windows' sum: 1.5).
    spread = np.exp(2 * _LOG_SPREAD**2)
    rms = np.sqrt(2 * np.square(magnitude).sum() * spread / FFT**2 / 1.5)
    log = np.log(magnitude * (_LOUDNESS / rms))
    phase = noise.uniform(-np.pi, np.pi, BINS)
    return np.concatenate([log, phase]).astype(np.float32)


def _hann() -> Array:
    return (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(FFT) / FFT)).astype(np.float32)


def mel_filters() -> Array:
    """Return torchaudio's HTK mel filters, float32 [bins, mels]."""
    top = 2595.0 * np.log10(1 + _SAMPLE_RATE / 2 / 700.0)
    corners = 700.0 * (10 ** (np.linspace(0.0, top, MELS + 2) / 2595.0) - 1)
    slopes = corners[None, :] - np.linspace(0, _SAMPLE_RATE // 2, BINS)[:, None]
    widths = np.diff(corners)
    falling = -slopes[:, :-2] / widths[:-1]
    rising = slopes[:, 2:] / widths[1:]
    return np.maximum(0.0, np.minimum(falling, rising)).astype(np.float32)
