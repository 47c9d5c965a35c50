"""What a decode step reads and writes, and how its work is cut into phases, chunks and shares.

Each layer has four phases: attention (norm, one head's q, k and v, RoPE, cache, mix), output projection, gate
and up, down. Chunks divide the outputs only, so the arithmetic of a row depends neither on other rows nor on
how many threads there are. The heads are a run of their own: the phase after the idle time that ends a step.
"""

from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from chatttsd.engine.chattts.native.dot import GROUP
from chatttsd.engine.chattts.native.emitter import LANES
from chatttsd.engine.chattts.native.jit import inlined

MAX_ROWS: Final = 64
"""Rows of one pass; longer prompts are cut."""
PHASES: Final = 4
ATTENTION: Final = 0
OUTPUT: Final = 1
GATE: Final = 2
DOWN: Final = 3

CHUNK_TILES: Final = 2
"""Tiles of a chunk of the output and down projections."""
CHUNK_OUTPUTS: Final = CHUNK_TILES * LANES
HEAD_VALUES: Final = 3 * GROUP
"""Outputs of a chunk of attention: q, k and v of a head."""
HEAD_TILES: Final = HEAD_VALUES // LANES
GATE_VALUES: Final = 2 * GROUP
"""Outputs of a chunk of gate and up."""
GATE_TILES: Final = GATE_VALUES // LANES
LOGIT_TILES: Final = 4
"""Tiles of a chunk of the heads."""


class Model(NamedTuple):
    """The packed weights and how they lie."""

    weights: NDArray[Any]
    """One flat array whose dtype tells the precision (see `dot`); layer by layer qkv, o, gate_up, down."""
    gains: NDArray[np.float32]
    """[2 * layers + 1, hidden] flat: attention and MLP norm of each layer, then the final norm."""
    epsilon: float
    layers: int
    heads: int
    hidden_groups: int
    inner_groups: int
    hidden_tile: int
    """Bytes of a tile with `hidden` inputs."""
    inner_tile: int
    hidden_record: int
    """Bytes of a row of activations."""
    inner_record: int
    code_heads: NDArray[Any]
    """The packed heads: float32, or float16 as int16 (see `dot`); a whole number of chunks."""
    head_tile: int
    """Bytes of a tile of them."""
    head_chunks: int
    logits: int
    """Outputs of the heads, without what fills the last chunk."""


class Buffers(NamedTuple):
    """What a step reads and writes besides."""

    words: NDArray[np.int64]
    """The team's atomic words."""
    threads: int
    eventfd: int
    """On which helpers sleep."""
    row_count: NDArray[np.int64]
    """[1]: rows of this step."""
    slots: NDArray[np.int64]
    """[MAX_ROWS]"""
    positions: NDArray[np.int64]
    """[MAX_ROWS]"""
    x: NDArray[np.float32]
    """[MAX_ROWS, hidden] flat: the residual stream."""
    angles: NDArray[np.float32]
    """[capacity, 64] flat: cosines and sines of RoPE."""
    cache: NDArray[Any]
    """[slots, blocks, layers, heads, BLOCK_VALUES] flat (see `attend`)."""
    blocks: int
    mixed: NDArray[np.uint8]
    """[MAX_ROWS] records of the attention's output."""
    gated: NDArray[np.uint8]
    """[MAX_ROWS] records of silu(gate) * up."""
    normed: NDArray[np.uint8]
    """[threads, MAX_ROWS] records: each thread norms for itself, which is cheaper than waiting."""
    scratch: NDArray[np.float32]
    """[threads, scratch_size] flat."""
    scratch_size: int
    logits: NDArray[np.float32]
    """[MOST_ROWS, outputs of the chunks] flat."""


@inlined
def heads_phase(m: Model) -> int:
    """Return the phase of the heads (`step.heads_begin`); there is idle time before and after it."""
    return PHASES * m.layers + 1


@inlined
def cycle(m: Model) -> int:
    """Return how many phases there are, the idle ones counted."""
    return PHASES * m.layers + 3


@inlined
def chunks(m: Model, phase: int) -> int:
    """Return how many chunks a phase has, 0 for idle time."""
    if phase >= PHASES * m.layers:
        return m.head_chunks if phase == heads_phase(m) else 0
    kind = phase % PHASES
    if kind == ATTENTION:
        return m.heads
    if kind == GATE:
        return m.inner_groups
    return m.hidden_groups * GROUP // CHUNK_OUTPUTS


@inlined
def phase_offset(m: Model, phase: int) -> int:
    """Return where the weights of a phase begin, in bytes."""
    hidden_tiles, inner_tiles = m.hidden_groups * GROUP // LANES, m.inner_groups * GROUP // LANES
    layer, kind = phase // PHASES, phase % PHASES
    offset = layer * ((4 * hidden_tiles + 2 * inner_tiles) * m.hidden_tile + hidden_tiles * m.inner_tile)
    if kind > ATTENTION:
        offset += 3 * hidden_tiles * m.hidden_tile
    if kind > OUTPUT:
        offset += hidden_tiles * m.hidden_tile
    if kind > GATE:
        offset += 2 * inner_tiles * m.hidden_tile
    return offset


@inlined
def chunk_offset(m: Model, phase: int, chunk: int) -> int:
    """Return where a chunk's weights begin, in bytes."""
    kind = phase % PHASES
    tiles, tile = CHUNK_TILES, m.hidden_tile
    if kind == ATTENTION:
        tiles = HEAD_TILES
    elif kind == GATE:
        tiles = GATE_TILES
    elif kind == DOWN:
        tile = m.inner_tile
    return phase_offset(m, phase) + chunk * tiles * tile


@inlined
def share_start(m: Model, threads: int, phase: int, thread: int) -> int:
    """Return the first chunk of a thread's share of a phase; that of the next thread ends it."""
    return chunks(m, phase) * thread // threads


@inlined
def following_offset(m: Model, threads: int, phase: int, chunk: int, thread: int) -> int:
    """Return where the weights that this thread reads after a chunk begin, as far as it can know."""
    if chunk + 1 != share_start(m, threads, phase, thread + 1):
        return chunk_offset(m, phase, min(chunk + 1, chunks(m, phase) - 1))
    following = phase + 1 if phase + 1 < PHASES * m.layers else 0
    return chunk_offset(m, following, share_start(m, threads, following, thread))
