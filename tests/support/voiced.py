"""What is voiced in a sound: a vowel to measure with, and the fundamental of what was made of it."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from chatttsd.constants import SAMPLE_RATE

Floats = NDArray[np.float64]

VOWEL_HZ: Final = 140.0
FORMANTS: Final = ((700.0, 110.0), (1220.0, 120.0), (2600.0, 160.0))
"""Middle and width in Hz."""
FRAME: Final = SAMPLE_RATE * 3 // 100
SHORTEST: Final = SAMPLE_RATE // 400
LONGEST: Final = SAMPLE_RATE // 65
"""Periods that are looked for, in samples."""


def vowel(seconds: float) -> Floats:
    """Return a steady vowel: harmonics under three formants."""
    time_axis = np.arange(int(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    total = np.zeros(time_axis.size)
    for harmonic in np.arange(VOWEL_HZ, 5000.0, VOWEL_HZ):
        height = sum(width / np.hypot(harmonic - middle, width) for middle, width in FORMANTS)
        total += height * np.sin(2 * np.pi * harmonic * time_axis + harmonic)
    even: Floats = 0.5 * total / np.abs(total).max()
    return even


def fundamental(frame: Floats) -> float:
    """Return the fundamental of a frame in Hz by autocorrelation, nan where it is not voiced."""
    frame = frame - frame.mean()
    likeness = np.correlate(frame, frame, "full")[frame.size - 1 :]
    period = SHORTEST + int(np.argmax(likeness[SHORTEST:LONGEST]))
    voiced = likeness[0] > 0.1 and likeness[period] > 0.6 * likeness[0]
    return SAMPLE_RATE / period if voiced else float("nan")


def moved(before: Floats, after: Floats, rate: float) -> float:
    """Return the median change of the fundamental, in %, over the frames that are voiced in both."""
    found = []
    for middle in range(FRAME, before.size - FRAME, FRAME // 2):
        there = round(middle / rate)
        frames = before[middle - FRAME // 2 :][:FRAME], after[max(0, there - FRAME // 2) :][:FRAME]
        if frames[1].size == FRAME:
            found.append(100 * (fundamental(frames[1]) / fundamental(frames[0]) - 1))
    return float(np.nanmedian(found))
