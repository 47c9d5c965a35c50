"""The kernels of the linear layers: one tile of 16 outputs, 1..4 rows of activations.

A tile holds the weights of 16 outputs so that each of 16 lanes adds up one output: no sums across lanes.
Weights are told apart by the dtype of the array that holds them; `groups` is inputs / 64:

- uint8 (int8 weights, one scale per output): [groups][16 quads][16 lanes][4 inputs] of weight + 128,
  then float32 [16] scales;
- uint32 (int4 weights, scale and minimum per 64 inputs): per group [8][16 lanes][4 inputs], the low nibble
  of quad j and the high nibble of quad j + 8, then bfloat16 [16] scales, bfloat16 [16] minima;
- uint16 (bfloat16) and int16 (float16): [inputs][16 lanes];
- float32: [inputs][16 lanes].

Activations are records, one per row: for integer weights int8 [inputs], then per group a float32 scale and
a correction (see `quantise`); else float32 [inputs].
"""

from collections.abc import Callable
from typing import Final

from llvmlite import ir

from chatttsd.engine.chattts.native.emitter import (
    BYTE,
    FLOATS,
    HALF_WORD,
    LANES,
    SINGLE,
    WORD,
    WORDS,
    Emitter,
    Value,
)
from chatttsd.engine.chattts.native.jit import NOTHING, emitted

GROUP: Final = 64
"""Inputs that share an activation scale; also the size of an attention head."""
MOST_ROWS: Final = 4
"""Rows of one kernel: more would spill registers where there are 16."""
PREFILL_ROWS: Final = 8
"""Rows of the kernel for prompts, which computing limits, not memory."""
SECOND_LEVEL: Final = 2
QUADS: Final = GROUP // 4
LINE: Final = 64
"""Bytes of a vector of 16 quads."""
META: Final = 8
"""Bytes of scale and correction of a group."""
INT8_GROUP: Final = QUADS * LINE
INT4_GROUP: Final = QUADS // 2 * LINE + 4 * LANES
_NIBBLES: Final = 0x0F0F0F0F
_NIBBLE_BITS: Final = 4
_CHAINS: Final = 4
"""Independent sums of the float kernels: they hide the latency of an FMA."""

Rows = list[Value]


SINGLE_BYTES: Final = 4


@emitted(NOTHING, 11)
def dot_tile(e: Emitter, values: list[Value], dtypes: list[str]) -> None:
    """`dot_tile(weights, offset, ahead, groups, acts, first, stride, rows, out, out_first, out_stride)`.

    Writes 16 values for each of 1..4 or 8 rows, and for 1..4 prefetches the tile at `ahead`. Offsets of
    weights and activations are bytes, those of out are float32.
    """
    weights, offset, ahead, groups, activations, first, stride, rows, out, out_first, out_stride = values
    kernel = _KERNELS[dtypes[0]]
    tile, following = e.at(weights, offset), e.at(weights, ahead)
    end = e.builder.append_basic_block("end")
    choice = e.builder.switch(rows, end)
    for count in (*range(1, MOST_ROWS + 1), PREFILL_ROWS):
        block = e.builder.append_basic_block(f"rows{count}")
        choice.add_case(e.long(count), block)
        e.builder.position_at_end(block)
        records = [e.at(activations, e.plus(first, e.times(stride, row))) for row in range(count)]
        results = kernel(e, tile, groups, records, following if count <= MOST_ROWS else None)
        for row, result in enumerate(results):
            e.store(
                result, out, e.times(e.plus(out_first, e.times(out_stride, row)), SINGLE_BYTES), SINGLE_BYTES
            )
        e.builder.branch(end)
    e.builder.position_at_end(end)


def _fetch(e: Emitter, ahead: Value | None, offset: Value, line: int) -> None:
    """Ask for a line of the tile that is next: one core's own prefetching does not use all the bandwidth."""
    if ahead is not None:
        e.prefetch(ahead, e.plus(offset, line * LINE), SECOND_LEVEL)


