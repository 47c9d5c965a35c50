"""Stands in for chatttsd inside the unit's sandbox: tries what must and must not work, and prints JSON."""

import ctypes
import errno
import json
import mmap
import os
import resource
import socket
import sys
from collections.abc import Callable

from chatttsd.platform.notify import ServiceManager

CLONE_NEWUSER = 0x10000000


def attempt(action: Callable[[], object]) -> str:
    """Return "ok" or the symbolic name of the errno."""
    try:
        action()
    except OSError as error:
        return errno.errorcode.get(error.errno or 0, "?")
    return "ok"


def open_socket(family: int) -> None:
    """Open and close a datagram socket."""
    socket.socket(family, socket.SOCK_DGRAM).close()


def unshare() -> None:
    """Ask for a user namespace."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWUSER) != 0:
        raise OSError(ctypes.get_errno(), "unshare")


def map_code() -> None:
    """Map memory that can be written and executed, as cffi callbacks and JIT compilers do."""
    mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC).close()


def status_field(name: str) -> str:
    """Return one line of /proc/self/status."""
    with open("/proc/self/status", encoding="ascii") as lines:  # noqa: PTH123 - no more imports than needed
        return next(line.split(":")[1].strip() for line in lines if line.startswith(f"{name}:"))


def set_setuid_bit() -> None:
    """Make a file of ours run as us for everybody."""
    os.chmod(sys.argv[1], 0o4755)  # noqa: PTH101, S103 - the very call that must be refused


def set_affinity() -> None:
    """Spread over all CPUs, which torch's thread pool does."""
    os.sched_setaffinity(0, os.sched_getaffinity(0))


def main() -> None:
    """Print the findings and end well."""
    mask = os.umask(0o077)
    findings = {
        "AF_INET": attempt(lambda: open_socket(socket.AF_INET)),
        "AF_INET6": attempt(lambda: open_socket(socket.AF_INET6)),
        "AF_UNIX": attempt(lambda: open_socket(socket.AF_UNIX)),
        "unshare": attempt(unshare),
        "chroot": attempt(lambda: os.chroot("/")),
        "setuid bit": attempt(set_setuid_bit),
        "writable code": attempt(map_code),
        "affinity": attempt(set_affinity),
        "NoNewPrivs": status_field("NoNewPrivs"),
        "Seccomp": status_field("Seccomp"),
        "core": resource.getrlimit(resource.RLIMIT_CORE)[1],
        "files": resource.getrlimit(resource.RLIMIT_NOFILE)[1],
        "umask": f"{mask:04o}",
        "PYTHONPATH": "PYTHONPATH" in os.environ,
    }
    print(json.dumps(findings), flush=True)
    ServiceManager(os.environ).ready()


if __name__ == "__main__":
    main()
