"""Expected length of speech: right within a factor that a deadline can live with."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chatttsd.speech.expected import SHORTEST, expected_seconds

UNHURRIED = settings(
    deadline=None, suppress_health_check=[HealthCheck.too_slow]
)  # a busy machine is no fault


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("", SHORTEST),
        ("。", SHORTEST),
        ("你", SHORTEST),
        ("人人生而自由在尊严和权", 2.2),
        ("one two three four five six seven eight nine", 3.33),
        ("2026", 1.4),
        ("今天是2026年", 0.8 + 1.4),
        ("it's isn't", 0.74),
        ("x" * 300, 20),
        ("50%", 1.2),
        ("こんにちは", 1.0),
    ],
)
def test_known_lengths(text: str, seconds: float) -> None:
    assert expected_seconds(text) == pytest.approx(seconds, rel=0.02)


@UNHURRIED
@given(st.text(), st.floats(0.25, 4.0))
def test_faster_speech_is_shorter_in_proportion_but_never_below_the_least(text: str, rate: float) -> None:
    normal = expected_seconds(text)
    assert expected_seconds(text, rate) >= SHORTEST
    if min(normal, normal / rate) > SHORTEST:
        assert expected_seconds(text, rate) == pytest.approx(normal / rate)


@UNHURRIED
@given(st.text(), st.text())
def test_more_text_is_never_shorter(one: str, two: str) -> None:
    assert expected_seconds(f"{one} {two}") >= expected_seconds(one) - 1e-9


@pytest.mark.parametrize("rate", [0.0, -1.0, float("nan")])
def test_a_rate_that_is_no_rate_is_refused(rate: float) -> None:
    with pytest.raises(ValueError, match="allowed: a number above 0"):
        expected_seconds("hello", rate)
