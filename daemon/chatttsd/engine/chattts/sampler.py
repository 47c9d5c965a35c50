"""Draws codes with upstream's distribution, without a full sort and without waiting for the device.

Upstream: logits / temperature, repetition penalty over the last 16 tokens, top-P, top-K (each keeps at least
3), softmax, multinomial. Two differences. There is one seed per segment: upstream's `manual_seed` draws every
token alike. And the first token is never the end: its code is left out of the logits, where upstream throws
the whole generation away and draws again.
"""

from collections.abc import Sequence
from typing import Final, Protocol

import torch

from chatttsd.engine.chattts.api import Sampling

PENALTY_WINDOW: Final = 16
"""Tokens of one codebook that the repetition penalty looks at."""
LEAST_KEPT: Final = 3
"""Neither top-P nor top-K keeps fewer."""
_BLOCK_TOKENS: Final = 16
"""Noise is drawn for this many tokens at once."""
_OF_ROWS: Final = (
    "_allowed",
    "_temperature",
    "_beyond_top_p",
    "_penalty",
    "_history",
    "_scaled",
    "_end_bias",
)
"""The attributes of `Sampler` whose first dimension is the batch."""


class Noise:
    """Exponential noise of one segment: a function of its seed alone, whatever else is in the batch."""

    def __init__(self, seed: int, codebooks: int, vocabulary: int, tokens: int = _BLOCK_TOKENS) -> None:
        self._generator = torch.Generator().manual_seed(seed)
        self._block = torch.empty((tokens, codebooks, vocabulary))
        self._used = tokens

    def token(self) -> torch.Tensor:
        """Return the next token's float32 [codebooks, vocabulary], above 0; valid until the next call."""
        if self._used == len(self._block):
            self.block(self._block)
            self._used = 0
        self._used += 1
        return self._block[self._used - 1]

    def block(self, out: torch.Tensor) -> None:
        """Fill float32 [tokens, codebooks, vocabulary], on the CPU, with the next tokens' noise."""
        # -log(u) of a u in [0, 1) is never 0: a division by it is always defined.
        torch.rand(out.shape, generator=self._generator, out=out).log_().neg_()


class CodeSampler(Protocol):
    """What the decode loop draws with."""

    def draw(self, logits: torch.Tensor, noise: torch.Tensor) -> torch.Tensor:
        """Return the drawn codes, int64 [rows, codebooks]; both are [rows, codebooks, vocabulary]."""

    def keep(self, rows: Sequence[int]) -> None:
        """Go on with some of the rows only."""


class Sampler:
    """Draws a token for each row of a batch; every row may have its own parameters.

    Works in buffers that stay where they are, so that a CUDA graph can hold it: `most` is then the largest
    top_k that `load` takes; without it, what the first sampling needs.
    """

    def __init__(
        self,
        sampling: Sequence[Sampling],
        codebooks: int,
        vocabulary: int,
        end: int,
        device: torch.device | str = "cpu",
        most: int | None = None,
    ) -> None:
        rows = len(sampling)
        self._end = end
        self._vocabulary = vocabulary
        wanted = most or max(each.top_k for each in sampling)
        self._most = min(max(wanted, LEAST_KEPT), vocabulary)
        self._penalised = most is not None or any(each.repetition_penalty != 1 for each in sampling)
        ranks = torch.arange(self._most, device=device)
        self._least = ranks < LEAST_KEPT
        self._allowed = torch.empty((rows, 1, self._most), dtype=torch.bool, device=device)
        self._temperature = torch.empty((rows, 1, 1), device=device)
        self._beyond_top_p = torch.empty((rows, 1, 1), dtype=torch.float64, device=device)
        self._penalty = torch.empty((rows, 1, 1), device=device)
        self._history = torch.empty((rows, codebooks, PENALTY_WINDOW), dtype=torch.int64, device=device)
        # One column more than the vocabulary: where a history that is not full yet points to.
        self._scaled = torch.full((rows, codebooks, vocabulary + 1), -torch.inf, device=device)
        self._place = torch.empty(1, dtype=torch.int64, device=device)
        self._end_bias = torch.empty((rows, 1), device=device)
        self.load(sampling)

    def load(self, sampling: Sequence[Sampling]) -> None:
        """Start afresh with other parameters for the same rows; top_k up to `most`."""
        self._temperature.copy_(_column([each.temperature for each in sampling]))
        self._beyond_top_p.copy_(_column([1 - each.top_p for each in sampling]))
        self._penalty.copy_(_column([each.repetition_penalty for each in sampling]))
        tops = _column([max(each.top_k, LEAST_KEPT) for each in sampling])
        self._allowed.copy_(torch.arange(self._most) < tops)
        self._history.fill_(self._vocabulary)
        self._place.zero_()
        self._end_bias.fill_(-torch.inf)

    def keep(self, rows: Sequence[int]) -> None:
        """Go on with some of the rows only."""
        kept = torch.tensor(rows, device=self._history.device)
        for name in _OF_ROWS:
            setattr(self, name, getattr(self, name)[kept])

    def draw(self, logits: torch.Tensor, noise: torch.Tensor) -> torch.Tensor:
        """Return the drawn codes, int64 [rows, codebooks], and remember them for the penalty.

        `logits` and `noise` are float32 [rows, codebooks, vocabulary]; the noise is overwritten.
        """
        kept = self.kept(logits)
        codes = torch.div(kept, noise, out=noise).argmax(-1)
        self._history.index_copy_(2, self._place, codes[..., None])
        self._place.add_(1).remainder_(PENALTY_WINDOW)
        self._end_bias.zero_()
        return codes

    def kept(self, logits: torch.Tensor) -> torch.Tensor:
        """Return probabilities like the logits, 0 for what is not kept; the sum of a row is at most 1."""
        scaled = self._scaled[..., : self._vocabulary]
        torch.div(logits, self._temperature, out=scaled)
        scaled[..., self._end].add_(self._end_bias)
        if self._penalised:
            self._penalise()
        probabilities = torch.softmax(self._scaled, -1)[..., : self._vocabulary]
        smallest = self._smallest_kept(probabilities)
        return probabilities.masked_fill_(probabilities < smallest, 0.0)

    def _penalise(self) -> None:
        """Divide (multiply where below 0) each logit by penalty ** (how often it is in the window)."""
        history = self._history
        counts = (history[..., None] == history[..., None, :]).sum(-1)
        alpha = torch.pow(self._penalty, counts)
        found = self._scaled.gather(2, history)
        self._scaled.scatter_(2, history, torch.where(found < 0, found * alpha, found / alpha))

    def _smallest_kept(self, probabilities: torch.Tensor) -> torch.Tensor:
        """Return the smallest probability that top-P and top-K keep, [rows, codebooks, 1].

        Top-P removes what, with all that is less probable, sums to at most 1 - top_p; summed as upstream
        does from the small end, which 64 bits allow from the large end too.
        """
        top = probabilities.topk(self._most, dim=-1).values
        above = top.cumsum(-1, dtype=torch.float64) - top
        below = probabilities.sum(-1, keepdim=True, dtype=torch.float64) - above
        kept = (below > self._beyond_top_p).logical_or_(self._least).logical_and_(self._allowed)
        return top.masked_fill_(kept.logical_not_(), torch.inf).amin(-1, keepdim=True)


def _column(values: Sequence[float]) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float64).view(-1, 1, 1)
