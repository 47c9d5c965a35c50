"""The kernels of the linear layers against float64 sums over the weights and activations they were given."""

from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from chatttsd.engine.chattts.native.dot import GROUP, INT4_GROUP, dot_tile
from chatttsd.engine.chattts.native.emitter import LANES
from chatttsd.engine.chattts.native.jit import compiled
from chatttsd.engine.chattts.native.pack import PACKERS, tile_bytes
from chatttsd.engine.chattts.native.rows import put_group, record_bytes

pytestmark = pytest.mark.timeout(400)  # every dtype is compiled

Floats = NDArray[np.float32]
INPUTS = 192
OUTPUTS = 32
ROWS = 8
DTYPES = ["uint8", "uint32", "uint16", "float32"]
ERRORS = {"uint8": 0.01, "uint32": 0.15, "uint16": 0.005, "float32": 1e-6}


@compiled
def multiply(weights: NDArray[Any], tile: int, rows: Floats, first: int, count: int, record: int) -> Floats:
    groups = rows.shape[1] // GROUP
    records = np.zeros(rows.shape[0] * record, np.uint8)
    flat = rows.reshape(-1)
    for row in range(rows.shape[0]):
        for group in range(groups):
            put_group(weights, flat, (row * groups + group) * GROUP, records, row * record, group, groups)
    out = np.zeros(count * OUTPUTS, np.float32)
    for part in range(OUTPUTS // LANES):
        dot_tile(
            weights, part * tile, part * tile, groups, records, first * record, record, count,
            out, part * LANES, OUTPUTS,
        )  # fmt: skip
    return out


def packed(dtype: str, weight: Floats, order: NDArray[np.int64] | None = None) -> NDArray[Any]:
    whole = np.zeros(OUTPUTS // LANES * tile_bytes(dtype, weight.shape[1]) + 64, np.uint8)
    start = -whole.ctypes.data % 64  # the kernels read whole cache lines
    found = whole[start : start + whole.size - 64]
    PACKERS[dtype](weight, np.arange(OUTPUTS) if order is None else order, found)
    return found.view(dtype)


def product(dtype: str, weight: Floats, rows: Floats, first: int = 0, count: int = ROWS) -> Floats:
    inputs = weight.shape[1]
    found = multiply(
        packed(dtype, weight), tile_bytes(dtype, inputs), rows, first, count, record_bytes(dtype, inputs)
    )
    return found.reshape(count, OUTPUTS)


def random(rows: int, columns: int = INPUTS, seed: int = 0) -> Floats:
    return np.random.default_rng(seed).standard_normal((rows, columns), dtype=np.float32)


def error(found: Floats, exact: NDArray[np.float64]) -> float:
    return float(np.linalg.norm(found - exact) / np.linalg.norm(exact))


@pytest.mark.parametrize("dtype", DTYPES)
def test_products_are_near_the_exact_ones(dtype: str) -> None:
    weight, rows = random(OUTPUTS), random(ROWS, seed=1)
    exact = rows.astype(np.float64) @ weight.astype(np.float64).T
    assert error(product(dtype, weight, rows), exact) < ERRORS[dtype]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_a_row_is_bit_for_bit_the_same_among_others(dtype: str, count: int) -> None:
    weight, rows = random(OUTPUTS), random(ROWS, seed=1)
    eight = product(dtype, weight, rows)
    for first in range(ROWS - count + 1):
        assert np.array_equal(product(dtype, weight, rows, first, count), eight[first : first + count])


@pytest.mark.parametrize("dtype", ["uint8", "uint32"])
def test_integer_kernels_add_up_exactly(dtype: str) -> None:
    """Weights and activations that their integers hold exactly: the result is what arithmetic says."""
    generator = np.random.default_rng(2)
    levels = 127 if dtype == "uint8" else 7
    weight = generator.integers(-levels, levels + 1, (OUTPUTS, INPUTS)).astype(np.float32)
    weight[:, ::GROUP], weight[:, 1::GROUP] = -levels - (dtype == "uint32"), levels
    rows = generator.integers(-127, 128, (ROWS, INPUTS)).astype(np.float32)
    rows[:, ::GROUP] = 127
    if dtype == "uint8":
        weight[:, ::GROUP] = -127
    exact = rows.astype(np.float64) @ weight.astype(np.float64).T
    assert np.allclose(product(dtype, weight, rows), exact, rtol=1e-5, atol=0.02)


@pytest.mark.parametrize("dtype", ["uint8", "uint32"])
def test_the_largest_products_do_not_overflow(dtype: str) -> None:
    weight, rows = np.ones((OUTPUTS, 3072), np.float32), np.ones((ROWS, 3072), np.float32)
    for sign in (1, -1):
        assert product(dtype, sign * weight, rows) == pytest.approx(sign * 3072, rel=0.005)


@pytest.mark.parametrize("dtype", DTYPES)
def test_zeros_give_zero(dtype: str) -> None:
    zeros = np.zeros((OUTPUTS, INPUTS), np.float32)
    assert not product(dtype, zeros, random(ROWS)).any()
    assert not product(dtype, random(OUTPUTS), zeros[:ROWS]).any()


@pytest.mark.parametrize("dtype", DTYPES)
def test_outputs_are_packed_in_the_order_that_is_asked_for(dtype: str) -> None:
    weight = random(OUTPUTS)
    order = np.random.default_rng(3).permutation(OUTPUTS)
    assert np.array_equal(packed(dtype, weight, order), packed(dtype, weight[order]))


def test_a_large_activation_spoils_only_its_own_group() -> None:
    weight, rows = random(OUTPUTS), random(ROWS)
    weight[:, :GROUP] = 0.0
    rows[:, 0] = 1e6
    exact = rows.astype(np.float64) @ weight.astype(np.float64).T
    assert error(product("uint8", weight, rows), exact) < ERRORS["uint8"]


def test_bf16_weights_are_rounded_as_torch_rounds() -> None:
    weight = random(OUTPUTS)
    rounded = torch.from_numpy(weight).bfloat16().view(torch.int16).numpy().view(np.uint16)
    found = packed("uint16", weight).reshape(OUTPUTS // LANES, INPUTS, LANES)
    assert np.array_equal(found.transpose(0, 2, 1).reshape(OUTPUTS, INPUTS), rounded)


@pytest.mark.parametrize(("dtype", "bits"), [("uint8", 8.1), ("uint32", 5), ("uint16", 16), ("float32", 32)])
def test_a_weight_takes_so_many_bits(dtype: str, bits: float) -> None:
    assert 8 * tile_bytes(dtype, 768) / (768 * LANES) <= bits
    assert tile_bytes("uint32", GROUP) == INT4_GROUP
