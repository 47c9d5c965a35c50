"""What the CPU can do, as far as it decides how the model runs."""

import platform
from dataclasses import dataclass
from pathlib import Path
from typing import Final

CPUINFO: Final = Path("/proc/cpuinfo")
_FLAG_KEYS: Final = frozenset({"flags", "Features"})
"""What x86 and ARM call them."""


@dataclass(frozen=True, slots=True)
class Cpu:
    """A machine's architecture (`x86_64`) and the flags its kernel names (`avx512_vnni`)."""

    machine: str
    flags: frozenset[str]

    @property
    def dot_products(self) -> str:
        """Name what multiplies int8: `AVX-512 VNNI`, `AVX-VNNI`, `AVX2`, or the architecture."""
        if {"avx512_vnni", "avx512f"} <= self.flags:
            return "AVX-512 VNNI"
        if "avx_vnni" in self.flags:
            return "AVX-VNNI"
        return "AVX2" if "avx2" in self.flags else self.machine


def read_cpu(cpuinfo: Path = CPUINFO, machine: str = "") -> Cpu:
    """Read the flags of the first core; none where the file cannot be read."""
    try:
        lines = cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    found = (line.partition(":") for line in lines)
    flags = next((value for key, _, value in found if key.strip() in _FLAG_KEYS), "")
    return Cpu(machine or platform.machine(), frozenset(flags.split()))
