"""Checks of the machine and the configuration."""

import os
import platform
import sys
from typing import Final

from chatttsd.ctl.configuration import check
from chatttsd.ctl.doctor.finding import Finding, fail, ok

PYTHON: Final = ((3, 11), (3, 15))
"""First version supported, first version not."""
GLIBC: Final = (2, 28)
"""The oldest glibc that the wheels of torch, numpy and soundfile run on (manylinux_2_28)."""


def check_python(version: tuple[int, int] = sys.version_info[:2]) -> list[Finding]:
    """Whether this Python is one that chatttsd supports."""
    shown = platform.python_version() if version == sys.version_info[:2] else ".".join(map(str, version))
    first, beyond = PYTHON
    if first <= version < beyond:
        return [ok("Python", shown)]
    allowed = f"{first[0]}.{first[1]} to {beyond[0]}.{beyond[1] - 1}"
    return [
        fail("Python", f"{shown}, supported: {allowed}", "install a supported Python and reinstall chatttsd")
    ]


def check_libc(described: str | None = None) -> list[Finding]:
    """Whether the C library is a glibc new enough for the wheels; `described` is like `glibc 2.36`."""
    name, _, version = (described or _libc()).partition(" ")
    numbers = tuple(int(part) for part in version.split(".")[:2] if part.isdigit())
    wanted = f"glibc {GLIBC[0]}.{GLIBC[1]} or later"
    if name != "glibc":
        return [fail("C library", f"{name or 'unknown'}, supported: {wanted}", "use a glibc distribution")]
    if numbers < GLIBC:
        return [fail("C library", f"glibc {version}, supported: {wanted}", "upgrade the distribution")]
    return [ok("C library", f"glibc {version}")]


def _libc() -> str:
    try:
        return os.confstr("CS_GNU_LIBC_VERSION") or ""
    except (ValueError, OSError):
        return ""


def check_configuration() -> list[Finding]:
    """Whether the daemon would take its configuration file."""
    path, fault = check(None)
    if fault:
        return [fail("configuration", fault, f"edit {path}, then: chatttsctl config check")]
    return [ok("configuration", f"{path}" if path.exists() else f"{path} is not there: the defaults hold")]
