"""The model's weights, read from its folder into the fused float32 form that backbones pack as they like."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import torch

from chatttsd.engine.chattts.api import ModelError, ModelShape
from chatttsd.engine.chattts.tensor_file import TensorFile
from chatttsd.models.layout import EMBED, GPT, GPT_CONFIG

_FIELDS: Final = {
    "layers": "num_hidden_layers",
    "hidden": "hidden_size",
    "heads": "num_attention_heads",
    "intermediate": "intermediate_size",
    "codebooks": "num_vq",
    "audio_tokens": "num_audio_tokens",
    "text_tokens": "num_text_tokens",
    "max_positions": "max_position_embeddings",
}
"""Whole numbers of `ModelShape` -> their keys in config.json."""
_HEAD: Final = "parametrizations.weight.original"


NO_HEADS: Final = torch.empty(0, 0)
"""In place of heads that somebody else keeps."""


@dataclass(frozen=True, slots=True, eq=False)
class LayerWeights:
    """One layer, float32 on the CPU; linear weights are [outputs, inputs]."""

    attention_norm: torch.Tensor
    """[hidden]"""
    qkv: torch.Tensor
    """[3 * hidden, hidden]: the rows of q, then k, then v."""
    o: torch.Tensor
    """[hidden, hidden]"""
    mlp_norm: torch.Tensor
    """[hidden]"""
    gate_up: torch.Tensor
    """[2 * intermediate, hidden]: the rows of gate, then up."""
    down: torch.Tensor
    """[hidden, intermediate]"""


@dataclass(frozen=True, slots=True, eq=False)
class Embeddings:
    """What lies around the layers, float32 on the CPU."""

    text: torch.Tensor
    """[text_tokens, hidden]"""
    codes: torch.Tensor
    """[codebooks, audio_tokens, hidden]; a token's embedding is the sum of its codes'."""
    code_heads: torch.Tensor
    """[codebooks * audio_tokens, hidden], weight norm folded in."""


class Weights:
    """The weights in a model folder (the one that holds `asset/`); reads on demand and keeps nothing.

    Every member raises ModelError naming file, tensor, what was expected and what was found.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self.shape = read_shape(directory)

    def layers(self) -> Iterator[LayerWeights]:
        """Yield the layers in order; each lives only as long as the caller keeps it."""
        path = self._directory / GPT
        with TensorFile(path) as file:
            beyond = f"layers.{self.shape.layers}."
            if any(name.startswith(beyond) for name in file.names):
                raise ModelError(f"{path}: expected {self.shape.layers} layers ({GPT_CONFIG}), found more")
            for index in range(self.shape.layers):
                yield _read_layer(file, f"layers.{index}.", self.shape)

    def final_norm(self) -> torch.Tensor:
        """Return the weight of the norm after the last layer, [hidden]."""
        with TensorFile(self._directory / GPT) as file:
            return file.read("norm.weight", (self.shape.hidden,))

    def embeddings(self) -> Embeddings:
        """Read the embeddings and the code heads."""
        shape = self.shape
        table = (shape.audio_tokens, shape.hidden)
        with TensorFile(self._directory / EMBED) as file:
            codes = torch.empty((shape.codebooks, *table))
            heads = torch.empty((shape.codebooks, *table))
            for book in range(shape.codebooks):
                file.read_into(f"emb_code.{book}.weight", codes[book])
                _read_head(file, f"head_code.{book}.", heads[book])
            text = file.mapped("emb_text.weight", (shape.text_tokens, shape.hidden))
        return Embeddings(text, codes, heads.view(-1, shape.hidden))

    def text_head(self) -> torch.Tensor:
        """Read the head of refinement, [text_tokens, hidden], weight norm folded in."""
        head = torch.empty((self.shape.text_tokens, self.shape.hidden))
        with TensorFile(self._directory / EMBED) as file:
            _read_head(file, "head_text.", head)
        return head


