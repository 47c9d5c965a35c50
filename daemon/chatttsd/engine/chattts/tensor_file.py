"""Reads tensors out of a safetensors file; maps one only where few of its pages will be used (and count)."""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import numpy as np
import torch

from chatttsd.engine.chattts.api import ModelError

_LENGTH_BYTES: Final = 8
"""A safetensors file starts with the length of its JSON header, little-endian."""
_LONGEST_HEADER: Final = 100_000_000
"""Bytes; the limit of the safetensors library."""
_DTYPE: Final = "F32"
"""Every tensor of the model that is read here is float32."""
_ITEM_BYTES: Final = 4


@dataclass(frozen=True, slots=True)
class _Entry:
    dtype: str
    shape: tuple[int, ...]
    start: int
    end: int


class TensorFile:
    """One safetensors file, open for reading; a context manager.

    Raises ModelError naming the file when it is missing, unreadable, or no whole safetensors file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            raise ModelError(f"{path}: {error.strerror}") from error
        try:
            self._entries = _read_header(path, self._descriptor)
        except BaseException:
            os.close(self._descriptor)
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._descriptor)

    @property
    def names(self) -> Sequence[str]:
        """The tensors that the file holds."""
        return tuple(self._entries)

    def read(self, name: str, shape: Sequence[int]) -> torch.Tensor:
        """Return a tensor as float32 in fresh memory; raises ModelError unless it has exactly this shape."""
        target = torch.empty(tuple(shape), dtype=torch.float32)
        self.read_into(name, target)
        return target

    def mapped(self, name: str, shape: Sequence[int]) -> torch.Tensor:
        """Return a tensor whose pages are read, and take memory, when they are used; it outlives the file.

        For tables of which a few rows are used. Raises ModelError like `read`.
        """
        entry = self._entry(name, tuple(shape))
        # Copy-on-write: torch takes no array that cannot be written, and nothing here writes.
        return torch.from_numpy(np.memmap(self._path, "<f4", "c", entry.start, tuple(shape)))

    def read_into(self, name: str, target: torch.Tensor) -> None:
        """Fill a contiguous float32 CPU tensor of exactly the stored shape; raises ModelError like `read`."""
        entry = self._entry(name, tuple(target.shape))
        view = target.numpy().data.cast("B")
        done = 0
        while done < len(view):
            try:
                got = os.preadv(self._descriptor, [view[done:]], entry.start + done)
            except OSError as error:
                raise ModelError(f"{self._path}: tensor {name}: {error.strerror}") from error
            if not got:
                raise ModelError(f"{self._path}: tensor {name}: the file ended while it was read")
            done += got

    def _entry(self, name: str, shape: tuple[int, ...]) -> _Entry:
        entry = self._entries.get(name)
        if entry is None:
            raise ModelError(f"{self._path}: tensor {name} is missing, expected {_DTYPE} {list(shape)}")
        if (entry.dtype, entry.shape) != (_DTYPE, shape):
            found = f"{entry.dtype} {list(entry.shape)}"
            raise ModelError(f"{self._path}: tensor {name}: expected {_DTYPE} {list(shape)}, found {found}")
        return entry


def _read_header(path: Path, descriptor: int) -> Mapping[str, _Entry]:
    size = os.fstat(descriptor).st_size
    try:
        length = int.from_bytes(os.pread(descriptor, _LENGTH_BYTES, 0), "little")
        first = _LENGTH_BYTES + length
        if not 0 < length <= min(_LONGEST_HEADER, size - _LENGTH_BYTES):
            raise ModelError(f"{path}: no safetensors file, or its beginning is cut ({size} bytes)")
        header = json.loads(os.pread(descriptor, length, _LENGTH_BYTES))
        header.pop("__metadata__", None)
        entries = {name: _entry(told, first) for name, told in header.items()}
    except OSError as error:
        raise ModelError(f"{path}: {error.strerror}") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelError(f"{path}: the safetensors header is damaged") from error
    for name, entry in entries.items():
        _check_extent(path, size, name, entry)
    return entries


def _entry(told: Mapping[str, object], first: int) -> _Entry:
    shape, offsets = told["shape"], told["data_offsets"]
    if not isinstance(shape, list) or not isinstance(offsets, list):
        raise TypeError
    start, end = (int(offset) for offset in offsets)
    return _Entry(str(told["dtype"]), tuple(int(length) for length in shape), first + start, first + end)


def _check_extent(path: Path, size: int, name: str, entry: _Entry) -> None:
    if entry.end > size:
        raise ModelError(f"{path}: truncated: tensor {name} ends at byte {entry.end}, the file at {size}")
    values = 1
    for length in entry.shape:
        values *= length
    if entry.dtype == _DTYPE and entry.end - entry.start != values * _ITEM_BYTES:
        held = entry.end - entry.start
        raise ModelError(
            f"{path}: tensor {name}: {list(entry.shape)} needs {values * _ITEM_BYTES} bytes, found {held}"
        )
