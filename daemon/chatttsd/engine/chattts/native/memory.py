"""Large arrays that take memory only where they are written, in huge pages where the system has them."""

import mmap
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

_NO_RESERVE: Final = 0x4000
"""MAP_NORESERVE: Linux's value on every architecture that Python wheels exist for."""


class Region:
    """Anonymous memory of `size` bytes, zeros at first."""

    def __init__(self, size: int) -> None:
        flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | _NO_RESERVE
        self._pages = mmap.mmap(-1, max(size, mmap.PAGESIZE), flags=flags)
        try:
            self._pages.madvise(mmap.MADV_HUGEPAGE)
        except OSError:
            return  # a kernel without them

    def array(self, dtype: str) -> NDArray[Any]:
        """Return all of it as a flat array that keeps it alive."""
        return np.frombuffer(self._pages, dtype)

    def free(self, start: int, end: int) -> None:
        """Give the whole pages between two bytes back; they read as zeros or as they were."""
        first = -(-start // mmap.PAGESIZE) * mmap.PAGESIZE
        length = end // mmap.PAGESIZE * mmap.PAGESIZE - first
        if length > 0:
            self._pages.madvise(mmap.MADV_DONTNEED, first, length)
