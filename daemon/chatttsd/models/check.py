"""Whether a model's files are there and whole."""

import hashlib
import os
import stat
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from typing import Final

from chatttsd.models.fault import (
    MISSING,
    PARTLY,
    Fault,
    FileFaultError,
    sentence,
    unreadable,
    wrong_hash,
    wrong_length,
)
from chatttsd.models.header import check_layout
from chatttsd.models.manifest import PART, Manifest, ModelFile, ModelFilesError, load_manifest
from chatttsd.models.regular import open_regular
from chatttsd.models.stamps import Stamps

Progress = Callable[[int, int], None]
"""Takes how many bytes were looked at and how many there are; may be called from another thread."""

_READ: Final = 4 << 20
"""Bytes of one read."""
_THREADS: Final = 2
"""Hashing lets go of the GIL; more than two threads only wait for the disk."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was found out about one file."""

    file: ModelFile
    fault: Fault | None = None
    """None where the file is right."""
    hashed: bool = False
    """Whether its content was read, and not only compared with the last time."""


def no_progress(_done: int, _total: int) -> None:
    """Tell nobody."""


def check_model(directory: Path, *, progress: Progress = no_progress, full: bool = False) -> Manifest:
    """Check files and layout of a model; returns its manifest. ModelFilesError says what mends it."""
    try:
        manifest = load_manifest(directory)
    except ModelFilesError as error:
        told = str(error).removeprefix(f"{directory}/")
        raise ModelFilesError(f"the list of the model's files is wrong: {told} (mend or remove it)") from None
    try:
        check_files(directory, manifest, progress=progress, full=full)
        check_layout(directory)
    except FileFaultError as error:
        raise ModelFilesError(sentence(error, manifest)) from None
    return manifest


def check_files(
    directory: Path, manifest: Manifest, *, progress: Progress = no_progress, full: bool = False
) -> None:
    """Raise FileFaultError at the first file that is missing, unreadable, cut or changed.

    Without `full`, a file that did not change since its last full check is taken for right.
    """
    for verdict in verdicts(directory, manifest, progress=progress, full=full):
        if verdict.fault:
            raise FileFaultError(directory, verdict.file.path, verdict.fault)


def verdicts(
    directory: Path, manifest: Manifest, *, progress: Progress = no_progress, full: bool = False
) -> Sequence[Verdict]:
    """Return a verdict for every file in the manifest's order; raises ModelFilesError without a directory.

    Where a file is missing or has the wrong size, nothing is hashed unless `full`: this is told at once.
    """
    fault = _directory_fault(directory)
    if fault:
        raise ModelFilesError(f"{directory}: {fault}")
    return _Check(directory, manifest, progress, full).run()


def _directory_fault(directory: Path) -> str:
    try:
        mode = directory.stat().st_mode
        return "" if stat.S_ISDIR(mode) else "not a directory"
    except FileNotFoundError:
        return "the model directory is missing"
    except OSError as error:
        return error.strerror or type(error).__name__


class _Check:
    """One look at all files: first what the file system says, then what the bytes say."""

    def __init__(self, directory: Path, manifest: Manifest, progress: Progress, full: bool) -> None:
        self._directory = directory
        self._files = manifest.files
        self._progress = progress
        self._full = full
        self._lock = threading.Lock()
        self._done = self._total = 0

    def run(self) -> Sequence[Verdict]:
        """Return a verdict for every file, in the order of the manifest; files that are whole are stamped."""
        stamps = Stamps(self._directory)
        faults, states = _split({file: self._look(file) for file in self._files})
        hashed = [file for file, state in states.items() if self._full or not stamps.holds(file, state)]
        if faults and not self._full:
            hashed = []
        self._total = sum(states[file].st_size for file in hashed)
        with ThreadPoolExecutor(_THREADS) as pool:
            changed, whole = _split(dict(zip(hashed, pool.map(self._hash, hashed), strict=True)))
        if whole:
            stamps.save(whole)
        faults |= changed
        return [Verdict(file, faults.get(file), file in hashed) for file in self._files]

    def _look(self, file: ModelFile) -> os.stat_result | Fault:
        """Return the state of a file, or what is wrong with it as far as it need not be read for that."""
        try:
            with open_regular(self._directory / file.path) as stream:
                state = os.fstat(stream.fileno())
        except FileNotFoundError:
            return PARTLY if (self._directory / f"{file.path}{PART}").exists() else MISSING
        except OSError as error:
            return unreadable(error)
        if file.size is not None and state.st_size != file.size:
            return wrong_length(state.st_size, file.size)
        return state

    def _hash(self, file: ModelFile) -> os.stat_result | Fault:
        """Return the state of a file whose content is right, or the fault."""
        try:
            with open_regular(self._directory / file.path) as stream:
                state = os.fstat(stream.fileno())
                found = sha256(stream, self._advance)
        except OSError as error:
            return unreadable(error)
        return state if found == file.sha256 else wrong_hash(found, file.sha256)

    def _advance(self, count: int) -> None:
        with self._lock:
            self._done += count
            self._progress(self._done, self._total)


def _split(
    results: Mapping[ModelFile, os.stat_result | Fault],
) -> tuple[dict[ModelFile, Fault], dict[ModelFile, os.stat_result]]:
    """Return the faults, and the states of the files without one."""
    faults = {file: result for file, result in results.items() if isinstance(result, Fault)}
    return faults, {file: result for file, result in results.items() if not isinstance(result, Fault)}


def sha256(stream: FileIO, advance: Callable[[int], None]) -> str:
    """Hash what is left of an unbuffered file in big reads; `advance` hears of every read's bytes."""
    digest = hashlib.sha256()
    buffer = memoryview(bytearray(_READ))
    while count := stream.readinto(buffer):
        digest.update(buffer[:count])
        advance(count)
    return digest.hexdigest()
