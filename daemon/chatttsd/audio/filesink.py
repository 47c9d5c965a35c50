"""PCM to a client's file descriptor: raw S16LE or WAV, to a pipe, a socket or a file, never blocking."""

import asyncio
import contextlib
import fcntl
import os
import stat
import struct
from typing import Self

from chatttsd.constants import SAMPLE_BYTES, SAMPLE_RATE

CONTAINERS = ("raw", "wav")
_UNKNOWN = 0xFFFFFFFF
_HEADER_BYTES = 44
_WAV_LIMIT = _UNKNOWN - _HEADER_BYTES


class SinkError(Exception):
    """The descriptor cannot take sound; the message says why."""


class SinkClosedError(SinkError):
    """The client closed its end: it wants no more."""


class FileSink:
    """Writes mono S16LE at `SAMPLE_RATE` to a descriptor, which it owns: it is closed whatever happens.

    Raises SinkError for a descriptor that cannot be written to, ValueError for an unknown container.
    """

    def __init__(self, fd: int, container: str = "raw") -> None:
        self._fd = -1
        try:
            _check_container(container)
            mode = _writable_mode(fd)
            self._waits = stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)
            self._fixable = stat.S_ISREG(mode) and not fcntl.fcntl(fd, fcntl.F_GETFL) & os.O_APPEND
            self._base = os.lseek(fd, 0, os.SEEK_CUR) if self._fixable else 0
            self._fd = _without_blocking(fd) if self._waits else fd
        except BaseException:
            with contextlib.suppress(OSError):
                os.close(fd)
            raise
        self._header = _wav_header(None) if container == "wav" else b""
        self._wav = container == "wav"
        self._bytes = 0
        self._busy: asyncio.Future[None] | None = None

    async def write(self, pcm: bytes) -> None:
        """Write samples, waiting for a slow reader; raises SinkClosedError when the reader has gone."""
        header, self._header = self._header, b""
        await self._write(header + pcm)
        self._bytes += len(pcm)

    async def finish(self) -> None:
        """Write what a reader still needs (the WAV header of no sound, the sizes in a file) and close."""
        try:
            if self._header:
                await self.write(b"")
            if self._wav and self._fixable and self._bytes <= _WAV_LIMIT:
                await self._in_thread(_wav_header(self._bytes), self._base)
        finally:
            self.close()

    def close(self) -> None:
        """Close the descriptor; a second call does nothing."""
        fd, self._fd = self._fd, -1
        if fd < 0:
            return
        if self._busy is not None and not self._busy.done():
            self._busy.add_done_callback(lambda _: os.close(fd))
        else:
            os.close(fd)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.close()

    async def _write(self, data: bytes) -> None:
        if self._fd < 0:
            raise SinkClosedError("the descriptor is closed already")
        if not self._waits:
            await self._in_thread(data, None)
            return
        rest = memoryview(data)
        while rest:
            try:
                rest = rest[os.write(self._fd, rest) :]
            except BlockingIOError:
                await self._writable()
            except OSError as error:
                raise _sink_error(error) from error

    async def _writable(self) -> None:
        loop = asyncio.get_running_loop()
        ready = asyncio.Event()
        fd = self._fd
        loop.add_writer(fd, ready.set)
        try:
            await ready.wait()
        finally:
            loop.remove_writer(fd)

    async def _in_thread(self, data: bytes, at: int | None) -> None:
        loop = asyncio.get_running_loop()
        self._busy = loop.run_in_executor(None, _write_all, self._fd, data, at)
        # A cancelled write goes on in its thread: `close` must not let the number be reused meanwhile.
        await asyncio.shield(self._busy)


def _check_container(container: str) -> None:
    if container not in CONTAINERS:
        raise ValueError(f"container {container!r}: allowed are {', '.join(CONTAINERS)}")


def _writable_mode(fd: int) -> int:
    try:
        mode = os.fstat(fd).st_mode
        access = fcntl.fcntl(fd, fcntl.F_GETFL) & os.O_ACCMODE
    except OSError as error:
        raise SinkError(f"file descriptor {fd} is not open") from error
    if stat.S_ISDIR(mode) or stat.S_ISBLK(mode):
        raise SinkError("the file descriptor is a directory or a disk; allowed are pipes, sockets and files")
    if access == os.O_RDONLY:
        raise SinkError("the file descriptor is open for reading only; it must be open for writing")
    return mode


def _without_blocking(fd: int) -> int:
    """Return a non-blocking descriptor of the same pipe or socket; `fd` is closed if that is another one.

    The flag belongs to the open file, which the client shares: a pipe is opened once more if possible.
    """
    try:
        again = os.open(f"/proc/self/fd/{fd}", os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        os.set_blocking(fd, False)
        return fd
    os.close(fd)
    return again


def _write_all(fd: int, data: bytes, at: int | None) -> None:
    rest = memoryview(data)
    try:
        while rest:
            done = os.write(fd, rest) if at is None else os.pwrite(fd, rest, at)
            rest = rest[done:]
            at = None if at is None else at + done
    except OSError as error:
        raise _sink_error(error) from error


def _sink_error(error: OSError) -> SinkError:
    if isinstance(error, BrokenPipeError | ConnectionResetError):
        return SinkClosedError("the reader has closed its end")
    return SinkError(f"writing to the file descriptor failed: {error.strerror}")


def _wav_header(size: int | None) -> bytes:
    """Return the canonical 44 bytes for mono S16LE; an unknown size is the greatest one, as for a stream."""
    riff, data = (_UNKNOWN, _UNKNOWN - 36) if size is None else (size + 36, size)
    rate, width = SAMPLE_RATE, SAMPLE_BYTES
    fields = (b"RIFF", riff, b"WAVEfmt ", 16, 1, 1, rate, rate * width, width, 8 * width, b"data", data)
    return struct.pack("<4sI8sIHHIIHH4sI", *fields)
