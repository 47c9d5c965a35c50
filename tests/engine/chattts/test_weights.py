"""The weights come as the files hold them, fused; a file that is wrong is named with what is wrong."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from chatttsd.engine.chattts.api import ModelError, ModelShape
from chatttsd.engine.chattts.weights import Weights, read_shape
from chatttsd.models.layout import EMBED, GPT, GPT_CONFIG
from support.random_model import RandomModel

SMALL = {
    "hidden_size": 8,
    "intermediate_size": 12,
    "num_attention_heads": 2,
    "num_key_value_heads": 2,
    "num_hidden_layers": 2,
    "hidden_act": "silu",
    "rms_norm_eps": 1e-6,
    "rope_theta": 10000,
    "rope_scaling": None,
    "max_position_embeddings": 64,
    "num_audio_tokens": 5,
    "num_text_tokens": 9,
    "num_vq": 4,
}


def tensors_of_gpt() -> dict[str, torch.Tensor]:
    shapes = {f"self_attn.{part}_proj": (8, 8) for part in "qkvo"}
    shapes |= {"mlp.gate_proj": (12, 8), "mlp.up_proj": (12, 8), "mlp.down_proj": (8, 12)}
    made = {
        f"layers.{layer}.{name}.weight": torch.randn(*shape)
        for layer in range(2)
        for name, shape in (shapes | {"input_layernorm": (8,), "post_attention_layernorm": (8,)}).items()
    }
    return made | {"norm.weight": torch.randn(8)}


def tensors_of_embed() -> dict[str, torch.Tensor]:
    made = {"emb_text.weight": torch.randn(9, 8)}
    for name, rows in [("head_text", 9), *((f"head_code.{book}", 5) for book in range(4))]:
        made[f"{name}.parametrizations.weight.original0"] = torch.randn(rows, 1)
        made[f"{name}.parametrizations.weight.original1"] = torch.randn(rows, 8)
    return made | {f"emb_code.{book}.weight": torch.randn(5, 8) for book in range(4)}


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """Return a model of the true names and tiny dimensions."""
    torch.manual_seed(0)
    (tmp_path / GPT).parent.mkdir(parents=True)
    (tmp_path / GPT_CONFIG).write_text(json.dumps(SMALL))
    save_file(tensors_of_gpt(), tmp_path / GPT)
    save_file(tensors_of_embed(), tmp_path / EMBED)
    return tmp_path


def read_everything(folder: Path) -> None:
    weights = Weights(folder)
    list(weights.layers())
    weights.final_norm()
    weights.embeddings()
    weights.text_head()


def change(path: Path, name: str, tensor: torch.Tensor | None) -> None:
    """Replace a tensor of a file, or remove it."""
    held = load_file(path)
    held.pop(name, None)
    save_file(held | ({} if tensor is None else {name: tensor}), path)


def test_the_shape_is_what_config_json_says(small: Path) -> None:
    assert read_shape(small) == ModelShape(2, 8, 2, 12, 4, 5, 9, 1e-6, 10000.0, 64)


def test_the_shape_of_a_full_model_is_the_default(random_model: RandomModel) -> None:
    assert read_shape(random_model()) == ModelShape(layers=2)


def test_layers_are_fused_in_order(small: Path) -> None:
    held = load_file(small / GPT)
    layers = list(Weights(small).layers())
    assert len(layers) == 2
    for index, layer in enumerate(layers):
        own = {name.removeprefix(f"layers.{index}."): tensor for name, tensor in held.items()}
        parts = [own[f"self_attn.{part}_proj.weight"] for part in "qkv"]
        assert torch.equal(layer.qkv, torch.cat(parts))
        assert torch.equal(layer.gate_up, torch.cat([own["mlp.gate_proj.weight"], own["mlp.up_proj.weight"]]))
        assert torch.equal(layer.o, own["self_attn.o_proj.weight"])
        assert torch.equal(layer.down, own["mlp.down_proj.weight"])
        assert torch.equal(layer.attention_norm, own["input_layernorm.weight"])
        assert torch.equal(layer.mlp_norm, own["post_attention_layernorm.weight"])
    assert torch.equal(Weights(small).final_norm(), held["norm.weight"])


def test_the_text_table_takes_memory_only_for_the_rows_that_are_used(random_model: RandomModel) -> None:
    embeddings = Weights(random_model()).embeddings()
    size = embeddings.text.numel() * embeddings.text.element_size()
    before = _resident_bytes()
    rows = torch.nn.functional.embedding(torch.arange(100, 140), embeddings.text)
    assert rows.isfinite().all()
    assert rows.std() > 0
    assert _resident_bytes() - before < size / 4


def _resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def test_the_heads_are_what_weight_norm_makes(small: Path) -> None:
    held = load_file(small / EMBED)

    def head(name: str) -> torch.Tensor:
        stem = f"{name}.parametrizations.weight.original"
        return torch._weight_norm(held[f"{stem}1"], held[f"{stem}0"], 0)

    embeddings = Weights(small).embeddings()
    expected = torch.cat([head(f"head_code.{book}") for book in range(4)])
    assert torch.allclose(embeddings.code_heads, expected, rtol=1e-6)
    assert torch.allclose(Weights(small).text_head(), head("head_text"), rtol=1e-6)
    assert torch.equal(embeddings.text, held["emb_text.weight"])
    assert all(torch.equal(embeddings.codes[book], held[f"emb_code.{book}.weight"]) for book in range(4))


@pytest.mark.parametrize("name", [GPT_CONFIG, GPT, EMBED])
def test_a_missing_file_is_named(small: Path, name: str) -> None:
    (small / name).unlink()
    with pytest.raises(ModelError, match=f"{name}: No such file"):
        read_everything(small)


@pytest.mark.parametrize("name", [GPT, EMBED])
@pytest.mark.parametrize("left", [0, 5, 100, -1])
def test_a_truncated_file_is_named(small: Path, name: str, left: int) -> None:
    whole = (small / name).read_bytes()
    (small / name).write_bytes(whole[:left])
    with pytest.raises(ModelError, match=f"{name}: .*(cut|truncated)"):
        read_everything(small)


@pytest.mark.parametrize("name", [GPT, EMBED])
def test_a_damaged_header_is_named(small: Path, name: str) -> None:
    whole = bytearray((small / name).read_bytes())
    whole[8:12] = b"\xff\xff\xff\xff"
    (small / name).write_bytes(whole)
    with pytest.raises(ModelError, match=f"{name}: the safetensors header is damaged"):
        read_everything(small)


@pytest.mark.parametrize(
    ("file", "name"),
    [(GPT, "layers.1.mlp.up_proj.weight"), (EMBED, "emb_code.3.weight"), (GPT, "norm.weight")],
)
def test_a_missing_tensor_is_named_with_its_shape(small: Path, file: str, name: str) -> None:
    change(small / file, name, None)
    with pytest.raises(ModelError, match=rf"{file}: tensor {name} is missing, expected F32 \["):
        read_everything(small)


def test_a_wrong_shape_is_named_with_both(small: Path) -> None:
    change(small / GPT, "layers.0.mlp.down_proj.weight", torch.zeros(8, 11))
    expected = r"tensor layers.0.mlp.down_proj.weight: expected F32 \[8, 12\], found F32 \[8, 11\]"
    with pytest.raises(ModelError, match=expected):
        read_everything(small)


def test_a_wrong_dtype_is_named(small: Path) -> None:
    change(small / EMBED, "emb_text.weight", torch.zeros(9, 8, dtype=torch.float16))
    with pytest.raises(ModelError, match=r"emb_text.weight: expected F32 \[9, 8\], found F16 \[9, 8\]"):
        read_everything(small)


def test_more_layers_than_config_json_says_are_refused(small: Path) -> None:
    (small / GPT_CONFIG).write_text(json.dumps(SMALL | {"num_hidden_layers": 1}))
    with pytest.raises(ModelError, match=r"expected 1 layers .*config.json.*, found more"):
        read_everything(small)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"num_hidden_layers": 0}, "num_hidden_layers: expected a whole number of at least 1, found 0"),
        ({"hidden_size": "8"}, "hidden_size: expected a whole number of at least 1, found '8'"),
        ({"num_vq": None}, "num_vq: expected a whole number of at least 1, found None"),
        ({"rms_norm_eps": 0}, "rms_norm_eps: expected a number above 0, found 0"),
        ({"num_key_value_heads": 1}, "num_key_value_heads: expected 2, found 1"),
        ({"rope_scaling": {"type": "yarn"}}, "rope_scaling: expected None"),
        ({"hidden_act": "gelu"}, "hidden_act: expected 'silu', found 'gelu'"),
        ({"hidden_size": 6}, "hidden_size: expected a multiple of 4, found 6"),
    ],
)
def test_a_config_that_is_not_of_this_model_is_refused(
    small: Path, changed: dict[str, Any], message: str
) -> None:
    (small / GPT_CONFIG).write_text(json.dumps(SMALL | changed))
    with pytest.raises(ModelError, match=message):
        read_shape(small)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff"])
def test_a_config_that_is_no_object_is_refused(small: Path, content: bytes) -> None:
    (small / GPT_CONFIG).write_bytes(content)
    with pytest.raises(ModelError, match=r"config.json: (not valid JSON|expected an object)"):
        read_shape(small)


def resident() -> int:
    """Return this process's resident memory in bytes."""
    status = Path("/proc/self/status").read_text()
    return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmRSS"))


def test_reading_layers_holds_one_layer_at_a_time(random_model: RandomModel) -> None:
    one_layer = 9_438_720 * 4
    weights = Weights(random_model())
    for _ in weights.layers():
        pass
    before = resident()
    for _ in range(4):
        for layer in weights.layers():
            del layer
    assert resident() - before < 2 * one_layer
