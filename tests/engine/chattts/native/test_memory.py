"""Large arrays take memory only where they are written, and give it back."""

import re
from pathlib import Path

from chatttsd.engine.chattts.native.memory import Region

MEBIBYTE = 2**20


def resident() -> int:
    """Return this process's memory in bytes."""
    found = re.search(r"VmRSS:\s+(\d+) kB", Path("/proc/self/status").read_text("utf-8"))
    assert found is not None
    return 1024 * int(found[1])


def test_a_region_takes_memory_where_it_is_written() -> None:
    before = resident()
    region = Region(1024 * MEBIBYTE)
    array = region.array("uint8")
    assert array.size == 1024 * MEBIBYTE
    array[: 16 * MEBIBYTE] = 1
    taken = resident() - before
    assert 15 * MEBIBYTE < taken < 64 * MEBIBYTE


def test_what_is_freed_is_given_back_and_reads_as_zeros() -> None:
    region = Region(64 * MEBIBYTE)
    array = region.array("uint8")
    array[:] = 1
    before = resident()
    region.free(MEBIBYTE + 1, 64 * MEBIBYTE)
    assert before - resident() > 56 * MEBIBYTE
    assert array[MEBIBYTE] == 1
    assert array[-1] == 0


def test_less_than_a_page_is_not_freed() -> None:
    array = (region := Region(10)).array("float32")
    array[:] = 2.0
    region.free(1, 8)
    assert (array == 2.0).all()


def test_the_array_keeps_the_memory() -> None:
    array = Region(MEBIBYTE).array("uint16")
    array[:] = 7
    assert int(array.sum()) == 7 * array.size
