"""How loud speech is, by ITU-R BS.1770 (EBU R128), in blocks as it streams."""

import math
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from chatttsd.constants import SAMPLE_RATE

Samples = NDArray[np.int16]
Complex = NDArray[np.complex128]

BLOCK: Final = SAMPLE_RATE // 10
"""Samples of which the power is taken together: a gating block of BS.1770 is four of them."""
SILENT: Final = -70.0
"""LUFS: a gating block below is not speech."""
_RELATIVE_GATE: Final = -10.0
"""LU below the mean of what passed the first gate."""
_GATING_BLOCKS: Final = 4
_OFFSET: Final = -0.691
"""LUFS of a mean square of 1."""
_FULL_SCALE: Final = 32768.0
# The filters of BS.1770 by their analogue parameters (De Man, "Evaluation of implementations of the EBU R128
# loudness measurement", 2018), since the standard gives coefficients for 48 kHz only.
_SHELF_HZ: Final = 1681.974450955533
_SHELF_GAIN_DB: Final = 3.999843853973347
_SHELF_Q: Final = 0.7071752369554196
_SHELF_EXPONENT: Final = 0.4996667741545416
_PASS_HZ: Final = 38.13547087602444
_PASS_Q: Final = 0.5003270373238773


def power_of(block: Samples) -> float:
    """Return the K-weighted mean square of samples [n] in full scale, filtered by their spectrum."""
    spectrum = np.fft.rfft(block / _FULL_SCALE)
    power = np.square(np.abs(spectrum)) * _weights(block.size)
    power[1 : (block.size + 1) // 2] *= 2  # the bins that stand for two
    return float(power.sum()) / block.size**2


def level_of(power: float) -> float:
    """Return the LUFS of a K-weighted mean square; -inf for nothing."""
    return _OFFSET + 10 * math.log10(power) if power > 0 else -math.inf


def loudness(powers: Sequence[float]) -> float:
    """Return the gated loudness in LUFS of blocks that follow each other; -inf where all is silent."""
    if not powers:
        return -math.inf
    width = min(_GATING_BLOCKS, len(powers))
    windows = np.convolve(powers, np.full(width, 1 / width), "valid")
    for gate in (SILENT, None):
        threshold = gate if gate is not None else level_of(float(windows.mean())) + _RELATIVE_GATE
        windows = windows[windows > 10 ** ((threshold - _OFFSET) / 10)]
        if not windows.size:
            return -math.inf
    return level_of(float(windows.mean()))


def blocks_of_speech(powers: Sequence[float], lufs: float) -> int:
    """Return how many blocks of a gated loudness are speech, by themselves as loud as its gate at least."""
    return sum(level_of(power) > lufs + _RELATIVE_GATE for power in powers)


def _weights(size: int) -> NDArray[np.float64]:
    """Return the K-weighting of the bins of a real spectrum of `size` samples, as factors of their power."""
    z = np.exp(-2j * np.pi * np.fft.rfftfreq(size))
    response = _shelf(z) * _high_pass(z)
    weights: NDArray[np.float64] = np.square(np.abs(response))
    return weights


def _shelf(z: Complex) -> Complex:
    k = math.tan(math.pi * _SHELF_HZ / SAMPLE_RATE)
    high = 10 ** (_SHELF_GAIN_DB / 20)
    band = high**_SHELF_EXPONENT
    above = high + band * k / _SHELF_Q + k * k, 2 * (k * k - high), high - band * k / _SHELF_Q + k * k
    below = 1 + k / _SHELF_Q + k * k, 2 * (k * k - 1), 1 - k / _SHELF_Q + k * k
    return _polynomial(above, z) / _polynomial(below, z)


def _high_pass(z: Complex) -> Complex:
    k = math.tan(math.pi * _PASS_HZ / SAMPLE_RATE)
    scale = 1 + k / _PASS_Q + k * k
    below = 1.0, 2 * (k * k - 1) / scale, (1 - k / _PASS_Q + k * k) / scale
    return _polynomial((1.0, -2.0, 1.0), z) / _polynomial(below, z)


def _polynomial(coefficients: tuple[float, float, float], z: Complex) -> Complex:
    first, second, third = coefficients
    return first + second * z + third * z * z
