"""The decode loop over a backbone: embeddings, heads, sampler, and the rows that still grow."""

from collections.abc import Callable, Sequence
from typing import Final

import torch
from torch.nn.functional import embedding

from chatttsd.engine.api import EngineError
from chatttsd.engine.chattts.api import Backbone, ModelShape, Prompt, Sampling
from chatttsd.engine.chattts.sampler import CodeSampler, Noise, Sampler
from chatttsd.engine.chattts.speaker import embed
from chatttsd.engine.chattts.weights import Embeddings

MOST_ROWS: Final = 4
REFINEMENT: Final = Sampling(temperature=0.7, repetition_penalty=1.0, max_tokens=384)
"""Upstream's `RefineTextParams`."""

Cancelled = Callable[[], bool]
MakeSampler = Callable[[Sequence[Sampling], int, int, int], CodeSampler]
"""Takes samplings, codebooks, vocabulary and the end code."""
Multiply = Callable[[torch.Tensor], torch.Tensor]
"""Takes hidden states [rows, hidden], returns logits [rows, codebooks * audio_tokens]."""


def never() -> bool:
    """Cancel nothing."""
    return False


class TokenHeads:
    """The small matrices around the layers: hidden states to logits, codes to embeddings; float32.

    `multiply` is used in place of a product of torch's with the heads.
    """

    def __init__(
        self,
        embeddings: Embeddings,
        shape: ModelShape,
        device: torch.device | str = "cpu",
        multiply: Multiply | None = None,
    ) -> None:
        self._shape = shape
        heads = embeddings.code_heads.to(device).t()
        self._multiply = multiply or (lambda hidden: torch.mm(hidden, heads))
        self._codes = embeddings.codes.to(device).reshape(-1, shape.hidden)
        self._offsets = torch.arange(shape.codebooks, device=device) * shape.audio_tokens

    def logits(self, hidden: torch.Tensor) -> torch.Tensor:
        """Return [rows, codebooks, audio_tokens] for [rows, hidden]."""
        return self._multiply(hidden).view(-1, self._shape.codebooks, self._shape.audio_tokens)

    def embed(self, codes: torch.Tensor) -> torch.Tensor:
        """Return [rows, hidden] for int64 [rows, codebooks]: the sum of the codes' embeddings."""
        return embedding(codes + self._offsets, self._codes).sum(1)


class TokenGeneration:
    """`Generation` over any backbone; row i has slot i. Hidden states are written where they stay."""

    def __init__(
        self,
        backbone: Backbone,
        heads: TokenHeads,
        prefilled: torch.Tensor,
        sampling: Sequence[Sampling],
        limits: Sequence[int],
        make_sampler: MakeSampler = Sampler,
    ) -> None:
        shape = backbone.shape
        self._backbone, self._heads = backbone, heads
        self._limits = limits
        self._alive = list(range(len(limits)))
        self._pending: torch.Tensor | None = prefilled
        self._drawn = torch.empty(0)
        self._noise = [Noise(each.seed, shape.codebooks, shape.audio_tokens) for each in sampling]
        self._sampler = make_sampler(sampling, shape.codebooks, shape.audio_tokens, shape.end_code)
        self._hidden = [torch.empty((limit, shape.hidden)) for limit in limits]
        self._codes = [torch.empty((limit, shape.codebooks), dtype=torch.int64) for limit in limits]
        self._lengths = [0] * len(limits)
        self._ended = [False] * len(limits)

    @property
    def alive(self) -> Sequence[int]:
        """The rows that still grow."""
        return tuple(self._alive)

    def length(self, row: int) -> int:
        """Return how many tokens a row has, without the end token."""
        return self._lengths[row]

    def hidden(self, row: int, start: int = 0) -> torch.Tensor:
        """Return the hidden states of a row from token `start` on, float32 [n, hidden], no end token."""
        return self._hidden[row][start : self._lengths[row]]

    def codes(self, row: int) -> torch.Tensor:
        """Return the tokens of a row, int64 [n, codebooks], without the end token."""
        return self._codes[row][: self._lengths[row]]

    def ended(self, row: int) -> bool:
        """Tell whether a row drew its end token (and not: was retired, or reached its limit)."""
        return self._ended[row]

    def retire(self, row: int) -> None:
        """Grow a row no more."""
        if row in self._alive:
            self._keep([index for index, alive in enumerate(self._alive) if alive != row])

    @torch.inference_mode()
    def advance(self) -> None:
        """Draw one token for every row that is alive."""
        if not self._alive:
            return
        hidden = self._pending
        if hidden is None:
            hidden = self._backbone.step(self._alive, self._heads.embed(self._drawn))
        self._pending = None
        noise = [self._noise[row].token() for row in self._alive]
        batch = noise[0][None] if len(noise) == 1 else torch.stack(noise)
        self._drawn = self._sampler.draw(self._heads.logits(hidden), batch)
        ends = (self._drawn == self._backbone.shape.end_code).any(1).tolist()
        growing = [self._store(row, index, hidden, end=ends[index]) for index, row in enumerate(self._alive)]
        if not all(growing):
            self._keep([index for index, grows in enumerate(growing) if grows])

    def _store(self, row: int, index: int, hidden: torch.Tensor, *, end: bool) -> bool:
        """Keep what a row drew; tell whether it goes on."""
        if end:
            self._ended[row] = True
            return False
        place = self._lengths[row]
        self._hidden[row][place] = hidden[index]
        self._codes[row][place] = self._drawn[index]
        self._lengths[row] = place + 1
        return place + 1 < self._limits[row]

    def _keep(self, indices: Sequence[int]) -> None:
        """Go on with the rows at some places of `alive` only."""
        self._alive = [self._alive[index] for index in indices]
        if not indices:
            self._pending = None
            return
        self._sampler.keep(indices)
        if self._pending is not None:
            self._pending = self._pending[list(indices)]
        if len(self._drawn):
            self._drawn = self._drawn[list(indices)]


