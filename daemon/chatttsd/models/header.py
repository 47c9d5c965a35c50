"""Whether the tensors of a model's files have the names, types and shapes that the engine needs."""

import json
from pathlib import Path
from typing import Any, Final

from chatttsd.models.fault import Fault, FileFaultError, no_model, unreadable, wrong_length
from chatttsd.models.layout import GPT_CONFIG, Tensors, expected

_LENGTH_BYTES: Final = 8
"""A safetensors file begins with the length of its header, little-endian."""
_LONGEST: Final = 100_000_000
"""Bytes of a header, as safetensors itself allows."""
_TYPE: Final = "F32"
_FLOAT: Final = 4
"""Bytes of an F32."""
_MOST_LAYERS: Final = 1000
_NO_TENSORS: Final = Fault("damaged", "not a safetensors file, or its header is cut")


def check_layout(directory: Path) -> None:
    """Raise FileFaultError unless every safetensors file has the tensors of a model of its depth.

    Tensors that nobody needs may be there besides.
    """
    for name, tensors in expected(layers(directory)).items():
        header = read_header(directory, name)
        if wrong := _compare(header, tensors):
            raise FileFaultError(directory, name, no_model(wrong))


def layers(directory: Path) -> int:
    """Return the number of GPT layers that `asset/gpt/config.json` names; raises FileFaultError."""
    try:
        number = json.loads((directory / GPT_CONFIG).read_bytes())["num_hidden_layers"]
    except OSError as error:
        raise FileFaultError(directory, GPT_CONFIG, unreadable(error)) from None
    except (ValueError, KeyError, TypeError):
        fault = no_model("not a model configuration with num_hidden_layers")
        raise FileFaultError(directory, GPT_CONFIG, fault) from None
    if type(number) is not int or not 0 < number <= _MOST_LAYERS:
        fault = no_model(f"num_hidden_layers: got {number!r}, allowed: 1 to {_MOST_LAYERS}")
        raise FileFaultError(directory, GPT_CONFIG, fault)
    return number


def read_header(directory: Path, name: str) -> dict[str, Any]:
    """Return the tensors of a safetensors file (`dtype`, `shape`, `data_offsets`); raises FileFaultError.

    A file that is shorter or longer than its tensors is refused.
    """
    path = directory / name
    try:
        with path.open("rb") as stream:
            length = int.from_bytes(stream.read(_LENGTH_BYTES), "little")
            if not 0 < length <= _LONGEST:
                raise FileFaultError(directory, name, _NO_TENSORS)
            header = json.loads(stream.read(length))
        header.pop("__metadata__", None)
        data = max((entry["data_offsets"][1] for entry in header.values()), default=0)
        needed, size = _LENGTH_BYTES + length + data, path.stat().st_size
    except OSError as error:
        raise FileFaultError(directory, name, unreadable(error)) from None
    except (ValueError, KeyError, TypeError, AttributeError, IndexError):
        raise FileFaultError(directory, name, _NO_TENSORS) from None
    if size != needed:
        raise FileFaultError(directory, name, wrong_length(size, needed))
    return dict(header)


def _compare(header: dict[str, Any], tensors: Tensors) -> str:
    for name, shape in tensors.items():
        entry = header.get(name)
        if entry is None:
            return f"tensor {name} is missing"
        found = (entry.get("dtype"), entry.get("shape"))
        if found != (_TYPE, list(shape)):
            return f"tensor {name} is {found[0]} {found[1]}, should be {_TYPE} {list(shape)}"
        start, end = entry["data_offsets"]
        if end - start != _FLOAT * _count(entry["shape"]):
            return f"tensor {name} has {end - start} bytes, not those of its shape"
    return ""


def _count(shape: list[int]) -> int:
    count = 1
    for size in shape:
        count *= size
    return count
