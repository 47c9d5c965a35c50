"""dbus-next, hardened: a connection that a flood cannot cut, stall or fill.

dbus-next 0.2.3 closes the connection when its socket is full, reads until nothing is left however long that
takes, and hands callers tracebacks. Here the unsent tail waits for the socket, messages are handled for at
most 4 ms in one turn of the loop, messages that are too long are never held, and descriptors never leak.
"""

import asyncio
import logging
import os
import socket
from array import array
from collections import deque
from collections.abc import Callable
from io import BytesIO
from typing import Any, Final

from dbus_next import BusType, DBusError, Message, MessageType, NameFlag, RequestNameReply
from dbus_next._private.unmarshaller import Unmarshaller
from dbus_next.aio import MessageBus

from chatttsd.bus.framing import Frame, Framer
from chatttsd.bus.head import METHOD_CALL, NO_REPLY_EXPECTED, Head, HeadError, ReplyWriter

_LOGGER = logging.getLogger(__name__)
_TURN_SECONDS: Final = 0.004
_WRITTEN_TOGETHER: Final = 12
_SEND_BUFFER: Final = 4096
_READ: Final = 256 * 1024
_MAX_FDS: Final = 253  # SCM_MAX_FD of the kernel: room for fewer would leak the rest
_BUS: Final = "org.freedesktop.DBus"
_LEFT_RULE: Final = f"type='signal',sender='{_BUS}',interface='{_BUS}',member='NameOwnerChanged',arg2=''"

Refusal = tuple[str, str]
"""Error name and message; an empty name is the reply of a call that returns nothing."""
Gate = Callable[[Head], Refusal | None]
"""Looks at a call before anything of it is decoded and may refuse it."""
Handler = Callable[[Message], None]


class NameTakenError(Exception):
    """Another process owns the bus name."""


class _Writer:
    """Stands in for dbus-next's writer: keeps what the socket does not take, instead of hanging up.

    Refusals go last: the bus reads 2 KiB from a connection in a turn, so that whoever is answered behind the
    refusals of a flood would wait for all of them. A small socket buffer keeps that order up to the bus.
    """

    def __init__(self, bus: "_Bus") -> None:
        self._bus = bus
        self._pending: deque[bytes] = deque()
        self._refusals: deque[bytes] = deque()
        self._rest = memoryview(b"")
        self._waiting = False

    def schedule_write(self, msg: Message | None = None, future: asyncio.Future[None] | None = None) -> None:
        """Queue a message and write what the socket takes; the interface dbus-next calls."""
        if msg is not None:
            self._pending.append(msg._marshall(negotiate_unix_fd=False))  # noqa: SLF001 - no public way
        if future is not None and not future.done():
            future.set_result(None)
        self._schedule()

    def refuse(self, reply: bytes) -> None:
        """Queue the reply to a refused call behind everything else."""
        self._refusals.append(reply)
        self._schedule()

    def _schedule(self) -> None:
        if self._bus.unique_name and not self._waiting:
            self._waiting = True
            self._bus.loop.call_soon(self._write)

    def _write(self) -> None:
        try:
            while self._rest or self._pending or self._refusals:
                if not self._rest:
                    self._rest = memoryview(self._next())
                self._rest = self._rest[self._bus.socket.send(self._rest) :]
        except (BlockingIOError, InterruptedError):
            self._bus.loop.add_writer(self._bus.socket.fileno(), self._write)
            return
        except OSError as error:
            self._bus.lost(error)
            return
        self._waiting = False
        self._bus.loop.remove_writer(self._bus.socket.fileno())

    def _next(self) -> bytes:
        queue = self._pending or self._refusals
        return b"".join(queue.popleft() for _ in range(min(len(queue), _WRITTEN_TOGETHER)))


class _Bus(MessageBus):  # type: ignore[misc]  # dbus-next has no types
    """dbus-next's bus with its reader and writer replaced."""

    def __init__(
        self, address: str | None, kind: BusType, gate: Gate, handler: Handler, max_message: int
    ) -> None:
        super().__init__(bus_address=address, bus_type=kind, negotiate_unix_fd=True)
        self._writer = _Writer(self)
        self.framer = Framer(max_message)
        self._gate = gate
        self._handler = handler
        self._replies = ReplyWriter()
        self._draining = False
        self.loop: asyncio.AbstractEventLoop = self._loop
        self.socket: socket.socket = self._sock
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER)
        self.disconnected: asyncio.Future[None] = self._disconnect_future

    def lost(self, error: Exception) -> None:
        """Tear the connection down after a socket error."""
        for fd in self.framer.take_fds():
            os.close(fd)
        self._finalize(error)
        self._stream.close()
        self.socket.close()

    def _message_reader(self) -> None:
        try:
            data, fds = _receive(self.socket)
            self.framer.feed(data, fds)
        except (BlockingIOError, InterruptedError):
            return
        except (OSError, EOFError) as error:
            self.lost(error)
            return
        self._drain()

    def _drain(self) -> None:
        """Handle what there is for a turn; while more is held nothing is read: the rest waits in the bus."""
        if self._disconnected:
            return
        try:
            until = self.loop.time() + _TURN_SECONDS
            while self.loop.time() < until:
                frame = self.framer.next()
                if frame is None:
                    self._listen()
                    return
                self._take(frame)
        except HeadError as error:
            self.lost(error)
            return
        if not self._draining:
            self._draining = True
            self.loop.remove_reader(self.socket.fileno())
        self.loop.call_soon(self._drain)

    def _listen(self) -> None:
        if self._draining:
            self._draining = False
            self.loop.add_reader(self.socket.fileno(), self._message_reader)

    def _take(self, frame: Frame) -> None:
        try:
            refusal = self._gate(frame.head) if frame.head.kind == METHOD_CALL else None
            if refusal is None:
                self._decode(frame)
            elif not frame.head.flags & NO_REPLY_EXPECTED:
                self._writer.refuse(self._replies.reply(self.next_serial(), frame.head, *refusal))
        except Exception:
            _LOGGER.exception("a message from the bus could not be read")
        finally:
            for fd in frame.head.fds:
                if fd >= 0:
                    os.close(fd)

    def _decode(self, frame: Frame) -> None:
        message = Unmarshaller(BytesIO(frame.data)).unmarshall()
        message.unix_fds = frame.head.fds
        self._handler(message)
        if message.message_type in (MessageType.METHOD_RETURN, MessageType.ERROR):
            self._process_message(message)


