"""Memory that was needed for a moment goes back to the system."""

import mmap
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from chatttsd.engine.chattts import heap

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


_LIBRARIES = """
import torch
from chatttsd.engine.chattts import heap

def resident():
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("RssFile"))

before = resident()
heap.drop_library_pages()
dropped = resident()
found = torch.linalg.svdvals(torch.ones(3, 3))[0]
print(before, dropped, round(float(found), 4))
"""


def test_pages_of_libraries_that_only_importing_needed_go_and_the_libraries_work_on() -> None:
    done = subprocess.run(
        [sys.executable, "-P", "-c", _LIBRARIES], capture_output=True, text=True, check=True, timeout=50
    )
    before, dropped, found = done.stdout.split()
    assert int(dropped) < int(before) / 3
    assert float(found) == 3


def test_a_system_that_does_not_tell_its_pages_keeps_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heap, "_MAPPINGS", "/nowhere/smaps")
    heap.drop_library_pages()
    assert not list(heap._unchanged_pages())


def test_what_was_written_to_is_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(bytes(2 * mmap.PAGESIZE))
    with file.open("rb") as opened:
        clean = mmap.mmap(opened.fileno(), 0, flags=mmap.MAP_PRIVATE, prot=mmap.PROT_READ)
        writable = mmap.mmap(
            opened.fileno(), 0, flags=mmap.MAP_PRIVATE, prot=mmap.PROT_READ | mmap.PROT_WRITE
        )
    assert clean[0] == writable[0]
    places = {np.frombuffer(pages, np.uint8).ctypes.data for pages in (clean, writable)}
    dropped = {start for start, _ in heap._unchanged_pages()}
    assert len(places & dropped) == 1
    assert places - dropped == {np.frombuffer(writable, np.uint8).ctypes.data}
