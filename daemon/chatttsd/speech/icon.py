"""Short sounds that stand for something instead of words."""

import math
import struct
from typing import Final

_FREQUENCIES: Final = {"capital": 880.0}
"""Hz of each icon."""
_SECONDS: Final = 0.05
_FADE_SECONDS: Final = 0.008
_PEAK: Final = 6000
ICONS: Final = frozenset(_FREQUENCIES)


def icon(name: str, sample_rate: int, volume: float = 1.0) -> bytes:
    """Return an icon as mono S16LE: a tone of 50 ms without clicks; raises KeyError for an unknown name."""
    frequency = _FREQUENCIES[name]
    count, fade = int(_SECONDS * sample_rate), _FADE_SECONDS * sample_rate
    samples = (
        round(
            _PEAK
            * volume
            * min(1.0, index / fade, (count - 1 - index) / fade)
            * math.sin(2 * math.pi * frequency * index / sample_rate)
        )
        for index in range(count)
    )
    return struct.pack(f"<{count}h", *samples)
