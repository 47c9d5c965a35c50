"""Attribute values as factors and seconds."""

import pytest

from chatttsd.speech.ssml_values import (
    break_seconds,
    emphasis_factors,
    pitch_factor,
    rate_factor,
    volume_factor,
)

NONSENSE = ["", "fastest", "1e3", "--1", "+", "%", "1.2.3", "nan", "inf", "１２", "9" * 400, "1 2", "5lux"]


@pytest.mark.parametrize("value", NONSENSE)
def test_nonsense_means_nothing(value: str) -> None:
    assert (rate_factor(value), pitch_factor(value), volume_factor(value)) == (None, None, None)
    assert break_seconds(value, None) == break_seconds(None, "medium")


@pytest.mark.parametrize(
    ("value", "factor"),
    [
        ("x-slow", 0.5),
        ("medium", 1.0),
        ("x-fast", 1.8),
        ("80%", 0.8),
        ("+20%", 1.2),
        ("-20%", 0.8),
        ("-200%", 0.0),
        ("1.5", 1.5),
        (".5", 0.5),
        ("+0.5", 1.5),
        ("120", None),
        ("2s", None),
    ],
)
def test_rates(value: str, factor: float | None) -> None:
    assert rate_factor(value) == (factor if factor is None else pytest.approx(factor))


@pytest.mark.parametrize(
    ("value", "factor"),
    [
        ("x-low", 0.65),
        ("high", 1.25),
        ("+12st", 2.0),
        ("-12st", 0.5),
        ("+10%", 1.1),
        ("-10%", 0.9),
        ("300hz", 2.0),
        ("+75 hz", 1.5),
        ("-999hz", 0.0),
        ("1.2", 1.2),
        ("200", None),
    ],
)
def test_pitches(value: str, factor: float | None) -> None:
    assert pitch_factor(value) == (factor if factor is None else pytest.approx(factor))


@pytest.mark.parametrize(
    ("value", "factor"),
    [
        ("silent", 0.0),
        ("x-loud", 2.0),
        ("+6db", 1.995),
        ("-20db", 0.1),
        ("50", 0.5),
        ("100", 1.0),
        ("400", 1.0),
        ("+10", 1.1),
        ("-200", 0.0),
        ("50%", 0.5),
        ("-50%", 0.5),
    ],
)
def test_volumes(value: str, factor: float) -> None:
    assert volume_factor(value) == pytest.approx(factor, abs=0.001)


def test_a_time_goes_before_a_strength() -> None:
    assert break_seconds("250 ms", "x-strong") == 0.25
    assert break_seconds("-1s", "weak") == 0.2
    assert break_seconds("5", "weak") == 0.2
    assert break_seconds("999999s", None) == 10.0
    assert break_seconds(None, "what") == break_seconds(None, None)


def test_emphasis_is_moderate_unless_it_is_told() -> None:
    assert emphasis_factors(None) == emphasis_factors("huge") == emphasis_factors("moderate")
    assert emphasis_factors(" STRONG ")[1] > 1 > emphasis_factors("reduced")[1]