def _receive(connection: socket.socket) -> tuple[bytes, list[int]]:
    """Read once, with the descriptors that come along; raises EOFError at the end."""
    room = socket.CMSG_SPACE(_MAX_FDS * array("i").itemsize)
    data, ancillary, _flags, _address = connection.recvmsg(_READ, room, socket.MSG_CMSG_CLOEXEC)
    fds = array("i")
    for level, kind, content in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            fds.frombytes(content[: len(content) - len(content) % fds.itemsize])
    if not data:
        raise EOFError("the bus closed the connection")
    return data, list(fds)


class Connection:
    """A connection to a message bus that survives floods; `lost` resolves when the bus is gone."""

    def __init__(self, gate: Gate, handler: Handler, max_message: int) -> None:
        self._gate = gate
        self._handler = handler
        self._max_message = max_message
        self._bus: _Bus | None = None
        self._left: list[Callable[[str], None]] = []

    async def connect(self, *, address: str | None = None, system: bool = False) -> None:
        """Connect and authenticate; raises OSError, or dbus-next's errors, when there is no bus."""
        kind = BusType.SYSTEM if system else BusType.SESSION
        self._bus = _Bus(address, kind, self._gate, self._dispatch, self._max_message)
        await self._bus.connect()

    def configure(self, max_message: int) -> None:
        """Hold messages of at most this many bytes from now on."""
        self._connected.framer.max_size = max_message

    async def own_name(self, name: str) -> None:
        """Own a bus name; raises NameTakenError when somebody else has it."""
        reply = await self._connected.request_name(name, NameFlag.DO_NOT_QUEUE)
        if reply not in (RequestNameReply.PRIMARY_OWNER, RequestNameReply.ALREADY_OWNER):
            raise NameTakenError(f"{name} is owned by another process")

    async def watch_leavers(self, left: Callable[[str], None]) -> None:
        """Call `left` with the unique name of every client that leaves the bus."""
        self._left.append(left)
        await self.call_bus("AddMatch", "s", [_LEFT_RULE])

    async def call_bus(self, member: str, signature: str, body: list[Any]) -> list[Any]:
        """Call a method of the bus itself and return the reply's body; raises DBusError."""
        message = Message(_BUS, "/org/freedesktop/DBus", _BUS, member, signature=signature, body=body)
        reply = await self._connected.call(message)
        if reply.message_type is MessageType.ERROR:
            raise DBusError(reply.error_name, str(reply.body[0]) if reply.body else "")
        return list(reply.body)

    def send(self, message: Message) -> None:
        """Queue a message; on a lost connection it is dropped."""
        if self._bus is not None and self._bus.connected:
            self._bus.send(message)

    async def wait_lost(self) -> None:
        """Return once the connection is gone."""
        gone = self._connected.disconnected
        await asyncio.wait([gone])  # unlike `await`, it leaves the future alone when the waiter gives up
        gone.exception()

    async def close(self) -> None:
        """Hang up; harmless when the connection is gone already."""
        if self._bus is not None and self._bus.connected:
            self._bus.disconnect()
            await self.wait_lost()

    @property
    def _connected(self) -> _Bus:
        if self._bus is None:
            raise RuntimeError("connect() comes first")
        return self._bus

    def _dispatch(self, message: Message) -> None:
        try:
            if message.message_type is MessageType.SIGNAL:
                self._signal(message)
            elif message.message_type is MessageType.METHOD_CALL:
                self._handler(message)
        except Exception:
            _LOGGER.exception("a message from the bus could not be handled")

    def _signal(self, message: Message) -> None:
        if message.member == "NameOwnerChanged" and message.sender == _BUS and message.signature == "sss":
            name, _old, new = message.body
            if name.startswith(":") and not new:
                for left in self._left:
                    left(name)
