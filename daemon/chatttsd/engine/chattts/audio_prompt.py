"""A recording as the codes that ChatTTS continues: upstream's `sample_audio` without its libraries.

Mel spectrogram, the DVAE's encoder, and a residual finite scalar quantiser in two groups of two stages, with
the arithmetic of vector_quantize_pytorch 1.25.2: from 1.26 on the second stage's scale is another.
"""

from pathlib import Path
from typing import Final

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - the name that everybody gives it
from numpy.typing import NDArray
from torch import Tensor

from chatttsd.engine.chattts.vocoder.layers import Rowwise, run_whole
from chatttsd.engine.chattts.vocoder.network import Placement, Reader, convnext, open_reader
from chatttsd.engine.chattts.vocoder.spectrum import log_mel
from chatttsd.models.layout import DVAE, FFT

SHORTEST: Final = FFT // 2 + 1
"""Samples of the shortest recording: the spectrogram mirrors half a frame at both ends."""
_DOWNSAMPLING: Final = 2
"""Mel frames of a token."""

_GROUPS: Final = 2
_QUANTIZERS: Final = 2
_LEVELS: Final = 5
"""Of each of the four values that a code stands for."""
_WIDEST: Final = (_LEVELS - 1) * (1 + 1e-3) / 2
"""Where the bounded values end; a little above the outermost level."""


def encode_recording(directory: Path, samples: NDArray[np.float32]) -> NDArray[np.int64]:
    """Return the codes [tokens, 4] of mono samples [n] at 24 kHz in -1..1; one token is about 512 samples.

    Raises ValueError for samples of another shape, too few or not finite, ModelError for the DVAE's file.
    """
    if samples.ndim != 1 or len(samples) < SHORTEST:
        raise ValueError(f"got samples of shape {list(samples.shape)}, allowed is [n] with n from {SHORTEST}")
    if not np.isfinite(samples).all():
        raise ValueError("the samples hold NaN or infinity, allowed are finite numbers")
    placement = Placement(torch.device("cpu"), torch.float32)
    with torch.inference_mode(), open_reader(directory, DVAE, placement) as dvae:
        return _codes(dvae, torch.from_numpy(samples.astype(np.float32))).numpy()


def _codes(dvae: Reader, samples: Tensor) -> Tensor:
    mel = log_mel(
        samples,
        dvae.read("preprocessor_mel.mel_spec.spectrogram.window"),
        dvae.read("preprocessor_mel.mel_spec.mel_scale.fb"),
    )
    stages = [
        dvae.convolution("downsample_conv.0", F.gelu),
        dvae.convolution("downsample_conv.2", F.gelu, _DOWNSAMPLING),
        *convnext(dvae, "encoder"),
    ]
    encoded = run_whole(stages, mel / dvae.read("coef").flatten())
    groups = dvae.linear(dvae.read("encoder.conv_out.weight")[:, :, 0])(encoded).chunk(_GROUPS, 1)
    return torch.cat([_quantize(_projection(dvae, i)(group)) for i, group in enumerate(groups)], 1)


def _projection(dvae: Reader, group: int) -> Rowwise:
    name = f"vq_layer.quantizer.rvqs.{group}.project_in"
    return dvae.linear(dvae.read(f"{name}.weight"), dvae.read(f"{name}.bias"))


def _quantize(values: Tensor) -> Tensor:
    """Return the codes [n, stages] of values [n, 4]: each stage quantises what the stages before it left."""
    places = torch.tensor([_LEVELS**digit for digit in range(values.shape[1])])
    middle = _LEVELS // 2
    codes = []
    for stage in range(_QUANTIZERS):
        scale = float(_LEVELS - 1) ** -stage
        levels = ((values / scale).tanh() * _WIDEST).round()
        values = values - levels / middle * scale
        codes.append(((levels + middle).long() * places).sum(1))
    return torch.stack(codes, 1)
