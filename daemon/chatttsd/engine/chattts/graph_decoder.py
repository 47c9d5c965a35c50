"""`Decoder` over the captured steps of graphs.py: CUDA's, and on a CPU (without graphs) its test."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import torch

from chatttsd.engine.api import EngineError
from chatttsd.engine.chattts.api import ModelShape, Precision, Prompt, Sampling
from chatttsd.engine.chattts.decoder import (
    MOST_ROWS,
    REFINEMENT,
    Cancelled,
    TokenDecoder,
    TokenHeads,
    check,
    never,
)
from chatttsd.engine.chattts.graphs import (
    KV_BUCKETS,
    MOST_TOP_K,
    PREFILL_BUCKETS,
    STEPS_A_POLL,
    Capture,
    CudaCapture,
    Rows,
    Run,
    Steps,
    bucket,
    plain,
)
from chatttsd.engine.chattts.sampler import Noise, Sampler
from chatttsd.engine.chattts.torch_backbone import Layers, TorchBackbone
from chatttsd.engine.chattts.weights import Weights

_REFINEMENT_POSITIONS: Final = 1024
"""Prompt and drawn tokens of a refinement."""


class _Prefill:
    """One captured prefill: padded input, its last row's number, and what comes out."""

    def __init__(self, steps: Steps, rows: Rows, length: int, capture: Capture) -> None:
        layers, _, halves, heads, _, size = rows.cache.shape
        device = rows.cache.device
        self._staged = torch.zeros((length, rows.pending.shape[1]), device=device)
        self._last = torch.zeros(1, dtype=torch.int64, device=device)
        self._cache = torch.zeros(
            (layers, halves, heads, length, size), dtype=rows.cache.dtype, device=device
        )
        self._out = torch.zeros(rows.pending.shape[1], device=device)
        self._run = capture(lambda: steps.prefill(self._staged, self._last, self._cache, self._out))

    def __call__(self, embeddings: torch.Tensor, cache: torch.Tensor, out: torch.Tensor) -> None:
        """Prefill a slot's cache [layers, 2, heads, positions, head_size]; the last hidden state to out."""
        length = len(embeddings)
        self._staged.zero_()
        self._staged[:length] = embeddings
        self._last.fill_(length - 1)
        self._run()
        cache[:, :, :, :length] = self._cache[:, :, :, :length]
        out.copy_(self._out)


