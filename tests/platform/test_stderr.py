import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from chatttsd.platform.stderr import StderrCapture


class Now:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.time = 0.0

    def __call__(self) -> float:
        return self.time


class Lines:
    """A capture whose lines a test can wait for."""

    def __init__(self) -> None:
        self.now = Now()
        self.lines: list[str] = []
        self.changed = asyncio.Event()
        self.capture = StderrCapture(self._take, self.now, max_length=20, max_lines=5)

    async def until(self, count: int) -> list[str]:
        async with asyncio.timeout(5):
            while len(self.lines) < count:
                self.changed.clear()
                await self.changed.wait()
        return self.lines

    def _take(self, line: str) -> None:
        self.lines.append(line)
        self.changed.set()


@contextmanager
def capturing() -> Iterator[Lines]:
    """Capture; no fixture, because pytest moves descriptor 2 itself between a fixture and its test."""
    lines = Lines()
    lines.capture.start(asyncio.get_running_loop())
    try:
        yield lines
    finally:
        lines.capture.close()


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


async def test_what_is_written_to_descriptor_two_comes_line_by_line() -> None:
    with capturing() as captured:
        os.write(2, b"ALSA lib: no\nunder")
        os.write(2, b"run\n")
        assert await captured.until(2) == ["ALSA lib: no", "underrun"]


async def test_children_write_into_it_too() -> None:
    with capturing() as captured:
        await asyncio.to_thread(subprocess.run, ["sh", "-c", "echo child >&2"], check=True)
        assert await captured.until(1) == ["child"]


async def test_long_lines_are_cut_and_what_is_not_text_is_made_harmless() -> None:
    with capturing() as captured:
        os.write(2, b"x" * 30_000 + b"\n\x1b[31mred\xff\n\n")
        assert await captured.until(2) == ["x" * 19 + "…", "?[31mred\\xff"]


async def test_a_flood_is_counted_instead_of_told() -> None:
    with capturing() as captured:
        for number in range(12):
            os.write(2, b"line %d\n" % number)
        await captured.until(5)
        captured.now.time = 1.5
        os.write(2, b"later\n")
        assert await captured.until(7) == [
            *(f"line {number}" for number in range(5)),
            "(7 more lines within a second)",
            "later",
        ]


async def test_a_writer_is_never_blocked_by_a_loop_that_does_not_read() -> None:
    def fill_the_pipe() -> None:
        for _ in range(100):
            os.write(2, b"y" * 10_000)

    with capturing(), pytest.raises(BlockingIOError):
        fill_the_pipe()


async def test_close_hands_over_the_rest_and_gives_stderr_back() -> None:
    lines = Lines()
    before = os.fstat(2)
    lines.capture.start(asyncio.get_running_loop())
    assert os.fstat(2).st_ino != before.st_ino
    assert os.fstat(lines.capture.stream.fileno()).st_ino == before.st_ino
    os.write(2, b"last words")
    lines.capture.close()
    assert lines.lines == ["last words"]
    assert os.fstat(2).st_ino == before.st_ino
    lines.capture.close()


async def test_no_descriptor_is_left_after_ten_times() -> None:
    before = descriptors()
    for _ in range(10):
        lines = Lines()
        lines.capture.start(asyncio.get_running_loop())
        lines.capture.close()
    assert descriptors() == before


async def test_a_second_start_is_refused() -> None:
    with capturing() as captured, pytest.raises(RuntimeError, match="captured already"):
        captured.capture.start(asyncio.get_running_loop())


def test_before_start_logging_goes_to_the_plain_stderr() -> None:
    assert Lines().capture.stream is sys.stderr
