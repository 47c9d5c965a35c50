"""The chunks of a layer's phases (see `plan`), each done by one thread."""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from chatttsd.engine.chattts.native import attend, rows
from chatttsd.engine.chattts.native.attend import BLOCK, BLOCK_VALUES, KEYS
from chatttsd.engine.chattts.native.dot import GROUP, MOST_ROWS, PREFILL_ROWS, SINGLE_BYTES, dot_tile
from chatttsd.engine.chattts.native.emitter import LANES
from chatttsd.engine.chattts.native.jit import inlined
from chatttsd.engine.chattts.native.plan import (
    ATTENTION,
    CHUNK_OUTPUTS,
    CHUNK_TILES,
    GATE,
    GATE_TILES,
    GATE_VALUES,
    HEAD_TILES,
    HEAD_VALUES,
    LOGIT_TILES,
    MAX_ROWS,
    OUTPUT,
    PHASES,
    Buffers,
    Model,
    chunk_offset,
    following_offset,
    heads_phase,
)

_QUERY_SCALE: Final = np.float32(GROUP**-0.5)
_ONE: Final = np.float32(1.0)
_LEAST: Final = np.float32(-1e30)


class Source(NamedTuple):
    """Where a chunk of a projection into the residual stream reads, and what it writes."""

    records: NDArray[np.uint8]
    record: int
    """Bytes of a record."""
    groups: int
    tile: int
    """Bytes of a tile."""
    first: int
    """The first output."""


@inlined
def norm_factor(m: Model, b: Buffers, row: int) -> np.float32:
    """Return 1 / rms of a row of x."""
    hidden = m.hidden_groups * GROUP
    squares = rows.square_sum(b.x, row * hidden, m.hidden_groups)
    return np.float32(1.0 / np.sqrt(squares / hidden + m.epsilon))


@inlined
def norm(m: Model, b: Buffers, gain: int, thread: int) -> None:
    """Norm every row of x into the thread's own records."""
    hidden, scratch = m.hidden_groups * GROUP, thread * b.scratch_size
    for row in range(b.row_count[0]):
        factor = norm_factor(m, b, row)
        record = (thread * MAX_ROWS + row) * m.hidden_record
        for group in range(m.hidden_groups):
            at = group * GROUP
            rows.scale_group(b.x, row * hidden + at, factor, m.gains, gain * hidden + at, b.scratch, scratch)
            rows.put_group(m.weights, b.scratch, scratch, b.normed, record, group, m.hidden_groups)


@inlined
def _few(left: int) -> int:
    """Return how many rows the next kernel takes."""
    return PREFILL_ROWS if left >= PREFILL_ROWS else min(left, MOST_ROWS)


@inlined
def _project_normed(m: Model, b: Buffers, offset: int, tiles: int, ahead: int, thread: int) -> None:
    """Multiply the thread's normed rows with tiles of weights into its scratch, [rows, 16 * tiles]."""
    count, width, scratch = b.row_count[0], tiles * LANES, thread * b.scratch_size
    records = thread * MAX_ROWS * m.hidden_record
    for tile in range(tiles):
        following = offset + (tile + 1) * m.hidden_tile if tile + 1 < tiles else ahead
        row = 0
        while row < count:
            few = _few(count - row)
            dot_tile(
                m.weights, offset + tile * m.hidden_tile, following, m.hidden_groups,
                b.normed, records + row * m.hidden_record, m.hidden_record, few,
                b.scratch, scratch + row * width + tile * LANES, width,
            )  # fmt: skip
            row += few


@inlined
def _project_residual(m: Model, b: Buffers, source: Source, offset: int, ahead: int, thread: int) -> None:
    """Add a chunk of outputs of shared activations to the residual stream."""
    count, hidden, scratch = b.row_count[0], m.hidden_groups * GROUP, thread * b.scratch_size
    for tile in range(CHUNK_TILES):
        following = offset + (tile + 1) * source.tile if tile + 1 < CHUNK_TILES else ahead
        row = 0
        while row < count:
            few = _few(count - row)
            dot_tile(
                m.weights, offset + tile * source.tile, following, source.groups,
                source.records, row * source.record, source.record, few, b.scratch, scratch, LANES,
            )  # fmt: skip
            for i in range(few):
                to = (row + i) * hidden + source.first + tile * LANES
                for lane in range(LANES):
                    b.x[to + lane] += b.scratch[scratch + i * LANES + lane]
            row += few


@inlined
def _block(m: Model, b: Buffers, slot: int, block: int, layer: int, head: int) -> int:
    return (((slot * b.blocks + block) * m.layers + layer) * m.heads + head) * BLOCK_VALUES


