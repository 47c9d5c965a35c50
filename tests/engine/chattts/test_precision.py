"""The choice of precision and kernels follows the settings, the device and the CPU, and says why."""

import pytest

from chatttsd.engine.chattts.api import ModelError, Precision
from chatttsd.engine.chattts.cpu import Cpu
from chatttsd.engine.chattts.precision import (
    NATIVE,
    TORCH,
    Choice,
    asked_precision,
    choose_for_cpu,
    choose_for_cuda,
)

VNNI = Cpu("x86_64", frozenset({"avx2", "avx512f", "avx512_vnni"}))
OLD = Cpu("x86_64", frozenset({"sse2"}))


def test_a_cpu_gets_int8_and_compiled_kernels() -> None:
    choice = choose_for_cpu("auto", VNNI, None)
    assert (choice.precision, choice.device, choice.kernels) == (Precision.INT8, "cpu", NATIVE)


def test_the_reason_names_the_instructions() -> None:
    detail = choose_for_cpu("auto", VNNI, None).detail
    assert detail.startswith("int8 weights on cpu, compiled kernels: ")
    assert detail.endswith("the CPU has AVX-512 VNNI")
    assert "x86_64" in choose_for_cpu("int4", OLD, None).detail


@pytest.mark.parametrize("precision", list(Precision))
def test_the_settings_decide(precision: Precision) -> None:
    for choice in (
        choose_for_cpu(precision.value, VNNI, None),
        choose_for_cpu(precision.value, OLD, "x"),
        choose_for_cuda(precision.value),
    ):
        assert choice.precision == precision
        assert "as configured" in choice.why


@pytest.mark.parametrize("precision", [Precision.FP32, Precision.BF16])
def test_float_weights_do_not_speak_of_integer_instructions(precision: Precision) -> None:
    assert "VNNI" not in choose_for_cpu(precision.value, VNNI, None).why


def test_without_compiled_kernels_torch_does_it_and_the_reason_is_told() -> None:
    choice = choose_for_cpu("auto", VNNI, "ModuleNotFoundError: No module named 'numba'")
    assert choice.kernels == TORCH
    assert choice.precision == Precision.INT8
    assert "No module named 'numba'" in choice.detail


def test_cuda_gets_bf16() -> None:
    choice = choose_for_cuda("auto")
    assert (choice.precision, choice.device, choice.kernels) == (Precision.BF16, "cuda", TORCH)


@pytest.mark.parametrize("asked", ["", "int2", "INT8", "auto "])
def test_another_word_is_named_with_what_is_allowed(asked: str) -> None:
    with pytest.raises(
        ModelError, match=f"^precision: got '{asked}', allowed are auto, fp32, bf16, int8, int4$"
    ):
        asked_precision(asked)


def test_a_detail_is_one_line() -> None:
    assert "\n" not in Choice(Precision.INT8, "cpu", NATIVE, "why").detail
