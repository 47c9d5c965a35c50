import numpy as np
import pytest
from numpy.typing import NDArray

from chatttsd.engine.espeak_sound import Resampler

Samples = NDArray[np.int16]


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
