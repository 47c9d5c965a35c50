"""Memory that was needed for a moment goes back to the system."""

import subprocess
import sys

_SCRIPT = """
import ctypes
from chatttsd.engine.chattts import heap

def resident():
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmRSS"))

library = ctypes.CDLL(None)
library.malloc.restype = ctypes.c_void_p
library.free.argtypes = [ctypes.c_void_p]
heap.return_large_blocks()
before = resident()
large, small = [library.malloc(8 << 20) for _ in range(8)], [library.malloc(60_000) for _ in range(500)]
for size, blocks in ((8 << 20, large), (60_000, small)):
    for block in blocks:
        ctypes.memset(block, 1, size)
keep = library.malloc(100)
full = resident()
for block in large:
    library.free(block)
middle = resident()
for block in small:
    library.free(block)
heap.trim()
print(full - before, middle - before, resident() - before)
"""


def test_large_blocks_return_when_they_are_freed_and_small_ones_when_asked() -> None:
    done = subprocess.run(
        [sys.executable, "-P", "-c", _SCRIPT], capture_output=True, text=True, check=True, timeout=50
    )
    full, middle, end = (int(kibibytes) for kibibytes in done.stdout.split())
    assert full > 85_000
    assert middle < full - 60_000
    assert end < 10_000
