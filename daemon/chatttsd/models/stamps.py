"""Remembers which files were found whole, so that a start need not hash a gigabyte again."""

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from chatttsd.models.manifest import ModelFile
from chatttsd.models.regular import open_regular

NAME: Final = ".verified.json"


class Stamps:
    """Size, times, inode and SHA-256 of each file that was hashed, kept in the model directory."""

    def __init__(self, directory: Path) -> None:
        self._path = directory / NAME
        self._known: dict[str, Any] = {}
        with suppress(OSError, ValueError):
            with open_regular(self._path) as stream:
                found = json.loads(stream.readall())
            self._known = found if isinstance(found, dict) else {}

    def holds(self, file: ModelFile, state: os.stat_result) -> bool:
        """Tell whether this very file was hashed before and has not changed since."""
        return bool(self._known.get(file.path) == _stamp(file, state))

    def save(self, found: Mapping[ModelFile, os.stat_result]) -> None:
        """Remember files that were hashed and found right; does nothing in a directory that is read-only."""
        self._known |= {file.path: _stamp(file, state) for file, state in found.items()}
        temporary = self._path.with_name(f"{NAME}.{os.getpid()}")
        try:
            temporary.write_text(json.dumps(self._known, indent=1), encoding="utf-8")
            temporary.replace(self._path)
        except OSError:
            with suppress(OSError):
                temporary.unlink()


def _stamp(file: ModelFile, state: os.stat_result) -> dict[str, Any]:
    return {
        "size": state.st_size,
        "mtime_ns": state.st_mtime_ns,
        # No program can set it back: it tells of a write whose mtime was restored.
        "ctime_ns": state.st_ctime_ns,
        "inode": state.st_ino,
        "sha256": file.sha256,
    }
