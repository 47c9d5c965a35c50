"""A client's file descriptor to write to: a pipe, terminal or disk never holds up the loop."""

import asyncio
import contextlib
import fcntl
import os
import stat
from collections.abc import Callable
from functools import partial
from typing import Final

from chatttsd.audio.device_thread import DeviceThread
from chatttsd.audio.hangups import Gone, HangUps

_TIOCGDEV: Final = 0x80045432
"""ioctl_tty(2): the device number of the terminal itself. Elsewhere than on x86 and ARM it may be unknown."""


class SinkError(Exception):
    """The descriptor cannot take sound; the message says why."""


class SinkClosedError(SinkError):
    """The client closed its end: it wants no more."""


class Descriptor:
    """Writes to a descriptor, which it owns: it is closed whatever happens.

    Raises SinkError for a descriptor that cannot be written to.
    """

    def __init__(self, fd: int) -> None:
        self._fd = -1
        self._hangups: HangUps | None = None
        try:
            mode = _writable_mode(fd)
            self.rewritable = stat.S_ISREG(mode) and not fcntl.fcntl(fd, fcntl.F_GETFL) & os.O_APPEND
            """Whether `rewrite` can go back to where the writing began."""
            self._base = os.lseek(fd, 0, os.SEEK_CUR) if self.rewritable else 0
            self._fd = _without_blocking(fd, mode)
            # A disk may hang, and then nothing else may: neither another sink nor the end of the process.
            self._thread = None if _is_waited_for(self._fd, mode) else DeviceThread("file-sink")
        except BaseException:
            with contextlib.suppress(OSError):
                os.close(fd)
            raise

    def watch(self, hangups: HangUps, gone: Gone) -> None:
        """Have `gone` called when the reader leaves; a file has none."""
        if self._fd >= 0 and self._thread is None:
            self._hangups = hangups
            hangups.watch(self._fd, gone)

    async def write(self, data: bytes) -> None:
        """Write all, waiting for a slow reader; raises SinkClosedError when the reader has gone."""
        if self._fd < 0:
            raise SinkClosedError("the descriptor is closed already")
        if self._thread is not None:
            await self._call(partial(_write_all, self._fd, data, None))
            return
        rest = memoryview(data)
        while rest:
            try:
                rest = rest[os.write(self._fd, rest) :]
            except BlockingIOError:
                await self._writable()
            except OSError as error:
                raise _sink_error(error) from error

    async def rewrite(self, data: bytes) -> None:
        """Write over the first bytes that were written; only where it is `rewritable`."""
        await self._call(partial(_write_all, self._fd, data, self._base))

    def offer(self, data: bytes) -> None:
        """Write a few bytes if that needs no waiting; a reader that is gone or slow does not get them."""
        if self._fd >= 0 and self._thread is None:
            with contextlib.suppress(OSError):
                os.write(self._fd, data)

    async def finish(self) -> None:
        """Close after what was written; raises SinkError for what a disk refuses only now."""
        try:
            fd = self._give_up_fd()
            if fd >= 0:
                await self._call(partial(_close, fd))
        finally:
            self.close()

    def close(self) -> None:
        """Close the descriptor, after a write to a file that is under way; a second call does nothing."""
        fd = self._give_up_fd()
        thread, self._thread = self._thread, None
        if thread is None:
            _close_quietly(fd)
            return
        try:
            thread.stop(partial(_close_quietly, fd))
        except RuntimeError:
            # The system gives no more threads: none was ever started here, so none uses the descriptor.
            _close_quietly(fd)

    def _give_up_fd(self) -> int:
        fd, self._fd = self._fd, -1
        if self._hangups is not None:
            self._hangups.forget(fd)
        return fd

    async def _writable(self) -> None:
        loop = asyncio.get_running_loop()
        ready = asyncio.Event()
        fd = self._fd
        loop.add_writer(fd, ready.set)
        try:
            await ready.wait()
        finally:
            loop.remove_writer(fd)

    async def _call(self, function: Callable[[], None]) -> None:
        """Run what may block on the thread, if there is one; being cancelled does not stop it."""
        if self._thread is None:
            function()
        else:
            await self._thread.call(function)


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


def _without_blocking(fd: int, mode: int) -> int:
    """Return a descriptor of the same pipe, socket or terminal that does not block, if that can be had.

    The flag belongs to the open file, which the client shares: it is opened once more if possible, and `fd`
    is closed. A terminal is shared with the shell too: its flag is left alone.
    """
    terminal = _is_terminal(fd, mode)
    if not (terminal or stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)):
        return fd
    try:
        flags = os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
        again = os.open(f"/proc/self/fd/{fd}", flags)
    except OSError:
        if not terminal:
            os.set_blocking(fd, False)
        return fd
    if terminal and not _same_terminal(fd, again):
        fd, again = again, fd
    os.close(fd)
    return again


def _is_terminal(fd: int, mode: int) -> bool:
    return stat.S_ISCHR(mode) and os.isatty(fd)


def _is_waited_for(fd: int, mode: int) -> bool:
    """Say whether writing never blocks and the event loop can tell when to go on."""
    channel = stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode) or _is_terminal(fd, mode)
    return channel and not os.get_blocking(fd)


def _same_terminal(one: int, other: int) -> bool:
    """Say whether both are one terminal: /dev/tty and /dev/ptmx are another one whenever they are opened."""
    try:
        numbers = {fcntl.ioctl(fd, _TIOCGDEV, bytes(4)) for fd in (one, other)}
    except OSError:
        return False
    return len(numbers) == 1


def _write_all(fd: int, data: bytes, at: int | None) -> None:
    rest = memoryview(data)
    try:
        while rest:
            done = os.write(fd, rest) if at is None else os.pwrite(fd, rest, at)
            rest = rest[done:]
            at = None if at is None else at + done
    except OSError as error:
        raise _sink_error(error) from error


def _close(fd: int) -> None:
    try:
        os.close(fd)
    except OSError as error:
        raise _sink_error(error) from error


def _close_quietly(fd: int) -> None:
    if fd >= 0:
        with contextlib.suppress(OSError):
            os.close(fd)


def _sink_error(error: OSError) -> SinkError:
    if isinstance(error, BrokenPipeError | ConnectionResetError):
        return SinkClosedError("the reader has closed its end")
    return SinkError(f"writing to the file descriptor failed: {error.strerror}")
