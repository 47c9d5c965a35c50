"""How much louder or softer each voice of espeak-ng is made, so that all are as loud as the others."""

import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from chatttsd.engine.espeak_voices import ENGINE
from chatttsd.engine.post.level import factor_of

GAINS_DB: Final[Mapping[str, float]] = MappingProxyType(
    {
        "cmn": -1.4, "cmn-latn-pinyin": -1.4, "yue": -0.5, "en-us": 0.5, "en-us-nyc": 0.4, "en-gb-x-rp": 0.5,
        "en-gb-scotland": -0.4, "en-gb-x-gbclan": -0.6, "en-029": -0.4, "es": 0.7, "es-419": 0.4,
        "haw": -4.5, "fr-fr": 1.9, "fr-be": 1.9, "fr-ch": 1.9, "ru": 0.6, "ru-cl": 0.4, "ru-lv": 1.1,
        "mi": -8.8,
    }
)  # fmt: skip
"""By the voice's id; measured in a text of its own language, the others are near the target or unknown."""
_DB_PER_OCTAVE: Final = -2.1
"""A higher pitch is louder by this much in the library (`tests/bench/loudness.py`)."""


def gain_of(voice: str, pitch: float) -> float:
    """Return the linear gain of a voice by its id at a pitch of 0.5..2."""
    decibels = GAINS_DB.get(voice.removeprefix(f"{ENGINE}/"), 0.0)
    return factor_of(decibels + _DB_PER_OCTAVE * math.log2(pitch))
