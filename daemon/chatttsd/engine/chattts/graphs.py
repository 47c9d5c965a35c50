"""What the CUDA decoder captures: one graph per batch size and length of the KV cache.

A step (embedding, layers, heads, sampler, end flags) is a function over buffers that never move. On CUDA it
is captured once and replayed; elsewhere the same function is simply called, which is how it is tested: this
has not run on a GPU yet (tests/gpu/run.sh does that).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import torch
from torch.nn.functional import scaled_dot_product_attention

from chatttsd.engine.chattts.api import ModelError, ModelShape
from chatttsd.engine.chattts.decoder import TokenHeads
from chatttsd.engine.chattts.sampler import Sampler
from chatttsd.engine.chattts.torch_backbone import Layers

KV_BUCKETS: Final = (256, 512, 1024, 2048)
"""Positions that a step's attention looks at; the smallest that fits is used."""
PREFILL_BUCKETS: Final = (16, 32, 64, 128)
"""Prompt tokens of a captured prefill; a longer prompt is prefilled without a graph."""
STEPS_A_POLL: Final = 4
"""Steps between two looks at the end flags: a poll costs a wait for the device, a late one wasted steps."""
MOST_TOP_K: Final = 64
"""top_k of a captured sampler; a segment that asks for more is drawn without graphs."""
_WARM_RUNS: Final = 2
"""Runs before a capture, for what libraries allocate on first use."""

Run = Callable[[], None]
Capture = Callable[[Run], Run]


def plain(function: Run) -> Run:
    """Return the function as it is: the capture of a device without graphs."""
    return function


class CudaCapture:
    """Captures functions as CUDA graphs that share one memory pool; raises ModelError when CUDA refuses."""

    def __init__(self) -> None:
        self._pool = torch.cuda.graph_pool_handle()

    def __call__(self, function: Run) -> Run:
        """Run a function a few times, capture it, and return what replays it."""
        graph = torch.cuda.CUDAGraph()
        try:
            beside = torch.cuda.Stream()  # type: ignore[no-untyped-call]  # torch has no types here
            beside.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(beside):
                for _ in range(_WARM_RUNS):
                    function()
            torch.cuda.current_stream().wait_stream(beside)
            with torch.cuda.graph(graph, pool=self._pool):
                function()
        except RuntimeError as error:
            raise ModelError(f"CUDA cannot capture a decode step: {str(error).splitlines()[0]}") from error
        replay: Run = graph.replay
        return replay


@dataclass(slots=True, eq=False)
class Rows:
    """The state of a batch on the device; the first dimension is the row."""

    cache: torch.Tensor
    """[layers, rows, 2, heads, positions, head_size]"""
    position: torch.Tensor
    """int64 [rows]: where the next token's keys and values go."""
    pending: torch.Tensor
    """float32 [rows, hidden]: hidden states that the next tokens are drawn from."""
    drawn: torch.Tensor
    """int64 [rows, codebooks]"""
    hidden: torch.Tensor
    """float32 [rows, positions, hidden] by token; what lies beyond `length` is meaningless."""
    codes: torch.Tensor
    """int64 [rows, positions, codebooks] by token."""
    length: torch.Tensor
    """int64 [rows]: tokens without the end token."""
    limit: torch.Tensor
    """int64 [rows]"""
    done: torch.Tensor
    """bool [rows]: grows no more."""
    ended: torch.Tensor
    """bool [rows]: drew its end."""
    noise: torch.Tensor
    """float32 [STEPS_A_POLL, rows, codebooks, audio_tokens]"""
    turn: torch.Tensor
    """int64 [1]: which of the noise is next."""

    @classmethod
    def make(
        cls, shape: ModelShape, rows: int, positions: int, device: torch.device, dtype: torch.dtype
    ) -> "Rows":
        """Allocate for so many rows; the cache has the dtype."""

        def whole(*sizes: int) -> torch.Tensor:
            return torch.zeros(sizes, dtype=torch.int64, device=device)

        def real(*sizes: int) -> torch.Tensor:
            return torch.zeros(sizes, device=device)

        return cls(
            cache=torch.zeros(
                (shape.layers, rows, 2, shape.heads, positions, shape.head_size), dtype=dtype, device=device
            ),
            position=whole(rows),
            pending=real(rows, shape.hidden),
            drawn=whole(rows, shape.codebooks),
            hidden=real(rows, positions, shape.hidden),
            codes=whole(rows, positions, shape.codebooks),
            length=whole(rows),
            limit=whole(rows),
            done=whole(rows).bool(),
            ended=whole(rows).bool(),
            noise=real(STEPS_A_POLL, rows, shape.codebooks, shape.audio_tokens),
            turn=whole(1),
        )