class GraphDecoder:
    """`Decoder` whose steps are captured; `warm` captures them all.

    Prompt and tokens together have at most the last of `buckets`. Raises ModelError when the device refuses.
    """

    def __init__(
        self,
        weights: Weights,
        precision: Precision,
        device: torch.device | str,
        *,
        speaker_token: int,
        end_of_refinement: int,
        buckets: Sequence[int] = KV_BUCKETS,
        prefill_buckets: Sequence[int] = PREFILL_BUCKETS,
    ) -> None:
        self.shape = weights.shape
        where = torch.device(device)
        embeddings = weights.embeddings()
        layers = Layers(weights, precision, where)
        small = precision is Precision.BF16 and where.type == "cuda"
        dtype = torch.bfloat16 if small else torch.float32
        self._buckets, self._prefill_buckets = buckets, prefill_buckets
        self._rows = Rows.make(self.shape, MOST_ROWS, buckets[-1], where, dtype)
        self._steps = Steps(layers, TokenHeads(embeddings, self.shape, where), self._rows)
        self._capture: Capture = CudaCapture() if where.type == "cuda" else plain
        self._samplers = {rows: self._sampler([Sampling()] * rows) for rows in range(1, MOST_ROWS + 1)}
        self._runs: dict[tuple[int, int], Run] = {}
        self._prefills: dict[int, _Prefill] = {}
        self._plainly = TokenDecoder(
            TorchBackbone.over(layers, _REFINEMENT_POSITIONS),
            embeddings,
            weights.text_head,
            speaker_token=speaker_token,
            end_of_refinement=end_of_refinement,
        )

    @torch.inference_mode()
    def warm(self, progress: Callable[[float], None] = lambda _: None) -> None:
        """Capture every graph; `progress` gets 0..1."""
        wanted = [(rows, size) for rows in self._samplers for size in self._buckets]
        total = len(wanted) + len(self._prefill_buckets)
        for done, size in enumerate(self._prefill_buckets):
            self._prefill_run(size)
            progress((done + 1) / total)
        for done, (rows, size) in enumerate(wanted):
            self._step_run(rows, size)
            progress((len(self._prefill_buckets) + done + 1) / total)

    @torch.inference_mode()
    def start(self, prompts: Sequence[Prompt], sampling: Sequence[Sampling]) -> "GraphGeneration":
        """Prefill the prompts (at most 4) for `advance`; frees what an earlier generation held.

        Raises EngineError when a prompt or a sampling does not fit the model.
        """
        if not 1 <= len(prompts) <= MOST_ROWS or len(prompts) != len(sampling):
            raise EngineError(
                f"{len(prompts)} prompts with {len(sampling)} samplings, allowed: 1 to {MOST_ROWS}"
            )
        for each in sampling:
            check(each)
        embedded = [self._plainly.embed(prompt) for prompt in prompts]
        limits = [self._limit(len(rows), each) for rows, each in zip(embedded, sampling, strict=True)]
        stepper = self._stepper(sampling)  # first: what is not captured yet is captured, which runs it
        for slot, rows in enumerate(embedded):
            self._prefill(slot, rows)
        prompt_lengths = [len(rows) for rows in embedded]
        self._reset(prompt_lengths, limits)
        return GraphGeneration(self._rows, stepper, self.shape, sampling, prompt_lengths)

    def refine(
        self, prompt: Prompt, sampling: Sampling = REFINEMENT, cancelled: Cancelled = never
    ) -> list[int]:
        """Return the text tokens that refinement draws; without graphs. Raises EngineError."""
        return self._plainly.refine(prompt, sampling, cancelled)

    def _limit(self, prompt: int, sampling: Sampling) -> int:
        left = self._buckets[-1] - STEPS_A_POLL - prompt
        if left < 1:
            allowed = self._buckets[-1] - STEPS_A_POLL - 1
            raise EngineError(f"a prompt of {prompt} tokens, allowed: at most {allowed}")
        return min(left, sampling.max_tokens)

    def _prefill(self, slot: int, embeddings: torch.Tensor) -> None:
        rows = self._rows
        cache = rows.cache[:, slot]
        cache.zero_()  # what is masked is multiplied with 0: a NaN left behind would come through
        size = bucket(len(embeddings), self._prefill_buckets)
        if size:
            self._prefill_run(size)(embeddings, cache, rows.pending[slot])
            return
        staged = embeddings.to(cache.device)
        last = torch.tensor([len(staged) - 1], device=cache.device)
        self._steps.prefill(staged, last, cache[:, :, :, : len(staged)], rows.pending[slot])

    def _prefill_run(self, size: int) -> _Prefill:
        if size not in self._prefills:
            self._prefills[size] = _Prefill(self._steps, self._rows, size, self._capture)
        return self._prefills[size]

    def _step_run(self, rows: int, size: int) -> Run:
        if (rows, size) not in self._runs:
            sampler = self._samplers[rows]
            self._runs[rows, size] = self._capture(lambda: self._steps.step(rows, size, sampler))
        return self._runs[rows, size]

    def _reset(self, prompts: Sequence[int], limits: Sequence[int]) -> None:
        rows, count = self._rows, len(prompts)
        rows.position[:count] = torch.tensor(prompts, device=rows.position.device)
        rows.limit[:count] = torch.tensor(limits, device=rows.limit.device)
        for state in (rows.length, rows.done, rows.ended, rows.turn):
            state.zero_()

    def _stepper(self, sampling: Sequence[Sampling]) -> "_Stepper":
        """Return what draws and steps: captured where a captured sampler takes these parameters."""
        count = len(sampling)
        if max(each.top_k for each in sampling) > MOST_TOP_K:
            own = self._sampler(sampling, max(each.top_k for each in sampling))
            runs = {size: self._plain_step(count, size, own) for size in self._buckets}
            return _Stepper(lambda: self._steps.draw(count, own), runs)
        sampler = self._samplers[count]
        runs = {size: self._step_run(count, size) for size in self._buckets}
        sampler.load(sampling)
        return _Stepper(lambda: self._steps.draw(count, sampler), runs)

    def _plain_step(self, count: int, size: int, sampler: Sampler) -> Run:
        return lambda: self._steps.step(count, size, sampler)

    def _sampler(self, sampling: Sequence[Sampling], most: int = MOST_TOP_K) -> Sampler:
        shape = self.shape
        device = self._rows.cache.device
        return Sampler(sampling, shape.codebooks, shape.audio_tokens, shape.end_code, device, most)


