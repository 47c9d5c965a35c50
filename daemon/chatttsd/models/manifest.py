"""Which files a model has, their hashes, and under which licence they are."""

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Final

from chatttsd.models.regular import open_regular

OWN: Final = "manifest.toml"
"""A model directory's own manifest; it wins over the packaged one."""
PART: Final = ".part"
"""What a file that is being fetched is called besides its name until it is whole."""
_PACKAGED: Final = Path(__file__).with_name(OWN)
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")


class ModelFilesError(Exception):
    """The model's files cannot be used; one line that names the file and the fault."""


@dataclass(frozen=True, slots=True)
class Licence:
    """What a user agrees to before the files are fetched."""

    name: str
    url: str
    terms: str
    disclaimer: str = ""


@dataclass(frozen=True, slots=True)
class ModelFile:
    """One file of a model."""

    path: str
    """Relative to the model directory, with `/`."""
    sha256: str
    size: int | None = None
    """Bytes, where it is known."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """A model: its files, its licence, and the repository on the hub, where there is one."""

    name: str
    description: str
    licence: Licence
    files: tuple[ModelFile, ...]
    repository: str = ""
    revision: str = "main"


def load_manifest(path: Path | None = None) -> Manifest:
    """Read a manifest: a `.toml` file, or a model directory's own, or else the packaged one.

    Raises ModelFilesError.
    """
    chosen = path or _PACKAGED
    if chosen.suffix != ".toml":
        chosen = chosen / OWN if (chosen / OWN).exists() else _PACKAGED
    try:
        with open_regular(chosen) as stream:
            return _manifest(tomllib.loads(stream.readall().decode("utf-8")))
    except OSError as error:
        raise ModelFilesError(f"{chosen}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ModelFilesError(f"{chosen}: not UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        raise ModelFilesError(f"{chosen}: not valid TOML: {error}") from None
    except (KeyError, TypeError, ValueError) as error:
        raise ModelFilesError(f"{chosen}: {_fault(error)}") from None


def _fault(error: Exception) -> str:
    return f"{error} is missing" if isinstance(error, KeyError) else str(error)


def _manifest(values: dict[str, Any]) -> Manifest:
    files = tuple(_file(entry) for entry in values["files"])
    if not files or len({entry.path for entry in files}) < len(files):
        raise ValueError("files: got none, or one path twice")
    values = {**values, "files": files, "licence": Licence(**values["licence"])}
    return Manifest(**values)


def _file(entry: dict[str, Any]) -> ModelFile:
    made = ModelFile(**entry)
    pure = PurePosixPath(made.path)
    if pure.is_absolute() or ".." in pure.parts or not pure.parts:
        raise ValueError(f"path: got {made.path!r}, allowed: a path inside the model directory")
    if not _DIGEST.fullmatch(made.sha256):
        raise ValueError(f"{made.path}: sha256: allowed: 64 hexadecimal digits")
    if made.size is not None and (type(made.size) is not int or made.size < 0):
        raise ValueError(f"{made.path}: size: got {made.size!r}, allowed: a number of bytes")
    return made