class TokenDecoder:
    """`Decoder` over any backbone on the CPU.

    `speaker_token` and `end_of_refinement` are the tokenizer's ids; `text_head` reads the head of refinement,
    which is kept from its first use on; `multiply` is for the code heads (see `TokenHeads`). Prompt and
    tokens together have at most `shape.max_positions`.
    """

    def __init__(
        self,
        backbone: Backbone,
        embeddings: Embeddings,
        text_head: Callable[[], torch.Tensor],
        *,
        speaker_token: int,
        end_of_refinement: int,
        make_sampler: MakeSampler = Sampler,
        multiply: Multiply | None = None,
    ) -> None:
        self.shape = backbone.shape
        self._backbone = backbone
        self._embeddings = embeddings
        self._heads = TokenHeads(embeddings, backbone.shape, multiply=multiply)
        self._read_text_head = text_head
        self._text_head: torch.Tensor | None = None
        self._speaker_token = speaker_token
        self._end_of_refinement = end_of_refinement
        self._make_sampler = make_sampler

    @torch.inference_mode()
    def start(self, prompts: Sequence[Prompt], sampling: Sequence[Sampling]) -> TokenGeneration:
        """Prefill the prompts (at most 4) for `advance`; frees what an earlier generation held.

        Raises EngineError when a prompt or a sampling does not fit the model.
        """
        if not 1 <= len(prompts) <= MOST_ROWS or len(prompts) != len(sampling):
            raise EngineError(
                f"{len(prompts)} prompts with {len(sampling)} samplings, allowed: 1 to {MOST_ROWS}"
            )
        for each in sampling:
            check(each)
        embedded = [self.embed(prompt) for prompt in prompts]
        limits = [self._limit(rows, each) for rows, each in zip(embedded, sampling, strict=True)]
        prefilled = torch.stack([self._backbone.prefill(slot, rows) for slot, rows in enumerate(embedded)])
        with torch.inference_mode(mode=False):  # so that what is read later are ordinary tensors
            return TokenGeneration(
                self._backbone, self._heads, prefilled, sampling, limits, self._make_sampler
            )

    @torch.inference_mode()
    def refine(
        self, prompt: Prompt, sampling: Sampling = REFINEMENT, cancelled: Cancelled = never
    ) -> list[int]:
        """Return the text tokens that refinement draws for `[Sbreak]...[Pbreak]...`, without its end.

        Stops at `sampling.max_tokens`, and at the next token when `cancelled` tells so. Raises EngineError.
        """
        check(sampling)
        rows = self.embed(prompt)
        limit = self._limit(rows, sampling)
        vocabulary, end = self.shape.text_tokens, self._end_of_refinement
        noise = Noise(sampling.seed, 1, vocabulary, tokens=1)
        hidden = self._backbone.prefill(0, rows)[None]
        head = self._head_of_text(hidden.device)
        sampler = Sampler([sampling], 1, vocabulary, end, hidden.device)
        drawn: list[int] = []
        while not cancelled():
            logits = torch.mm(hidden, head)[:, None]
            token = sampler.draw(logits, noise.token()[None].to(hidden.device))[0].cpu()
            drawn.append(int(token))
            if drawn[-1] == end or len(drawn) == limit:
                break
            hidden = self._backbone.step([0], embedding(token, self._embeddings.text))
        return [token for token in drawn if token != end]

    def embed(self, prompt: Prompt) -> torch.Tensor:
        """Return a prompt as float32 [tokens, hidden] on the CPU; raises EngineError."""
        return embed(prompt, self._embeddings, self._speaker_token, self.shape)

    def _limit(self, rows: torch.Tensor, sampling: Sampling) -> int:
        left = self.shape.max_positions - len(rows)
        if left < 1:
            allowed = self.shape.max_positions - 1
            raise EngineError(f"a prompt of {len(rows)} tokens, allowed: at most {allowed}")
        return min(left, sampling.max_tokens)

    def _head_of_text(self, device: torch.device) -> torch.Tensor:
        if self._text_head is None:
            self._text_head = self._read_text_head().to(device).t()
        return self._text_head


def check(sampling: Sampling) -> None:
    """Raise EngineError naming the first parameter that no token can be drawn with."""
    told = {
        "temperature above 0": sampling.temperature > 0,
        "top_p in 0..1": 0 <= sampling.top_p <= 1,
        "top_k of at least 1": sampling.top_k >= 1,
        "repetition_penalty above 0": sampling.repetition_penalty > 0,
        "max_tokens of at least 1": sampling.max_tokens >= 1,
    }
    wrong = next((rule for rule, kept in told.items() if not kept), None)
    if wrong:
        raise EngineError(f"expected {wrong}, found {getattr(sampling, wrong.split()[0])}")
