"""Files of other programs' that a command changes: they appear whole or not at all."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from chatttsd.ctl.exits import CommandError

_PUBLIC: Final = 0o644


@contextmanager
def told(path: Path) -> Iterator[None]:
    """Turn an OSError into a CommandError that names the file or folder."""
    try:
        yield
    except OSError as error:
        # Making a folder on the way may be what failed; a temporary file's name says nothing to anybody.
        named = error.filename or str(path)
        shown = path if Path(named).name.startswith(".chatttsd-") else named
        raise CommandError(f"{shown}: {error.strerror or type(error).__name__}") from None


def read(path: Path) -> bytes | None:
    """Return the content of a regular file, None where there is none; raises CommandError."""
    with told(path):
        return path.read_bytes() if path.is_file() else None


def write(path: Path, content: bytes) -> None:
    """Replace a file, or make it and its folder; a symbolic link stays one. Raises CommandError."""
    real = Path(os.path.realpath(path))
    temporary = _beside(real)
    with told(real):
        mode = real.stat().st_mode & 0o7777 if real.exists() else _PUBLIC
        real.parent.mkdir(parents=True, exist_ok=True)
        try:
            with temporary.open("xb") as stream:
                stream.write(content)
                stream.flush()
                os.fsync(stream.fileno())
            temporary.chmod(mode)
            temporary.replace(real)
        finally:
            temporary.unlink(missing_ok=True)


def link(path: Path, target: Path) -> None:
    """Make `path` a symbolic link to `target` in place of what was there; raises CommandError."""
    temporary = _beside(path)
    with told(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            temporary.symlink_to(target)
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)


def remove(path: Path, *folders: Path) -> None:
    """Remove a file that may be gone already, then those of the folders that are empty; CommandError."""
    with told(path):
        path.unlink(missing_ok=True)
    for folder in folders:
        try:
            folder.rmdir()
        except OSError:
            return


def _beside(path: Path) -> Path:
    return path.with_name(f".chatttsd-{secrets.token_hex(8)}.part")
