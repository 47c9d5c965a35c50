"""The layers of Decoder and Vocos on rows: one row is one mel frame, its channels lie side by side in memory.

So the pointwise layers, nearly all of the cost, are plain matrix products without a transposition.
"""

from collections.abc import Callable, Iterable
from typing import Final, Protocol

import torch
import torch.nn.functional as F  # noqa: N812 - the name that everybody gives it
from torch import Tensor

NORM_EPSILON: Final = 1e-6
"""Of every layer norm in both models."""

Rowwise = Callable[[Tensor], Tensor]
"""Works on each row alone: [n, any] -> [n, any]."""


MakeLinear = Callable[[Tensor, Tensor | None], Rowwise]
"""Takes weight [out, in] and bias [out]; returns `rows @ weight.T + bias`, float32 [n, in] -> [n, out].

The rows may overlap in memory, the values of a row lie side by side.
"""


class Stage(Protocol):
    """A step that looks `pad` rows to either side of each row."""

    @property
    def pad(self) -> int:
        """Rows that are looked at before and after a row."""

    @property
    def width(self) -> int:
        """Values of an input row."""

    def __call__(self, rows: Tensor) -> Tensor:
        """[n + 2 * pad, width] -> [n, any]: the rows that have all their neighbours in `rows`."""


class Linear:
    """`rows @ weight.T + bias`, computed in the type of `weight` [out, in]; float32 [n, in] -> [n, out].

    A float32 weight on the CPU is kept in oneDNN's blocked order: up to twice as fast as a plain one for the
    few rows of a short chunk, equal for many. oneDNN keeps code for every number of rows that it has seen,
    some 250 MB after 50 segments: where kernels can be compiled, `native.product` is used instead.
    """

    def __init__(self, weight: Tensor, bias: Tensor | None = None) -> None:
        self._bias = None if bias is None else bias.to(weight.dtype)
        self._packed = _pack(weight)
        self._weight = weight if self._packed is None else None

    def __call__(self, rows: Tensor) -> Tensor:
        """[n, in] -> [n, out]."""
        if self._weight is not None:
            return F.linear(rows.to(self._weight.dtype), self._weight, self._bias).float()
        product: Tensor = torch.ops.mkldnn._linear_pointwise(  # noqa: SLF001 - torch gives it no other name
            rows.contiguous(), self._packed, self._bias, "none", [], ""
        )
        return product


def _pack(weight: Tensor) -> Tensor | None:
    """Return a float32 CPU weight in oneDNN's own order, or None where this torch has no such thing."""
    if weight.device.type != "cpu" or weight.dtype != torch.float32:
        return None
    try:
        packed: Tensor = torch.ops.mkldnn._reorder_linear_weight(weight)  # noqa: SLF001 - likewise
    except (AttributeError, RuntimeError):
        return None
    return packed


class Norm:
    """Layer norm of each row: weight and bias [width]."""

    def __init__(self, weight: Tensor, bias: Tensor) -> None:
        self._weight, self._bias = weight, bias

    def __call__(self, rows: Tensor) -> Tensor:
        """[n, width] -> [n, width]."""
        return F.layer_norm(rows, self._weight.shape, self._weight, self._bias, NORM_EPSILON)


class Convolution:
    """A convolution as one product of each row and its neighbours, then `after`.

    `product` has the weight [out, taps * width], the taps in the order of time; it looks `(taps - 1) // 2`
    rows to either side, one more forward where `taps` is even.
    """

    def __init__(
        self, product: Rowwise, width: int, taps: int, after: Rowwise | None = None, stride: int = 1
    ) -> None:
        self.width = width
        self.pad = (taps - 1) // 2
        self._product, self._taps, self._after, self._stride = product, taps, after, stride

    def __call__(self, rows: Tensor) -> Tensor:
        """[n + taps - 1, width] -> [n / stride, out]."""
        count = (len(rows) - self._taps) // self._stride + 1
        shape = (count, self._taps * self.width)
        neighbours = rows.contiguous().as_strided(shape, (self._stride * self.width, 1))
        result = self._product(neighbours)
        return self._after(result) if self._after else result


class Block:
    """A ConvNeXt block: depthwise convolution, norm, two pointwise layers with GELU, and the input again.

    The layer scale is part of `outer`. The depthwise convolution is a sum of shifted rows: two thirds of
    the time of torch's grouped convolution for a chunk's worth of rows.
    """

    def __init__(
        self, taps: Tensor, bias: Tensor, norm: Norm, inner: Rowwise, outer: Rowwise, dilation: int = 1
    ) -> None:
        self._taps, self._bias, self._dilation = taps, bias, dilation
        self._norm, self._inner, self._outer = norm, inner, outer
        self.width = len(bias)
        self.pad = dilation * (len(taps) // 2)

    def __call__(self, rows: Tensor) -> Tensor:
        """[n + 2 * pad, width] -> [n, width]."""
        count = len(rows) - 2 * self.pad
        mixed = torch.addcmul(self._bias, rows[:count], self._taps[0])
        for place, tap in enumerate(self._taps[1:], 1):
            start = place * self._dilation
            mixed.addcmul_(rows[start : start + count], tap)
        change = self._outer(F.gelu(self._inner(self._norm(mixed))))
        return change.add_(rows[self.pad : self.pad + count])


def run_whole(stages: Iterable[Stage], rows: Tensor) -> Tensor:
    """Run stages over all rows there are, with zeros around them as in upstream's layers."""
    for stage in stages:
        rows = stage(F.pad(rows, (0, 0, stage.pad, stage.pad)))
    return rows
