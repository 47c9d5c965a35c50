"""Runs every path of a loaded model once: the first request is as fast as the next. Times a step."""

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Final

import torch

from chatttsd.engine.api import SynthesisRequest
from chatttsd.engine.chattts.batch import LARGEST, Batch
from chatttsd.engine.chattts.rendering import Rendering
from chatttsd.engine.chattts.wording import Wording

SLOWEST_STEP_SECONDS: Final = 0.016
"""A step of a batch must leave a quarter of real time (21.3 ms a token) to the vocoder and to others."""
_STEPS: Final = 8
_MOST_SECONDS: Final = 0.5
"""For the steps of one size of batch: on a machine that is so busy one measurement is enough."""
_TOKENS: Final = 24
"""Enough for the first chunk of the vocoder and one after it."""
_TEXTS: Final = (("今天的天气比昨天好多了。", "zh"), ("It is much warmer than yesterday.", "en"))
_WAIT_SECONDS: Final = 0.05


def warm(
    wording: Wording,
    batch: Batch,
    open_rendering: Callable[[], Rendering],
    width: int,
    clock: Callable[[], float] = time.perf_counter,
) -> int:
    """Return how many rows, 1..LARGEST, this machine decodes together without falling behind.

    `width` is the length of a hidden state.
    """
    segments = [wording.segment(SynthesisRequest(text, language)) for text, language in _TEXTS]
    _render(open_rendering(), width)
    fitting = 1
    for rows in range(LARGEST, 0, -1):
        batch.start([replace(segments[row % len(segments)], key=row) for row in range(rows)])
        if _step_seconds(batch, clock) <= SLOWEST_STEP_SECONDS:
            fitting = max(fitting, rows)
        batch.keep(())
    return fitting


def _step_seconds(batch: Batch, clock: Callable[[], float]) -> float:
    """Return the shortest time of a step: what the machine can do when nothing else holds its cores."""
    times: list[float] = []
    while batch.growing and len(times) < _STEPS and sum(times) < _MOST_SECONDS:
        began = clock()
        batch.advance()
        times.append(clock() - began)
    return min(times, default=0.0)


def _render(rendering: Rendering, width: int) -> None:
    rendering.push(torch.zeros(_TOKENS, width))
    rendering.close()
    while not rendering.finished:
        rendering.take(_WAIT_SECONDS)
