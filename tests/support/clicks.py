"""Finds clicks: a join that is heard is a step between samples that its surroundings do not have."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]


def steps_at_joins(samples: Floats, joins: Sequence[int], crossfade: int) -> tuple[Floats, Floats]:
    """Return the largest step in each join's crossfade, and in each stretch as long that holds no join."""
    length = max(1, crossfade)
    steps = np.abs(np.diff(samples.astype(np.float64)))
    at_joins = np.array([steps[place - 1 : place + length].max() for place in joins])
    stretches = np.lib.stride_tricks.sliding_window_view(steps, length + 1)[::length]
    starts = np.arange(len(stretches)) * length
    apart = np.ones(len(stretches), bool)
    for place in joins:
        apart &= (starts + length < place - 1) | (starts > place + length)
    return at_joins, stretches[apart].max(axis=1)
