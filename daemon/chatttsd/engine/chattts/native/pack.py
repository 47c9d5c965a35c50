"""Weights into the tiles that the kernels read (see `dot`), one linear layer at a time."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from chatttsd.engine.chattts.native.dot import GROUP, INT4_GROUP, INT8_GROUP, QUADS, SINGLE_BYTES
from chatttsd.engine.chattts.native.emitter import LANES
from chatttsd.engine.chattts.native.jit import compiled, inlined

_LARGEST8: Final = np.float32(127)
_OFFSET8: Final = np.float32(128.5)
"""The offset that makes a weight unsigned, and a half to round."""
_LARGEST4: Final = np.float32(15)
_HALF: Final = np.float32(0.5)
_ZERO: Final = np.float32(0.0)
_LEAST_SCALE: Final = np.float32(1e-30)
_ROUND_BF16: Final = np.uint32(0x7FFF)
_BF16_BITS: Final = np.uint32(16)
_ONE: Final = np.uint32(1)
_NIBBLE_BITS: Final = np.uint32(4)


def tile_bytes(dtype: str, inputs: int) -> int:
    """Return the size of a tile of 16 outputs."""
    if dtype == "uint8":
        return inputs // GROUP * INT8_GROUP + LANES * SINGLE_BYTES
    if dtype == "uint32":
        return inputs // GROUP * INT4_GROUP
    return inputs * LANES * np.dtype(dtype).itemsize


@compiled
def pack_int8(source: NDArray[np.float32], order: NDArray[np.int64], packed: NDArray[np.uint8]) -> None:
    """Pack [outputs, inputs] in an order of outputs: a scale for each output, its largest weight is 127."""
    inputs = source.shape[1]
    tile = inputs * LANES + LANES * 4
    scratch = np.empty(inputs, np.uint8)
    words, scales = packed.view(np.uint32), packed.view(np.float32)
    fours = scratch.view(np.uint32)
    for output in range(order.size):
        row = source[order[output]]
        largest = _ZERO
        for i in range(inputs):
            largest = max(largest, abs(row[i]))
        scale = max(largest / _LARGEST8, _LEAST_SCALE)
        inverse = np.float32(1.0) / scale
        for i in range(inputs):
            scratch[i] = np.uint8(np.int32(row[i] * inverse + _OFFSET8))
        first = output // LANES * (tile // 4) + output % LANES
        for quad in range(inputs // 4):
            words[first + quad * LANES] = fours[quad]
        scales[first + inputs // 4 * LANES] = scale


@inlined
def _bf16(number: np.float32, bits: NDArray[np.uint32], floats: NDArray[np.float32]) -> np.float32:
    """Round to the nearest bfloat16; `bits` and `floats` are one word of scratch."""
    floats[0] = number
    odd = (bits[0] >> _BF16_BITS) & _ONE
    bits[0] = ((bits[0] + _ROUND_BF16 + odd) >> _BF16_BITS) << _BF16_BITS
    rounded: np.float32 = floats[0]
    return rounded


@inlined
def _pack_group4(
    values: NDArray[np.float32],
    first: int,
    scale: np.float32,
    minimum: np.float32,
    words: NDArray[np.uint32],
    scratch: NDArray[np.uint8],
) -> None:
    inverse = np.float32(1.0) / scale
    for i in range(GROUP):
        level = min(max((values[i] - minimum) * inverse, _ZERO), _LARGEST4)
        scratch[i] = np.uint8(np.int32(level + _HALF))
    fours = scratch.view(np.uint32)
    for quad in range(QUADS // 2):
        words[first + quad * LANES] = fours[quad] | (fours[quad + QUADS // 2] << _NIBBLE_BITS)


@compiled
def pack_int4(source: NDArray[np.float32], order: NDArray[np.int64], packed: NDArray[np.uint8]) -> None:
    """Pack [outputs, inputs] in an order of outputs: 16 levels between least and largest of 64 inputs."""
    words, shorts = packed.view(np.uint32), packed.view(np.uint16)
    bits = np.empty(2, np.uint32)
    floats = bits.view(np.float32)
    scratch = np.empty(GROUP, np.uint8)
    groups = source.shape[1] // GROUP
    for output in range(order.size):
        for group in range(groups):
            values = source[order[output], group * GROUP : (group + 1) * GROUP]
            least, most = min(values.min(), _ZERO), max(values.max(), _ZERO)
            scale = max(_bf16((most - least) / _LARGEST4, bits, floats), _LEAST_SCALE)
            minimum = _bf16(least, bits, floats)
            start = (output // LANES * groups + group) * INT4_GROUP
            _pack_group4(values, start // 4 + output % LANES, scale, minimum, words, scratch)
            place = (start + QUADS // 2 * 4 * LANES) // 2 + output % LANES
            floats[0], floats[1] = scale, minimum
            shorts[place] = bits[0] >> _BF16_BITS
            shorts[place + LANES] = bits[1] >> _BF16_BITS


@compiled
def pack_bf16(source: NDArray[np.float32], order: NDArray[np.int64], packed: NDArray[np.uint8]) -> None:
    """Pack [outputs, inputs] in an order of outputs, rounded to the nearest bfloat16."""
    inputs, shorts = source.shape[1], packed.view(np.uint16)
    for output in range(order.size):
        bits = source[order[output]].view(np.uint32)
        first = output // LANES * inputs * LANES + output % LANES
        for i in range(inputs):
            odd = (bits[i] >> _BF16_BITS) & _ONE
            shorts[first + i * LANES] = (bits[i] + _ROUND_BF16 + odd) >> _BF16_BITS


@compiled
def pack_fp32(source: NDArray[np.float32], order: NDArray[np.int64], packed: NDArray[np.uint8]) -> None:
    """Pack [outputs, inputs] in an order of outputs as they are."""
    inputs, floats = source.shape[1], packed.view(np.float32)
    for output in range(order.size):
        first = output // LANES * inputs * LANES + output % LANES
        for i in range(inputs):
            floats[first + i * LANES] = source[order[output], i]


PACKERS: Final[dict[str, Any]] = {
    "uint8": pack_int8,
    "uint32": pack_int4,
    "uint16": pack_bf16,
    "float32": pack_fp32,
}
"""The dtype of the array that holds weights -> what packs them."""
