import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from chatttsd.engine.espeak_sound import QUIET, Resampler, SilenceTrimmer

Samples = NDArray[np.int16]


def trimmed(parts: list[Samples], margin: int) -> Samples:
    trimmer = SilenceTrimmer(margin)
    return np.concatenate([*(trimmer.feed(part) for part in parts), trimmer.finish()])


def split(samples: Samples, cuts: list[int]) -> list[Samples]:
    return list(np.split(samples, sorted(min(cut, samples.size) for cut in cuts)))


@given(
    before=st.integers(0, 60),
    after=st.integers(0, 60),
    hole=st.integers(0, 60),
    margin=st.integers(0, 30),
    cuts=st.lists(st.integers(0, 200), max_size=6),
)
def test_only_the_silence_at_the_ends_goes_wherever_the_stream_is_cut(
    before: int, after: int, hole: int, margin: int, cuts: list[int]
) -> None:
    quiet, loud = np.int16(QUIET), np.int16(-QUIET - 1)
    sound = [np.full(9, loud), np.full(hole, quiet), np.full(7, -loud)]
    stream = np.concatenate([np.full(before, quiet), *sound, np.full(after, quiet)]).astype(np.int16)
    result = trimmed(split(stream, cuts), margin)
    first, last = min(before, margin), min(after, margin)
    assert np.array_equal(result, stream[before - first : stream.size - after + last])


def test_silence_alone_becomes_nothing() -> None:
    assert trimmed([np.zeros(1000, np.int16)], 10).size == 0
    assert trimmed([], 10).size == 0


def test_the_loudest_negative_sample_is_loud() -> None:
    assert trimmed([np.array([-32768], np.int16)], 0).tolist() == [-32768]


@pytest.mark.parametrize("size", [1, 110, 1323, 50_000])
def test_a_tone_keeps_its_length_place_and_shape(size: int) -> None:
    source = (10_000 * np.sin(2 * np.pi * 997 * np.arange(22_050) / 22_050)).astype(np.int16)
    resampler = Resampler(22_050)
    parts = [resampler.feed(source[start : start + size]) for start in range(0, source.size, size)]
    result = np.concatenate([*parts, resampler.finish()])
    assert abs(result.size - 24_000) <= 1
    expected = 10_000 * np.sin(2 * np.pi * 997 * np.arange(result.size) / 24_000)
    error = (result - expected)[500:-500]
    assert np.sqrt(np.mean(error**2)) < 10


def test_full_scale_does_not_wrap_around() -> None:
    source = np.where(np.arange(4410) % 100 < 50, 32767, -32768).astype(np.int16)
    resampler = Resampler(22_050)
    result = np.concatenate([resampler.feed(source), resampler.finish()]).astype(int)
    assert np.abs(np.diff(result)).max() < 60_000
    assert result.max() == 32767


def test_the_same_samples_come_out_each_time() -> None:
    source = np.random.default_rng(3).integers(-9000, 9000, 5000).astype(np.int16)
    results = []
    for _ in range(5):
        resampler = Resampler(22_050)
        results.append(np.concatenate([resampler.feed(source), resampler.finish()]))
    assert all(np.array_equal(result, results[0]) for result in results)
