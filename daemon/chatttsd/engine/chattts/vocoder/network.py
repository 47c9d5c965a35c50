"""ChatTTS's Decoder and Vocos as one row of stages, read from the model's safetensors files.

What is linear and side by side is one layer here: the layer scale is in the second pointwise layer, the
Decoder's `conv_out`, `out_conv` and `coef` are one convolution.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import torch
import torch.nn.functional as F  # noqa: N812 - the name that everybody gives it
from torch import Tensor

from chatttsd.engine.chattts.tensor_file import TensorFile
from chatttsd.engine.chattts.vocoder.layers import (
    Block,
    Convolution,
    Linear,
    MakeLinear,
    Norm,
    Rowwise,
    Stage,
)
from chatttsd.models.layout import DECODER, VOCOS, Shape, expected

_DILATION: Final = 2
"""Of the blocks in the Decoder and the DVAE; Vocos has none."""


@dataclass(frozen=True, slots=True)
class Placement:
    """Where the network computes, in which type its products, and what makes them of a weight."""

    device: torch.device
    dtype: torch.dtype
    make_linear: MakeLinear = Linear


@dataclass(frozen=True, slots=True)
class Network:
    """What turns rows of half a hidden state, one for each mel frame, into spectra."""

    stages: Sequence[Stage]
    head: Rowwise
    """[n, any] -> [n, 2 * BINS]: the logarithm of the magnitude, then the phase in radians."""
    window: Tensor
    """[FFT], of the inverse STFT."""


def load_network(directory: Path, placement: Placement) -> Network:
    """Read Decoder and Vocos from a model's folder; ModelError names the file and tensor that is wrong."""
    with open_reader(directory, DECODER, placement) as reader:
        stages = [*convnext(reader, "decoder"), _mel_output(reader)]
    with open_reader(directory, VOCOS, placement) as reader:
        stages.append(reader.convolution("backbone.embed", reader.norm("backbone.norm")))
        stages += [reader.block(name, "gamma") for name in reader.numbered("backbone.convnext")]
        final_norm = reader.norm("backbone.final_layer_norm")
        out = reader.linear(reader.read("head.out.weight"), reader.read("head.out.bias"))
        window = reader.read("head.istft.window")
    return Network(stages, lambda rows: out(final_norm(rows)), window)


class Reader:
    """Reads layers of one file onto the device; `shapes` are those that its tensors must have."""

    def __init__(self, opened: TensorFile, shapes: Mapping[str, Shape], placement: Placement) -> None:
        self._opened, self._shapes, self._placement = opened, shapes, placement

    def read(self, name: str) -> Tensor:
        """Return a tensor as float32 on the device."""
        return self._opened.read(name, self._shapes[name]).to(self._placement.device)

    def numbered(self, name: str) -> Iterator[str]:
        """Yield `name.0`, `name.1` and so on, as many as the model has."""
        length = len(name.split("."))
        numbers = {int(part.split(".")[length]) for part in self._shapes if part.startswith(f"{name}.")}
        yield from (f"{name}.{number}" for number in sorted(numbers))

    def norm(self, name: str) -> Norm:
        """Return a layer norm."""
        return Norm(self.read(f"{name}.weight"), self.read(f"{name}.bias"))

    def linear(self, weight: Tensor, bias: Tensor | None = None) -> Rowwise:
        """Return a linear layer in the type that products are made in."""
        return self._placement.make_linear(weight.to(self._placement.dtype), bias)

    def convolution(self, name: str, after: Rowwise | None = None, stride: int = 1) -> Convolution:
        """Return a convolution with a bias, with `after` applied to what it gives."""
        weight, bias = self.read(f"{name}.weight"), self.read(f"{name}.bias")
        return self.merged(weight, bias, after, stride)

    def merged(
        self, weight: Tensor, bias: Tensor | None = None, after: Rowwise | None = None, stride: int = 1
    ) -> Convolution:
        """Return a convolution with a weight [out, in, taps] that was computed."""
        product = self.linear(weight.transpose(1, 2).flatten(1), bias)
        return Convolution(product, weight.shape[1], weight.shape[2], after, stride)

    def block(self, name: str, scale: str, dilation: int = 1) -> Block:
        """Return a ConvNeXt block; `scale` is what its layer scale is called."""
        factor = self.read(f"{name}.{scale}")
        outer = self.read(f"{name}.pwconv2.weight") * factor[:, None]
        return Block(
            self.read(f"{name}.dwconv.weight")[:, 0].t().contiguous(),
            self.read(f"{name}.dwconv.bias"),
            self.norm(f"{name}.norm"),
            self.linear(self.read(f"{name}.pwconv1.weight"), self.read(f"{name}.pwconv1.bias")),
            self.linear(outer, self.read(f"{name}.pwconv2.bias") * factor),
            dilation,
        )


@contextmanager
def open_reader(directory: Path, file: str, placement: Placement) -> Iterator[Reader]:
    """Open a file of the model for reading its layers; raises ModelError."""
    with TensorFile(directory / file) as opened:
        yield Reader(opened, expected(0)[file], placement)


def convnext(reader: Reader, name: str) -> list[Stage]:
    """Return one of upstream's "DVAEDecoder" but for its `conv_out`."""
    stages: list[Stage] = [
        reader.convolution(f"{name}.conv_in.0", F.gelu),
        reader.convolution(f"{name}.conv_in.2"),
    ]
    return stages + [
        reader.block(block, "weight", _DILATION) for block in reader.numbered(f"{name}.decoder_block")
    ]


def _mel_output(reader: Reader) -> Stage:
    """`conv_out` has no bias: zeros around its output are its output of zeros, so the two can be merged."""
    pointwise = reader.read("decoder.conv_out.weight")[:, :, 0]
    weight = torch.einsum("omk,mi->oik", reader.read("out_conv.weight"), pointwise)
    return reader.merged(weight * reader.read("coef").reshape(-1, 1, 1))
