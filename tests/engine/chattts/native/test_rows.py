"""Norm, RoPE, gate and quantisation of a row, and attention of one query, against plain numpy."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from chatttsd.engine.chattts.native import attend, rows
from chatttsd.engine.chattts.native.attend import BLOCK, BLOCK_VALUES
from chatttsd.engine.chattts.native.dot import GROUP, META
from chatttsd.engine.chattts.native.jit import compiled

pytestmark = pytest.mark.timeout(400)  # everything is compiled here

Floats = NDArray[np.float32]


@compiled
def square_sum(x: Floats) -> float:
    total: float = rows.square_sum(x, GROUP, x.size // GROUP - 1)
    return total


@compiled
def scaled(x: Floats, factor: float, gains: Floats) -> Floats:
    out = np.zeros(3 * GROUP, np.float32)
    rows.scale_group(x, 1, np.float32(factor), gains, 2, out, GROUP)
    return out


@compiled
def rotated(x: Floats, table: Floats, row: int, factor: float) -> Floats:
    rows.rotate(x, GROUP, table, row, np.float32(factor))
    return x


@compiled
def gated(x: Floats) -> Floats:
    rows.gate_group(x, GROUP)
    return x


@compiled
def record(weights: NDArray[Any], x: Floats, size: int) -> NDArray[np.uint8]:
    found = np.zeros(2 * size, np.uint8)
    for group in range(x.size // GROUP):
        rows.put_group(weights, x, group * GROUP, found, size, group, x.size // GROUP)
    return found


@compiled
def attended(cache: NDArray[Any], keys: Floats, values: Floats, query: Floats) -> Floats:
    length, scratch = keys.shape[0], np.zeros(8 * BLOCK, np.float32)
    for at in range(length):
        block = at // BLOCK * BLOCK_VALUES
        for i in range(GROUP):
            attend.put_value(cache, block + i * BLOCK + at % BLOCK, keys[at, i])
            attend.put_value(cache, block + BLOCK * GROUP + at % BLOCK * GROUP + i, values[at, i])
    for block in range((length + BLOCK - 1) // BLOCK):
        attend.score_block(cache, block * BLOCK_VALUES, 0, query, 0, scratch, GROUP + block * BLOCK)
    scratch[GROUP + length :] = np.float32(-1e30)
    total = attend.exponentiate(scratch, GROUP, (length + 15) // 16)
    for block in range((length + BLOCK - 1) // BLOCK):
        few = min(BLOCK, length - block * BLOCK)
        attend.mix_block(cache, block * BLOCK_VALUES, 0, scratch, GROUP + block * BLOCK, few, scratch, 0)
    return scratch[:GROUP] / np.float32(total)


def random(*shape: int, seed: int = 0) -> Floats:
    return np.random.default_rng(seed).standard_normal(shape, dtype=np.float32)


def test_squares_are_added_up() -> None:
    x = random(4 * GROUP)
    assert square_sum(x) == pytest.approx(float((x[GROUP:].astype(np.float64) ** 2).sum()), rel=1e-6)


def test_a_group_is_scaled_by_factor_and_gains() -> None:
    x, gains = random(2 * GROUP), random(2 * GROUP, seed=1)
    out = scaled(x, 1.5, gains)
    assert np.allclose(out[GROUP : 2 * GROUP], x[1 : GROUP + 1] * 1.5 * gains[2 : GROUP + 2])
    assert not out[:GROUP].any()
    assert not out[2 * GROUP :].any()


def test_rope_turns_halves_as_hugging_face_does() -> None:
    x, angles = random(3 * GROUP), random(4, GROUP // 2, seed=1)
    table = np.concatenate([np.cos(angles), np.sin(angles)], axis=1)
    low, high = x[GROUP : GROUP + 32].copy(), x[GROUP + 32 : 2 * GROUP].copy()
    found = rotated(x.copy(), table.reshape(-1), 2, 0.5)
    cosine, sine = np.cos(angles[2]), np.sin(angles[2])
    assert np.allclose(found[GROUP : GROUP + 32], 0.5 * (low * cosine - high * sine), atol=1e-6)
    assert np.allclose(found[GROUP + 32 : 2 * GROUP], 0.5 * (high * cosine + low * sine), atol=1e-6)
    assert np.array_equal(found[2 * GROUP :], x[2 * GROUP :])


@pytest.mark.parametrize("scale", [1e-3, 1.0, 30.0, 200.0])
def test_the_gate_is_silu(scale: float) -> None:
    x = random(3 * GROUP) * np.float32(scale)
    gate, up = x[GROUP : 2 * GROUP].astype(np.float64), x[2 * GROUP :].astype(np.float64)
    exact = gate / (1 + np.exp(-np.clip(gate, -80, None))) * up
    assert np.allclose(gated(x.copy())[GROUP : 2 * GROUP], exact, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("dtype", ["uint8", "uint32"])
def test_activations_become_integers_with_a_scale_per_group(dtype: str) -> None:
    x = random(3 * GROUP)
    x[GROUP : 2 * GROUP] = 0.0
    size = rows.record_bytes(dtype, x.size)
    found = record(np.zeros(1, dtype), x, size)
    assert not found[:size].any()
    values = found[size : size + x.size].view(np.int8).reshape(3, GROUP).astype(np.int64)
    meta = found[size + x.size : size + x.size + 3 * META]
    scales = meta.view(np.float32)[::2]
    assert np.abs(values * scales[:, None] - x.reshape(3, GROUP)).max() <= 0.501 * scales.max()
    assert np.abs(values).max(axis=1).tolist() == [127, 0, 127]
    if dtype == "uint8":
        assert meta.view(np.int32)[1::2].tolist() == (-128 * values.sum(axis=1)).tolist()
    else:
        assert np.allclose(meta.view(np.float32)[1::2], values.sum(axis=1) * scales)


@pytest.mark.parametrize("dtype", ["uint16", "float32"])
def test_activations_for_float_weights_are_copied(dtype: str) -> None:
    x = random(2 * GROUP)
    size = rows.record_bytes(dtype, x.size)
    assert np.array_equal(record(np.zeros(1, dtype), x, size)[size:].view(np.float32), x)


@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 1e-5), ("uint16", 2e-3)])
@pytest.mark.parametrize("length", [1, 15, 16, 17, 63, 64, 65, 200])
def test_attention_is_a_softmax_over_the_used_positions(dtype: str, tolerance: float, length: int) -> None:
    keys, values, query = random(length, GROUP), random(length, GROUP, seed=1), random(GROUP, seed=2)
    cache = np.full(4 * BLOCK_VALUES, 7, dtype)  # what an earlier segment left
    scores = keys.astype(np.float64) @ query.astype(np.float64)
    shares = np.exp(scores - scores.max())
    exact = shares @ values.astype(np.float64) / shares.sum()
    assert np.allclose(attended(cache, keys, values, query), exact, atol=tolerance)


def test_very_different_scores_do_not_overflow() -> None:
    keys, values = np.zeros((20, GROUP), np.float32), random(20, GROUP)
    keys[3, 0], keys[4, 0] = 500.0, -500.0
    query = np.ones(GROUP, np.float32)
    found = attended(np.zeros(BLOCK_VALUES, np.float32), keys, values, query)
    assert np.allclose(found, values[3], atol=1e-6)
