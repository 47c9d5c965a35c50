"""Products of many rows with packed weights, for the vocoder: summed in float32, weights of 32 or 16 bits.

A group holds the weights of `WIDTH` outputs as [inputs][WIDTH]. Unlike a library's, these products need
neither code nor memory for every number of rows that occurs; a row's result does not depend on the others.
"""

from typing import Any, Final, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from chatttsd.engine.chattts.api import Precision
from chatttsd.engine.chattts.native.dot import SINGLE_BYTES
from chatttsd.engine.chattts.native.emitter import FLOATS, LANES, SINGLE, Emitter, Value
from chatttsd.engine.chattts.native.jit import NOTHING, compiled, emitted, features

_HALF_FLOATS: Final = frozenset({"f16c", "fullfp16"})
"""What a CPU needs to read float16 fast: one of them."""
_WIDE: Final = "avx512f" in features()
TILES: Final = 2 if _WIDE else 1
WIDTH: Final = TILES * LANES
MANY: Final = 12 if _WIDE else 6
"""Rows of a block: their sums fill the registers."""
FEW: Final = 4 if _WIDE else 2
"""Rows of a block at the end."""
_HALF_BYTES: Final = 2
_VECTOR_BYTES: Final = SINGLE_BYTES * LANES
_LEAST_SCALE: Final = 1e-30
"""Keeps an output whose weights are all zeros from a division by zero."""


class Packed(NamedTuple):
    """A linear layer's weights and how they lie."""

    weights: NDArray[Any]
    """[groups, inputs, WIDTH] flat: float32, or float16 as int16."""
    scales: NDArray[np.float32]
    """[groups * WIDTH]"""
    biases: NDArray[np.float32]
    """[groups * WIDTH]"""
    inputs: int
    groups: int


@emitted(NOTHING, 4)
def widen(e: Emitter, values: list[Value], dtypes: list[str]) -> None:
    """`widen(weights, first, vectors, panel)`: 16 values of weights for each vector, as float32."""
    weights, first, vectors, panel = values
    size = SINGLE_BYTES if dtypes[0] == "float32" else _HALF_BYTES
    start = e.at(weights, e.times(first, size))

    def vector(index: Value, carried: list[Value]) -> list[Value]:
        offset = e.times(index, LANES * size)
        read = e.load(FLOATS, start, offset, 4) if size == SINGLE_BYTES else e.from_half(start, offset)
        e.store(read, panel, e.times(index, _VECTOR_BYTES), 4)
        return carried

    e.loop(vectors, [], vector)


@emitted(NOTHING, 12)
def multiply_block(e: Emitter, values: list[Value], _dtypes: list[str]) -> None:
    """`multiply_block(panel, inputs, rows, row, last, step, many, scales, biases, group, out, stride)`.

    Writes WIDTH outputs of `MANY` rows from `row` on (`FEW` unless `many`), row `last` in place of those
    after it. Rows are `step` values apart, rows of out `stride`; `group` is the first output.
    """
    many, inputs, block = values[6], values[1], Block(e, values)
    with e.builder.if_else(e.builder.icmp_signed("!=", many, e.long(0))) as (then, otherwise):
        with then:
            block.write(MANY, inputs)
        with otherwise:
            block.write(FEW, inputs)


