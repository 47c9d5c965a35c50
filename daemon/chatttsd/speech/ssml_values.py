"""The values that attributes of SSML may have, as factors and seconds; None for what means nothing."""

import re
from typing import Final

RATES: Final = (0.25, 4.0)
PITCHES: Final = (0.5, 2.0)
VOLUMES: Final = (0.0, 4.0)
"""The least and greatest factor of all nested elements together."""
LONGEST_BREAK: Final = 10.0
"""Seconds."""
USUAL_PITCH: Final = 150.0
"""Hz: what pitches in Hz are taken relative to, since a voice does not tell its own."""

_RATE_NAMES: Final = {"x-slow": 0.5, "slow": 0.75, "medium": 1.0, "fast": 1.4, "x-fast": 1.8}
_PITCH_NAMES: Final = {"x-low": 0.65, "low": 0.8, "medium": 1.0, "high": 1.25, "x-high": 1.5}
_VOLUME_NAMES: Final = {
    "silent": 0.0, "x-soft": 0.3, "soft": 0.6, "medium": 1.0, "loud": 1.4, "x-loud": 2.0,
}  # fmt: skip
_STRENGTHS: Final = {
    "none": 0.0, "x-weak": 0.1, "weak": 0.2, "medium": 0.4, "strong": 0.8, "x-strong": 1.2,
}  # fmt: skip
_EMPHASES: Final = {
    "strong": (0.9, 1.15, 1.3),
    "moderate": (0.95, 1.08, 1.15),
    "none": (1.0, 1.0, 1.0),
    "reduced": (1.05, 0.95, 0.8),
}
"""Factors of rate, pitch and volume."""

_QUANTITY: Final = re.compile(r"([+-]?)(\d{1,6}(?:\.\d{0,6})?|\.\d{1,6})\s?(%|st|hz|db|ms|s|)", re.ASCII)
_GREATEST_FACTOR: Final = 10.0
"""A bare number above it is no factor: `150` is a rate in words per minute, or a pitch in Hz."""
_FULL_VOLUME: Final = 100.0
_SEMITONES: Final = 12
_DECIBELS: Final = 20
_PERCENT: Final = 100.0
_MILLISECONDS: Final = 1000.0


def rate_factor(value: str) -> float | None:
    """Return the factor of `slow`, `80%`, `+20%` or `1.2`."""
    return _RATE_NAMES.get(value) if value in _RATE_NAMES else _factor(value)


def pitch_factor(value: str) -> float | None:
    """Return the factor of `high`, `+2st`, `-10%`, `+20Hz`, `180Hz` or `1.2`."""
    if value in _PITCH_NAMES:
        return _PITCH_NAMES[value]
    sign, number, unit = _quantity(value)
    if unit == "st":
        return float(2.0 ** (_signed(sign, number) / _SEMITONES))
    if unit == "hz":
        return max(0.0, (1.0 if sign else 0.0) + _signed(sign, number) / USUAL_PITCH)
    return _factor(value)


def volume_factor(value: str) -> float | None:
    """Return the factor of `soft`, `+6dB`, `-20%`, `+10` or of a number 0..100."""
    if value in _VOLUME_NAMES:
        return _VOLUME_NAMES[value]
    sign, number, unit = _quantity(value)
    if unit == "db":
        return float(10.0 ** (_signed(sign, number) / _DECIBELS))
    if unit == "" and number is not None:
        part = number / _FULL_VOLUME
        return min(part, 1.0) if not sign else max(0.0, 1.0 + _signed(sign, part))
    return _factor(value)


def break_seconds(time: str | None, strength: str | None) -> float:
    """Return how long a break is, 0..10: by its time, else its strength, else a medium one."""
    sign, number, unit = _quantity((time or "").strip().lower())
    if number is not None and sign != "-" and unit in ("s", "ms"):
        return min(number / (_MILLISECONDS if unit == "ms" else 1.0), LONGEST_BREAK)
    return _STRENGTHS.get((strength or "").strip().lower(), _STRENGTHS["medium"])


def emphasis_factors(level: str | None) -> tuple[float, float, float]:
    """Return the factors of rate, pitch and volume; without a level that we know it is moderate."""
    return _EMPHASES.get((level or "").strip().lower(), _EMPHASES["moderate"])


def _factor(value: str) -> float | None:
    sign, number, unit = _quantity(value)
    if number is None or unit not in ("", "%"):
        return None
    number = number / _PERCENT if unit else number
    if sign:
        return max(0.0, 1.0 + _signed(sign, number))
    return number if number <= _GREATEST_FACTOR else None


def _quantity(value: str) -> tuple[str, float | None, str]:
    """Split `+20%` into its sign, its number (None where there is none) and its unit."""
    found = _QUANTITY.fullmatch(value)
    return (found[1], float(found[2]), found[3]) if found else ("", None, "-")


def _signed(sign: str, number: float | None) -> float:
    return (number or 0.0) * (-1.0 if sign == "-" else 1.0)
