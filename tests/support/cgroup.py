"""A control group for a test's own systemd manager: it neither moves nor kills anybody else's processes."""

import contextlib
import fcntl
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

HIERARCHIES: Final = Path("/sys/fs/cgroup")
RUN: Final = Path("/run/systemd")


class ControlGroup:
    """A subgroup of the group that this process is in, in cgroup v1, v2 and the mix of both.

    Where the hierarchy is not ours to write (a desktop user) the user's own manager makes the group:
    `launcher()` is then a `systemd-run --scope` command line.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._folders = [group / name for group in _own_groups()]
        self._writable = bool(self._folders) and all(os.access(f.parent, os.W_OK) for f in self._folders)

    def create(self) -> None:
        """Make the group where it may be made."""
        if self._writable:
            for folder in self._folders:
                folder.mkdir()

    def launcher(self) -> list[str]:
        """Return what to put in front of a command that is to run as the root of the group."""
        if self._writable:
            return []
        return ["systemd-run", "--user", "--scope", "--quiet", "--collect", "--property=Delegate=yes"]

    def enter(self) -> None:
        """Move the calling process into the group."""
        if self._writable:
            for folder in self._folders:
                (folder / "cgroup.procs").write_text(str(os.getpid()))

    def remove(self) -> None:
        """Kill every process of the group and remove it; raises OSError when that takes over 10 s."""
        deadline = time.monotonic() + 10
        for folder in self._everywhere():
            while folder.exists():
                _kill(folder)
                try:
                    _remove_tree(folder)
                except OSError:
                    if time.monotonic() > deadline:
                        raise
                    time.sleep(0.01)

    def _everywhere(self) -> list[Path]:
        # With cgroup v1 the manager makes the same path in each controller that a unit of its own asks for.
        if not self._writable:
            return []
        return [*self._folders, *HIERARCHIES.glob(f"*/{self._name}")]


def _own_groups() -> list[Path]:
    """Return this process's folder in the hierarchies that systemd manages processes by."""
    mounts = {"": ("unified", "."), "name=systemd": ("systemd",)}
    found = []
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        folders = [HIERARCHIES / mount / path.lstrip("/") for mount in mounts.get(controllers, ())]
        found += [folder for folder in folders if (folder / "cgroup.procs").exists()][:1]
    return found


def _kill(folder: Path) -> None:
    for members in folder.rglob("cgroup.procs"):
        with contextlib.suppress(OSError):
            for pid in members.read_text().split():
                os.kill(int(pid), signal.SIGKILL)


def _remove_tree(folder: Path) -> None:
    for path, _, _ in os.walk(folder, topdown=False):
        with contextlib.suppress(FileNotFoundError):
            Path(path).rmdir()


@contextlib.contextmanager
def pretend_booted() -> Iterator[None]:
    """Make /run/systemd/system for as long as this is entered: without it `systemd --user` refuses to start.

    Where it exists already nothing is done. Otherwise the last of several users, also in other processes,
    removes it again; a shared lock on its parent counts them.
    """
    if Path("/proc/1/comm").read_text().strip() == "systemd":
        yield
        return
    RUN.mkdir(exist_ok=True)
    ours = RUN / "chatttsd-tests-made-system"
    descriptor = os.open(RUN, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH)
        with contextlib.suppress(FileExistsError):
            (RUN / "system").mkdir()
            ours.touch()
        yield
    finally:
        with contextlib.suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            _forget(ours)
        os.close(descriptor)


def _forget(ours: Path) -> None:
    if ours.exists():
        (RUN / "system").rmdir()
        ours.unlink()
