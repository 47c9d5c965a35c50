"""`chatttsctl orca install`, `remove` and `status`: an extension file for Orca 51 and later."""

import hashlib
import re
import shutil
import subprocess
from argparse import Namespace
from importlib.resources import files as resources
from pathlib import Path
from typing import Final

from chatttsd.ctl import files, output
from chatttsd.ctl.doctor.command import describe
from chatttsd.ctl.doctor.finding import Finding, fail, ok, warn
from chatttsd.ctl.exits import CommandError, Exit
from chatttsd.ctl.speechd.places import places

NAME: Final = "chatttsd.py"
APPROVE: Final = f"orca --approve-extension {NAME}"
_PACKAGE: Final = "chatttsd.doors.orca"
_SOURCE: Final = "extension.py"
_OURS: Final = b"# chatttsd: "
"""How every version of the file begins."""
_FIRST: Final = 51
"""The first version of Orca that loads extensions."""
_APPROVED: Final = "/org/gnome/orca/default/extensions/approved-user-extensions"
_ANSWER: Final = 10.0
"""Seconds; Orca needs about one for its version on a slow machine."""


def run_install(arguments: Namespace) -> int:
    """Write the extension and tell how to approve it: Orca loads nothing that its user has not."""
    path = _own(place())
    changed = files.read(path) != content()
    if changed:
        files.write(path, content())
    if arguments.json:
        output.record({"path": str(path), "changed": changed, "approve": APPROVE})
    else:
        output.line(f"{path}{'' if changed else ' was there already'}")
        output.line(f"Orca loads it once you have approved it: {APPROVE}, then start Orca again")
    return Exit.OK


def run_remove(arguments: Namespace) -> int:
    """Take the extension away."""
    path = _own(place())
    there = path.exists()
    files.remove(path, path.parent, path.parent.parent)
    if arguments.json:
        output.record({"path": str(path), "changed": there})
    else:
        output.line(f"removed {path}" if there else f"no {path} was there")
    return Exit.OK


def run_status(arguments: Namespace) -> int:
    """Tell whether Orca would load the extension; exit code 1 when it would not."""
    findings = [check_orca(), check_file(place()), check_approval()]
    healthy = all(finding.level != "fail" for finding in findings)
    if arguments.json:
        output.record({"ok": healthy, "findings": [finding.as_json() for finding in findings]})
    else:
        for finding in findings:
            output.line(describe(finding))
    return Exit.OK if healthy else Exit.FAILURE


def place() -> Path:
    """Return where Orca looks for the extension."""
    return places().data / "orca" / "extensions" / NAME


def content() -> bytes:
    """Return the extension that this installation has."""
    return resources(_PACKAGE).joinpath(_SOURCE).read_bytes()


def _own(path: Path) -> Path:
    if path.exists() and not (files.read(path) or b"").startswith(_OURS):
        raise CommandError(f"{path} is not of chatttsd's making; move it away first")
    return path


def check_orca() -> Finding:
    """Whether there is an Orca that knows extensions."""
    what, described = "Orca", _ask("orca", "--version")
    if described is None:
        return fail(what, "not installed, or it does not answer", "install the package orca")
    version = re.search(r"\d+", described)
    if version is None or int(version[0]) < _FIRST:
        mend = "use the module of speech-dispatcher: chatttsctl speechd install"
        return fail(what, f"{output.clean(described, 40)}, extensions came with {_FIRST}", mend)
    return ok(what, output.clean(described, 40))


def check_file(path: Path) -> Finding:
    """Whether the extension is there as this installation has it."""
    what, there = "extension", files.read(path)
    if there is None:
        return fail(what, f"{path} is not there", "chatttsctl orca install")
    if there != content():
        return warn(what, f"{path} differs from that of this version", "chatttsctl orca install")
    return ok(what, str(path))


def check_approval() -> Finding:
    """Whether the user has approved the extension as it is, in Orca's default profile."""
    what, approved = "approval", _ask("dconf", "read", _APPROVED)
    if approved is None:
        return warn(what, "unknown, dconf is not installed", APPROVE)
    if NAME not in approved:
        return warn(what, "not yet", APPROVE)
    if hashlib.sha256(content()).hexdigest() not in approved:
        return warn(what, "for another version of the file", APPROVE)
    return ok(what, "given")


def _ask(program: str, *arguments: str) -> str | None:
    """Return what a program prints, None when it cannot."""
    found = shutil.which(program)
    if found is None:
        return None
    try:
        done = subprocess.run(  # noqa: S603 - found on the PATH, fixed arguments
            [found, *arguments], capture_output=True, timeout=_ANSWER, check=False, stdin=subprocess.DEVNULL
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.decode(errors="replace").strip() if done.returncode == 0 else None
