"""Silence at head and tail, and int16."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from chatttsd.constants import SAMPLE_RATE
from chatttsd.engine.chattts.trimming import (
    HEAD_SECONDS,
    HELD_SECONDS,
    QUIET_RMS,
    TAIL_SECONDS,
    Trimmer,
    to_int16,
)

UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=50)
MILLISECOND = SAMPLE_RATE // 1000


def sound(milliseconds: int, level: float = 0.1) -> NDArray[np.float32]:
    signs = np.where(np.arange(milliseconds * MILLISECOND) % 2, 1, -1)
    return (signs * level).astype(np.float32)


def trimmed(*parts: NDArray[np.float32]) -> NDArray[np.float32]:
    trimmer = Trimmer()
    return np.concatenate([*(trimmer.feed(part) for part in parts), trimmer.finish()])


def test_silence_before_and_after_is_cut_to_the_margins() -> None:
    kept = trimmed(sound(700, QUIET_RMS / 3), sound(500), sound(250, 0))
    assert kept.size == pytest.approx(SAMPLE_RATE * (HEAD_SECONDS + 0.5 + TAIL_SECONDS))
    assert np.array_equal(kept[int(HEAD_SECONDS * SAMPLE_RATE) :][: 500 * MILLISECOND], sound(500))


def test_a_long_silence_at_the_tail_is_not_held_back_for_ever() -> None:
    kept = trimmed(sound(500), sound(1000, 0))
    assert kept.size == pytest.approx(SAMPLE_RATE * (0.5 + 1.0 - HELD_SECONDS + TAIL_SECONDS))


def test_a_pause_inside_stays_as_it_is() -> None:
    parts = (sound(100), sound(900, 0), sound(100))
    assert np.array_equal(trimmed(*parts), np.concatenate(parts))


def test_silence_alone_is_nothing() -> None:
    assert trimmed(sound(400, 0)).size == 0
    assert trimmed().size == 0


def test_sound_goes_out_as_soon_as_it_comes() -> None:
    trimmer = Trimmer()
    assert trimmer.feed(sound(300, 0)).size == 0
    assert trimmer.feed(sound(50)).size == (20 + 50) * MILLISECOND


@UNHURRIED
@given(st.lists(st.integers(0, 5000), max_size=8), st.integers(0, 2000), st.integers(0, 9000))
def test_the_result_does_not_depend_on_the_chunks(cuts: list[int], before: int, after: int) -> None:
    whole = np.concatenate([np.zeros(before), sound(137), np.zeros(4000), sound(61), np.zeros(after)])
    whole = whole.astype(np.float32)
    parts = np.split(whole, np.minimum(np.cumsum(cuts, dtype=np.int64), whole.size))
    assert np.array_equal(trimmed(*parts), trimmed(whole))


def test_floats_become_int16_and_what_is_too_loud_is_limited() -> None:
    samples = np.array([0, 1, -1, 0.5, 3, -3], np.float32)
    assert to_int16(samples).tolist() == [0, 32767, -32767, 16384, 32767, -32767]