class _Stepper:
    """The first draw, and a step for each length of the cache."""

    def __init__(self, draw: Run, steps: Mapping[int, Run]) -> None:
        self.draw = draw
        self._steps = steps

    def step(self, positions: int) -> Run:
        """Return the step for so many positions."""
        size = bucket(positions, tuple(self._steps))
        if size is None:
            raise EngineError(f"the decoder has {max(self._steps)} positions, {positions} were asked for")
        return self._steps[size]


class GraphGeneration:
    """`Generation` that advances by STEPS_A_POLL tokens; its tensors stay on the decoder's device."""

    def __init__(
        self,
        rows: Rows,
        stepper: _Stepper,
        shape: ModelShape,
        sampling: Sequence[Sampling],
        prompts: Sequence[int],
    ) -> None:
        self._rows, self._stepper, self._prompts = rows, stepper, prompts
        self._noise = [
            Noise(each.seed, shape.codebooks, shape.audio_tokens, STEPS_A_POLL) for each in sampling
        ]
        # Pinned: the copy to the device does not wait for what the device does.
        on_gpu = rows.noise.device.type == "cuda"
        sizes = (STEPS_A_POLL, len(prompts), shape.codebooks, shape.audio_tokens)
        self._staged = torch.empty(sizes, pin_memory=on_gpu)
        self._alive = list(range(len(prompts)))
        self._lengths = [0] * len(prompts)
        self._ended = [False] * len(prompts)
        self._first = True

    @property
    def alive(self) -> Sequence[int]:
        """The rows that still grow."""
        return tuple(self._alive)

    @torch.inference_mode()
    def advance(self) -> None:
        """Draw STEPS_A_POLL tokens for every row that is alive, then look which have ended."""
        if not self._alive:
            return
        for row in self._alive:
            self._noise[row].block(self._staged[:, row])
        self._rows.noise[:, : len(self._prompts)].copy_(self._staged, non_blocking=True)
        step = self._stepper.step(
            max(self._prompts[r] + self._lengths[r] for r in self._alive) + STEPS_A_POLL
        )
        if self._first:
            self._stepper.draw()
        for _ in range(STEPS_A_POLL - self._first):
            step()
        self._first = False
        self._poll()

    def _poll(self) -> None:
        rows, count = self._rows, len(self._prompts)
        flags = torch.stack((rows.length[:count], rows.done[:count].long(), rows.ended[:count].long()))
        lengths, done, ended = flags.tolist()
        for row in self._alive:
            self._lengths[row] = lengths[row]
            self._ended[row] = bool(ended[row])
        self._alive = [row for row in self._alive if not done[row]]

    def hidden(self, row: int, start: int = 0) -> torch.Tensor:
        """Return the hidden states of a row from token `start` on, float32 [n, hidden], no end token."""
        return self._rows.hidden[row, start : self._lengths[row]]

    def codes(self, row: int) -> torch.Tensor:
        """Return the tokens of a row, int64 [n, codebooks], without the end token."""
        return self._rows.codes[row, : self._lengths[row]]

    def length(self, row: int) -> int:
        """Return how many tokens a row has, without the end token."""
        return self._lengths[row]

    def ended(self, row: int) -> bool:
        """Tell whether a row drew its end token (and not: was retired, or reached its limit)."""
        return self._ended[row]

    @torch.inference_mode()
    def retire(self, row: int) -> None:
        """Grow a row no more."""
        if row in self._alive:
            self._alive.remove(row)
            self._rows.done[row] = True
