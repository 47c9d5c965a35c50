"""Which tensors a ChatTTS model has: names and shapes by file, for a number of GPT layers."""

from collections.abc import Mapping
from typing import Final

DECODER: Final = "asset/Decoder.safetensors"
DVAE: Final = "asset/DVAE.safetensors"
EMBED: Final = "asset/Embed.safetensors"
VOCOS: Final = "asset/Vocos.safetensors"
GPT: Final = "asset/gpt/model.safetensors"
GPT_CONFIG: Final = "asset/gpt/config.json"

HIDDEN: Final = 768
INTERMEDIATE: Final = 3072
AUDIO_TOKENS: Final = 626
TEXT_TOKENS: Final = 21178
CODEBOOKS: Final = 4
FFT: Final = 1024
"""Samples of an STFT frame."""
BINS: Final = FFT // 2 + 1
MELS: Final = 100

_VOCOS_SIZE: Final = 512
_VOCOS_INNER: Final = 1536
_VOCOS_BLOCKS: Final = 8
_BLOCKS: Final = 12
"""ConvNeXt blocks of the Decoder, and of the DVAE's encoder and decoder."""
_BOTTLENECK: Final = 128
_KERNEL: Final = 7
_FSQ_LEVELS: Final = 4

Shape = tuple[int, ...]
Tensors = Mapping[str, Shape]


def expected(layers: int) -> Mapping[str, Tensors]:
    """Return the tensors of each safetensors file by the file's name in the model; all are float32."""
    return {DECODER: _decoder(), DVAE: _dvae(), EMBED: _embed(), VOCOS: _vocos(), GPT: _gpt(layers)}


def _gpt(layers: int) -> dict[str, Shape]:
    shapes: dict[str, Shape] = {"norm.weight": (HIDDEN,)}
    for layer in range(layers):
        own = f"layers.{layer}"
        shapes |= {f"{own}.self_attn.{part}_proj.weight": (HIDDEN, HIDDEN) for part in "qkvo"}
        shapes |= {f"{own}.mlp.{part}_proj.weight": (INTERMEDIATE, HIDDEN) for part in ("gate", "up")}
        shapes[f"{own}.mlp.down_proj.weight"] = (HIDDEN, INTERMEDIATE)
        shapes[f"{own}.input_layernorm.weight"] = (HIDDEN,)
        shapes[f"{own}.post_attention_layernorm.weight"] = (HIDDEN,)
    return shapes


def _embed() -> dict[str, Shape]:
    books = range(CODEBOOKS)
    shapes: dict[str, Shape] = {f"emb_code.{book}.weight": (AUDIO_TOKENS, HIDDEN) for book in books}
    shapes["emb_text.weight"] = (TEXT_TOKENS, HIDDEN)
    shapes |= _weight_normed("head_text", TEXT_TOKENS)
    for book in books:
        shapes |= _weight_normed(f"head_code.{book}", AUDIO_TOKENS)
    return shapes


def _weight_normed(head: str, rows: int) -> dict[str, Shape]:
    name = f"{head}.parametrizations.weight.original"
    return {f"{name}0": (rows, 1), f"{name}1": (rows, HIDDEN)}


def _decoder() -> dict[str, Shape]:
    size = HIDDEN // 2
    return {
        "coef": (1, MELS, 1),
        **_conv_stack("decoder", size, size, 512),
        "out_conv.weight": (MELS, size, 3),
    }


def _dvae() -> dict[str, Shape]:
    size, hidden, groups = 512, 256, 2
    shapes: dict[str, Shape] = {
        "coef": (1, MELS, 1),
        "downsample_conv.0.weight": (size, MELS, 3),
        "downsample_conv.0.bias": (size,),
        "downsample_conv.2.weight": (size, size, 4),
        "downsample_conv.2.bias": (size,),
        **_mel("preprocessor_mel.mel_spec"),
        **_conv_stack("encoder", size, 2 * size, hidden),
        **_conv_stack("decoder", size, size, hidden),
        "out_conv.weight": (MELS, size, 3),
    }
    for group in range(groups):
        own = f"vq_layer.quantizer.rvqs.{group}"
        shapes[f"{own}.project_in.weight"] = (_FSQ_LEVELS, size)
        shapes[f"{own}.project_in.bias"] = (_FSQ_LEVELS,)
        shapes[f"{own}.project_out.weight"] = (size, _FSQ_LEVELS)
        shapes[f"{own}.project_out.bias"] = (size,)
    return shapes


def _conv_stack(name: str, inner: int, outer: int, hidden: int) -> dict[str, Shape]:
    shapes: dict[str, Shape] = {
        f"{name}.conv_in.0.weight": (_BOTTLENECK, inner, 3),
        f"{name}.conv_in.0.bias": (_BOTTLENECK,),
        f"{name}.conv_in.2.weight": (hidden, _BOTTLENECK, 3),
        f"{name}.conv_in.2.bias": (hidden,),
        f"{name}.conv_out.weight": (outer, hidden, 1),
    }
    for block in range(_BLOCKS):
        own = f"{name}.decoder_block.{block}"
        shapes[f"{own}.weight"] = (hidden,)
        shapes |= _conv_next(own, hidden, 4 * hidden)
    return shapes


def _conv_next(own: str, size: int, inner: int) -> dict[str, Shape]:
    return {
        f"{own}.dwconv.weight": (size, 1, _KERNEL),
        f"{own}.dwconv.bias": (size,),
        **_norm(f"{own}.norm", size),
        f"{own}.pwconv1.weight": (inner, size),
        f"{own}.pwconv1.bias": (inner,),
        f"{own}.pwconv2.weight": (size, inner),
        f"{own}.pwconv2.bias": (size,),
    }


def _norm(name: str, size: int) -> dict[str, Shape]:
    return {f"{name}.weight": (size,), f"{name}.bias": (size,)}


def _mel(name: str) -> dict[str, Shape]:
    return {f"{name}.spectrogram.window": (FFT,), f"{name}.mel_scale.fb": (BINS, MELS)}


def _vocos() -> dict[str, Shape]:
    shapes: dict[str, Shape] = {
        **_mel("feature_extractor.mel_spec"),
        "backbone.embed.weight": (_VOCOS_SIZE, MELS, _KERNEL),
        "backbone.embed.bias": (_VOCOS_SIZE,),
        **_norm("backbone.norm", _VOCOS_SIZE),
        **_norm("backbone.final_layer_norm", _VOCOS_SIZE),
        "head.out.weight": (2 * BINS, _VOCOS_SIZE),
        "head.out.bias": (2 * BINS,),
        "head.istft.window": (FFT,),
    }
    for block in range(_VOCOS_BLOCKS):
        own = f"backbone.convnext.{block}"
        shapes[f"{own}.gamma"] = (_VOCOS_SIZE,)
        shapes |= _conv_next(own, _VOCOS_SIZE, _VOCOS_INNER)
    return shapes
