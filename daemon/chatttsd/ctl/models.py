"""`chatttsctl models verify`, `status` and `remove`: the model's files on this disk."""

import sys
from argparse import Namespace
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from chatttsd.config import ConfigError, load
from chatttsd.ctl import models_licence, output, session, status
from chatttsd.ctl.exits import CommandError, Exit
from chatttsd.ctl.output import Indicator
from chatttsd.ctl.target import choose
from chatttsd.models.check import Verdict, verdicts
from chatttsd.models.header import check_layout
from chatttsd.models.layout import GPT_CONFIG
from chatttsd.models.manifest import OWN, PART, Manifest, ModelFilesError, load_manifest
from chatttsd.models.stamps import NAME as STAMPS
from chatttsd.platform.paths import model_directory

_NOTICE: Final = "NOTICE"
"""What a generated model says of itself."""
_MEGABYTE: Final = 1e6
_GREEN: Final = 32
_RED: Final = 31


def directory_of(arguments: Namespace) -> Path:
    """Return the model directory of `--dir`, the configuration or the default; raises CommandError."""
    if arguments.dir:
        return Path(arguments.dir).expanduser()
    try:
        named = load().chattts.model_dir
    except ConfigError as error:
        raise CommandError(output.clean(error)) from None
    return Path(named).expanduser() if named else model_directory()


def manifest_of(directory: Path) -> Manifest:
    """Return the manifest for a directory; raises CommandError."""
    try:
        return load_manifest(directory)
    except ModelFilesError as error:
        raise CommandError(output.clean(error)) from None


def megabytes(count: float) -> str:
    """Return a number of bytes as a person reads it."""
    return f"{count / _MEGABYTE:.1f} MB"


def run_verify(arguments: Namespace) -> int:
    """Read every file and compare its hash; exit code 1 when one is not what it should be."""
    directory = directory_of(arguments)
    manifest = manifest_of(directory)
    found, fault = _verify(directory, manifest)
    if arguments.json:
        files = [
            {"path": each.file.path, "ok": not each.fault, "fault": str(each.fault) if each.fault else None}
            for each in found
        ]
        output.record(
            {"directory": str(directory), "model": manifest.name, "files": files, "fault": fault or None}
        )
    else:
        for verdict in found:
            output.line(_verdict(verdict))
        if fault:
            output.note(fault)
    return Exit.FAILURE if fault else Exit.OK


def _verify(directory: Path, manifest: Manifest) -> tuple[list[Verdict], str]:
    """Return every file's verdict and the first fault, of files or layout."""
    shown = Indicator(sys.stderr)

    def progress(done: int, total: int) -> None:
        shown.show(f"{megabytes(done)} of {megabytes(total)}")

    found: list[Verdict] = []
    try:
        found += verdicts(directory, manifest, progress=progress, full=True)
        wrong = [verdict for verdict in found if verdict.fault]
        if wrong:
            return found, f"{directory}: {len(wrong)} of {len(found)} files are not right"
        if any(file.path == GPT_CONFIG for file in manifest.files):
            check_layout(directory)
    except ModelFilesError as error:
        return found, output.clean(error)
    finally:
        shown.clear()
    return found, ""


def _verdict(verdict: Verdict) -> str:
    if verdict.fault:
        return f"{output.paint('wrong', _RED, sys.stdout)}  {verdict.file.path}: {verdict.fault}"
    return f"{output.paint('ok', _GREEN, sys.stdout)}     {verdict.file.path}"


def run_status(arguments: Namespace) -> int:
    """Tell which files are there, whether the licence was accepted and what the daemon says of its model.

    Exit code 1 when a file is missing or has the wrong size. Reads no content and starts nothing.
    """
    directory = directory_of(arguments)
    manifest = manifest_of(directory)
    report = look(directory, manifest)
    target = choose(arguments.system)

    async def work() -> int:
        daemon = (await status.gather(target, arguments.timeout)).properties
        shown = {**report, "daemon": daemon.get("ModelState"), "reason": daemon.get("Reason") or None}
        if arguments.json:
            output.record(shown)
        else:
            for line in _lines(shown):
                output.line(line)
        return Exit.OK if report["complete"] else Exit.FAILURE

    return session.run(work)


def look(directory: Path, manifest: Manifest) -> dict[str, Any]:
    """Return what the file system says of a model, as JSON."""
    files = []
    for file in manifest.files:
        size = _size(directory / file.path)
        wrong = size is not None and file.size is not None and size != file.size
        state = "missing" if size is None else "wrong size" if wrong else "present"
        part = _size(directory / f"{file.path}{PART}")
        files.append({"path": file.path, "state": state, "size": size, "partial": part})
    return {
        "directory": str(directory),
        "model": manifest.name,
        "complete": all(each["state"] == "present" for each in files),
        "licence": manifest.licence.name,
        "licence_accepted": models_licence.accepted(directory, manifest.licence),
        "files": files,
    }


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except OSError:
        return None


def _lines(report: dict[str, Any]) -> list[str]:
    accepted = "accepted" if report["licence_accepted"] else "not accepted here"
    facts = [
        ("directory", report["directory"]),
        ("model", f"{report['model']}, {'complete' if report['complete'] else 'not complete'}"),
        ("licence", f"{report['licence']}, {accepted}"),
        ("daemon", output.clause(report["daemon"] or "does not answer")),
        ("reason", output.clause(report["reason"] or "")),
    ]
    lines = [f"{name:<9}  {output.clean(value)}" for name, value in facts if value]
    return lines + [_file_line(file) for file in report["files"]]


def _file_line(file: dict[str, Any]) -> str:
    size = "" if file["size"] is None else f" {megabytes(file['size'])}"
    part = "" if file["partial"] is None else f" ({megabytes(file['partial'])} fetched so far)"
    return f"{file['state']:<10}  {file['path']}{size}{part}"


def run_remove(arguments: Namespace) -> int:
    """Remove the files of the manifest, what belongs to them, and the folders that are empty then."""
    directory = directory_of(arguments)
    manifest = manifest_of(directory)
    there = [path for path in _belongings(directory, manifest) if path.is_symlink() or path.exists()]
    if not there:
        output.line(f"{directory}: nothing to remove")
        return Exit.OK
    size = sum(path.lstat().st_size for path in there)
    if not arguments.yes:
        _ask(f"remove {len(there)} files ({megabytes(size)}) from {directory}?")
    try:
        for path in there:
            path.unlink()
    except OSError as error:
        raise CommandError(f"{error.filename}: {error.strerror}") from None
    _remove_empty(directory, manifest)
    output.line(f"{directory}: removed {len(there)} files, {megabytes(size)}")
    return Exit.OK


def _belongings(directory: Path, manifest: Manifest) -> list[Path]:
    names = [name for file in manifest.files for name in (file.path, f"{file.path}{PART}")]
    # A list that names a hub is needed to fetch the model again.
    own = () if manifest.repository else (OWN, _NOTICE)
    return [directory / name for name in (*names, STAMPS, models_licence.NAME, *own)]


def _ask(question: str) -> None:
    if not sys.stdin.isatty():
        raise CommandError(
            "models remove asks before it removes: give --yes where nobody can answer", Exit.USAGE
        )
    if not models_licence.agreed(question):
        raise CommandError("nothing was removed")


def _remove_empty(directory: Path, manifest: Manifest) -> None:
    folders = {folder for file in manifest.files for folder in Path(file.path).parents}
    for folder in sorted(folders, key=lambda each: len(each.parts), reverse=True):
        with suppress(OSError):
            (directory / folder).rmdir()
