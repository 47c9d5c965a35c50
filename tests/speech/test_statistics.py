"""Percentiles and counters."""

import pytest

from chatttsd.speech.statistics import Statistics, percentile


@pytest.mark.parametrize(
    ("values", "percent", "expected"),
    [
        ([], 50, 0.0),
        ([3.0], 99, 3.0),
        ([4.0, 1.0, 3.0, 2.0], 50, 2.0),
        ([float(n) for n in range(1, 101)], 95, 95.0),
    ],
)
def test_percentile_is_the_nearest_rank(values: list[float], percent: float, expected: float) -> None:
    assert percentile(values, percent) == expected


def test_snapshot_has_every_published_figure() -> None:
    statistics = Statistics()
    statistics.ended("finished")
    statistics.ended("cancelled")
    statistics.ended("finished")
    statistics.first_audio(0.010)
    statistics.stopped(0.020)
    statistics.synthesised(2.0, 0.5)
    statistics.synthesised(2.0, 0.5)
    statistics.underrun()
    statistics.restarted()
    statistics.cache.hits, statistics.cache.misses = 3, 1
    statistics.cache.bytes, statistics.cache.entries = 48_000, 2
    assert statistics.snapshot() == {
        "utterances": 3,
        "outcome_finished": 2,
        "outcome_cancelled": 1,
        "underruns": 1,
        "worker_restarts": 1,
        "real_time_factor": 0.25,
        "cache_hits": 3,
        "cache_misses": 1,
        "cache_bytes": 48_000,
        "cache_entries": 2,
        "cache_hit_rate": 0.75,
        **{f"first_audio_ms_p{p}": 10.0 for p in (50, 95, 99)},
        **{f"stop_ms_p{p}": 20.0 for p in (50, 95, 99)},
    }


def test_only_the_latest_latencies_count() -> None:
    statistics = Statistics()
    statistics.first_audio(9.0)
    for _ in range(512):
        statistics.first_audio(0.001)
    assert statistics.snapshot()["first_audio_ms_p99"] == 1.0


def test_a_cache_that_nobody_has_asked_has_a_rate_too() -> None:
    assert Statistics().snapshot()["cache_hit_rate"] == 0.0
