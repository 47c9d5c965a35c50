"""One linear layer without bias in each precision, through torch's own kernels."""

from collections.abc import Callable, Mapping
from typing import Final, Protocol

import torch

from chatttsd.engine.chattts.api import ModelError, Precision

INT4_GROUP: Final = 64
"""Inputs that share one scale and one offset."""
_INT8_LARGEST: Final = 127
_INT4_LEVELS: Final = 15
_INT4_MIDDLE: Final = 8
"""torch's kernel reads a stored q as (q - 8) * scale + offset."""
_INNER_TILES: Final = 1
"""What torch's int4 packing takes on a CPU, where it has no meaning."""
_SMALLEST_SCALE: Final = 1e-12
"""In place of zero, for a row or group whose weights are all equal."""


class Linear(Protocol):
    """y = x W^T for float32 [rows, inputs] -> float32 [rows, outputs]."""

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        """Multiply."""


class Float32Linear:
    """The weights as they are; float32 [outputs, inputs]."""

    def __init__(self, weight: torch.Tensor, device: torch.device) -> None:
        self._weight = weight.to(device)

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        """Multiply in float32."""
        return torch.nn.functional.linear(x, self._weight)


class BFloat16Linear:
    """bfloat16 weights and activations, products summed in float32 by the kernel."""

    def __init__(self, weight: torch.Tensor, device: torch.device) -> None:
        self._weight = weight.to(device, torch.bfloat16)

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        """Multiply in bfloat16."""
        return torch.nn.functional.linear(x.bfloat16(), self._weight).float()


class Int8Linear:
    """int8 weights with one scale per output, bfloat16 activations; CPU only."""

    def __init__(self, weight: torch.Tensor, device: torch.device) -> None:
        _require_cpu(Precision.INT8, device)
        # The kernel takes bfloat16 scales: weights are divided by what it will multiply with.
        largest = weight.abs().amax(1).clamp_min(_SMALLEST_SCALE)
        self._scales = (largest / _INT8_LARGEST).bfloat16()
        levels = (weight / self._scales.float()[:, None]).round_()
        self._weight = levels.clamp_(-_INT8_LARGEST, _INT8_LARGEST).to(torch.int8)

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        """Multiply by torch's packed kernel."""
        return torch._weight_int8pack_mm(x.bfloat16(), self._weight, self._scales).float()  # noqa: SLF001 - its only name


class Int4Linear:
    """4-bit weights with scale and offset per `INT4_GROUP` inputs, bfloat16 activations; CPU only."""

    def __init__(self, weight: torch.Tensor, device: torch.device) -> None:
        _require_cpu(Precision.INT4, device)
        groups = weight.view(weight.shape[0], -1, INT4_GROUP)
        lowest, highest = groups.aminmax(dim=2, keepdim=True)
        scales = ((highest - lowest) / _INT4_LEVELS).clamp_min(_SMALLEST_SCALE).bfloat16().float()
        offsets = (lowest + _INT4_MIDDLE * scales).bfloat16().float()
        levels = ((groups - offsets) / scales).round_().add_(_INT4_MIDDLE).clamp_(0, _INT4_LEVELS)
        self._packed = torch._convert_weight_to_int4pack_for_cpu(  # noqa: SLF001 - its only name
            levels.view(weight.shape).to(torch.int32), _INNER_TILES
        )
        self._scales = torch.cat((scales, offsets), 2).transpose(0, 1).contiguous().bfloat16()

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        """Multiply by torch's packed kernel."""
        return torch._weight_int4pack_mm_for_cpu(  # noqa: SLF001 - its only name
            x.bfloat16(), self._packed, INT4_GROUP, self._scales
        ).float()


_KINDS: Final[Mapping[Precision, Callable[[torch.Tensor, torch.device], Linear]]] = {
    Precision.FP32: Float32Linear,
    Precision.BF16: BFloat16Linear,
    Precision.INT8: Int8Linear,
    Precision.INT4: Int4Linear,
}


def pack(weight: torch.Tensor, precision: Precision, device: torch.device) -> Linear:
    """Pack float32 [outputs, inputs] for a precision and device; the tensor itself may be kept.

    Raises ModelError when the device, or this torch, has no kernel for the precision.
    """
    try:
        return _KINDS[precision](weight, device)
    except (AttributeError, RuntimeError) as error:
        raise ModelError(
            f"torch {torch.__version__} cannot pack {precision.value} weights: {error}"
        ) from error


def _require_cpu(precision: Precision, device: torch.device) -> None:
    if device.type != "cpu":
        raise ModelError(f"precision {precision.value}: expected device cpu, found {device.type}; use bf16")
