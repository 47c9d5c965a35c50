"""The torch backbone: slots are independent, memory follows what is filled, precisions drift little."""

from collections.abc import Sequence
from pathlib import Path

import pytest
import torch

from chatttsd.engine.chattts.api import ModelError, ModelShape, Precision
from chatttsd.engine.chattts.linears import pack
from chatttsd.engine.chattts.torch_backbone import TorchBackbone, rope_table
from chatttsd.engine.chattts.weights import Weights
from support.oracle import difference
from support.random_model import RandomModel

HIDDEN = 768
PRECISIONS = list(Precision)


@pytest.fixture(scope="module")
def model(random_model: RandomModel) -> Path:
    return random_model(layers=2, seed=0, end="never")


@pytest.fixture(scope="module")
def backbone(model: Path) -> TorchBackbone:
    return TorchBackbone(Weights(model))


def noise(rows: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(rows, HIDDEN, generator=torch.Generator().manual_seed(seed))


def run(backbone: TorchBackbone, slot: int, embeddings: torch.Tensor, prefill: int) -> torch.Tensor:
    """Prefill some rows, step over the others; the hidden states from the last prefilled row on."""
    found = [backbone.prefill(slot, embeddings[:prefill])]
    found += [backbone.step([slot], row[None])[0] for row in embeddings[prefill:]]
    return torch.stack(found)


def test_stepping_gives_what_prefilling_gives(backbone: TorchBackbone) -> None:
    rows = noise(20)
    stepped = run(backbone, 0, rows, 1)
    prefilled = torch.stack([backbone.prefill(1, rows[: end + 1]) for end in range(20)])
    assert difference(stepped, prefilled) < 1e-5


def test_a_slot_does_not_depend_on_the_others(backbone: TorchBackbone) -> None:
    lengths = (3, 40, 11, 1)
    rows = [noise(length + 10, slot) for slot, length in enumerate(lengths)]
    alone = [run(backbone, 0, each, length) for each, length in zip(rows, lengths, strict=True)]
    together = [[backbone.prefill(slot, rows[slot][:length])] for slot, length in enumerate(lengths)]
    for place in range(10):
        alive = [slot for slot in range(4) if place < 5 or slot != 1]  # one of them stops half-way
        batch = torch.stack([rows[slot][lengths[slot] + place] for slot in alive])
        for slot, state in zip(alive, backbone.step(alive, batch), strict=True):
            together[slot].append(state)
    for slot, states in enumerate(together):
        assert difference(torch.stack(states), alone[slot][: len(states)]) < 1e-5


def test_slots_may_be_stepped_in_any_order(backbone: TorchBackbone) -> None:
    rows = noise(4)
    for slot in (0, 1):
        backbone.prefill(slot, rows[slot : slot + 1])
    forward = backbone.step([0, 1], rows[2:])
    for slot in (0, 1):
        backbone.prefill(slot, rows[slot : slot + 1])
    backward = backbone.step([1, 0], rows[2:].flip(0))
    assert difference(backward.flip(0), forward) < 1e-6


def test_prefilling_again_forgets(backbone: TorchBackbone) -> None:
    rows = noise(12)
    fresh = run(backbone, 2, rows, 4)
    run(backbone, 2, noise(30, 5), 25)
    assert torch.equal(run(backbone, 2, rows, 4), fresh)


def test_the_embeddings_are_not_written_to(backbone: TorchBackbone) -> None:
    rows = noise(3)
    before = rows.clone()
    run(backbone, 0, rows, 2)
    assert torch.equal(rows, before)


@pytest.mark.parametrize("precision", PRECISIONS[1:])
def test_a_packed_linear_is_near_the_float_one(precision: Precision) -> None:
    weight = torch.randn(1536, HIDDEN, generator=torch.Generator().manual_seed(1))
    bounds = {Precision.BF16: 0.006, Precision.INT8: 0.015, Precision.INT4: 0.15}
    packed = pack(weight.clone(), precision, torch.device("cpu"))
    for rows in (1, 4, 70):
        x = noise(rows)
        assert difference(packed(x), x @ weight.t()) < bounds[precision]
        assert packed(x).dtype == torch.float32


@pytest.mark.parametrize("precision", [Precision.INT8, Precision.INT4])
def test_rows_of_equal_weights_are_packed_exactly(precision: Precision) -> None:
    weight = torch.zeros(64, HIDDEN)
    weight[1] = 1.0
    result = pack(weight, precision, torch.device("cpu"))(torch.ones(1, HIDDEN))[0]
    assert not result[[0, *range(2, 64)]].any()
    assert float(result[1]) == pytest.approx(HIDDEN, rel=0.01)


@pytest.mark.parametrize("precision", PRECISIONS[1:])
def test_positions_past_256_drift_no_more_than_those_before(
    model: Path, backbone: TorchBackbone, precision: Precision, capsys: pytest.CaptureFixture[str]
) -> None:
    """bfloat16 holds whole numbers up to 256 only: positions in it would turn RoPE wrong from there."""
    rows = noise(320, 3)
    packed = TorchBackbone(Weights(model), precision)
    exact, drifted = run(backbone, 0, rows, 200), run(packed, 0, rows, 200)
    drift = (drifted - exact).norm(dim=-1) / exact.norm(dim=-1)
    before, after = drift[:56], drift[57:]
    with capsys.disabled():
        print(f"\n{precision}: drift {before.mean():.4f} to position 256, {after.mean():.4f} after")
    assert float(after.mean()) < 1.2 * float(before.mean())
    cosine = torch.nn.functional.cosine_similarity(drifted, exact)
    assert float(cosine.min()) > (0.9 if precision is Precision.INT4 else 0.995)


def test_rope_is_float32_at_every_position() -> None:
    table = rope_table(ModelShape())
    assert table.dtype == torch.complex64
    exponents = torch.arange(0, 64, 2, dtype=torch.float64) / 64
    for position in (0, 1, 257, 2047, 4095):
        angles = position * 10_000.0**-exponents
        assert torch.allclose(table[position, 0].real.double(), angles.cos(), atol=3e-4)
        assert torch.allclose(table[position, 0].imag.double(), angles.sin(), atol=3e-4)


def test_a_slot_must_be_prefilled_first(model: Path) -> None:
    with pytest.raises(ModelError, match="slot 3 was stepped before it was prefilled"):
        TorchBackbone(Weights(model)).step([3], noise(1))


def test_a_prompt_is_left_when_a_look_says_so(model: Path) -> None:
    backbone = TorchBackbone(Weights(model))

    def look() -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        backbone.prefill(0, noise(5), look)


def test_past_the_last_position_is_an_error(model: Path) -> None:
    backbone = TorchBackbone(Weights(model), positions=4)
    with pytest.raises(ModelError, match="the model has 4 positions, 5 were asked for"):
        backbone.prefill(0, noise(5))
    backbone.prefill(0, noise(4))
    with pytest.raises(ModelError, match="4 positions, 5"):
        backbone.step([0], noise(1))


@pytest.mark.parametrize("precision", [Precision.INT8, Precision.INT4])
def test_int_weights_on_another_device_are_refused(precision: Precision) -> None:
    with pytest.raises(ModelError, match=f"precision {precision}: expected device cpu, found meta; use bf16"):
        pack(torch.zeros(64, 64), precision, torch.device("meta"))


def test_a_long_generation_gives_its_memory_back(model: Path) -> None:
    backbone = TorchBackbone(Weights(model))

    def cache() -> Sequence[int]:
        return [0 if each is None else each.data_ptr() for each in backbone._caches]

    backbone.prefill(0, noise(100))
    kept = cache()
    backbone.prefill(0, noise(600))
    assert cache() == kept
    backbone.prefill(0, noise(3))
    assert backbone._lengths[0] == 3
    assert torch.isfinite(backbone.step([0], noise(1))).all()
