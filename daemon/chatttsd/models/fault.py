"""What is wrong with a file of a model, said so that a person who listens knows what to do."""

import errno
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from chatttsd.models.manifest import Manifest, ModelFilesError

_SHOWN: Final = 12
"""Hexadecimal digits of a hash in a message."""
_FETCH: Final = "chatttsctl models fetch mends it"


class Mending(StrEnum):
    """What mends a file; `sentence` knows better where a hub has the model."""

    ANEW = "make or copy this model again"
    RIGHTS = "the daemon's user must be allowed to read it"
    OTHER = "make or choose another model"
    UNKNOWN = ""


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with one file; as a string it has every detail."""

    said: str
    """What the file is, such as `cut short`."""
    detail: str = ""
    """Figures for a person who reads."""
    mending: Mending = Mending.ANEW

    def __str__(self) -> str:
        return f"{self.said}: {self.detail}" if self.detail else self.said


MISSING: Final = Fault("missing")
PARTLY: Final = Fault("fetched only in part")


class FileFaultError(ModelFilesError):
    """A file of the model is not what it should be."""

    def __init__(self, directory: Path, name: str, fault: Fault) -> None:
        super().__init__(f"{directory / name}: {fault}")
        self.name = name
        self.fault = fault


def wrong_length(size: int, needed: int) -> Fault:
    """Return the fault of a file with another number of bytes."""
    return Fault("cut short" if size < needed else "too long", f"{size} bytes, should be {needed}")


def wrong_hash(found: str, expected: str) -> Fault:
    """Return the fault of a file whose content has another SHA-256."""
    return Fault("damaged", f"sha256 is {found[:_SHOWN]}…, should be {expected[:_SHOWN]}…")


def unreadable(error: OSError) -> Fault:
    """Return the fault of a file that the system does not let be read."""
    if isinstance(error, FileNotFoundError):
        return MISSING
    mending = Mending.ANEW if error.errno == errno.EIO else Mending.UNKNOWN
    if isinstance(error, PermissionError):
        mending = Mending.RIGHTS
    return Fault("unreadable", error.strerror or type(error).__name__, mending)


def no_model(detail: str) -> Fault:
    """Return the fault of a file that is whole, but not one of a ChatTTS model."""
    return Fault("not of a ChatTTS model", detail, Mending.OTHER)


def sentence(error: FileFaultError, manifest: Manifest) -> str:
    """Say what is wrong, in which file, and what mends it; figures are for `chatttsctl models verify`."""
    fault = error.fault
    said = str(fault) if fault.mending in {Mending.RIGHTS, Mending.UNKNOWN} else fault.said
    mending = _FETCH if fault.mending is Mending.ANEW and manifest.repository else fault.mending
    return f"the model's file {error.name} is {said}" + (f" ({mending})" if mending else "")