class Block:
    """The instructions of one block of rows."""

    def __init__(self, e: Emitter, values: list[Value]) -> None:
        self._e = e
        self._panel, _, self._rows, self._row, self._last, self._step = values[:6]
        self._scales, self._biases, self._group, self._out, self._stride = values[7:]

    def write(self, count: int, inputs: Value) -> None:
        """Sum up `count` rows and write them."""
        e = self._e
        places = [self._place(row) for row in range(count)]

        def step(index: Value, sums: list[Value]) -> list[Value]:
            line = e.at(self._panel, e.times(index, TILES * _VECTOR_BYTES))
            weights = [e.load(FLOATS, line, tile * _VECTOR_BYTES, 4) for tile in range(TILES)]
            offset = e.times(index, SINGLE_BYTES)
            following = []
            for row, place in enumerate(places):
                value = e.splat(e.load(SINGLE, place, offset, 4))
                following += [
                    e.fma(weight, value, sums[row * TILES + tile]) for tile, weight in enumerate(weights)
                ]
            return following

        sums = e.loop(inputs, [e.floats(0.0)] * (TILES * count), step)
        for row in range(count):
            self._store(row, sums[row * TILES : (row + 1) * TILES])

    def _place(self, row: int) -> Value:
        e, b = self._e, self._e.builder
        wanted = e.plus(self._row, row)
        index = b.select(b.icmp_signed("<", wanted, self._last), wanted, self._last)
        return e.at(self._rows, e.times(e.times(index, self._step), SINGLE_BYTES))

    def _store(self, row: int, sums: list[Value]) -> None:
        e = self._e
        line = e.plus(e.times(e.plus(self._row, row), self._stride), self._group)
        for tile, total in enumerate(sums):
            output = e.times(e.plus(self._group, tile * LANES), SINGLE_BYTES)
            scale, bias = (e.load(FLOATS, each, output, 4) for each in (self._scales, self._biases))
            e.store(
                e.fma(total, scale, bias), self._out, e.times(e.plus(line, tile * LANES), SINGLE_BYTES), 4
            )


@compiled
def multiply(p: Packed, rows: NDArray[np.float32], step: int, count: int, out: NDArray[np.float32]) -> None:
    """Fill out flat with [count, groups * WIDTH] products of rows that are `step` values apart.

    Writes whole blocks: out has room for `MANY` rows more.
    """
    panel = np.empty(p.inputs * WIDTH, np.float32)
    for group in range(p.groups):
        widen(p.weights, group * p.inputs * WIDTH, p.inputs * TILES, panel)
        row = 0
        while row < count:
            many = 1 if count - row > MANY - FEW else 0
            multiply_block(
                panel, p.inputs, rows, row, count - 1, step, many,
                p.scales, p.biases, group * WIDTH, out, p.groups * WIDTH,
            )  # fmt: skip
            row += MANY if many else FEW


def uses_halves(precision: Precision) -> bool:
    """Tell whether what is float beside a precision's weights is kept as float16."""
    return precision != Precision.FP32 and bool(features() & _HALF_FLOATS)


class PackedLinear:
    """`rows @ weight.T + bias` for float32 rows, one thread; float16 weights have a scale for each output."""

    def __init__(self, weight: torch.Tensor, bias: torch.Tensor | None, *, halves: bool) -> None:
        self._outputs, inputs = weight.shape
        more = -self._outputs % WIDTH
        whole = torch.nn.functional.pad(weight.float(), (0, 0, 0, more))
        scales = torch.ones(len(whole))
        if halves:
            scales = whole.abs().amax(1).clamp_(min=_LEAST_SCALE)
            whole = whole / scales[:, None]
        groups = whole.view(-1, WIDTH, inputs).transpose(1, 2)
        held = groups.half().contiguous().view(torch.int16) if halves else groups.contiguous()
        biases = torch.zeros(self._outputs) if bias is None else bias.float()
        self._packed = Packed(
            weights=held.view(-1).numpy(),
            scales=scales.numpy(),
            biases=torch.nn.functional.pad(biases, (0, more)).numpy(),
            inputs=inputs,
            groups=len(groups),
        )

    def __call__(self, rows: torch.Tensor) -> torch.Tensor:
        """[n, inputs] -> [n, outputs]; rows may overlap each other, a row's values lie side by side."""
        count, (step, _) = len(rows), rows.stride()
        out = torch.empty(count + MANY, self._packed.groups * WIDTH)
        if count:
            flat = rows.as_strided(((count - 1) * step + self._packed.inputs,), (1,))
            multiply(self._packed, flat.numpy(), step, count, out.view(-1).numpy())
        return out[:count, : self._outputs]


def compile_product(*, halves: bool) -> None:
    """Compile, or read what numba keeps of an earlier time."""
    PackedLinear(torch.ones(1, 1), None, halves=halves)(torch.ones(1, 1))