@inlined
def _append(m: Model, b: Buffers, row: int, at: int, layer: int, head: int) -> None:
    """Write a row's key and value, at `at` + 64 and + 128 of scratch, into the cache."""
    position = b.positions[row]
    block = _block(m, b, b.slots[row], position // BLOCK, layer, head)
    place = position % BLOCK
    for i in range(GROUP):
        attend.put_value(b.cache, block + i * BLOCK + place, b.scratch[at + GROUP + i])
        attend.put_value(b.cache, block + KEYS + place * GROUP + i, b.scratch[at + 2 * GROUP + i])


@inlined
def _mix(m: Model, b: Buffers, row: int, at: int, layer: int, head: int, scores: int) -> None:
    """Attend with the query at `at` of scratch; leaves the mix there."""
    slot, length = b.slots[row], b.positions[row] + 1
    blocks = (length + BLOCK - 1) // BLOCK
    values = _block(m, b, slot, 0, layer, head) + KEYS
    for block in range(blocks):
        ahead = _block(m, b, slot, block + 1, layer, head) if block + 1 < blocks else values
        here = _block(m, b, slot, block, layer, head)
        attend.score_block(b.cache, here, ahead, b.scratch, at, b.scratch, scores + block * BLOCK)
    inverse = _share(b, scores, length)
    for i in range(GROUP):
        b.scratch[at + i] = np.float32(0.0)
    for block in range(blocks):
        here, few = _block(m, b, slot, block, layer, head), min(BLOCK, length - block * BLOCK)
        ahead = _block(m, b, slot, min(block + 1, blocks - 1), layer, head) + KEYS
        attend.mix_block(b.cache, here, ahead, b.scratch, scores + block * BLOCK, few, b.scratch, at)
    for i in range(GROUP):
        b.scratch[at + i] *= inverse


@inlined
def _share(b: Buffers, scores: int, length: int) -> np.float32:
    """Turn scores into e^score; returns what to multiply them by to make a softmax."""
    vectors = (length + LANES - 1) // LANES
    for i in range(length, vectors * LANES):
        b.scratch[scores + i] = _LEAST
    return np.float32(1.0 / attend.exponentiate(b.scratch, scores, vectors))


@inlined
def _attend(m: Model, b: Buffers, phase: int, head: int, ahead: int, thread: int) -> None:
    layer, first = phase // PHASES, thread * b.scratch_size
    _project_normed(m, b, chunk_offset(m, phase, head), HEAD_TILES, ahead, thread)
    for row in range(b.row_count[0]):
        at = first + row * HEAD_VALUES
        rows.rotate(b.scratch, at, b.angles, b.positions[row], _QUERY_SCALE)
        rows.rotate(b.scratch, at + GROUP, b.angles, b.positions[row], _ONE)
        _append(m, b, row, at, layer, head)
    for row in range(b.row_count[0]):
        at = first + row * HEAD_VALUES
        _mix(m, b, row, at, layer, head, first + MAX_ROWS * HEAD_VALUES)
        rows.put_group(m.weights, b.scratch, at, b.mixed, row * m.hidden_record, head, m.hidden_groups)


@inlined
def _gate(m: Model, b: Buffers, phase: int, group: int, ahead: int, thread: int) -> None:
    _project_normed(m, b, chunk_offset(m, phase, group), GATE_TILES, ahead, thread)
    for row in range(b.row_count[0]):
        at = thread * b.scratch_size + row * GATE_VALUES
        rows.gate_group(b.scratch, at)
        rows.put_group(m.weights, b.scratch, at, b.gated, row * m.inner_record, group, m.inner_groups)


@inlined
def _logits(m: Model, b: Buffers, chunk: int) -> None:
    """Multiply the rows of x, which are hidden states now, with a chunk of the heads."""
    hidden, outputs = m.hidden_groups * GROUP, m.head_chunks * LOGIT_TILES * LANES
    record = hidden * SINGLE_BYTES
    for tile in range(chunk * LOGIT_TILES, (chunk + 1) * LOGIT_TILES):
        following = min(tile + 1, m.head_chunks * LOGIT_TILES - 1)
        dot_tile(
            m.code_heads, tile * m.head_tile, following * m.head_tile, m.hidden_groups,
            b.x, 0, record, b.row_count[0], b.logits, tile * LANES, outputs,
        )  # fmt: skip


@inlined
def run_chunk(m: Model, b: Buffers, phase: int, chunk: int, thread: int) -> None:
    """Do a chunk."""
    if phase == heads_phase(m):
        _logits(m, b, chunk)
        return
    kind = phase % PHASES
    offset, ahead = chunk_offset(m, phase, chunk), following_offset(m, b.threads, phase, chunk, thread)
    if kind == ATTENTION:
        _attend(m, b, phase, chunk, ahead, thread)
    elif kind == GATE:
        _gate(m, b, phase, chunk, ahead, thread)
    elif kind == OUTPUT:
        source = Source(b.mixed, m.hidden_record, m.hidden_groups, m.hidden_tile, chunk * CHUNK_OUTPUTS)
        _project_residual(m, b, source, offset, ahead, thread)
    else:
        source = Source(b.gated, m.inner_record, m.inner_groups, m.inner_tile, chunk * CHUNK_OUTPUTS)
        _project_residual(m, b, source, offset, ahead, thread)
