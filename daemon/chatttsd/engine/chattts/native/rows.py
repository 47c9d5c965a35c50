"""What happens to a row between the linear layers: norm, quantisation, RoPE, gate. Offsets count float32."""

from typing import Final

from llvmlite import ir

from chatttsd.engine.chattts.native.dot import GROUP, META, SINGLE_BYTES
from chatttsd.engine.chattts.native.emitter import BYTE, FLOATS, LANES, SINGLE, WORD, WORDS, Emitter, Value
from chatttsd.engine.chattts.native.jit import FLOAT, NOTHING, emitted

_LARGEST: Final = 127
_WEIGHT_OFFSET: Final = 128
_SMALLEST_SCALE: Final = 1e-30
"""Keeps a group of zeros from dividing by zero."""
_VECTORS: Final = GROUP // LANES
_VECTOR_BYTES: Final = SINGLE_BYTES * LANES


def record_bytes(dtype: str, inputs: int) -> int:
    """Return how many bytes a row of activations takes for weights of a dtype, a multiple of 64."""
    integer = inputs + inputs // GROUP * META
    return -(-integer // GROUP) * GROUP if dtype in ("uint8", "uint32") else inputs * SINGLE_BYTES


@emitted(NOTHING, 7)
def put_group(e: Emitter, values: list[Value], dtypes: list[str]) -> None:
    """`put_group(weights, source, first, activations, record, group, groups)`: one group into a record.

    The record is laid out as `dot` wants it for these weights. Integer: the group's largest value becomes
    127; the correction is -128 * sum (int8: takes back the weights' offset) or sum * scale (int4).
    """
    _, source, first, activations, record, group, groups = values
    start = e.at(source, e.times(first, SINGLE_BYTES))
    vectors = [e.load(FLOATS, start, part * _VECTOR_BYTES, 4) for part in range(_VECTORS)]
    place = e.at(activations, record)
    if dtypes[0] in ("uint16", "float32"):
        for part, vector in enumerate(vectors):
            e.store(vector, place, e.plus(e.times(group, GROUP * SINGLE_BYTES), part * _VECTOR_BYTES), 4)
        return
    _put_integers(e, vectors, place, (group, groups), dtypes[0])


def _put_integers(
    e: Emitter, vectors: list[Value], place: Value, position: tuple[Value, Value], dtype: str
) -> None:
    b, (group, groups) = e.builder, position
    sizes = [e.call("llvm.fabs.v16f32", FLOATS, vector) for vector in vectors]
    largest = e.largest(e.larger(e.larger(sizes[0], sizes[1]), e.larger(sizes[2], sizes[3])))
    scale = b.fadd(b.fmul(largest, ir.Constant(SINGLE, 1 / _LARGEST)), ir.Constant(SINGLE, _SMALLEST_SCALE))
    inverse = e.splat(b.fdiv(ir.Constant(SINGLE, 1.0), scale))
    total = e.words(0)
    for part, vector in enumerate(vectors):
        whole = b.fptosi(e.call("llvm.rint.v16f32", FLOATS, b.fmul(vector, inverse)), WORDS)
        total = b.add(total, whole)
        narrow = b.trunc(whole, ir.VectorType(BYTE, LANES))
        e.store(narrow, place, e.plus(e.times(group, GROUP), part * LANES), LANES)
    sum_ = e.call("llvm.vector.reduce.add.v16i32", WORD, total)
    meta = e.at(place, e.plus(e.times(groups, GROUP), e.times(group, META)))
    e.store(scale, meta, 0, 4)
    if dtype == "uint8":
        e.store(b.mul(sum_, e.word(-_WEIGHT_OFFSET)), meta, 4, 4)
    else:
        e.store(b.fmul(b.sitofp(sum_, SINGLE), scale), meta, 4, 4)


@emitted(FLOAT, 3)
def square_sum(e: Emitter, values: list[Value], _dtypes: list[str]) -> Value:
    """`square_sum(x, first, groups)`: the sum of the squares of 64 * groups values."""
    x, first, groups = values
    start = e.at(x, e.times(first, SINGLE_BYTES))

    def group(index: Value, sums: list[Value]) -> list[Value]:
        place = e.at(start, e.times(index, GROUP * SINGLE_BYTES))
        parts = [e.load(FLOATS, place, part * _VECTOR_BYTES, 4) for part in range(_VECTORS)]
        return [e.fma(part, part, before) for part, before in zip(parts, sums, strict=True)]

    sums = e.loop(groups, [e.floats(0.0)] * _VECTORS, group)
    add = e.builder.fadd
    return e.total(add(add(sums[0], sums[1]), add(sums[2], sums[3])))


@emitted(NOTHING, 7)
def scale_group(e: Emitter, values: list[Value], _dtypes: list[str]) -> None:
    """`scale_group(x, first, factor, gains, gain, out, to)`: out[to:to + 64] = x * factor * gains."""
    x, first, factor, gains, gain, out, to = values
    for part in range(_VECTORS):
        vector = e.load(FLOATS, x, e.plus(e.times(first, SINGLE_BYTES), part * _VECTOR_BYTES), 4)
        by = e.load(FLOATS, gains, e.plus(e.times(gain, SINGLE_BYTES), part * _VECTOR_BYTES), 4)
        product = e.builder.fmul(e.builder.fmul(vector, e.splat(factor)), by)
        e.store(product, out, e.plus(e.times(to, SINGLE_BYTES), part * _VECTOR_BYTES), 4)


@emitted(NOTHING, 5)
def rotate(e: Emitter, values: list[Value], _dtypes: list[str]) -> None:
    """`rotate(x, first, table, row, factor)`: RoPE of a head in place, HF's halves, then times factor.

    A row of the table holds 32 cosines and 32 sines.
    """
    x, first, table, row, factor = values
    b, by = e.builder, e.splat(factor)
    place = e.at(x, e.times(first, SINGLE_BYTES))
    angles = e.at(table, e.times(row, GROUP * SINGLE_BYTES))
    half = GROUP // 2 * SINGLE_BYTES
    for part in range(_VECTORS // 2):
        offset = part * _VECTOR_BYTES
        low, high = (e.load(FLOATS, place, offset + shift, 4) for shift in (0, half))
        cosine, sine = (e.load(FLOATS, angles, offset + shift, 4) for shift in (0, half))
        turned = b.fsub(b.fmul(low, cosine), b.fmul(high, sine))
        e.store(b.fmul(turned, by), place, offset, 4)
        turned = b.fadd(b.fmul(high, cosine), b.fmul(low, sine))
        e.store(b.fmul(turned, by), place, offset + half, 4)


@emitted(NOTHING, 2)
def gate_group(e: Emitter, values: list[Value], _dtypes: list[str]) -> None:
    """`gate_group(x, first)`: x[:64] = silu(x[:64]) * x[64:128]."""
    x, first = values
    b, one = e.builder, e.floats(1.0)
    place = e.at(x, e.times(first, SINGLE_BYTES))
    for part in range(_VECTORS):
        gate = e.load(FLOATS, place, part * _VECTOR_BYTES, 4)
        up = e.load(FLOATS, place, GROUP * SINGLE_BYTES + part * _VECTOR_BYTES, 4)
        silu = b.fdiv(gate, b.fadd(one, e.exp(b.fneg(gate))))
        e.store(b.fmul(silu, up), place, part * _VECTOR_BYTES, 4)
