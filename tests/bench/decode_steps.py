"""How fast tokens come out of the decoder, by backend, batch and position, and where a step's time goes."""

import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import torch

from chatttsd.engine.chattts.api import Generation, Precision, Prompt, Sampling
from chatttsd.engine.chattts.decoder import TokenDecoder
from chatttsd.engine.chattts.decoders import choose, make_decoder, make_vocoder, torch_threads
from chatttsd.engine.chattts.precision import TORCH, Choice
from chatttsd.engine.chattts.tokens import Tokens
from chatttsd.engine.chattts.vocoder.stream import StreamingVocoder, StreamSettings
from chatttsd.engine.chattts.weights import Weights

POSITIONS: Final = (50, 400, 1500)
BATCHES: Final = (4, 2, 1)
"""In this order, so that one prefill serves all: rows are retired."""
_TEXT: Final = "明天早上八点我们在火车站东门口见面"
"""Repeated until the prompt is long enough: what a text says is as good as any for time."""
_GIGA: Final = 1e9
_PROBE_BYTES: Final = 1 << 29


@dataclass(frozen=True, slots=True)
class Backend:
    """One row of the table."""

    name: str
    choice: Choice


@dataclass(frozen=True, slots=True)
class Rate:
    """Tokens a second of all rows together."""

    backend: str
    batch: int
    position: int
    tokens_a_second: float
    step_ms: float


def backends() -> Iterator[Backend]:
    """Yield every backend of this machine's CPU."""
    for precision in (Precision.FP32, Precision.BF16, Precision.INT8, Precision.INT4):
        choice = choose(precision.value, "cpu")
        yield Backend(f"fast {precision.value}", choice)
    yield Backend("torch int8", Choice(Precision.INT8, "cpu", TORCH, "for comparison"))


def bandwidth(threads: int) -> float:
    """Return how many GB/s torch reads from memory, the median of five."""
    torch.set_num_threads(threads)
    data = torch.ones(_PROBE_BYTES // 4)
    return _PROBE_BYTES / _GIGA / statistics.median(_timed(lambda: data.sum(), 5))


def _timed(act: Callable[[], object], count: int) -> list[float]:
    times = []
    for _ in range(count):
        began = time.perf_counter()
        act()
        times.append(time.perf_counter() - began)
    return times


class Bench:
    """A model's decoders, one at a time."""

    def __init__(self, model: Path, threads: int, steps: int) -> None:
        self.weights = Weights(model)
        self.tokens = Tokens(model, self.weights.shape)
        self._model = model
        self._threads = threads
        self._steps = steps

    def decoder(self, backend: Backend) -> TokenDecoder:
        """Load a backend and let torch have the threads that the engine lets it have."""
        torch.set_num_threads(torch_threads(backend.choice, self._threads))
        decoder, _ = make_decoder(
            self.weights, backend.choice, self.tokens, self._threads, lambda _share: None
        )
        assert isinstance(decoder, TokenDecoder)
        return decoder

    def rates(self, name: str, decoder: TokenDecoder, positions: Sequence[int] = POSITIONS) -> Iterator[Rate]:
        """Yield the rates of a loaded backend; the cache is filled up to each position by real prompts."""
        self._generation(decoder, 8).advance()
        for position in positions:
            generation = self._generation(decoder, position)
            for batch in BATCHES:
                for row in list(generation.alive)[batch:]:
                    generation.retire(row)
                seconds = statistics.median(_timed(generation.advance, self._steps))
                assert len(generation.alive) == batch, "a row ended: the model's ends are too near"
                yield Rate(name, batch, position, batch / seconds, 1000 * seconds)

    def _generation(self, decoder: TokenDecoder, position: int) -> Generation:
        prompts = [self._prompt(position)] * BATCHES[0]
        limit = len(BATCHES) * self._steps + 2
        samplings = [Sampling(seed=row, max_tokens=limit) for row in range(BATCHES[0])]
        generation = decoder.start(prompts, samplings)
        # The first token comes out of the prefill.
        generation.advance()
        return generation

    def _prompt(self, length: int) -> Prompt:
        tokens = self.tokens.speech(_TEXT)[3:-1]
        return Prompt((tokens * (length // len(tokens) + 1))[:length])

    def profile(self, decoder: TokenDecoder) -> dict[str, float]:
        """Return the milliseconds of a step's parts at batch 1, of a prefill, and of the vocoder's chunks."""
        parts: dict[str, list[float]] = {"layers": [], "step": []}
        backbone: Any = decoder._backbone
        inner = backbone.step

        def step(slots: Sequence[int], embeddings: torch.Tensor) -> torch.Tensor:
            began = time.perf_counter()
            found: torch.Tensor = inner(slots, embeddings)
            parts["layers"].append(time.perf_counter() - began)
            return found

        backbone.step = step
        generation = decoder.start([self._prompt(40)], [Sampling(max_tokens=400)])
        generation.advance()
        parts["step"] = _timed(generation.advance, 2 * self._steps)
        backbone.step = inner
        found = {name: 1000 * statistics.median(times) for name, times in parts.items()}
        prompt = decoder.embed(self._prompt(40))
        prefill = statistics.median(_timed(lambda: backbone.prefill(0, prompt), 5))
        return {
            "step, position 50": found["step"],
            "  layers": found["layers"],
            "  heads, sampler, embedding": found["step"] - found["layers"],
            "prefill of 40 tokens": 1000 * prefill,
            **self._vocoder(),
        }

    def _vocoder(self) -> dict[str, float]:
        torch.set_num_threads(1)
        vocoder = make_vocoder(self._model, choose(Precision.INT8.value, "cpu"))
        settings = StreamSettings()
        times: dict[str, list[float]] = {}
        for _ in range(3):
            stream = StreamingVocoder(vocoder)
            start = 0
            for size, end in zip(settings.chunks, settings.boundaries(), strict=False):
                hidden = torch.randn(end - start, self.weights.shape.hidden)
                start = end
                times.setdefault(f"vocoder chunk of {size} tokens", []).extend(
                    _timed(lambda stream=stream, hidden=hidden: stream.push(hidden), 1)  # type: ignore[misc] # bound at once
                )
        return {name: 1000 * statistics.median(found) for name, found in times.items()}
