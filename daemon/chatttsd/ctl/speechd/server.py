"""The speech-dispatcher that runs now: found by its pid file, asked over SSIP; never started by a look."""

import os
import shutil
import socket
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from chatttsd.ctl.output import clean

if TYPE_CHECKING:
    from io import BufferedRWPair

_ANSWER: Final = 3.0
"""Seconds that a server or a program may take to answer."""
_FOLDER: Final = "speech-dispatcher"
_UNIT: Final = "speech-dispatcher.service"
_LINE_END: Final = b"\r\n"
_CODE: Final = 3
"""Digits at the beginning of a line of SSIP; a space behind them marks the last line."""


@dataclass(frozen=True, slots=True)
class Server:
    """A running server; `modules` is None when it does not answer."""

    pid: int
    modules: tuple[str, ...] | None
    managed: bool = False
    """Whether systemd runs it."""

    @property
    def restart(self) -> str:
        """The shell command after which the next program that speaks finds a fresh server."""
        return f"systemctl --user restart {_UNIT}" if self.managed else f"kill {self.pid}"


def find(runtime: Path) -> Server | None:
    """Return the server of this XDG_RUNTIME_DIR, None when none runs."""
    folder = runtime / _FOLDER
    try:
        pid = int((folder / "pid" / "speech-dispatcher.pid").read_text(encoding="ascii"))
        name = Path(f"/proc/{pid}/comm").read_text(encoding="ascii")
        group = Path(f"/proc/{pid}/cgroup").read_text(encoding="utf-8")
    except (OSError, ValueError):
        return None
    # Linux keeps 15 characters of a program's name.
    if not "speech-dispatcher".startswith(name.strip()):
        return None
    return Server(pid, _modules(folder / "speechd.sock"), _UNIT in group)


def _modules(path: Path) -> tuple[str, ...] | None:
    with suppress(OSError, ValueError), socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(_ANSWER)
        connection.connect(os.fspath(path))
        with connection.makefile("rwb") as stream:
            _ask(stream, b"SET SELF CLIENT_NAME user:chatttsctl:status")
            return tuple(_ask(stream, b"LIST OUTPUT_MODULES"))
    return None


def _ask(stream: "BufferedRWPair", command: bytes) -> list[str]:
    """Return the lines of an answer but its last; raises ValueError when the server refuses or leaves."""
    stream.write(command + _LINE_END)
    stream.flush()
    lines = []
    while (line := stream.readline())[_CODE : _CODE + 1] == b"-":
        lines.append(line[_CODE + 1 :].decode(errors="replace").rstrip())
    if not line.startswith(b"2"):
        raise ValueError("refused")
    return lines


def version() -> str:
    """Return what the installed speech-dispatcher calls its version, '' without one."""
    program = shutil.which("speech-dispatcher")
    if program is None:
        return ""
    with suppress(OSError, subprocess.TimeoutExpired):
        done = subprocess.run(  # noqa: S603 - found on the PATH, fixed argument
            [program, "--version"],
            capture_output=True,
            timeout=_ANSWER,
            check=False,
            stdin=subprocess.DEVNULL,
        )
        first = done.stdout.decode(errors="replace").partition("\n")[0]
        return clean(first.removeprefix("speech-dispatcher").strip(), 40)
    return ""