class Steps:
    """The functions that are captured, over the state of `rows`."""

    def __init__(self, layers: Layers, heads: TokenHeads, rows: Rows) -> None:
        self._layers, self._heads, self._rows = layers, heads, rows
        self._places = torch.arange(rows.cache.shape[4], device=layers.device)

    def step(self, batch: int, positions: int, sampler: Sampler) -> None:
        """Append the drawn tokens of the first rows, attending over so many positions, and draw the next."""
        rows, shape = self._rows, self._layers.shape
        position = rows.position[:batch]
        seen = (self._places[:positions] <= position[:, None])[:, None, None]
        place = position.view(-1, 1, 1, 1, 1).expand(batch, 2, shape.heads, 1, shape.head_size)

        def attend(layer: int, queries: torch.Tensor, keys_values: torch.Tensor) -> torch.Tensor:
            cache = rows.cache[layer, :batch]
            cache.scatter_(3, place, keys_values.to(cache.dtype).unsqueeze(3))
            keys, values = cache[:, 0, :, :positions], cache[:, 1, :, :positions]
            asked = queries.to(cache.dtype).unsqueeze(2)
            return scaled_dot_product_attention(asked, keys, values, attn_mask=seen).float().view(batch, -1)

        embedded = self._heads.embed(rows.drawn[:batch])
        rows.pending[:batch] = self._layers.run(embedded, self._layers.turns[position], attend)
        position += ~rows.done[:batch]
        self.draw(batch, sampler)

    def draw(self, batch: int, sampler: Sampler) -> None:
        """Draw a token for the first rows and keep it, with its hidden state, for those that still grow."""
        rows, end = self._rows, self._layers.shape.end_code
        hidden, done, length = rows.pending[:batch], rows.done[:batch], rows.length[:batch]
        noise = rows.noise[:, :batch].index_select(0, rows.turn)[0]
        drawn = rows.drawn[:batch].copy_(sampler.draw(self._heads.logits(hidden), noise))
        rows.turn.add_(1).remainder_(STEPS_A_POLL)
        # A row that is done writes past its last token, where nobody reads.
        _put(rows.hidden[:batch], length, hidden)
        _put(rows.codes[:batch], length, drawn)
        ends = (drawn == end).any(1)
        rows.ended[:batch] |= ends & ~done
        done |= ends
        length += ~done
        done |= length >= rows.limit[:batch]

    def prefill(
        self, staged: torch.Tensor, last: torch.Tensor, cache: torch.Tensor, out: torch.Tensor
    ) -> None:
        """Run a prompt [n, hidden], padded behind `last` [1]; fills cache [layers, 2, heads, n, head_size].

        What is behind `last` is not seen by what is before it, and is overwritten step by step.
        """
        length = len(staged)

        def attend(layer: int, queries: torch.Tensor, keys_values: torch.Tensor) -> torch.Tensor:
            cache[layer] = keys_values.permute(1, 2, 0, 3)
            keys, values = keys_values.permute(1, 2, 0, 3)
            mixed = scaled_dot_product_attention(queries.transpose(0, 1), keys, values, is_causal=True)
            return mixed.transpose(0, 1).reshape(length, -1)

        hidden = self._layers.run(staged.clone(), self._layers.turns[:length], attend)
        out.copy_(hidden.index_select(0, last)[0])


def _put(into: torch.Tensor, place: torch.Tensor, what: torch.Tensor) -> None:
    """Write [rows, n] at a place of each row of [rows, places, n]."""
    index = place.view(-1, 1, 1).expand(len(what), 1, what.shape[1])
    into.scatter_(1, index, what[:, None])


def bucket(wanted: int, buckets: Sequence[int]) -> int | None:
    """Return the smallest bucket that holds what is wanted, if one does."""
    return next((size for size in buckets if size >= wanted), None)
