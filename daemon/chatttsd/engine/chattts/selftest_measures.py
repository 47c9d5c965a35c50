"""What the self-test measures of a sentence, and of two versions of one sound, and its verdicts."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

from chatttsd.constants import SAMPLE_RATE
from chatttsd.engine.chattts.trimming import QUIET_RMS
from chatttsd.speech.expected import expected_seconds

Floats = NDArray[np.float32]

OK: Final = "ok"
_BLOCK: Final = SAMPLE_RATE // 100
_FFT: Final = 1024
_HOP: Final = 256
_MELS: Final = 80
_FLOOR: Final = 1e-5
"""Magnitudes below this count as this: -100 dB."""
_SHORTEST_SHARE: Final = 0.5
_LONGEST_SHARE: Final = 2.0
_QUIETEST_DB: Final = -40.0
_LOUDEST_DB: Final = -8.0
_LONGEST_HEAD_SECONDS: Final = 0.8
_LONGEST_TAIL_SECONDS: Final = 1.0


@dataclass(frozen=True, slots=True)
class Heard:
    """The figures of one spoken sentence."""

    seconds: float
    seconds_a_character: float
    share: float
    """Of the length that the text suggests; 1 is as expected."""
    energy_db: float
    """RMS of what is between head and tail, dBFS."""
    head_seconds: float
    """Silence before the speech."""
    tail_seconds: float
    """Silence after it."""
    retries: int
    fault: str = ""
    """What the guard says of the last attempt."""

    @property
    def verdict(self) -> str:
        """`ok`, or `look: ` and why."""
        return _verdict(
            {
                self.fault: bool(self.fault),
                f"made again {self.retries} times": self.retries > 0,
                "short for its text": self.share < _SHORTEST_SHARE,
                "long for its text": self.share > _LONGEST_SHARE,
                "quiet": self.energy_db < _QUIETEST_DB,
                "loud": self.energy_db > _LOUDEST_DB,
                "a long silence before it": self.head_seconds > _LONGEST_HEAD_SECONDS,
                "a long silence after it": self.tail_seconds > _LONGEST_TAIL_SECONDS,
            }
        )


@dataclass(frozen=True, slots=True)
class Drift:
    """How far one version is from another of the same tokens."""

    name: str
    cosine: float
    """Mean over all tokens of the hidden states' cosine; 1 is equal."""
    worst_cosine: float
    mel_db: float
    """Mean distance of the log-mel spectra of the sound, dB."""
    least_cosine: float
    """What `cosine` should be at least."""
    most_mel_db: float

    @property
    def verdict(self) -> str:
        """`ok`, or `look: ` and why."""
        return _verdict(
            {
                f"cosine below {self.least_cosine}": not self.cosine >= self.least_cosine,
                f"more than {self.most_mel_db} dB": not self.mel_db <= self.most_mel_db,
            }
        )


def _verdict(reasons: dict[str, bool]) -> str:
    why = ", ".join(reason for reason, holds in reasons.items() if holds)
    return f"look: {why}" if why else OK


def heard(text: str, samples: Floats, retries: int, fault: str = "") -> Heard:
    """Return the figures of a sentence's untrimmed samples in -1..1."""
    seconds = samples.size / SAMPLE_RATE
    head, tail = silence(samples)
    inner = samples[int(head * SAMPLE_RATE) : samples.size - int(tail * SAMPLE_RATE)]
    characters = sum(character.isalnum() for character in text)
    return Heard(
        seconds,
        seconds / max(1, characters),
        (seconds - head - tail) / expected_seconds(text),
        decibels(inner),
        head,
        tail,
        retries,
        fault,
    )


def silence(samples: Floats) -> tuple[float, float]:
    """Return the seconds before the first and after the last 10 ms that are no silence."""
    whole = samples.size // _BLOCK * _BLOCK
    levels = np.sqrt(np.square(samples[:whole]).reshape(-1, _BLOCK).mean(axis=1))
    loud = np.flatnonzero(levels > QUIET_RMS)
    if not loud.size:
        return samples.size / SAMPLE_RATE, 0.0
    return loud[0] * _BLOCK / SAMPLE_RATE, (whole - (loud[-1] + 1) * _BLOCK) / SAMPLE_RATE


def decibels(samples: Floats) -> float:
    """Return the RMS of samples in dBFS, at least -100."""
    rms = math.sqrt(float(np.square(samples, dtype=np.float64).mean())) if samples.size else 0.0
    return 20 * math.log10(max(rms, _FLOOR)) if math.isfinite(rms) else math.nan


def cosines(one: torch.Tensor, other: torch.Tensor) -> Sequence[float]:
    """Return the cosine of every row of [n, hidden]."""
    found: list[float] = torch.nn.functional.cosine_similarity(one, other, dim=1).tolist()
    return found


def mel_distance(one: Floats, other: Floats) -> float:
    """Return the mean absolute difference of two sounds' log-mel spectra in dB; they are of one length."""
    return float(np.abs(_log_mel(one) - _log_mel(other)).mean())


def _log_mel(samples: Floats) -> Floats:
    """Return [frames, mels] in dB."""
    padded = np.pad(samples, (0, max(0, _FFT - samples.size)))
    frames = np.lib.stride_tricks.sliding_window_view(padded, _FFT)[::_HOP]
    magnitudes = np.abs(np.fft.rfft(frames * np.hanning(_FFT), axis=1)) / _FFT
    mels: Floats = 20 * np.log10(np.maximum(magnitudes @ _filters(), _FLOOR))
    return mels


def _filters() -> Floats:
    """Return triangles on the mel scale, [_FFT / 2 + 1, _MELS]; mel = 2595 log10(1 + f / 700)."""
    top = 2595 * np.log10(1 + SAMPLE_RATE / 2 / 700)
    edges = 700 * (10 ** (np.linspace(0, top, _MELS + 2) / 2595) - 1)
    frequencies = np.linspace(0, SAMPLE_RATE / 2, _FFT // 2 + 1)[:, None]
    rising = (frequencies - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - frequencies) / (edges[2:] - edges[1:-1])
    triangles: Floats = np.maximum(0, np.minimum(rising, falling)).astype(np.float32)
    return triangles
