"""The segments that are decoded together: the one that is asked for and those that will be next.

Rows stay between requests, half made or finished, until they are taken or another utterance comes.
"""

from collections.abc import Collection, Hashable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import torch

from chatttsd.engine.chattts.api import Decoder, Generation, Prompt, Sampling
from chatttsd.engine.chattts.guard import Bounds

LARGEST: Final = 4
"""Rows that a decoder continues together."""


@dataclass(frozen=True, slots=True)
class Segment:
    """What is decoded for one request; `key` is what it is asked for by."""

    key: Hashable
    prompt: Prompt
    sampling: Sampling
    bounds: Bounds
    attempt: int = 0
    """How often it was made before."""
    voice: Hashable = field(default=None, repr=False)
    """What it is said with: with another it would be another sound."""

    def again(self) -> "Segment":
        """Return the same with the next seed."""
        sampling = replace(self.sampling, seed=self.sampling.seed + 1)
        return replace(self, sampling=sampling, attempt=self.attempt + 1)


class Row:
    """One segment's tokens, growing until `complete`."""

    def __init__(self, segment: Segment, generation: Generation, index: int) -> None:
        self.segment = segment
        self._generation: Generation | None = generation
        self._index = index
        self._states: torch.Tensor | None = None
        self._ended = False

    @property
    def complete(self) -> bool:
        """Whether the row grows no more."""
        return self._generation is None

    @property
    def ended(self) -> bool:
        """Whether the model itself ended it."""
        return self._ended

    @property
    def length(self) -> int:
        """Tokens so far."""
        if self._states is not None:
            return int(self._states.shape[0])
        return 0 if self._generation is None else self._generation.length(self._index)

    def states(self, start: int) -> torch.Tensor:
        """Return the hidden states from token `start` on, float32 [n, hidden], to keep."""
        if self._states is not None:
            return self._states[start:]
        if self._generation is None:
            return torch.empty(0)
        return self._generation.hidden(self._index, start).clone()

    def settle(self) -> None:
        """Take what is needed out of the generation when it has left this row behind."""
        if self._generation is not None and self._index not in self._generation.alive:
            self._states = self._generation.hidden(self._index).clone()
            self._ended = self._generation.ended(self._index)
            self._generation = None

    def retire(self) -> None:
        """Grow no more and keep nothing."""
        if self._generation is not None:
            self._generation.retire(self._index)
            self._generation = None


class Batch:
    """The rows of one decoder; at most `LARGEST` grow, and at most twice as many are kept."""

    def __init__(self, decoder: Decoder) -> None:
        self._decoder = decoder
        self._generation: Generation | None = None
        self._rows: dict[Hashable, Row] = {}

    @property
    def growing(self) -> bool:
        """Whether `advance` would do anything."""
        return self._generation is not None and bool(self._generation.alive)

    def row(self, key: Hashable) -> Row | None:
        """Return the row of a segment, if there is one."""
        return self._rows.get(key)

    def start(self, segments: Sequence[Segment]) -> Generation:
        """Decode these from now on, 1..LARGEST; finished rows stay, unfinished ones are forgotten."""
        self._rows = {key: row for key, row in self._rows.items() if row.complete}
        self._generation = None
        generation = self._decoder.start(
            [segment.prompt for segment in segments], [segment.sampling for segment in segments]
        )
        self._generation = generation
        for index, segment in enumerate(segments):
            self._rows[segment.key] = Row(segment, generation, index)
        self._settle()
        return generation

    def advance(self) -> None:
        """Draw the next token of every growing row."""
        if self._generation is not None and self._generation.alive:
            self._generation.advance()
            self._settle()

    def keep(self, keys: Collection[Hashable]) -> None:
        """Forget every row but these."""
        for key in [key for key in self._rows if key not in keys]:
            self.forget(key)

    def forget(self, key: Hashable) -> None:
        """Forget one row."""
        row = self._rows.pop(key, None)
        if row is not None:
            row.retire()

    def _settle(self) -> None:
        for row in self._rows.values():
            row.settle()
