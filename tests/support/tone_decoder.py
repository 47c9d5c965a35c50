"""Reads back what the tone engine said, from a recording; finds the gaps and the onset of sound in one."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import soxr
from numpy.typing import NDArray

from chatttsd.constants import SAMPLE_RATE
from chatttsd.engine.tone import (
    END,
    FIRST_CYCLES,
    START,
    SYMBOLS_PER_CHARACTER,
    symbol_samples,
)

Samples = NDArray[np.int16]

_LIKE_START: Final = 0.9
"""Normalised correlation above which a place is a START marker."""
_PURE: Final = 0.6
"""Share of a symbol's energy that its strongest tone must have."""
_AUDIBLE: Final = 100.0
"""RMS below which a symbol is silence."""
_DATA: Final = range(FIRST_CYCLES, FIRST_CYCLES + 16)


@dataclass(frozen=True, slots=True)
class DecodedSegment:
    """What one request said and where; `complete` is False when its END marker is missing."""

    text: str
    start_sample: int
    end_sample: int
    complete: bool


def decode(pcm: Samples, rate: int = SAMPLE_RATE, speech_rate: float = 1.0) -> list[DecodedSegment]:
    """Find and read every segment that the tone engine said at `speech_rate`; positions count in `rate`."""
    sound = pcm.astype(np.float32)
    if rate != SAMPLE_RATE:
        sound = soxr.resample(sound, rate, SAMPLE_RATE)
    length = symbol_samples(speech_rate)
    starts = _starts(sound, length)
    limits = [*starts[1:], sound.size][: len(starts)]
    segments = [_read(sound[start:limit], start, length) for start, limit in zip(starts, limits, strict=True)]
    scale = rate / SAMPLE_RATE
    return [_scaled(segment, scale) for segment in segments]


def gaps(
    pcm: Samples, threshold: int = 200, min_ms: float = 5.0, rate: int = SAMPLE_RATE
) -> list[tuple[int, int]]:
    """List the stretches (start, end) inside the sound that stay within `threshold` for at least `min_ms`."""
    loud = np.flatnonzero(_loud(pcm, threshold))
    before = np.flatnonzero(np.diff(loud) - 1 >= min_ms * rate / 1000)
    return [(int(loud[index]) + 1, int(loud[index + 1])) for index in before]


def onset(pcm: Samples, threshold: int = 200) -> int | None:
    """Return the first sample over `threshold`, or None in silence."""
    loud = np.flatnonzero(_loud(pcm, threshold))
    return int(loud[0]) if loud.size else None


def _loud(pcm: Samples, threshold: int) -> NDArray[np.bool_]:
    return (pcm > threshold) | (pcm < -threshold)


def _starts(sound: NDArray[np.float32], length: int) -> list[int]:
    """Return where START markers begin, by normalised correlation."""
    phases = 2 * np.pi * np.arange(length) / length
    marker = np.concatenate([np.sin(cycles * phases) for cycles in START]).astype(np.float32)
    if sound.size < marker.size:
        return []
    likeness = _correlate(sound, marker) / (np.linalg.norm(marker) * _local_norm(sound, marker.size))
    found: list[int] = []
    candidates = np.flatnonzero(likeness > _LIKE_START)
    while candidates.size:
        near = candidates[candidates < candidates[0] + marker.size]
        found.append(int(near[np.argmax(likeness[near])]))
        candidates = candidates[candidates >= found[-1] + marker.size]
    return found


def _correlate(sound: NDArray[np.float32], marker: NDArray[np.float32]) -> NDArray[np.float64]:
    size = 1 << int(sound.size + marker.size).bit_length()
    product = np.fft.rfft(sound, size) * np.conj(np.fft.rfft(marker, size))
    return np.fft.irfft(product, size)[: sound.size - marker.size + 1]


def _local_norm(sound: NDArray[np.float32], window: int) -> NDArray[np.float64]:
    energy = np.concatenate([[0.0], np.cumsum(sound.astype(np.float64) ** 2)])
    floor = window * _AUDIBLE**2
    norm: NDArray[np.float64] = np.sqrt(np.maximum(energy[window:] - energy[:-window], floor))
    return norm


def _read(sound: NDArray[np.float32], offset: int, length: int) -> DecodedSegment:
    codes = _codes(sound, length)
    body = codes[len(START) :]
    complete = False
    for index in range(0, len(body), SYMBOLS_PER_CHARACTER):
        if tuple(body[index : index + len(END)]) == END:
            body, complete = body[:index], True
            break
    text = _text(body)
    symbols = len(START) + len(text) * SYMBOLS_PER_CHARACTER + (len(END) if complete else 0)
    return DecodedSegment(text, offset, offset + symbols * length, complete)


def _codes(sound: NDArray[np.float32], length: int) -> list[int]:
    """Return the cycles of each symbol, up to the first that is silent or no single tone."""
    count = sound.size // length
    symbols = sound[: count * length].reshape(count, length)
    tones = np.exp(-2j * np.pi * np.outer(np.arange(length), np.arange(max(START + END) + 1)) / length)
    power = 2 * np.abs(symbols @ tones) ** 2 / length
    energy = np.sum(symbols.astype(np.float64) ** 2, axis=1)
    best = np.argmax(power, axis=1)
    heard = energy > length * _AUDIBLE**2
    heard &= power[np.arange(count), best] > _PURE * energy
    end = count if heard.all() else int(np.argmin(heard))
    return [int(code) for code in best[:end]]


def _text(codes: list[int]) -> str:
    """Read whole characters until one is none."""
    characters = []
    for index in range(0, len(codes) - SYMBOLS_PER_CHARACTER + 1, SYMBOLS_PER_CHARACTER):
        group = codes[index : index + SYMBOLS_PER_CHARACTER]
        if not all(code in _DATA for code in group):
            break
        point = 0
        for code in group:
            point = point << 4 | (code - FIRST_CYCLES)
        if point > 0x10FFFF:
            break
        characters.append(chr(point))
    return "".join(characters)


def _scaled(segment: DecodedSegment, scale: float) -> DecodedSegment:
    start, end = round(segment.start_sample * scale), round(segment.end_sample * scale)
    return DecodedSegment(segment.text, start, end, segment.complete)
