import pytest
import torch
import torch.nn.functional as F  # noqa: N812 - the name that everybody gives it

from chatttsd.engine.chattts.vocoder.layers import Block, Convolution, Linear, Norm, run_whole


def random(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(sum(shape)))


@pytest.mark.parametrize("rows", [1, 7, 300])
@pytest.mark.parametrize("bias", [None, random(24)])
def test_a_linear_layer_is_torchs(rows: int, bias: torch.Tensor | None) -> None:
    weight, values = random(24, 40), random(rows, 40)

    assert torch.allclose(Linear(weight, bias)(values), F.linear(values, weight, bias), atol=1e-5)


def test_a_linear_layer_works_where_torch_cannot_pack_its_weight(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.ops, "mkldnn", object())
    weight, values = random(24, 40), random(5, 40)

    assert torch.equal(Linear(weight)(values), F.linear(values, weight))


def test_a_linear_layer_of_another_type_returns_float32() -> None:
    weight, bias, values = random(24, 40), random(24), random(5, 40)

    found = Linear(weight.bfloat16(), bias)(values)

    assert found.dtype == torch.float32
    assert torch.allclose(found, F.linear(values, weight, bias), atol=0.2)


@pytest.mark.parametrize(("taps", "stride", "rows"), [(3, 1, 9), (7, 1, 1), (4, 2, 8), (4, 2, 9)])
def test_a_convolution_is_torchs(taps: int, stride: int, rows: int) -> None:
    weight, bias, values = random(6, 5, taps), random(6), random(rows, 5)
    product = Linear(weight.transpose(1, 2).flatten(1), bias)

    found = run_whole([Convolution(product, 5, taps, torch.tanh, stride)], values)

    expected = F.conv1d(values.t()[None], weight, bias, stride, (taps - 1) // 2)[0].t().tanh()
    assert torch.allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize("dilation", [1, 2])
def test_a_block_is_a_convnext_block(dilation: int) -> None:
    taps, bias = random(8, 1, 7), random(8)
    norm_weight, norm_bias = random(8), random(8) / 2
    inner, inner_bias, outer, outer_bias = random(32, 8), random(32), random(8, 32), random(8)
    values = random(20, 8)
    block = Block(
        taps[:, 0].t().contiguous(),
        bias,
        Norm(norm_weight, norm_bias),
        Linear(inner, inner_bias),
        Linear(outer, outer_bias),
        dilation,
    )

    mixed = F.conv1d(values.t()[None], taps, bias, padding=3 * dilation, dilation=dilation, groups=8)[0].t()
    normed = F.layer_norm(mixed, (8,), norm_weight, norm_bias, 1e-6)
    change = F.linear(F.gelu(F.linear(normed, inner, inner_bias)), outer, outer_bias)
    assert torch.allclose(run_whole([block], values), values + change, atol=1e-4)
