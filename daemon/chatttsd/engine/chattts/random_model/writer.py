"""Writes a random model's nine files, its manifest and its notice."""

import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from chatttsd.engine.chattts.random_model import tokenizer
from chatttsd.engine.chattts.random_model.weights import Recipe
from chatttsd.models.layout import (
    AUDIO_TOKENS,
    CODEBOOKS,
    GPT_CONFIG,
    HIDDEN,
    INTERMEDIATE,
    TEXT_TOKENS,
    Tensors,
    expected,
)

NOTICE: Final = """\
This is not a voice. The files in this folder have the layout of a ChatTTS model, but their weights are random
numbers (recipe: {recipe}). They are for tests and benchmarks; what they say is noise of a plausible length.
"""
_ALIGNMENT: Final = 8
"""Bytes: the header of a safetensors file is filled up to a multiple of it."""
_FLOAT: Final = 4
"""Bytes of a float32."""


def write(folder: Path, recipe: Recipe) -> None:
    """Write the model into `folder`, which is made where it is missing; raises OSError."""
    files: dict[str, tuple[int, str]] = {}
    for name, tensors in expected(recipe.layers).items():
        files[name] = _write(folder / name, _safetensors(name, tensors, recipe))
    values = {GPT_CONFIG: config(recipe.layers), **tokenizer.files()}
    for name, value in values.items():
        data = json.dumps(value, ensure_ascii=False, indent=2).encode()
        files[name] = _write(folder / name, iter([data]))
    (folder / "manifest.toml").write_text(_manifest(files), encoding="utf-8")
    (folder / "NOTICE").write_text(NOTICE.format(recipe=recipe), encoding="utf-8")


def config(layers: int) -> dict[str, Any]:
    """Return `asset/gpt/config.json` with the keys of the real one."""
    return {
        "architectures": ["LlamaModel"],
        "attention_bias": False,
        "attention_dropout": 0.0,
        "bos_token_id": 1,
        "eos_token_id": 2,
        "hidden_act": "silu",
        "hidden_size": HIDDEN,
        "initializer_range": 0.02,
        "intermediate_size": INTERMEDIATE,
        "max_position_embeddings": 4096,
        "mlp_bias": False,
        "model_type": "llama",
        "num_attention_heads": 12,
        "num_audio_tokens": AUDIO_TOKENS,
        "num_hidden_layers": layers,
        "num_key_value_heads": 12,
        "num_text_tokens": TEXT_TOKENS,
        "num_vq": CODEBOOKS,
        "pretraining_tp": 1,
        "rms_norm_eps": 1e-06,
        "rope_scaling": None,
        "rope_theta": 10000.0,
        "spk_KL": False,
        "spk_emb_dim": 192,
        "tie_word_embeddings": False,
        "torch_dtype": "float32",
        "transformers_version": "4.41.2",
        "use_cache": False,
        "vocab_size": 32000,
    }


def _safetensors(file: str, tensors: Tensors, recipe: Recipe) -> Iterator[bytes | memoryview]:
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    end = 0
    for name, shape in tensors.items():
        start, end = end, end + _FLOAT * _product(shape)
        header[name] = {"dtype": "F32", "shape": list(shape), "data_offsets": [start, end]}
    encoded = json.dumps(header).encode()
    encoded += b" " * (-len(encoded) % _ALIGNMENT)
    yield len(encoded).to_bytes(8, "little") + encoded
    for name, shape in tensors.items():
        tensor = recipe.tensor(file, name, shape)
        if tensor.shape != shape or tensor.dtype.str != "<f4":
            raise ValueError(f"{file}: {name}: made {tensor.dtype}{tensor.shape}, wanted float32{shape}")
        yield tensor.data.cast("B")


def _product(shape: tuple[int, ...]) -> int:
    size = 1
    for dimension in shape:
        size *= dimension
    return size


def _write(path: Path, parts: Iterator[bytes | memoryview]) -> tuple[int, str]:
    """Put a file in place, whole; returns its size in bytes and its SHA-256."""
    path.parent.mkdir(parents=True, exist_ok=True)
    digest, size = hashlib.sha256(), 0
    # Somebody may have the old file mapped into memory.
    temporary = path.with_name(f"{path.name}.{os.getpid()}")
    with temporary.open("wb") as stream:
        for part in parts:
            stream.write(part)
            digest.update(part)
            size += len(part)
    temporary.replace(path)
    return size, digest.hexdigest()


def _manifest(files: dict[str, tuple[int, str]]) -> str:
    lines = [
        'name = "random"',
        'description = "random weights in the layout of ChatTTS: not a voice, for tests and benchmarks"',
        "",
        "[licence]",
        'name = "CC0-1.0"',
        'url = "https://creativecommons.org/publicdomain/zero/1.0/"',
        'terms = "Random numbers; nobody has rights in them."',
    ]
    for name, (size, digest) in sorted(files.items()):
        lines += ["", "[[files]]", f'path = "{name}"', f"size = {size}", f'sha256 = "{digest}"']
    return "\n".join(lines) + "\n"
