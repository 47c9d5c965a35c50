"""Loudness as the standard has it, measured beside somebody else's code."""

import math

import numpy as np
import pyloudnorm
import pytest
from numpy.typing import NDArray

from chatttsd.constants import SAMPLE_RATE
from chatttsd.engine.post.loudness import BLOCK, level_of, loudness, power_of
from support.ear import spoken

Samples = NDArray[np.int16]


def sine(hertz: float, height: float, seconds: float = 3.0) -> Samples:
    axis = np.arange(int(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    return np.rint(32767 * height * np.sin(2 * np.pi * hertz * axis)).astype(np.int16)


def powers(samples: Samples) -> list[float]:
    return [power_of(samples[start : start + BLOCK]) for start in range(0, samples.size - BLOCK + 1, BLOCK)]


def theirs(samples: Samples) -> float:
    return float(pyloudnorm.Meter(SAMPLE_RATE).integrated_loudness(samples / 32768))


def test_a_sine_of_997_hz_at_full_scale_is_at_minus_3_lufs() -> None:
    assert loudness(powers(sine(997, 1.0))) == pytest.approx(-3.01, abs=0.05)


@pytest.mark.parametrize("hertz", [60, 150, 400, 1000, 2500, 6000, 11_000])
@pytest.mark.parametrize("height", [0.01, 0.5])
def test_any_tone_is_as_loud_as_by_the_other_code(hertz: float, height: float) -> None:
    tone = sine(hertz, height)
    assert loudness(powers(tone)) == pytest.approx(theirs(tone), abs=0.15)


@pytest.mark.parametrize(
    ("language", "text"),
    [("zh", "今天天气很好，我们一起去公园散步吧。"), ("en", "The quick brown fox, and then a lazy dog.")],
)
def test_speech_with_pauses_is_as_loud_as_by_the_other_code(language: str, text: str) -> None:
    speech = spoken(text, language)
    sound = np.pad(speech, (3 * SAMPLE_RATE, 2 * SAMPLE_RATE))
    assert loudness(powers(sound)) == pytest.approx(theirs(sound), abs=0.2)


def test_silence_has_no_loudness_and_lowers_none() -> None:
    assert loudness([]) == -math.inf
    assert loudness(powers(np.zeros(SAMPLE_RATE, np.int16))) == -math.inf
    assert level_of(0.0) == -math.inf
    tone = powers(sine(997, 0.1))
    assert loudness(tone + [0.0] * 100) == pytest.approx(loudness(tone), abs=0.3)


def test_a_sound_shorter_than_a_gating_block_is_measured_all_the_same() -> None:
    assert loudness(powers(sine(997, 0.1, 0.1))) == pytest.approx(-23.01, abs=0.2)


@pytest.mark.parametrize("size", [1, 2, 999, BLOCK])
def test_a_block_of_any_size_has_a_power(size: int) -> None:
    assert power_of(np.full(size, 1000, np.int16)) >= 0
