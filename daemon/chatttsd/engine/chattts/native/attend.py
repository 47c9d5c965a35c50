"""Attention of one query over one head's cache, block by block of 64 positions.

A block holds the keys as [64 dimensions][64 positions], so that scores need no sums across lanes, then the
values as [64 positions][64 dimensions]; uint16 arrays hold float16. Offsets count values.
"""

from typing import Final

from llvmlite import ir

from chatttsd.engine.chattts.native.dot import GROUP, LINE, SECOND_LEVEL, SINGLE_BYTES
from chatttsd.engine.chattts.native.emitter import FLOATS, LANES, SINGLE, Emitter, Value
from chatttsd.engine.chattts.native.jit import FLOAT, NOTHING, emitted

BLOCK: Final = 64
"""Positions of a block."""
KEYS: Final = BLOCK * GROUP
BLOCK_VALUES: Final = 2 * KEYS
_HALF_BYTES: Final = 2
_VECTORS: Final = BLOCK // LANES
_VECTOR_BYTES: Final = SINGLE_BYTES * LANES


@emitted(NOTHING, 3)
def put_value(e: Emitter, values: list[Value], dtypes: list[str]) -> None:
    """`put_value(cache, index, number)`: write one float32 in the cache's type."""
    cache, index, number = values
    if dtypes[0] == "float32":
        e.store(number, cache, e.times(index, SINGLE_BYTES), SINGLE_BYTES)
    else:
        e.store(e.builder.fptrunc(number, ir.HalfType()), cache, e.times(index, _HALF_BYTES), _HALF_BYTES)


def _fetch(e: Emitter, cache: Value, index: Value, dtype: str) -> None:
    size = SINGLE_BYTES if dtype == "float32" else _HALF_BYTES
    for line in range(0, GROUP * size, LINE):
        e.prefetch(cache, e.plus(e.times(index, size), line), SECOND_LEVEL)


def _line(e: Emitter, cache: Value, index: Value, dtype: str) -> list[Value]:
    """Read 64 values as 4 vectors."""
    if dtype == "float32":
        start = e.at(cache, e.times(index, SINGLE_BYTES))
        return [e.load(FLOATS, start, part * _VECTOR_BYTES, 4) for part in range(_VECTORS)]
    start = e.at(cache, e.times(index, _HALF_BYTES))
    return [e.from_half(start, part * LANES * _HALF_BYTES) for part in range(_VECTORS)]


@emitted(NOTHING, 7)
def score_block(e: Emitter, values: list[Value], dtypes: list[str]) -> None:
    """`score_block(cache, block, ahead, query, first, scores, to)`: 64 products of a query with the keys.

    Prefetches the 64 lines of 64 values from `ahead` on.
    """
    cache, block, ahead, query, first, scores, to = values
    start = e.at(query, e.times(first, SINGLE_BYTES))

    def dimension(index: Value, sums: list[Value]) -> list[Value]:
        value = e.splat(e.load(SINGLE, start, e.times(index, SINGLE_BYTES), 4))
        _fetch(e, cache, e.plus(ahead, e.times(index, BLOCK)), dtypes[0])
        keys = _line(e, cache, e.plus(block, e.times(index, BLOCK)), dtypes[0])
        return [e.fma(key, value, before) for key, before in zip(keys, sums, strict=True)]

    place = e.at(scores, e.times(to, SINGLE_BYTES))
    for part, vector in enumerate(e.loop(e.long(GROUP), [e.floats(0.0)] * _VECTORS, dimension)):
        e.store(vector, place, part * _VECTOR_BYTES, 4)


@emitted(NOTHING, 8)
def mix_block(e: Emitter, values: list[Value], dtypes: list[str]) -> None:
    """`mix_block(cache, block, ahead, shares, first, count, out, to)`: out[:64] += shares of `count` values.

    Prefetches `count` lines of 64 values from `ahead` on.
    """
    cache, block, ahead, shares, first, count, out, to = values
    start = e.at(shares, e.times(first, SINGLE_BYTES))
    place = e.at(out, e.times(to, SINGLE_BYTES))

    def position(index: Value, sums: list[Value]) -> list[Value]:
        share = e.splat(e.load(SINGLE, start, e.times(index, SINGLE_BYTES), 4))
        _fetch(e, cache, e.plus(ahead, e.times(index, GROUP)), dtypes[0])
        line = _line(e, cache, e.plus(block, e.plus(e.times(index, GROUP), KEYS)), dtypes[0])
        return [e.fma(value, share, before) for value, before in zip(line, sums, strict=True)]

    sums = [e.load(FLOATS, place, part * _VECTOR_BYTES, 4) for part in range(_VECTORS)]
    for part, vector in enumerate(e.loop(count, sums, position)):
        e.store(vector, place, part * _VECTOR_BYTES, 4)


@emitted(FLOAT, 3)
def exponentiate(e: Emitter, values: list[Value], _dtypes: list[str]) -> Value:
    """`exponentiate(scores, first, vectors)`: scores = e^(scores - largest); returns their sum."""
    scores, first, vectors = values
    start = e.at(scores, e.times(first, SINGLE_BYTES))

    def largest(index: Value, carried: list[Value]) -> list[Value]:
        return [e.larger(carried[0], e.load(FLOATS, start, e.times(index, _VECTOR_BYTES), 4))]

    def share(index: Value, carried: list[Value]) -> list[Value]:
        offset = e.times(index, _VECTOR_BYTES)
        raised = e.exp(e.builder.fsub(e.load(FLOATS, start, offset, 4), top))
        e.store(raised, start, offset, 4)
        return [e.builder.fadd(carried[0], raised)]

    top = e.splat(e.largest(e.loop(vectors, [e.load(FLOATS, start, 0, 4)], largest)[0]))
    return e.total(e.loop(vectors, [e.floats(0.0)], share)[0])
