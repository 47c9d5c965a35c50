"""What systemd knows of the unit, asked through `systemctl show`; never starts anything."""

import os
import shlex
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from chatttsd.ctl.output import clause, clean
from chatttsd.ctl.target import Target

_TIMEOUT: Final = 2.0
_PROPERTIES: Final = {
    "LoadState": "load",
    "ActiveState": "active",
    "SubState": "sub",
    "UnitFileState": "file_state",
    "Result": "result",
    "StatusText": "status_text",
    "ExecMainStatus": "exit_status",
    "NRestarts": "restarts",
    "MainPID": "pid",
}


@dataclass(frozen=True, slots=True)
class UnitState:
    """A unit's state in systemd's own words (systemctl(1), `show`)."""

    load: str = ""
    active: str = ""
    sub: str = ""
    file_state: str = ""
    result: str = ""
    status_text: str = ""
    exit_status: str = ""
    restarts: str = ""
    pid: str = ""

    @property
    def installed(self) -> bool:
        """Whether systemd has found a unit file."""
        return self.load == "loaded"

    @property
    def masked(self) -> bool:
        """Whether somebody has forbidden to start the unit."""
        return self.load == "masked"

    @property
    def failed(self) -> bool:
        """Whether an installed unit has failed, be it by its start limit or otherwise."""
        return self.installed and self.active == "failed"

    @property
    def up(self) -> bool:
        """Whether systemd has started the unit or is about to."""
        return self.installed and self.active in ("active", "activating", "reloading")

    def describe(self) -> str:
        """Return the state on one line, with the last fault where there was one."""
        if self.masked:
            return "masked"
        if not self.installed:
            return f"not installed ({self.load or 'unknown'})"
        parts = [f"{self.active} ({self.sub})"]
        if self.result not in ("", "success"):
            parts.append(f"last result: {self.result}")
        if self.exit_status not in ("", "0"):
            parts.append(f"exit status {self.exit_status}")
        if self.status_text:
            parts.append(f"it said: {clause(self.status_text)}")
        return ", ".join(parts)

    def as_json(self) -> dict[str, Any]:
        """Return the fields for `--json`."""
        return asdict(self)


def show(target: Target) -> UnitState | None:
    """Return the unit's state, or None where there is no manager of that kind to ask."""
    command = [*target.systemctl, "show", target.unit, "--property=" + ",".join(_PROPERTIES)]
    try:
        answer = subprocess.run(  # noqa: S603 - a fixed command, nothing from the user in it
            command,
            capture_output=True,
            timeout=_TIMEOUT,
            check=False,
            stdin=subprocess.DEVNULL,
            env={**os.environ, "LC_ALL": "C"},
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return None if answer.returncode else parse(answer.stdout.decode(errors="replace"))


def parse(text: str) -> UnitState:
    """Read `Name=value` lines; unknown names are passed over."""
    pairs = (entry.partition("=") for entry in text.splitlines())
    return UnitState(**{_PROPERTIES[name]: clean(value) for name, _, value in pairs if name in _PROPERTIES})


def next_step(target: Target, state: UnitState | None) -> str:
    """Return the command that a person should type when the daemon does not run or does not answer."""
    if state is None:
        return f"start the daemon: {by_hand(target)}"
    if state.masked:
        return target.advise("unmask", "start")
    if not state.installed:
        return "install it: ./packaging/install.sh"
    if state.failed:
        return target.advise("reset-failed", "start")
    return target.advise("restart" if state.up else "start")


def by_hand(target: Target) -> str:
    """Return the shell command that runs the daemon of this installation without systemd."""
    beside = Path(sys.executable).with_name("chatttsd")
    program = (
        shlex.quote(str(beside)) if beside.exists() else f"{shlex.quote(sys.executable)} -m chatttsd.app"
    )
    return f"{program}{' --system' if target.system else ''} &"


def failure(target: Target, state: UnitState) -> str:
    """Return what to tell a person whose unit has failed: the fault, where to read why, how to mend it."""
    return (
        f"{target.unit} is {state.describe()}\n"
        f"  why:  {target.journal()}\n"
        f"  mend: {target.advise('reset-failed', 'start')}"
    )
