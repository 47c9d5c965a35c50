"""Runs chatttsctl as a user would: its own process, a hermetic environment, optionally a terminal."""

import contextlib
import os
import pty
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

COMMAND: Final = [sys.executable, "-W", "error", "-m", "chatttsd.ctl"]
LIMIT: Final = 50.0
NO_MANAGER: Final = "echo 'Failed to connect to bus' >&2; exit 1"


def hermetic(home: Path, bus: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return an environment in which nothing of the user's is found: `home` holds all folders, PATH has
    a `systemctl` of our own that knows no manager, and the bus is the one of `bus`, or none."""
    runtime = home / "run"
    runtime.mkdir(mode=0o700, parents=True, exist_ok=True)
    tools = home / "bin"
    tools.mkdir(exist_ok=True)
    environment = {
        "HOME": str(home),
        "PATH": f"{tools}:{os.environ['PATH']}",
        "XDG_RUNTIME_DIR": str(runtime),
        "XDG_CONFIG_HOME": str(home / "config"),
        "XDG_CONFIG_DIRS": str(home / "etc"),
        "XDG_DATA_HOME": str(home / "data"),
        "XDG_DATA_DIRS": str(home / "share"),
        "LANG": "C.UTF-8",
        **{name: value for name, value in (bus or {}).items() if name.startswith("DBUS_")},
    }
    fake_systemctl(environment, NO_MANAGER)
    return environment


def fake_systemctl(environment: Mapping[str, str], script: str) -> None:
    """Make the `systemctl` of this environment a shell script."""
    program = Path(environment["PATH"].partition(":")[0]) / "systemctl"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)


def ctl(
    arguments: Sequence[str], environment: Mapping[str, str], text: bytes = b"", limit: float = LIMIT
) -> subprocess.CompletedProcess[str]:
    """Run chatttsctl to its end with `text` on standard input."""
    done = subprocess.run(
        [*COMMAND, *arguments],
        input=text,
        env=dict(environment),
        capture_output=True,
        timeout=limit,
        check=False,
    )
    return subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())


@contextlib.contextmanager
def start(arguments: Sequence[str], environment: Mapping[str, str]) -> Iterator[subprocess.Popen[str]]:
    """Start chatttsctl with pipes and no standard input; leaving kills it if it still runs."""
    with subprocess.Popen(
        [*COMMAND, *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=dict(environment),
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def on_terminal(
    arguments: Sequence[str], environment: Mapping[str, str], typed: bytes = b""
) -> tuple[int, str]:
    """Run chatttsctl with a terminal for all three streams; returns the exit code and what was shown.

    `typed` waits in the terminal before the command starts.
    """
    ours, theirs = pty.openpty()
    os.write(ours, typed)
    try:
        with subprocess.Popen(
            [*COMMAND, *arguments],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env={"TERM": "xterm", **environment},
        ) as process:
            os.close(theirs)
            shown = b"".join(iter(lambda: _read(ours), b""))
            return process.wait(LIMIT), shown.decode()
    finally:
        os.close(ours)


def _read(fd: int) -> bytes:
    try:
        return os.read(fd, 4096)
    except OSError:  # Linux reports the other end's closing as EIO
        return b""
