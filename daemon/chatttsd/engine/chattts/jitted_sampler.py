"""`sampler.Sampler` as one compiled function, in place of some thirty small torch calls a token."""

from collections.abc import Sequence
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

from chatttsd.engine.chattts.api import Sampling
from chatttsd.engine.chattts.native.jit import compiled, inlined
from chatttsd.engine.chattts.sampler import LEAST_KEPT, PENALTY_WINDOW

_NOTHING: Final = -1
"""In a history that is not full yet."""
_ZERO: Final = np.float32(0.0)
_NEVER: Final = np.float32(-np.inf)

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
Wholes = NDArray[np.int64]


@inlined
def _scale(logits: Floats, temperature: np.float32, scaled: Floats) -> None:
    """Divide the logits by the temperature."""
    for code in range(logits.size):
        scaled[code] = logits[code] / temperature


@inlined
def _penalise(history: Wholes, penalty: float, scaled: Floats) -> None:
    """Divide (multiply where below 0) each logit by penalty ** (how often its code is in the history)."""
    for place in range(history.size):
        code = history[place]
        count = 0
        first = True
        for other in range(history.size):
            if history[other] == code:
                count += 1
                first = first and other >= place
        if code != _NOTHING and first:
            alpha = np.float32(penalty**count)
            scaled[code] = scaled[code] * alpha if scaled[code] < _ZERO else scaled[code] / alpha


@inlined
def _softmax(scaled: Floats) -> float:
    """Turn logits into probabilities; returns their sum, which is 1 but for rounding."""
    largest = _NEVER
    for code in range(scaled.size):
        largest = max(largest, scaled[code])
    for code in range(scaled.size):
        scaled[code] = np.exp(scaled[code] - largest)
    total = 0.0
    for code in range(scaled.size):
        total += scaled[code]
    inverse = np.float32(1.0 / total)
    total = 0.0
    for code in range(scaled.size):
        scaled[code] *= inverse
        total += scaled[code]
    return total


@inlined
def _largest(probabilities: Floats, top: Floats) -> None:
    """Fill `top` with the largest probabilities, descending, by insertion."""
    top[:] = np.float32(-1.0)
    last = top.size - 1
    for code in range(probabilities.size):
        value = probabilities[code]
        if value > top[last]:
            place = last
            while place > 0 and top[place - 1] < value:
                top[place] = top[place - 1]
                place -= 1
            top[place] = value


@inlined
def _smallest_kept(top: Floats, total: float, beyond_top_p: float) -> np.float32:
    """Return the smallest of the largest probabilities that top-P keeps (see `Sampler`)."""
    smallest: np.float32 = top[0]
    above = 0.0
    for rank in range(top.size):
        if rank >= LEAST_KEPT and total - above <= beyond_top_p:
            break
        smallest = top[rank]
        above += top[rank]
    return smallest


@compiled
def _probabilities(
    logits: Floats, parameters: Doubles, history: Wholes, first: bool, end: int, top: Floats, scaled: Floats
) -> None:
    """Fill `scaled` with the probabilities of what is kept, 0 for the rest."""
    _scale(logits, np.float32(parameters[0]), scaled)
    if first:
        scaled[end] = _NEVER
    _penalise(history, parameters[2], scaled)
    total = _softmax(scaled)
    _largest(scaled, top)
    smallest = _smallest_kept(top, total, parameters[1])
    for code in range(scaled.size):
        if scaled[code] < smallest:
            scaled[code] = _ZERO


@compiled
def _draw(
    logits: Floats,
    noise: Floats,
    parameters: Doubles,
    tops: Wholes,
    history: Wholes,
    drawn: int,
    end: int,
    top: Floats,
    scaled: Floats,
    codes: Wholes,
) -> None:
    """Draw for every row and codebook; the arguments are the attributes of `JittedSampler`."""
    for row in range(codes.shape[0]):
        for book in range(codes.shape[1]):
            own, kept = history[row, book], top[: tops[row]]
            _probabilities(logits[row, book], parameters[row], own, drawn == 0, end, kept, scaled)
            best, largest = 0, np.float32(-1.0)
            for code in range(scaled.size):
                if scaled[code] > _ZERO:
                    score = scaled[code] / noise[row, book, code]
                    if score > largest:
                        best, largest = code, score
            codes[row, book] = best
            own[drawn % PENALTY_WINDOW] = best


class JittedSampler:
    """`sampler.Sampler` on a CPU: the same distribution and, for the same noise, the same codes.

    They differ where two codes are closer than rounding. Needs numba; compiled at the first draw.
    """

    def __init__(self, sampling: Sequence[Sampling], codebooks: int, vocabulary: int, end: int) -> None:
        self._end = end
        self._drawn = 0
        columns = [(each.temperature, 1 - each.top_p, each.repetition_penalty) for each in sampling]
        self._parameters = np.array(columns, np.float64)
        tops = [min(max(each.top_k, LEAST_KEPT), vocabulary) for each in sampling]
        self._tops = np.array(tops, np.int64)
        self._history = np.full((len(sampling), codebooks, PENALTY_WINDOW), _NOTHING, np.int64)
        self._top = np.empty(max(tops), np.float32)
        self._scaled = np.empty(vocabulary, np.float32)

    def keep(self, rows: Sequence[int]) -> None:
        """Go on with some of the rows only."""
        kept = list(rows)
        self._parameters, self._tops = self._parameters[kept], self._tops[kept]
        self._history = self._history[kept]

    def draw(self, logits: torch.Tensor, noise: torch.Tensor) -> torch.Tensor:
        """Return the drawn codes, int64 [rows, codebooks], and remember them for the penalty.

        `logits` and `noise` are float32 [rows, codebooks, vocabulary].
        """
        codes = np.empty(logits.shape[:2], np.int64)
        _draw(
            logits.numpy(),
            noise.numpy(),
            self._parameters,
            self._tops,
            self._history,
            self._drawn,
            self._end,
            self._top,
            self._scaled,
            codes,
        )
        self._drawn += 1
        return torch.from_numpy(codes)

    def kept(self, logits: torch.Tensor) -> torch.Tensor:
        """Return probabilities like the logits, 0 for what is not kept; the sum of a row is at most 1."""
        found = np.empty(logits.shape, np.float32)
        source = logits.numpy()
        for row, book in np.ndindex(found.shape[:2]):
            top, own = self._top[: self._tops[row]], self._history[row, book]
            first = self._drawn == 0
            _probabilities(
                source[row, book], self._parameters[row], own, first, self._end, top, found[row, book]
            )
        return torch.from_numpy(found)


def compile_sampler() -> None:
    """Compile, or read what numba keeps of an earlier time."""
    JittedSampler([Sampling()], 1, LEAST_KEPT + 1, 0).draw(*torch.ones((2, 1, 1, LEAST_KEPT + 1)))
