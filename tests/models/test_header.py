"""Names, types and shapes of a model's tensors are compared without reading them; faults name the tensor."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from chatttsd.models.header import check_layout, layers, read_header
from chatttsd.models.layout import GPT, VOCOS, expected
from chatttsd.models.manifest import ModelFilesError

Change = Callable[[dict[str, Any]], object]


def write(path: Path, tensors: dict[str, Any], data: int) -> None:
    header = json.dumps(tensors).encode()
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as stream:
        stream.write(len(header).to_bytes(8, "little") + header)
        stream.truncate(8 + len(header) + data)


def tensors_of(name: str, depth: int) -> tuple[dict[str, Any], int]:
    """Return the header of an empty (sparse) file of the layout, and its bytes of data."""
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    end = 0
    for tensor, shape in expected(depth)[name].items():
        size = 4
        for each in shape:
            size *= each
        header[tensor] = {"dtype": "F32", "shape": list(shape), "data_offsets": [end, end + size]}
        end += size
    return header, end


def configure(folder: Path, content: str) -> None:
    (folder / "asset" / "gpt").mkdir(parents=True, exist_ok=True)
    (folder / "asset" / "gpt" / "config.json").write_text(content)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    for name in expected(3):
        write(tmp_path / name, *tensors_of(name, 3))
    configure(tmp_path, '{"num_hidden_layers": 3}')
    return tmp_path


def fault(model: Path) -> str:
    with pytest.raises(ModelFilesError) as caught:
        check_layout(model)
    return str(caught.value)


def test_a_model_of_the_layout_passes(model: Path) -> None:
    check_layout(model)
    assert layers(model) == 3


def test_tensors_that_nobody_needs_are_no_fault(model: Path) -> None:
    header, data = tensors_of(GPT, 3)
    header["embed_tokens.weight"] = {"dtype": "F16", "shape": [1], "data_offsets": [data, data + 2]}
    write(model / GPT, header, data + 2)
    check_layout(model)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda header: header.pop("norm.weight"), "tensor norm.weight is missing"),
        (
            lambda header: header["layers.2.mlp.up_proj.weight"].update(shape=[768, 3072]),
            "tensor layers.2.mlp.up_proj.weight is F32 [768, 3072], should be F32 [3072, 768]",
        ),
        (
            lambda header: header["norm.weight"].update(dtype="BF16"),
            "tensor norm.weight is BF16 [768], should be F32 [768]",
        ),
        (
            lambda header: header["norm.weight"].update(data_offsets=[0, 8]),
            "tensor norm.weight has 8 bytes, not those of its shape",
        ),
    ],
)
def test_a_wrong_tensor_is_named_with_what_it_should_be(change: Change, told: str, model: Path) -> None:
    header, data = tensors_of(GPT, 3)
    change(header)
    write(model / GPT, header, data)
    assert fault(model) == f"{model / GPT}: not of a ChatTTS model: {told}"


def test_more_layers_than_the_file_has_are_noticed(model: Path) -> None:
    configure(model, '{"num_hidden_layers": 4}')
    assert fault(model).startswith(f"{model / GPT}: not of a ChatTTS model: tensor layers.3.")


def test_a_file_that_is_cut_in_its_data_is_noticed(model: Path) -> None:
    size = (model / VOCOS).stat().st_size
    os.truncate(model / VOCOS, size - 1)
    assert fault(model) == f"{model / VOCOS}: cut short: {size - 1} bytes, should be {size}"


def test_a_file_that_is_missing_is_named(model: Path) -> None:
    (model / VOCOS).unlink()
    assert fault(model) == f"{model / VOCOS}: missing"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"short",
        (10).to_bytes(8, "little") + b"{",
        (2).to_bytes(8, "little") + b"[]",
        (8).to_bytes(8, "little") + b'{"a": 1}',
        (2**40).to_bytes(8, "little") + b"{}",
        (9).to_bytes(8, "little") + b'{"a": {}}',
        (2).to_bytes(8, "little") + b"\xff\xff",
    ],
)
def test_what_is_no_safetensors_file_is_refused(content: bytes, model: Path) -> None:
    (model / VOCOS).write_bytes(content)
    assert fault(model).startswith(f"{model / VOCOS}: damaged: not a safetensors file")


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"num_hidden_layers": 3'])
def test_a_configuration_that_is_none_is_named(content: str, model: Path) -> None:
    configure(model, content)
    assert fault(model).endswith(": not a model configuration with num_hidden_layers")


@pytest.mark.parametrize("number", ["0", "-1", "1001", '"3"', "true", "3.5"])
def test_an_impossible_number_of_layers_is_named(number: str, model: Path) -> None:
    configure(model, f'{{"num_hidden_layers": {number}}}')
    assert "num_hidden_layers: got " in fault(model)


def test_a_model_without_configuration_is_named(model: Path) -> None:
    shutil.rmtree(model / "asset" / "gpt")
    assert fault(model).endswith("config.json: missing")


def test_the_header_is_returned_without_its_metadata(model: Path) -> None:
    assert read_header(model, VOCOS).keys() == expected(3)[VOCOS].keys()
