"""The GPT on compiled kernels: `Backbone` for a CPU."""

import os
import threading
import weakref
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from chatttsd.engine.chattts.api import ModelError, ModelShape, Precision, look_at_nothing
from chatttsd.engine.chattts.native import team
from chatttsd.engine.chattts.native.attend import BLOCK, BLOCK_VALUES
from chatttsd.engine.chattts.native.dot import GROUP, MOST_ROWS
from chatttsd.engine.chattts.native.emitter import LANES
from chatttsd.engine.chattts.native.memory import Region
from chatttsd.engine.chattts.native.pack import PACKERS, tile_bytes
from chatttsd.engine.chattts.native.plan import HEAD_VALUES, LOGIT_TILES, MAX_ROWS, Buffers, Model
from chatttsd.engine.chattts.native.product import uses_halves
from chatttsd.engine.chattts.native.rows import record_bytes
from chatttsd.engine.chattts.native.step import SHORTEST_REST, heads_begin, idle_serial, work
from chatttsd.engine.chattts.weights import NO_HEADS, LayerWeights

DTYPES: Final = {
    Precision.FP32: "float32",
    Precision.BF16: "uint16",
    Precision.INT8: "uint8",
    Precision.INT4: "uint32",
}
"""The dtype of the array that holds packed weights (see `dot`)."""
MOST_SLOTS: Final = 4
_KEPT_POSITIONS: Final = 512
"""A slot that held more than this many positions gives the rest back when it is filled afresh."""


class LayersOfWeights(Protocol):
    """What is packed; `weights.Weights` is one."""

    shape: ModelShape

    def layers(self) -> Iterator[LayerWeights]:
        """Yield the layers in order."""

    def final_norm(self) -> torch.Tensor:
        """Return the last norm's weight."""


def supports(shape: ModelShape) -> bool:
    """Tell whether the kernels fit a model's dimensions."""
    return shape.head_size == GROUP and not shape.hidden % GROUP and not shape.intermediate % GROUP


