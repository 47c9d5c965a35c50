"""`chatttsctl models fetch`: asks for the licence, fetches what is missing, verifies it."""

import fcntl
import os
import shutil
import sys
import time
from argparse import Namespace
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from chatttsd.config import default_path
from chatttsd.ctl import models_licence, output
from chatttsd.ctl.exits import CommandError, Exit
from chatttsd.ctl.models import directory_of, manifest_of, megabytes
from chatttsd.ctl.models_download import Download
from chatttsd.ctl.models_hub import Hub
from chatttsd.models.check import verdicts
from chatttsd.models.manifest import PART, Manifest, ModelFile, ModelFilesError

_RESERVE: Final = 64 << 20
"""Bytes that stay free on the disk."""
_REDRAW: Final = 0.1
"""Seconds between two looks of the progress line."""
_BAR: Final = 16
"""Characters of the progress bar."""

Clock = Callable[[], float]


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A file that is not there or not right."""

    file: ModelFile
    size: int | None
    have: int


def run(arguments: Namespace) -> int:
    """Fetch the model's files into the model directory; exit code 2 when the licence cannot be asked for."""
    directory = directory_of(arguments)
    manifest = manifest_of(directory)
    if not manifest.repository:
        raise CommandError(f"{directory} holds the model '{output.clean(manifest.name)}', which no hub has")
    hub = Hub(manifest, arguments.mirror or "")
    with _only_one(directory):
        models_licence.require(directory, manifest.licence, given=arguments.accept_licence)
        missing = _missing(directory, manifest)
        if missing:
            _fetch(directory, hub, [_measure(hub, directory, file) for file in missing])
            # Once more, so that the daemon need not hash what it finds.
            _require_none(directory, _missing(directory, manifest))
    output.line(f"{directory}: {manifest.name} is complete, all {len(manifest.files)} files verified")
    output.line(_next(arguments, directory))
    return Exit.OK


@contextmanager
def _only_one(directory: Path) -> Iterator[None]:
    """Make the directory and keep it for this process; raises CommandError when another one fetches."""
    try:
        directory.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise CommandError(f"{directory}: {error.strerror}") from None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise CommandError(f"{directory}: another models fetch is at work there") from None
    finally:
        os.close(descriptor)


def _missing(directory: Path, manifest: Manifest) -> list[ModelFile]:
    """Return the files that are not there or not right; files that did not change are not read again."""
    shown = output.Indicator(sys.stderr)
    try:
        return [file for file in manifest.files if not _is_right(directory, manifest, file, shown)]
    except ModelFilesError as error:
        raise CommandError(output.clean(error)) from None
    finally:
        shown.clear()


def _is_right(directory: Path, manifest: Manifest, file: ModelFile, shown: output.Indicator) -> bool:
    # One by one: the files that are right are hashed and remembered although others are missing.
    alone = replace(manifest, files=(file,))
    found = verdicts(directory, alone, progress=lambda *_: shown.show(f"verifying {file.path}"))
    return not found[0].fault


def _require_none(directory: Path, wrong: list[ModelFile]) -> None:
    if wrong:
        raise CommandError(f"{directory / wrong[0].path}: was changed by somebody else while it was fetched")


def _measure(hub: Hub, directory: Path, file: ModelFile) -> _Wanted:
    part = directory / f"{file.path}{PART}"
    size = hub.size(file.path)
    if size is not None and file.size is not None and size != file.size:
        raise CommandError(f"{hub.url(file.path)}: has {size} bytes, should have {file.size}")
    return _Wanted(file, size or file.size, part.stat().st_size if part.exists() else 0)


def _fetch(directory: Path, hub: Hub, wanted: list[_Wanted]) -> None:
    _require_room(directory, wanted)
    for number, each in enumerate(wanted, 1):
        name = each.file.path.rpartition("/")[2]
        progress = Progress(f"{number}/{len(wanted)} {name}", each.size, time.monotonic)
        try:
            Download(
                hub.url(each.file.path), directory / each.file.path, each.file, each.size, progress.advance
            ).run()
        finally:
            progress.clear()
        size = (directory / each.file.path).stat().st_size
        output.line(f"{each.file.path}: fetched, {megabytes(size)}")


def _require_room(directory: Path, wanted: list[_Wanted]) -> None:
    needed = sum(max(0, (each.size or 0) - each.have) for each in wanted)
    free = shutil.disk_usage(directory).free
    if free < needed + _RESERVE:
        raise CommandError(
            f"{directory}: {megabytes(free)} are free, {megabytes(needed + _RESERVE)} are needed"
        )


def _next(arguments: Namespace, directory: Path) -> str:
    steps = "chatttsctl reload && chatttsctl load"
    usual = Namespace(**{**vars(arguments), "dir": None})
    if directory.resolve() == directory_of(usual).resolve():
        return f"next: {steps} (a daemon that does not run yet finds the model when it starts)"
    return (
        f'next: write model_dir = "{directory.resolve()}" under [chattts] in {default_path()}, then {steps}'
    )


class Progress:
    """The progress line of one file: bar, bytes and speed, on a terminal only."""

    def __init__(self, name: str, total: int | None, clock: Clock) -> None:
        self._name = name
        self._total = total
        self._clock = clock
        self._indicator = output.Indicator(sys.stderr)
        self._first: tuple[float, int] | None = None
        self._shown = float("-inf")

    def advance(self, done: int) -> None:
        """Show how many bytes are there, ten times a second at most."""
        now = self._clock()
        self._first = self._first or (now, done)
        if now - self._shown >= _REDRAW:
            self._shown = now
            self._indicator.show(self.describe(done, now))

    def describe(self, done: int, now: float) -> str:
        """Return the line."""
        start, before = self._first or (now, done)
        speed = f", {megabytes((done - before) / (now - start))}/s" if now > start else ""
        if not self._total:
            return f"{self._name} {megabytes(done)}{speed}"
        filled = min(_BAR, _BAR * done // self._total)
        bar = "#" * filled + "." * (_BAR - filled)
        return f"{self._name} [{bar}] {megabytes(done)} of {megabytes(self._total)}{speed}"

    def clear(self) -> None:
        """Remove the line."""
        self._indicator.clear()
