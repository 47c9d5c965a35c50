"""A decoder and a vocoder that do as they are told, for the logic around them: no model, no time.

A prompt's first token names its script. A hidden state is [width]: all values are the amplitude of its
token's sound, so what was decoded can be heard.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count

import numpy as np
import torch
from numpy.typing import NDArray

from chatttsd.engine.api import Cancelled
from chatttsd.engine.chattts.api import ModelShape, Prompt, Sampling
from chatttsd.engine.chattts.batch import Segment
from chatttsd.engine.chattts.guard import Bounds

WIDTH = 4
SAMPLES_A_TOKEN = 512
ENDLESS = 1_000_000


@dataclass(frozen=True)
class Script:
    """What a prompt becomes with each seed: the amplitude of each of its tokens."""

    by_seed: Mapping[int, Sequence[float]]


def tone(tokens: int, amplitude: float = 0.1) -> list[float]:
    """Return a script of so many tokens, each a little louder than the one before."""
    return [amplitude * (1 + index / 1000) for index in range(tokens)]


@dataclass
class ScriptedDecoder:
    """Follows scripts; counts its steps and remembers the seeds of every start."""

    scripts: Mapping[int, Script]
    shape: ModelShape = field(default_factory=lambda: ModelShape(hidden=WIDTH))
    steps: int = 0
    starts: list[list[tuple[int, int]]] = field(default_factory=list)
    """For each start, (script, seed) of its rows."""
    current: "ScriptedGeneration | None" = None

    def start(self, prompts: Sequence[Prompt], sampling: Sequence[Sampling]) -> "ScriptedGeneration":
        assert 1 <= len(prompts) == len(sampling) <= 4
        if self.current is not None:
            self.current.gone = True
        self.starts.append(
            [(prompt.tokens[0], one.seed) for prompt, one in zip(prompts, sampling, strict=True)]
        )
        lines = [self.scripts[name].by_seed[seed] for name, seed in self.starts[-1]]
        self.current = ScriptedGeneration(self, lines, [one.max_tokens for one in sampling])
        return self.current

    def refine(self, prompt: Prompt, sampling: Sampling, cancelled: Cancelled = lambda: False) -> list[int]:
        self.steps += 1
        return [] if cancelled() else [token + sampling.seed for token in prompt.tokens]


@dataclass
class ScriptedGeneration:
    """Fails a test that uses it after the next start."""

    decoder: ScriptedDecoder
    lines: Sequence[Sequence[float]]
    limits: Sequence[int]
    gone: bool = False

    def __post_init__(self) -> None:
        self._lengths = [0 for _ in self.lines]
        self._retired: set[int] = set()

    @property
    def alive(self) -> Sequence[int]:
        return [
            row
            for row in range(len(self.lines))
            if row not in self._retired and not self._over(row) and self._lengths[row] < self.limits[row]
        ]

    def advance(self) -> None:
        assert not self.gone
        assert self.alive
        self.decoder.steps += 1
        for row in self.alive:
            self._lengths[row] += 1

    def hidden(self, row: int, start: int = 0) -> torch.Tensor:
        assert not self.gone
        loudness = torch.tensor(self.lines[row][start : self.length(row)], dtype=torch.float32)
        return loudness[:, None].expand(-1, WIDTH)

    def codes(self, row: int) -> torch.Tensor:
        return torch.zeros((self.length(row), 4), dtype=torch.int64)

    def length(self, row: int) -> int:
        return min(self._lengths[row], len(self.lines[row]))

    def ended(self, row: int) -> bool:
        return self._over(row)

    def retire(self, row: int) -> None:
        self._retired.add(row)

    def _over(self, row: int) -> bool:
        # One step more than it has tokens: the end token is drawn as well.
        return self._lengths[row] > len(self.lines[row])


class ScriptedStream:
    """A vocoder that makes square waves, 8 tokens at a time, however they are pushed."""

    chunk = 8

    def __init__(self) -> None:
        self._waiting = torch.zeros(0, WIDTH)

    def boundaries(self) -> Iterator[int]:
        return count(self.chunk, self.chunk)

    def push(self, hidden: torch.Tensor) -> NDArray[np.float32]:
        self._waiting = torch.cat((self._waiting, hidden))
        whole = self._waiting.shape[0] // self.chunk * self.chunk
        ready, self._waiting = self._waiting[:whole], self._waiting[whole:]
        return square(ready)

    def finish(self) -> NDArray[np.float32]:
        return square(self._waiting)


def square(hidden: torch.Tensor) -> NDArray[np.float32]:
    """Return the sound of hidden states."""
    samples = np.repeat(hidden[:, 0].numpy(), SAMPLES_A_TOKEN).astype(np.float32)
    samples[1::2] *= -1
    return samples


def segment(
    script: int, *, key: object = None, seed: int = 0, shortest: int = 0, longest: int = 200
) -> Segment:
    """Return a segment that follows a script."""
    return Segment(
        script if key is None else key,
        Prompt((script,)),
        Sampling(seed=seed, max_tokens=longest),
        Bounds(shortest, longest),
    )