def _read_layer(file: TensorFile, prefix: str, shape: ModelShape) -> LayerWeights:
    hidden, inner = shape.hidden, shape.intermediate
    qkv, gate_up = torch.empty((3, hidden, hidden)), torch.empty((2, inner, hidden))
    for part, name in zip(qkv, "qkv", strict=True):
        file.read_into(f"{prefix}self_attn.{name}_proj.weight", part)
    for part, name in zip(gate_up, ("gate", "up"), strict=True):
        file.read_into(f"{prefix}mlp.{name}_proj.weight", part)
    return LayerWeights(
        attention_norm=file.read(f"{prefix}input_layernorm.weight", (hidden,)),
        qkv=qkv.view(-1, hidden),
        o=file.read(f"{prefix}self_attn.o_proj.weight", (hidden, hidden)),
        mlp_norm=file.read(f"{prefix}post_attention_layernorm.weight", (hidden,)),
        gate_up=gate_up.view(-1, hidden),
        down=file.read(f"{prefix}mlp.down_proj.weight", (hidden, inner)),
    )


def _read_head(file: TensorFile, prefix: str, into: torch.Tensor) -> None:
    """Fold a weight norm: W = g * v / ||v||, each row by itself (torch's `weight_norm` with dim=0)."""
    gain = file.read(f"{prefix}{_HEAD}0", (into.shape[0], 1))
    file.read_into(f"{prefix}{_HEAD}1", into)
    into.mul_(gain / torch.linalg.vector_norm(into, dim=1, keepdim=True))


def read_shape(directory: Path) -> ModelShape:
    """Read a model's dimensions from its config.json; raises ModelError naming the key that is wrong."""
    path = directory / GPT_CONFIG
    config = _read_config(path)
    whole = {field: _whole(path, config, key) for field, key in _FIELDS.items()}
    shape = ModelShape(
        **whole,
        rms_epsilon=_positive(path, config, "rms_norm_eps"),
        rope_theta=_positive(path, config, "rope_theta"),
    )
    _check_architecture(path, config, shape)
    return shape


def _read_config(path: Path) -> Mapping[str, object]:
    try:
        config = json.loads(path.read_bytes())
    except OSError as error:
        raise ModelError(f"{path}: {error.strerror}") from error
    except ValueError as error:
        raise ModelError(f"{path}: not valid JSON") from error
    if not isinstance(config, dict):
        raise ModelError(f"{path}: expected an object, found {type(config).__name__}")
    return config


def _whole(path: Path, config: Mapping[str, object], key: str) -> int:
    found = config.get(key)
    if isinstance(found, bool) or not isinstance(found, int) or found < 1:
        raise ModelError(f"{path}: {key}: expected a whole number of at least 1, found {found!r}")
    return found


def _positive(path: Path, config: Mapping[str, object], key: str) -> float:
    found = config.get(key)
    if isinstance(found, bool) or not isinstance(found, int | float) or not found > 0:
        raise ModelError(f"{path}: {key}: expected a number above 0, found {found!r}")
    return float(found)


def _check_architecture(path: Path, config: Mapping[str, object], shape: ModelShape) -> None:
    """Refuse what the backbones do not compute: grouped heads, scaled RoPE, another activation, biases."""
    expected: Mapping[str, tuple[object, ...]] = {
        "num_key_value_heads": (None, shape.heads),
        "rope_scaling": (None,),
        "hidden_act": (None, "silu"),
        "attention_bias": (None, False),
        "mlp_bias": (None, False),
    }
    for key, allowed in expected.items():
        if config.get(key) not in allowed:
            raise ModelError(f"{path}: {key}: expected {allowed[-1]!r}, found {config[key]!r}")
    if shape.hidden % (2 * shape.heads):
        raise ModelError(
            f"{path}: hidden_size: expected a multiple of {2 * shape.heads}, found {shape.hidden}"
        )
