"""The compiled backbone: right, the same for any company and any number of threads, and small."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import pytest
import torch

from chatttsd.engine.chattts.api import ModelError, Precision
from chatttsd.engine.chattts.native.backbone import NativeBackbone
from chatttsd.engine.chattts.torch_backbone import TorchBackbone
from chatttsd.engine.chattts.weights import Weights
from support.gpt_reference import SMALL, RandomGpt, mean_cosine, noise, relative_error
from support.random_model import RandomModel

pytestmark = pytest.mark.timeout(400)  # the first test of a precision compiles its kernels

GPT = RandomGpt()
COSINE = {Precision.BF16: 0.9999, Precision.INT8: 0.999, Precision.INT4: 0.98}


@pytest.fixture(scope="module", params=list(Precision))
def precision(request: pytest.FixtureRequest) -> Precision:
    found: Precision = request.param
    return found


@pytest.fixture(scope="module")
def backbone(precision: Precision) -> Iterator[NativeBackbone]:
    made = NativeBackbone(GPT, precision, threads=2)
    yield made
    made.close()


@pytest.fixture(scope="module")
def exact() -> Iterator[NativeBackbone]:
    made = NativeBackbone(GPT, Precision.FP32, threads=2)
    yield made
    made.close()


def run(backbone: NativeBackbone, slot: int, rows: torch.Tensor, prefilled: int) -> torch.Tensor:
    """Prefill some rows, step over the others; the hidden states from the last prefilled row on."""
    states = [backbone.prefill(slot, rows[:prefilled])]
    states += [backbone.step([slot], row[None])[0] for row in rows[prefilled:]]
    return torch.stack(states)


def test_fp32_is_what_plain_torch_computes_over_300_tokens(exact: NativeBackbone) -> None:
    rows = noise(310)
    assert relative_error(run(exact, 0, rows, 10), GPT.run(rows)[9:]) < 1e-5


def test_fp32_is_what_the_torch_backbone_computes(random_model: RandomModel) -> None:
    weights = Weights(random_model(layers=2, seed=0, end="never"))
    backbone = NativeBackbone(weights, Precision.FP32, threads=2, positions=128)
    rows = noise(90, weights.shape.hidden)
    torch_backbone = TorchBackbone(weights, positions=128)
    other = [torch_backbone.prefill(0, rows[:70])]
    other += [torch_backbone.step([0], row[None])[0] for row in rows[70:]]
    assert relative_error(run(backbone, 0, rows, 70), torch.stack(other)) < 1e-4
    backbone.close()


@pytest.mark.parametrize("precision", list(COSINE), indirect=True)
def test_packed_weights_drift_little_and_no_more_past_position_256(
    precision: Precision, backbone: NativeBackbone, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = noise(400, seed=3)
    exact = GPT.run(rows)[59:]
    drifted = run(backbone, 0, rows, 60)
    before, after = (relative_error(drifted[part], exact[part]) for part in (slice(0, 196), slice(196, None)))
    cosine = mean_cosine(drifted, exact)
    with capsys.disabled():
        print(
            f"\n{precision}: drift {before:.4f} to position 256, {after:.4f} after, mean cosine {cosine:.5f}"
        )
    assert cosine > COSINE[precision]
    assert after < 1.1 * before


def test_prefilling_gives_bit_for_bit_what_stepping_gives(backbone: NativeBackbone) -> None:
    rows = noise(150)
    stepped = run(backbone, 0, rows, 1)
    prefilled = [backbone.prefill(1, rows[:count]) for count in (1, 2, 7, 8, 13, 63, 64, 65, 128, 150)]
    assert torch.equal(torch.stack(prefilled), stepped[[0, 1, 6, 7, 12, 62, 63, 64, 127, 149]])


def alone(
    backbone: NativeBackbone, rows: Sequence[torch.Tensor], lengths: Sequence[int]
) -> list[torch.Tensor]:
    return [run(backbone, 0, each, length) for each, length in zip(rows, lengths, strict=True)]


def test_a_row_is_bit_for_bit_the_same_in_any_company(backbone: NativeBackbone) -> None:
    lengths = (3, 70, 11, 127)
    rows = [noise(length + 12, seed=slot) for slot, length in enumerate(lengths)]
    expected = alone(backbone, rows, lengths)
    states = [[backbone.prefill(slot, rows[slot][: lengths[slot]])] for slot in range(4)]
    done = [0] * 4
    for company in ([0, 1, 2, 3], [3, 0], [1], [2, 1, 0], [3, 2], [0, 2, 3], [1, 3, 2, 0], [3], [0, 1]):
        batch = torch.stack([rows[slot][lengths[slot] + done[slot]] for slot in company])
        for slot, state in zip(company, backbone.step(company, batch), strict=True):
            states[slot].append(state)
            done[slot] += 1
    for slot in range(4):
        assert torch.equal(torch.stack(states[slot]), expected[slot][: 1 + done[slot]])


def test_the_number_of_threads_changes_no_bit(precision: Precision, backbone: NativeBackbone) -> None:
    rows = noise(80, seed=5)
    expected = run(backbone, 0, rows, 60)
    for threads in (1, 3, 5):
        other = NativeBackbone(GPT, precision, threads=threads)
        assert torch.equal(run(other, 0, rows, 60), expected)
        other.close()


class StopError(Exception):
    """What a look at a cancel flag raises."""


def test_a_prompt_is_left_when_a_look_says_so_and_its_slot_is_empty(exact: NativeBackbone) -> None:
    looks: list[int] = []

    def look() -> None:
        looks.append(len(looks))
        if len(looks) == 3:
            raise StopError

    exact.prefill(1, noise(5))
    with pytest.raises(StopError):
        exact.prefill(1, noise(500), look)
    assert len(looks) == 3
    with pytest.raises(ModelError, match="slot 1 was stepped before"):
        exact.step([1], noise(1))
    rows = noise(12)
    assert torch.equal(run(exact, 1, rows, 4), run(exact, 2, rows, 4))


@pytest.fixture(scope="module", params=[626, 64, 3])
def heads(request: pytest.FixtureRequest) -> torch.Tensor:
    return noise(request.param, seed=9)


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize(("kind", "error"), [(Precision.FP32, 1e-6), (Precision.INT8, 1e-3)])
def test_the_heads_are_a_product_between_steps(
    heads: torch.Tensor, kind: Precision, error: float, threads: int
) -> None:
    made = NativeBackbone(GPT, kind, threads=threads, heads=heads)
    plain = NativeBackbone(GPT, kind, threads=threads)
    rows, hidden = noise(20), noise(4, seed=2)
    expected, found = run(plain, 0, rows, 4), [made.prefill(0, rows[:4])]
    for row in rows[4:]:
        assert relative_error(made.logits(hidden), hidden @ heads.t()) < error
        found.append(made.step([0], row[None])[0])
        one = made.logits(hidden[:1])
        assert torch.equal(one, made.logits(hidden[[0, 2]])[:1])
    assert torch.equal(torch.stack(found), expected)
    made.close()
    plain.close()


def test_a_backbone_without_heads_says_so(exact: NativeBackbone) -> None:
    with pytest.raises(ModelError, match="without heads"):
        exact.logits(noise(1))


def test_prefilling_again_forgets(backbone: NativeBackbone) -> None:
    rows = noise(12)
    fresh = run(backbone, 2, rows, 4)
    run(backbone, 2, noise(200, seed=5), 190)
    assert torch.equal(run(backbone, 2, rows, 4), fresh)


def test_a_slot_that_was_long_gives_memory_back_and_works_on(exact: NativeBackbone) -> None:
    long = NativeBackbone(RandomGpt(replace(SMALL, max_positions=1000)), Precision.FP32, positions=1000)
    long.prefill(1, noise(1000, seed=8))
    rows = noise(20)
    assert torch.equal(run(long, 1, rows, 10), run(exact, 1, rows, 10))
    long.close()


def test_the_embeddings_are_not_written_to_and_results_are_kept(exact: NativeBackbone) -> None:
    rows = noise(3)
    before = rows.clone()
    exact.prefill(0, rows[:1])
    first = exact.step([0], rows[1:2])
    kept = first.clone()
    exact.step([0], rows[2:])
    assert torch.equal(rows, before)
    assert torch.equal(first, kept)


def test_strided_embeddings_are_read_right(exact: NativeBackbone) -> None:
    rows = noise(SMALL.hidden, 10).t()
    assert torch.equal(exact.prefill(0, rows), exact.prefill(0, rows.contiguous()))


def test_the_last_position_is_the_last(exact: NativeBackbone) -> None:
    exact.prefill(0, noise(SMALL.max_positions))
    with pytest.raises(ModelError, match=r"^the model has 512 positions, 513 were asked for$"):
        exact.step([0], noise(1))
    with pytest.raises(ModelError, match="513"):
        exact.prefill(0, noise(513))


def test_a_slot_that_was_never_filled_is_named(exact: NativeBackbone) -> None:
    exact.prefill(0, noise(1))
    with pytest.raises(ModelError, match=r"^slot 3 was stepped before it was prefilled$"):
        exact.step([0, 3], noise(2))


def test_a_model_with_other_heads_is_refused() -> None:
    with pytest.raises(ModelError, match=r"need heads of 64 values .*, found heads of 32, hidden 192, "):
        NativeBackbone(RandomGpt(replace(SMALL, heads=6)), Precision.FP32)
