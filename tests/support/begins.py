"""Finds in a recording where a sound begins that was heard before, although it was cut off soon after."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from support.pulse import RATE

TEMPLATE: Final = RATE * 15 // 1000
"""What must be heard of a sound: its first 15 ms."""
LIKE: Final = 0.8
"""Correlation from which on it is the same; what an engine makes twice is equal sample for sample."""
_ALMOST: Final = 0.97


def begins(recording: NDArray[np.float64], template: NDArray[np.float64], like: float = LIKE) -> int | None:
    """Return the first place almost as like the template as the most like one, None where nothing is."""
    if recording.size < template.size:
        return None
    windows = np.lib.stride_tricks.sliding_window_view(recording, template.size)
    norms = np.linalg.norm(windows, axis=1) * np.linalg.norm(template)
    likeness = (windows @ template) / np.maximum(norms, 1.0)
    best = float(likeness.max())
    return int(np.argmax(likeness > _ALMOST * best)) if best > like else None
