"""At which speed espeak-ng speaks a text, so that it takes the time that its rate promises.

The library's own speeds do not keep their promise: some sounds cannot be shortened, pauses shrink by a rule
of their own, and a text at twice the speed was 8 % too long or 19 % too short, each text otherwise. So the
text is measured before it is spoken, which takes a millisecond for each second of sound.
"""

from collections.abc import Callable
from math import log
from typing import Final

NORMAL_SPEED: Final = 175
"""Words per minute at rate 1."""
SPEEDS: Final = (80, 449)
"""The library speaks no slower, and from 450 on it compresses what it says at its normal speed."""
OWN_RATES: Final = (0.5, 2.25)
"""The rates that every text attains at these speeds; for others its sound is stretched."""
_NEAR: Final = NORMAL_SPEED // 10
"""A speed that is so near to the normal one is within 3 % anyway: `<emphasis>` waits for no measuring."""
_POWERS: Final = (0.8, 1.6)
"""Lengths go by a power of the speed: what was seen, 0.9 to 1.4, and some more."""

LengthAt = Callable[[int], int]
"""Measures a text at a speed, in samples."""


def shares(rate: float) -> tuple[float, float]:
    """Return the rate at which the library speaks, and the rate at which its sound is played after that.

    As the library itself does it, what is too fast for it is said normally and then compressed.
    """
    own = max(rate, OWN_RATES[0]) if rate <= OWN_RATES[1] else 1.0
    return own, rate / own


def near_speed(rate: float) -> int:
    """Return the speed that a rate nearly has, whatever the text."""
    return min(max(round(NORMAL_SPEED * rate), SPEEDS[0]), SPEEDS[1])


def speed_of(rate: float, length_at: LengthAt) -> int:
    """Return the speed at which a text takes as long as at rate 1, divided by `rate`."""
    near = near_speed(rate)
    if abs(near - NORMAL_SPEED) <= _NEAR:
        return near
    normal, found = length_at(NORMAL_SPEED), length_at(near)
    if not normal or not found:
        return near
    power = min(max(log(normal / found) / log(near / NORMAL_SPEED), _POWERS[0]), _POWERS[1])
    return near_speed(rate ** (1 / power))
