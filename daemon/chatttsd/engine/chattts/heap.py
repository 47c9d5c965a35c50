"""Keeps the C library from holding on to memory that loading a model needs for a moment only."""

import ctypes
from typing import Final

_M_MMAP_THRESHOLD: Final = -3
_M_ARENA_MAX: Final = -8
"""Parameters of mallopt(3)."""
_LARGE_BYTES: Final = 4 << 20
"""From this size on memory goes back as soon as it is freed; what decoding and vocoder need is smaller."""
_ARENAS: Final = 2


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
