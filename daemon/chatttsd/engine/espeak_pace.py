"""At which speed espeak-ng speaks, so that a text takes about the time that its rate promises.

The library's own speeds keep it nearly: pauses shrink by a rule of their own and some sounds cannot be
shortened, so that lengths go by a power of the speed, each text's a little another. Measuring a text before
it is spoken would hit it within 2 %, for 8 ms more before the first sample of a text of 4 s; a listener
notices the 8 ms.

From 450 words per minute on the library says a text normally and compresses that, which is slower than what
it does at 449. Here its share falls as compression rises, so that no rate is slower than a lower one.
"""

from typing import Final

NORMAL_SPEED: Final = 175
"""Words per minute at rate 1."""
SPEEDS: Final = (80, 449)
"""The slowest and the fastest that it speaks without compressing."""
OWN_RATES: Final = (0.5, 2.0)
"""The rates that are attained at these speeds; for others its sound is stretched."""
_CHINESE_POWER: Final = 1.16
"""How lengths of Chinese go by the speed, measured by tests/bench/rates.py; elsewhere it is about 1."""


def shares(rate: float) -> tuple[float, float]:
    """Return the rate at which the library speaks, and the rate at which its sound is played after that."""
    slowest, fastest = OWN_RATES
    own = max(rate, slowest) if rate <= fastest else max(fastest * fastest / rate, 1.0)
    return own, rate / own


def speed_of(rate: float, *, chinese: bool) -> int:
    """Return the speed at which texts are about `rate` times as fast as normal."""
    power = _CHINESE_POWER if chinese else 1.0
    speed: float = NORMAL_SPEED * rate ** (1 / power)
    return min(max(round(speed), SPEEDS[0]), SPEEDS[1])
