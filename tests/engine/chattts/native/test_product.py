"""Products with packed weights: right for any shape and stride, and a row is the same in any company."""

import pytest
import torch
import torch.nn.functional as F  # noqa: N812 - the name that everybody gives it

from chatttsd.engine.chattts.api import Precision
from chatttsd.engine.chattts.native.product import FEW, MANY, WIDTH, PackedLinear, uses_halves
from support.gpt_reference import noise, relative_error

pytestmark = pytest.mark.timeout(120)  # the first test compiles the kernels

ERROR = {False: 1e-6, True: 5e-4}


@pytest.mark.parametrize("halves", [False, True])
@pytest.mark.parametrize(("outputs", "inputs"), [(WIDTH, 64), (1, 1), (WIDTH + 1, 33), (100, 1536)])
@pytest.mark.parametrize("rows", [1, FEW, FEW + 1, MANY - 1, MANY, MANY + 1, 3 * MANY + FEW])
def test_a_product_is_torchs(rows: int, outputs: int, inputs: int, halves: bool) -> None:
    weight, bias, values = noise(outputs, inputs), noise(1, outputs, seed=1)[0], noise(rows, inputs, seed=2)
    expected = F.linear(values.double(), weight.double(), bias.double())

    found = PackedLinear(weight, bias, halves=halves)(values)

    assert (found.shape, found.dtype) == (expected.shape, torch.float32)
    assert relative_error(found, expected) < ERROR[halves]


@pytest.mark.parametrize("halves", [False, True])
def test_outputs_of_any_size_are_as_exact_and_zeros_stay_zeros(halves: bool) -> None:
    """A float16 of its own would hold neither 1e-9 nor 1e9."""
    sizes = torch.tensor([1e-9, 1.0, 1e9, 0.0])
    weight, values = noise(4, 64) * sizes[:, None], noise(5, 64, seed=2)

    found = PackedLinear(weight, None, halves=halves)(values)

    for output in range(3):
        assert relative_error(found[:, output], values @ weight[output]) < ERROR[halves]
    assert not found[:, 3].any()


def test_rows_may_overlap() -> None:
    weight, held = noise(7, 96), noise(40, 32, seed=1)
    windows = held.as_strided((19, 96), (64, 1))

    found = PackedLinear(weight, None, halves=False)(windows)

    assert relative_error(found, windows.contiguous() @ weight.t()) < 1e-6


def test_no_rows_are_no_results() -> None:
    assert PackedLinear(noise(3, 4), None, halves=True)(torch.zeros(0, 4)).shape == (0, 3)


def test_a_row_is_bit_for_bit_the_same_in_any_company() -> None:
    product, values = PackedLinear(noise(50, 70), None, halves=True), noise(3 * MANY, 70, seed=1)
    together = product(values)
    for count in (1, FEW, MANY, 2 * MANY + 1):
        assert torch.equal(product(values[:count]), together[:count])
        assert torch.equal(product(values[-count:]), together[-count:])


def test_only_fp32_keeps_32_bits() -> None:
    assert not uses_halves(Precision.FP32)
    assert len({uses_halves(each) for each in Precision if each is not Precision.FP32}) == 1
