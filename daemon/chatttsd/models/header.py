"""Whether the tensors of a model's files have the names, types and shapes that the engine needs."""

import json
from pathlib import Path
from typing import Any, Final

from chatttsd.models.layout import GPT_CONFIG, Tensors, expected
from chatttsd.models.manifest import ModelFilesError

_LENGTH_BYTES: Final = 8
"""A safetensors file begins with the length of its header, little-endian."""
_LONGEST: Final = 100_000_000
"""Bytes of a header, as safetensors itself allows."""
_TYPE: Final = "F32"
_FLOAT: Final = 4
"""Bytes of an F32."""
_MOST_LAYERS: Final = 1000


def check_layout(directory: Path) -> None:
    """Raise ModelFilesError unless every safetensors file has the tensors of a model of its depth.

    Tensors that nobody needs may be there besides.
    """
    for name, tensors in expected(layers(directory)).items():
        fault = _compare(read_header(directory / name), tensors)
        if fault:
            raise ModelFilesError(f"{directory / name}: {fault}")


def layers(directory: Path) -> int:
    """Return the number of GPT layers that `asset/gpt/config.json` names; raises ModelFilesError."""
    path = directory / GPT_CONFIG
    try:
        number = json.loads(path.read_bytes())["num_hidden_layers"]
    except OSError as error:
        raise ModelFilesError(f"{path}: {error.strerror}") from None
    except (ValueError, KeyError, TypeError):
        raise ModelFilesError(f"{path}: not a model configuration with num_hidden_layers") from None
    if type(number) is not int or not 0 < number <= _MOST_LAYERS:
        raise ModelFilesError(f"{path}: num_hidden_layers: got {number!r}, allowed: 1 to {_MOST_LAYERS}")
    return number


def read_header(path: Path) -> dict[str, Any]:
    """Return the tensors of a safetensors file (`dtype`, `shape`, `data_offsets`); raises ModelFilesError.

    A file that is shorter or longer than its tensors is refused.
    """
    try:
        with path.open("rb") as stream:
            length = int.from_bytes(stream.read(_LENGTH_BYTES), "little")
            if not 0 < length <= _LONGEST:
                raise ModelFilesError(f"{path}: not a safetensors file")
            header = json.loads(stream.read(length))
        header.pop("__metadata__", None)
        data = max((entry["data_offsets"][1] for entry in header.values()), default=0)
        needed, size = _LENGTH_BYTES + length + data, path.stat().st_size
    except OSError as error:
        raise ModelFilesError(f"{path}: {error.strerror}") from None
    except (ValueError, KeyError, TypeError, AttributeError, IndexError):
        raise ModelFilesError(f"{path}: not a safetensors file, or its header is cut") from None
    if size != needed:
        raise ModelFilesError(f"{path}: {length_fault(size, needed)}")
    return dict(header)


def length_fault(size: int, needed: int) -> str:
    """Return the fault of a file with the wrong number of bytes."""
    return f"{'truncated' if size < needed else 'too long'}: {size} bytes, should be {needed}"


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
