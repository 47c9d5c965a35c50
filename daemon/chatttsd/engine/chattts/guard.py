"""Tells a segment that went wrong from one that is merely odd: by its length, its sound, its numbers.

ChatTTS sometimes stops after a word, never stops, or falls silent. What is found here is made again with the
next seed while nothing of it has been heard.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from chatttsd.constants import SAMPLE_RATE
from chatttsd.engine.chattts.api import TOKENS_PER_SECOND
from chatttsd.engine.chattts.trimming import QUIET_RMS
from chatttsd.speech.expected import expected_seconds

SHORTEST_SHARE: Final = 0.4
LONGEST_SHARE: Final = 2.5
MARGIN_SECONDS: Final = 1.0
"""Breath and silence around the speech: one word may take this much longer than its share."""
MOST_TOKENS: Final = 2048
"""Upstream's limit of one segment, 43.7 s."""
SILENT_RMS: Final = 1e-4
"""-80 dBFS: less is no sound."""
LONGEST_PAUSE_SECONDS: Final = 3.0
"""No pause inside a segment is this long: the model has lost its text."""
_BLOCK: Final = SAMPLE_RATE // 100
"""Samples of the stretches whose level is looked at: 10 ms."""


class Fault(StrEnum):
    """What is wrong with a segment."""

    TOO_SHORT = "too short for its text"
    TOO_LONG = "too long for its text"
    SILENT = "silent"
    BROKEN = "not a number"


@dataclass(frozen=True, slots=True)
class Bounds:
    """How many audio tokens a segment may have; `longest` is where decoding stops."""

    shortest: int
    longest: int


def bounds(texts: Iterable[str], rate: float = 1.0) -> Bounds:
    """Return the bounds of a segment, given its text as written and as spoken, at a rate above 0.

    Both are asked since a number as written has more digits than its spoken form has words, or fewer; and a
    rate only widens them since the model may not follow it.
    """
    lengths = [expected_seconds(text, speed) for text in texts for speed in (1.0, rate)]
    shortest = int(SHORTEST_SHARE * min(lengths) * TOKENS_PER_SECOND)
    longest = math.ceil((LONGEST_SHARE * max(lengths) + MARGIN_SECONDS) * TOKENS_PER_SECOND)
    return Bounds(min(shortest, MOST_TOKENS // 2), min(longest, MOST_TOKENS))


def judge_length(tokens: int, ended: bool, allowed: Bounds) -> Fault | None:
    """Return what is wrong with a complete segment's length; `ended` tells of its end token."""
    if not ended or tokens > allowed.longest:
        return Fault.TOO_LONG
    return Fault.TOO_SHORT if tokens < allowed.shortest else None


class SoundJudge:
    """Listens to one segment's float samples; a fault found once stays."""

    def __init__(self) -> None:
        self._sounded = False
        self._silence = 0
        self._rest: NDArray[np.float32] = np.zeros(0, np.float32)
        self._fault: Fault | None = None

    def feed(self, samples: NDArray[np.float32]) -> Fault | None:
        """Take samples [n] in -1..1; returns a fault as soon as it is certain."""
        if not math.isfinite(float(np.square(samples, dtype=np.float64).sum())):
            self._fault = self._fault or Fault.BROKEN
        elif self._pause(samples) > LONGEST_PAUSE_SECONDS * SAMPLE_RATE:
            self._fault = self._fault or Fault.SILENT
        return self._fault

    def finish(self) -> Fault | None:
        """Return what is wrong with the whole; silent is what `Trimmer` would leave nothing of."""
        return self._fault or (None if self._sounded else Fault.SILENT)

    def _pause(self, samples: NDArray[np.float32]) -> int:
        """Return the samples of the longest pause that touches the new ones."""
        joined = np.concatenate([self._rest, samples])
        whole = joined.size // _BLOCK * _BLOCK
        self._rest = joined[whole:]
        levels = np.square(joined[:whole]).reshape(-1, _BLOCK).mean(axis=1)
        self._sounded = self._sounded or bool((np.sqrt(levels) > QUIET_RMS).any())
        longest = self._silence
        for loud in levels > SILENT_RMS**2:
            self._silence = 0 if loud else self._silence + _BLOCK
            longest = max(longest, self._silence)
        return longest