def _int8(e: Emitter, tile: Value, groups: Value, records: Rows, ahead: Value | None) -> Rows:
    metas = [e.at(record, e.times(groups, GROUP)) for record in records]

    def group(index: Value, sums: Rows) -> Rows:
        lines = e.at(tile, e.times(index, INT8_GROUP))
        totals = [e.splat(e.load(WORD, meta, e.plus(e.times(index, META), 4), 4)) for meta in metas]
        dots = _Dots(e, [e.at(record, e.times(index, GROUP)) for record in records], totals)
        for quad in range(QUADS):
            _fetch(e, ahead, e.times(index, INT8_GROUP), quad)
            dots.add(quad, e.load(WORDS, lines, quad * LINE, LINE))
        scales = [e.load(SINGLE, meta, e.times(index, META), 4) for meta in metas]
        return [
            e.fma(e.builder.sitofp(total, FLOATS), e.splat(scale), before)
            for total, scale, before in zip(dots.totals(), scales, sums, strict=True)
        ]

    sums = e.loop(groups, [e.floats(0.0)] * len(records), group)
    outputs = e.load(FLOATS, tile, e.times(groups, INT8_GROUP), LINE)
    return [e.builder.fmul(total, outputs) for total in sums]


def _int4(e: Emitter, tile: Value, groups: Value, records: Rows, ahead: Value | None) -> Rows:
    metas = [e.at(record, e.times(groups, GROUP)) for record in records]
    nibbles, half = e.words(_NIBBLES), QUADS // 2

    def group(index: Value, sums: Rows) -> Rows:
        lines = e.at(tile, e.times(index, INT4_GROUP))
        dots = _Dots(
            e, [e.at(record, e.times(index, GROUP)) for record in records], [e.words(0)] * len(records)
        )
        for quad in range(half):
            _fetch(e, ahead, e.times(index, INT4_GROUP), quad)
            line = e.load(WORDS, lines, quad * LINE, LINE)
            dots.add(quad, e.builder.and_(line, nibbles))
            dots.add(quad + half, e.builder.and_(e.builder.lshr(line, e.words(_NIBBLE_BITS)), nibbles))
        _fetch(e, ahead, e.times(index, INT4_GROUP), half)
        scale = e.from_bf16(lines, half * LINE)
        minimum = e.from_bf16(lines, half * LINE + 2 * LANES)
        following = []
        for total, meta, before in zip(dots.totals(), metas, sums, strict=True):
            step, added = (e.load(SINGLE, meta, e.plus(e.times(index, META), part), 4) for part in (0, 4))
            product = e.builder.fmul(e.builder.sitofp(total, FLOATS), scale)
            following.append(e.fma(minimum, e.splat(added), e.fma(product, e.splat(step), before)))
        return following

    return e.loop(groups, [e.floats(0.0)] * len(records), group)


