"""Gives back memory that loading a model needs for a moment only: the C library's, and pages of libraries."""

import ctypes
import mmap
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

_M_MMAP_THRESHOLD: Final = -3
_M_ARENA_MAX: Final = -8
"""Parameters of mallopt(3)."""
_LARGE_BYTES: Final = 4 << 20
"""From this size on memory goes back as soon as it is freed; what decoding and vocoder need is smaller."""
_ARENAS: Final = 2
_MAPPINGS: Final = "/proc/self/smaps"
_MAPPING: Final = re.compile(r"([0-9a-f]+)-([0-9a-f]+) r-[x-]p \S+ \S+ [1-9]\d* +/")
"""A private mapping of a file that cannot be written to."""
_UNCHANGED: Final = re.compile(r"Anonymous: +0 kB")


def return_large_blocks() -> None:
    """Have large blocks mapped one by one, so that freeing one returns it; does nothing without glibc."""
    library = ctypes.CDLL(None)
    if hasattr(library, "mallopt"):
        library.mallopt(_M_MMAP_THRESHOLD, _LARGE_BYTES)
        library.mallopt(_M_ARENA_MAX, _ARENAS)


def trim() -> None:
    """Return what is free now; does nothing without glibc."""
    library = ctypes.CDLL(None)
    if hasattr(library, "malloc_trim"):
        library.malloc_trim(0)


def drop_library_pages() -> None:
    """Unmap the pages of libraries; those that are used again come back from the page cache in microseconds.

    Importing torch and LLVM touches some 250 MB of their files, of which speaking needs a fifth. Does nothing
    where the system does not tell which pages are as they are on disk: only those may go.
    """
    library = ctypes.CDLL(None)
    if not hasattr(library, "madvise"):
        return
    library.madvise.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
    for start, end in _unchanged_pages():
        library.madvise(start, end - start, mmap.MADV_DONTNEED)


def _unchanged_pages() -> Iterator[tuple[int, int]]:
    """Yield the mappings of files that cannot be written to and were not (by the dynamic linker)."""
    if not os.access(_MAPPINGS, os.R_OK):
        return
    mapping: re.Match[str] | None = None
    for line in Path(_MAPPINGS).read_text("utf-8", errors="replace").splitlines():
        if not line[0].isupper():
            mapping = _MAPPING.match(line)
        elif mapping is not None and _UNCHANGED.match(line):
            yield int(mapping[1], 16), int(mapping[2], 16)
