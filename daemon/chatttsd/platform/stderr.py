"""Takes what C libraries (PortAudio, ALSA, JACK) print to stderr and hands it over line by line."""

import asyncio
import os
import sys
from collections.abc import Callable
from typing import TextIO

_STDERR = 2
_READ = 1 << 16


class StderrCapture:
    """Between `start` and `close` file descriptor 2 is a pipe; each line written to it goes to `on_line`.

    Lines are cut at `max_length` characters; of more than `max_lines` within a second the number is told.
    Whoever writes is never blocked: what does not fit into the pipe is lost.
    """

    def __init__(
        self,
        on_line: Callable[[str], None],
        clock: Callable[[], float],
        *,
        max_length: int = 500,
        max_lines: int = 20,
    ) -> None:
        self._on_line = on_line
        self._clock = clock
        self._max_length = max_length
        self._max_lines = max_lines
        self._pending = b""
        self._second = clock()
        self._told = 0
        self._left_out = 0
        self._reader = -1
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stream: TextIO | None = None

    @property
    def stream(self) -> TextIO:
        """The real stderr, for logging and faulthandler; `sys.stderr` itself unless started."""
        return self._stream or sys.stderr

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Redirect file descriptor 2; `on_line` is called on `loop`. RuntimeError when already started."""
        if self._stream is not None:
            raise RuntimeError("stderr is captured already")
        sys.stderr.flush()
        self._stream = os.fdopen(
            os.dup(_STDERR), "w", buffering=1, encoding="utf-8", errors="backslashreplace"
        )
        self._reader, writer = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        os.dup2(writer, _STDERR)
        os.close(writer)
        self._loop = loop
        loop.add_reader(self._reader, self._read)

    def close(self) -> None:
        """Give stderr back and hand over what was still in the pipe; does nothing when not started."""
        if self._stream is None or self._loop is None:
            return
        sys.stderr.flush()
        os.dup2(self._stream.fileno(), _STDERR)
        self._loop.remove_reader(self._reader)
        while self._read():
            pass
        if self._pending:
            self._take_lines(b"\n")
        self._tell_left_out()
        os.close(self._reader)
        self._stream.close()
        self._stream = None

    def _read(self) -> bool:
        try:
            data = os.read(self._reader, _READ)
        except BlockingIOError:
            return False
        if not data and self._loop is not None:
            self._loop.remove_reader(self._reader)
        self._take_lines(data)
        return bool(data)

    def _take_lines(self, data: bytes) -> None:
        *lines, rest = (self._pending + data).split(b"\n")
        self._pending = rest[: 4 * self._max_length]
        for line in lines:
            self._take(line)

    def _take(self, line: bytes) -> None:
        if self._clock() - self._second >= 1:
            self._tell_left_out()
            self._second, self._told = self._clock(), 0
        if self._told >= self._max_lines:
            self._left_out += 1
            return
        text = _printable(line)
        if text:
            self._told += 1
            self._on_line(text if len(text) <= self._max_length else text[: self._max_length - 1] + "…")

    def _tell_left_out(self) -> None:
        if self._left_out:
            self._on_line(f"({self._left_out} more lines within a second)")
            self._left_out = 0


def _printable(line: bytes) -> str:
    text = line.decode("utf-8", "backslashreplace").strip()
    return "".join(character if character.isprintable() else "?" for character in text)
