"""One worker process as the event loop sees it: spawned with a socket, listened to, killed, always reaped."""

import asyncio
import contextlib
import socket
from asyncio.subprocess import DEVNULL, Process
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from chatttsd.engine.wire import Frame, FrameDecoder, ProtocolError

EXIT_SECONDS: Final = 0.2
"""How long a process whose socket is closed may take to end before it is killed."""


class WorkerProcess(asyncio.Protocol):
    """One life of a worker; `on_frame` gets every frame, and its ProtocolError kills the worker."""

    def __init__(self, on_frame: Callable[[Frame], None]) -> None:
        self._on_frame = on_frame
        self._decoder = FrameDecoder()
        self._process: Process | None = None
        self._transport: asyncio.Transport | None = None
        self._lost = asyncio.Event()
        self._fault = ""

    @property
    def pid(self) -> int | None:
        """The process id, from the spawn on."""
        return None if self._process is None else self._process.pid

    @property
    def usable(self) -> bool:
        """Whether frames still reach the worker, as far as is known."""
        return self._transport is not None and not self._fault and not self._lost.is_set()

    async def spawn(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        """Start `command --fd N`; raises OSError. The kernel kills the child when the calling thread ends."""
        ours, theirs = socket.socketpair()
        try:
            with theirs:
                self._process = await asyncio.create_subprocess_exec(
                    *command,
                    "--fd",
                    str(theirs.fileno()),
                    stdin=DEVNULL,
                    stdout=DEVNULL,
                    stderr=DEVNULL,
                    pass_fds=(theirs.fileno(),),
                    env=environment,
                )
            ours.setblocking(False)
            await asyncio.get_running_loop().create_unix_connection(lambda: self, sock=ours)
        except BaseException:
            ours.close()
            self._kill_process()
            raise

    def send(self, frame: Frame) -> None:
        """Queue a frame, unless the worker is lost; raises ProtocolError for one that is too long."""
        data = frame.encode()
        if self._transport is not None and self.usable:
            self._transport.write(data)

    def listen(self, *, wanted: bool) -> None:
        """Stop or go on reading from the worker."""
        if self._transport is None or self._transport.is_closing():
            return
        if wanted:
            self._transport.resume_reading()
        else:
            self._transport.pause_reading()

    def blame(self, reason: str) -> None:
        """Say why the worker is about to end; the first reason stays."""
        self._fault = self._fault or reason

    def kill(self, reason: str) -> None:
        """Kill the worker at once, for `reason`."""
        self.blame(reason)
        self._kill_process()
        if self._transport is not None:
            self._transport.abort()

    async def ended(self) -> str:
        """Wait until the process has ended and has been reaped; returns why, as the end of a sentence."""
        process = self._process
        if process is None:
            raise RuntimeError("the worker was never spawned")
        exited = asyncio.ensure_future(process.wait())
        lost = asyncio.ensure_future(self._lost.wait())
        try:
            await asyncio.wait({exited, lost}, return_when=asyncio.FIRST_COMPLETED)
            if not (await asyncio.wait({exited}, timeout=EXIT_SECONDS))[0]:
                self.kill("closed its connection")
            status = await exited
            return self._fault or _exit_reason(status)
        finally:
            self.kill("was abandoned")
            exited.cancel()
            lost.cancel()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        if not isinstance(transport, asyncio.Transport):
            raise TypeError(f"transport is {type(transport).__name__}, allowed is a stream")
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Cut frames and hand them on; garbage kills the worker."""
        if self._fault:
            return
        try:
            for frame in self._decoder.feed(data):
                self._on_frame(frame)
        except ProtocolError as error:
            self.kill(f"sent garbage ({error})")

    def connection_lost(self, _exc: Exception | None) -> None:
        """Note that the worker closed its end, or that it was closed here."""
        self._lost.set()

    def _kill_process(self) -> None:
        if self._process is not None and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()


def _exit_reason(status: int) -> str:
    if status < 0:
        return f"was killed by signal {-status}"
    return f"ended with status {status}"