class _Dots:
    """Sums of u8 x s8 products of quads, one vector of 16 outputs per row, with what the CPU has for it."""

    def __init__(self, e: Emitter, activations: Rows, first: Rows) -> None:
        self._e = e
        self._activations = activations
        self._totals = list(first)
        self._pairs: list[Value | None] = [None] * len(first)

    def add(self, quad: int, weights: Value) -> None:
        for row, activations in enumerate(self._activations):
            four = self._e.load(WORD, activations, 4 * quad, 4)
            if "avx512vnni" in self._e.features:
                self._totals[row] = self._vnni(self._totals[row], weights, self._e.splat(four), LANES)
            elif "avxvnni" in self._e.features:
                self._totals[row] = self._halves(self._totals[row], weights, self._e.splat(four))
            else:
                self._add_pairs(row, weights, four)

    def totals(self) -> Rows:
        """Return the sums."""
        if self._pairs[0] is None:
            return self._totals
        even, odd = (list(range(part, 2 * LANES, 2)) for part in (0, 1))
        b = self._e.builder
        return [
            b.add(total, b.add(self._e.shuffle(pair, pair, even), self._e.shuffle(pair, pair, odd)))
            for total, pair in zip(self._totals, self._pairs, strict=True)
        ]

    def _vnni(self, total: Value, weights: Value, activations: Value, lanes: int) -> Value:
        name = f"llvm.x86.avx512.vpdpbusd.{lanes * WORD.width}"
        return self._e.call(name, ir.VectorType(WORD, lanes), total, weights, activations)

    def _halves(self, total: Value, weights: Value, activations: Value) -> Value:
        half = LANES // 2
        low, high = (
            self._vnni(
                self._half(total, start), self._half(weights, start), self._half(activations, start), half
            )
            for start in (0, half)
        )
        return self._e.shuffle(low, high, list(range(LANES)))

    def _half(self, vector: Value, start: int) -> Value:
        return self._e.shuffle(vector, vector, list(range(start, start + LANES // 2)))

    def _add_pairs(self, row: int, weights: Value, four: Value) -> None:
        """Add products in pairs: what LLVM knows as PMADDWD, and right on every machine."""
        e, b = self._e, self._e.builder
        bytes_ = ir.VectorType(BYTE, 4 * LANES)
        wide = ir.VectorType(WORD, 4 * LANES)
        narrow = ir.VectorType(HALF_WORD, 4 * LANES)
        left = b.zext(b.bitcast(weights, bytes_), narrow)
        right = b.sext(b.bitcast(e.splat(four), bytes_), narrow)
        products = b.mul(b.sext(left, wide), b.sext(right, wide))
        even, odd = (list(range(part, 4 * LANES, 2)) for part in (0, 1))
        pair = b.add(e.shuffle(products, products, even), e.shuffle(products, products, odd))
        before = self._pairs[row]
        self._pairs[row] = pair if before is None else b.add(before, pair)


def _floats(load: Callable[[Emitter, Value, Value], Value], size: int) -> Callable[..., Rows]:
    """Make the kernel of weights that `load(e, pointer, offset)` reads as 16 float32 from `size` bytes."""

    def kernel(e: Emitter, tile: Value, groups: Value, records: Rows, ahead: Value | None) -> Rows:
        def inputs(index: Value, sums: Rows) -> Rows:
            lines = e.at(tile, e.times(index, _CHAINS * size))
            following = list(sums)
            for chain in range(_CHAINS):
                if chain * size % LINE == 0:
                    _fetch(e, ahead, e.times(index, _CHAINS * size), chain * size // LINE)
                weights = load(e, lines, e.long(chain * size))
                for row, record in enumerate(records):
                    value = e.load(
                        SINGLE, record, e.times(e.plus(e.times(index, _CHAINS), chain), SINGLE_BYTES), 4
                    )
                    place = row * _CHAINS + chain
                    following[place] = e.fma(weights, e.splat(value), sums[place])
            return following

        count = e.times(groups, GROUP // _CHAINS)
        sums = e.loop(count, [e.floats(0.0)] * (_CHAINS * len(records)), inputs)
        add = e.builder.fadd
        rows = [sums[_CHAINS * row : _CHAINS * (row + 1)] for row in range(len(records))]
        return [add(add(chains[0], chains[1]), add(chains[2], chains[3])) for chains in rows]

    return kernel


def _float32(e: Emitter, pointer: Value, offset: Value) -> Value:
    return e.load(FLOATS, pointer, offset, SINGLE_BYTES)


_KERNELS: Final[dict[str, Callable[..., Rows]]] = {
    "uint8": _int8,
    "uint32": _int4,
    "uint16": _floats(Emitter.from_bf16, 2 * LANES),
    "int16": _floats(Emitter.from_half, 2 * LANES),
    "float32": _floats(_float32, SINGLE_BYTES * LANES),
}
