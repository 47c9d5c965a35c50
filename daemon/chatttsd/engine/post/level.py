"""The loudness of a segment brought near to that of every other voice while it streams."""

import math
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from chatttsd.engine.api import Level
from chatttsd.engine.post.loudness import BLOCK, SILENT, blocks_of_speech, loudness, power_of
from chatttsd.engine.voice_levels import TARGET, gain_to, within_bounds

Samples = NDArray[np.int16]
Floats = NDArray[np.float32]

_SETTLING_BLOCKS: Final = 15
"""After so much of a segment its loudness is believed in full; until then the gain may move fast."""
_FAST_DB: Final = 1.5
"""Per block of 100 ms."""
_SLOW_DB: Final = 0.05
KNEE: Final = 0.85
"""Of full scale: louder samples are pressed together so that none is cut off (-1.4 dBFS)."""
_FULL_SCALE: Final = np.float32(32768)
_LARGEST: Final = 32767
_NOTHING: Final = np.zeros(0, np.int16)


class Leveller:
    """One segment's gain: a function of its samples and of where it begins, however the samples are cut.

    No sample waits. The gain begins where its voice needs it, if that is known, and follows the loudness of
    the segment so far, which is believed in full after 1.5 s: at most 15 dB a second at first and 0.5 dB a
    second then, so that it never pumps.
    """

    def __init__(self, target: float = TARGET, gain: float = 0.0) -> None:
        self._target = target
        self._block: list[Samples] = []
        self._filled = 0
        self._powers: list[float] = []
        self._usual = within_bounds(gain)
        self.gain = self._usual
        """What is attained at the end of this block, in dB."""
        self._ramp = _factors(self.gain, self.gain)

    def feed(self, samples: Samples) -> Samples:
        """Return the samples, louder or softer."""
        made = []
        while samples.size:
            piece, samples = samples[: BLOCK - self._filled], samples[BLOCK - self._filled :]
            made.append(self._take(piece))
        return np.concatenate([_NOTHING, *made])

    def _take(self, piece: Samples) -> Samples:
        """Take samples up to the end of a block at most."""
        start, self._filled = self._filled, self._filled + piece.size
        self._block.append(piece)
        made = amplified(piece, self._ramp[start : self._filled])
        if self._filled == BLOCK:
            self._powers.append(power_of(np.concatenate(self._block)))
            self._block.clear()
            self._filled = 0
            self._move()
        return made

    def _move(self) -> None:
        """Decide on the gain of the next block."""
        most = _FAST_DB if len(self._powers) <= _SETTLING_BLOCKS else _SLOW_DB
        step = min(max(self._wanted() - self.gain, -most), most)
        self._ramp = _factors(self.gain, self.gain + step)
        self.gain += step

    def _wanted(self) -> float:
        """Return the gain in dB that the segment so far asks for, or its voice while little is known."""
        measured = loudness(self._powers)
        if measured < SILENT:
            return self.gain
        known = min(1.0, len(self._powers) / _SETTLING_BLOCKS)
        return known * gain_to(self._target, measured) + (1 - known) * self._usual

    @property
    def level(self) -> Level | None:
        """How loud the whole blocks so far are by themselves; None while they are silent."""
        return _level(self._powers)

    def finish(self) -> Samples:
        """Return what is held: nothing."""
        return _NOTHING


class WholeLeveller:
    """The same for what is short and prepared, such as a key's name: one gain, once all of it is there."""

    def __init__(self, target: float = TARGET) -> None:
        self._target = target
        self._held: list[Samples] = []
        self.level: Level | None = None
        """How loud all of it is by itself, once it is finished; None when it is silent."""

    def feed(self, samples: Samples) -> Samples:
        """Hold samples and return none."""
        self._held.append(samples)
        return _NOTHING

    def finish(self) -> Samples:
        """Return all of them, louder or softer."""
        whole = np.concatenate([_NOTHING, *self._held])
        self._held.clear()
        blocks = (whole[start : start + BLOCK] for start in range(0, whole.size, BLOCK))
        self.level = _level([power_of(block) * block.size / BLOCK for block in blocks])
        if self.level is None:
            return whole
        return amplified(whole, factor_of(gain_to(self._target, self.level.lufs)))


def _level(powers: Sequence[float]) -> Level | None:
    """Return how loud blocks are that follow each other; None when they are silent."""
    measured = loudness(powers)
    return None if measured < SILENT else Level(measured, blocks_of_speech(powers, measured))


def factor_of(decibels: float) -> float:
    """Return the linear gain of decibels."""
    return math.pow(10.0, decibels / 20)


def amplified(samples: Samples, factors: Floats | float) -> Samples:
    """Return samples times linear gains, those above the knee pressed together instead of cut off."""
    if isinstance(factors, float) and factors == 1.0:
        return samples
    scaled = samples * (np.asarray(factors, np.float32) / _FULL_SCALE)
    over = np.flatnonzero(np.abs(scaled) > KNEE)
    loud = scaled[over]
    scaled[over] = np.sign(loud) * (KNEE + (1 - KNEE) * np.tanh((np.abs(loud) - KNEE) / (1 - KNEE)))
    limited: Samples = np.clip(np.rint(scaled * _FULL_SCALE), -_FULL_SCALE, _LARGEST).astype(np.int16)
    return limited


def _factors(begin: float, end: float) -> Floats:
    """Return the linear gains of a block that goes from one gain in dB to another."""
    return np.linspace(factor_of(begin), factor_of(end), BLOCK, dtype=np.float32)