class NativeBackbone:
    """The layers packed in a precision, run by `threads` threads; `slots` KV caches of `positions`.

    `heads` [outputs, hidden] are what `logits` multiplies with, kept as float32 for fp32, else as float16.
    The cache is float16 (float32 for fp32, or on a CPU without float16) and takes memory only as far
    as positions are filled. A row's result depends neither on the other rows nor on the number of threads.
    Raises ModelError for a model that does not fit, past the last position, and for a slot never filled.
    """

    def __init__(
        self,
        weights: LayersOfWeights,
        precision: Precision = Precision.INT8,
        threads: int = 1,
        slots: int = MOST_SLOTS,
        positions: int | None = None,
        heads: torch.Tensor = NO_HEADS,
    ) -> None:
        self.shape = weights.shape
        if not supports(self.shape):
            raise ModelError(
                f"compiled kernels need heads of {GROUP} values and multiples of it elsewhere, "
                f"found heads of {self.shape.head_size}, hidden {self.shape.hidden}, "
                f"intermediate {self.shape.intermediate}"
            )
        self._positions = min(positions or self.shape.max_positions, self.shape.max_positions)
        self._lengths = [0] * slots
        halves = uses_halves(precision)
        self._model = _pack(weights, DTYPES[precision], _pack_heads(heads, halves=halves), len(heads))
        self._cache_dtype = "uint16" if halves else "float32"
        self._blocks = -(-self._positions // BLOCK)
        self._cache = Region(slots * self._slot_bytes(self._blocks))
        self._buffers = self._make_buffers(max(1, threads))
        self.close = weakref.finalize(self, _stop, self._buffers, _start(self._model, self._buffers))

    def prefill(
        self, slot: int, embeddings: torch.Tensor, look: Callable[[], None] = look_at_nothing
    ) -> torch.Tensor:
        """See `Backbone`; looks before every `MAX_ROWS` positions."""
        count = embeddings.shape[0]
        self._require(count)
        self._release(slot)
        rows = _floats(embeddings)
        for start in range(0, count, MAX_ROWS):
            look()
            end = min(start + MAX_ROWS, count)
            out = self._run(rows[start:end], [slot] * (end - start), list(range(start, end)), end - start - 1)
        self._lengths[slot] = count
        return torch.from_numpy(out[0])

    def step(self, slots: Sequence[int], embeddings: torch.Tensor) -> torch.Tensor:
        """Append one position to each slot, float32 [len(slots), hidden]; returns hidden states like it."""
        positions = [self._lengths[slot] for slot in slots]
        if not all(positions):
            raise ModelError(f"slot {slots[positions.index(0)]} was stepped before it was prefilled")
        self._require(max(positions) + 1)
        out = self._run(_floats(embeddings), slots, positions, 0)
        for slot in slots:
            self._lengths[slot] += 1
        return torch.from_numpy(out)

    def logits(self, hidden: torch.Tensor) -> torch.Tensor:
        """Return the heads' products [rows, outputs] with 1..4 hidden states, float32 [rows, hidden]."""
        buffers = self._buffers
        if not self._model.head_chunks:
            raise ModelError("the backbone was made without heads")
        buffers.row_count[0] = len(hidden)
        buffers.x[: hidden.numel()] = _floats(hidden).ravel()
        out = np.empty((len(hidden), self._model.logits), np.float32)
        work(self._model, buffers, 0, heads_begin(self.shape.layers), out.reshape(-1), 0)
        return torch.from_numpy(out)

    def leave_cores(self, count: int) -> None:
        """Leave so many cores to other threads of this process from now on; called from any thread."""
        words = self._buffers.words
        returned = int(words[team.LEFT]) - count
        words[team.LEFT] = count
        if returned > 0 and words[team.SLEEPERS]:
            os.eventfd_write(self._buffers.eventfd, returned)  # for what is left of the step

    def _run(
        self, rows: NDArray[np.float32], slots: Sequence[int], positions: Sequence[int], first: int
    ) -> NDArray[np.float32]:
        buffers, count = self._buffers, len(slots)
        buffers.row_count[0] = count
        buffers.slots[:count] = slots
        buffers.positions[:count] = positions
        buffers.x[: rows.size] = rows.ravel()
        out = np.empty((count - first, self.shape.hidden), np.float32)
        work(self._model, buffers, 0, 0, out.reshape(-1), first)
        return out

    def _require(self, positions: int) -> None:
        if positions > self._positions:
            raise ModelError(f"the model has {self._positions} positions, {positions} were asked for")

    def _slot_bytes(self, blocks: int) -> int:
        values = blocks * self.shape.layers * self.shape.heads * BLOCK_VALUES
        return values * np.dtype(self._cache_dtype).itemsize

    def _release(self, slot: int) -> None:
        """Empty a slot; gives back what a long segment took."""
        if self._lengths[slot] > _KEPT_POSITIONS:
            start = slot * self._slot_bytes(self._blocks)
            kept = self._slot_bytes(_KEPT_POSITIONS // BLOCK)
            self._cache.free(start + kept, start + self._slot_bytes(self._blocks))
        self._lengths[slot] = 0

    def _make_buffers(self, threads: int) -> Buffers:
        model, hidden = self._model, self.shape.hidden
        words = np.zeros(team.CLAIMS + threads * team.CLAIM_WORDS, np.int64)
        words[team.CLAIMS :: team.CLAIM_WORDS] = idle_serial(model.layers) << team.CHUNK_BITS
        words[team.PATIENCE] = SHORTEST_REST
        scratch = MAX_ROWS * HEAD_VALUES + self._blocks * BLOCK
        return Buffers(
            words=words,
            threads=threads,
            eventfd=os.eventfd(0, os.EFD_SEMAPHORE | os.EFD_CLOEXEC),
            row_count=np.zeros(1, np.int64),
            slots=np.zeros(MAX_ROWS, np.int64),
            positions=np.zeros(MAX_ROWS, np.int64),
            x=np.zeros(MAX_ROWS * hidden, np.float32),
            angles=_angles(self.shape, self._blocks * BLOCK).reshape(-1),
            cache=self._cache.array(self._cache_dtype),
            blocks=self._blocks,
            mixed=np.zeros(MAX_ROWS * model.hidden_record, np.uint8),
            gated=np.zeros(MAX_ROWS * model.inner_record, np.uint8),
            normed=np.zeros(threads * MAX_ROWS * model.hidden_record, np.uint8),
            scratch=np.zeros(threads * scratch, np.float32),
            scratch_size=scratch,
            logits=np.zeros(MOST_ROWS * model.head_chunks * LOGIT_TILES * LANES, np.float32),
        )


def _start(model: Model, buffers: Buffers) -> list[threading.Thread]:
    """Start the helpers."""
    nothing = np.zeros(0, np.float32)
    buffers.words[team.STOPPED] = 1
    work(model, buffers, 1, 0, nothing, 0)  # compiles here, once
    buffers.words[team.STOPPED] = 0
    helpers = [
        threading.Thread(
            target=work, args=(model, buffers, thread, 0, nothing, 0), name=f"gpt-{thread}", daemon=True
        )
        for thread in range(1, buffers.threads)
    ]
    for helper in helpers:
        helper.start()
    return helpers


def _stop(buffers: Buffers, helpers: Sequence[threading.Thread]) -> None:
    """End the helpers."""
    buffers.words[team.STOPPED] = 1
    os.eventfd_write(buffers.eventfd, len(helpers) + 1)
    for helper in helpers:
        helper.join()
    os.close(buffers.eventfd)


def _pack(weights: LayersOfWeights, dtype: str, heads: NDArray[Any], logits: int) -> Model:
    """Pack layer by layer: never more than one layer's float32 is there; `heads` are tiles by now."""
    shape = weights.shape
    hidden, inner = shape.hidden, shape.intermediate
    hidden_tile, inner_tile = tile_bytes(dtype, hidden), tile_bytes(dtype, inner)
    layer_bytes = (4 * hidden + 2 * inner) // LANES * hidden_tile + hidden // LANES * inner_tile
    packed = Region(shape.layers * layer_bytes).array("uint8")
    gains = np.empty((2 * shape.layers + 1, hidden), np.float32)
    for index, layer in enumerate(weights.layers()):
        gains[2 * index], gains[2 * index + 1] = _floats(layer.attention_norm), _floats(layer.mlp_norm)
        _pack_layer(layer, shape, dtype, packed[index * layer_bytes : (index + 1) * layer_bytes])
    gains[-1] = _floats(weights.final_norm())
    return Model(
        weights=packed[: shape.layers * layer_bytes].view(dtype),
        gains=gains.reshape(-1),
        epsilon=shape.rms_epsilon,
        layers=shape.layers,
        heads=shape.heads,
        hidden_groups=hidden // GROUP,
        inner_groups=inner // GROUP,
        hidden_tile=hidden_tile,
        inner_tile=inner_tile,
        hidden_record=record_bytes(dtype, hidden),
        inner_record=record_bytes(dtype, inner),
        code_heads=heads.reshape(-1),
        head_tile=hidden * LANES * heads.itemsize,
        head_chunks=len(heads) // LOGIT_TILES,
        logits=logits,
    )


def _pack_heads(heads: torch.Tensor, *, halves: bool) -> NDArray[Any]:
    """Return whole chunks of tiles, [tiles, hidden, 16] in float32 or float16 (as int16)."""
    outputs, hidden = heads.shape
    chunk = LOGIT_TILES * LANES
    whole = torch.nn.functional.pad(heads, (0, 0, 0, -outputs % chunk))
    tiles = whole.view(-1, LANES, hidden).transpose(1, 2) if outputs else whole.view(0, LANES, hidden)
    return tiles.half().contiguous().view(torch.int16).numpy() if halves else tiles.contiguous().numpy()


def _pack_layer(layer: LayerWeights, shape: ModelShape, dtype: str, packed: NDArray[np.uint8]) -> None:
    plain = np.arange(shape.hidden)
    linears = (
        (layer.qkv, _interleaved(3, shape.hidden)),
        (layer.o, plain),
        (layer.gate_up, _interleaved(2, shape.intermediate)),
        (layer.down, plain),
    )
    start = 0
    for weight, order in linears:
        end = start + order.size // LANES * tile_bytes(dtype, weight.shape[1])
        PACKERS[dtype](_floats(weight), order, packed[start:end])
        start = end


def _interleaved(parts: int, outputs: int) -> NDArray[np.int64]:
    """Order the outputs of fused linears so that 64 of each part follow each other."""
    return np.arange(parts * outputs).reshape(parts, -1, GROUP).transpose(1, 0, 2).reshape(-1)


def _angles(shape: ModelShape, positions: int) -> NDArray[np.float32]:
    """Return [positions, 64]: cosines, then sines, of position * theta^(-2j / 64), in float32 as HF."""
    exponents = np.arange(0, GROUP, 2, dtype=np.float32) / np.float32(GROUP)
    frequencies = np.float32(1.0) / np.float32(shape.rope_theta) ** exponents
    angles = np.arange(positions, dtype=np.float32)[:, None] * frequencies
    return np.concatenate([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)


def _floats(tensor: torch.Tensor) -> NDArray[np.float32]:
    array: NDArray[np.float32] = tensor.detach().contiguous().numpy()
    return array
