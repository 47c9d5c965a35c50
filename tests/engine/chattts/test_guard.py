"""The guard: what is plausible for a text, and what is no speech."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chatttsd.constants import SAMPLE_RATE
from chatttsd.engine.chattts.api import TOKENS_PER_SECOND
from chatttsd.engine.chattts.guard import (
    MOST_TOKENS,
    SILENT_RMS,
    Bounds,
    Fault,
    SoundJudge,
    bounds,
    judge_length,
)
from chatttsd.engine.chattts.trimming import QUIET_RMS, Trimmer

UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
ZH = "人人生而自由在尊严和权利上一律平等"
"""17 characters, 3.4 s."""


def noise(seconds: float, level: float = 0.1) -> "np.ndarray[tuple[int], np.dtype[np.float32]]":
    drawn = np.random.default_rng(0).standard_normal(int(seconds * SAMPLE_RATE)) * level
    return drawn.astype(np.float32)


def test_the_bounds_are_shares_of_what_the_text_suggests() -> None:
    expected = 17 / 5 * TOKENS_PER_SECOND
    allowed = bounds([ZH])
    assert allowed.shortest == pytest.approx(0.4 * expected, abs=1)
    assert allowed.longest == pytest.approx(2.5 * expected + TOKENS_PER_SECOND, abs=1)


def test_a_number_counts_as_it_is_written_and_as_it_is_spoken() -> None:
    # Seven digits would be 2.5 s, the three words 1 s: neither may forbid what the other allows.
    both = bounds(["1000000", "一百万"])
    assert both.shortest == bounds(["一百万"]).shortest
    assert both.longest == bounds(["1000000"]).longest


@pytest.mark.parametrize("rate", [0.5, 2.0])
def test_a_rate_only_widens_the_bounds(rate: float) -> None:
    normal, changed = bounds([ZH]), bounds([ZH], rate)
    assert changed.shortest <= normal.shortest
    assert changed.longest >= normal.longest
    assert changed != normal


@pytest.mark.parametrize("text", ["", "嗯", "a", "OK"])
def test_a_very_short_text_may_take_from_a_breath_to_more_than_a_second(text: str) -> None:
    allowed = bounds([text])
    assert allowed.shortest <= 7
    assert 1.5 * TOKENS_PER_SECOND <= allowed.longest <= 3 * TOKENS_PER_SECOND


@UNHURRIED
@given(st.text(max_size=3000), st.floats(0.25, 4.0))
def test_no_text_asks_for_more_than_the_model_can(text: str, rate: float) -> None:
    allowed = bounds([text], rate)
    assert 0 <= allowed.shortest < allowed.longest <= MOST_TOKENS


@pytest.mark.parametrize(
    ("tokens", "ended", "fault"),
    [
        (10, True, None),
        (100, True, None),
        (9, True, Fault.TOO_SHORT),
        (0, True, Fault.TOO_SHORT),
        (101, True, Fault.TOO_LONG),
        (100, False, Fault.TOO_LONG),
        (50, False, Fault.TOO_LONG),
    ],
)
def test_length(tokens: int, ended: bool, fault: Fault | None) -> None:
    assert judge_length(tokens, ended, Bounds(10, 100)) is fault


def test_speech_with_pauses_is_no_fault() -> None:
    judge = SoundJudge()
    for part in (noise(0.5), noise(2.5, 0), noise(0.5), noise(2.9, SILENT_RMS / 10), noise(0.1)):
        assert judge.feed(part) is None
    assert judge.finish() is None


def test_a_pause_of_more_than_three_seconds_is_found_when_it_is_that_long() -> None:
    judge = SoundJudge()
    assert judge.feed(noise(1)) is None
    faults = [judge.feed(noise(0.1, 0)) for _ in range(40)]
    assert faults.index(Fault.SILENT) == 30
    assert judge.finish() is Fault.SILENT


def test_a_pause_inside_one_chunk_is_found() -> None:
    sound = np.concatenate([noise(1), noise(3.2, 0), noise(1)])
    assert SoundJudge().feed(sound) is Fault.SILENT


def test_silence_throughout_is_found_at_the_end_however_short() -> None:
    judge = SoundJudge()
    assert judge.feed(noise(0.3, SILENT_RMS / 2)) is None
    assert judge.finish() is Fault.SILENT


def test_sound_that_is_trimmed_away_whole_is_silent() -> None:
    hum = noise(2, QUIET_RMS * 0.8)
    trimmer = Trimmer()
    assert trimmer.feed(hum).size + trimmer.finish().size == 0
    judge = SoundJudge()
    assert judge.feed(hum) is None
    assert judge.finish() is Fault.SILENT


def test_nothing_at_all_is_silent() -> None:
    assert SoundJudge().finish() is Fault.SILENT


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_one_sample_that_is_no_number_breaks_the_segment_for_good(bad: float) -> None:
    sound = noise(0.2)
    sound[77] = bad
    judge = SoundJudge()
    assert judge.feed(noise(0.2)) is None
    assert judge.feed(sound) is Fault.BROKEN
    assert judge.feed(noise(0.2)) is Fault.BROKEN
    assert judge.finish() is Fault.BROKEN
