"""The client's side of `org.chattts.Speech1`: one connection, plain calls, signals."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

from dbus_next import AuthError, InvalidAddressError, Message, MessageFlag, MessageType, Variant
from dbus_next.aio import MessageBus

from chatttsd.constants import BUS_NAME, INTERFACE, OBJECT_PATH
from chatttsd.ctl import unit
from chatttsd.ctl.exits import UnansweredError
from chatttsd.ctl.faults import as_not_running, from_reply, not_running
from chatttsd.ctl.target import Target

CALL_TIMEOUT: Final = 30.0
"""Seconds that one answer may take unless `--timeout` says otherwise: longer than the bus's own 25."""

_CONNECT_TIMEOUT: Final = 5.0
_DBUS: Final = "org.freedesktop.DBus"
_SYSTEMD: Final = "org.freedesktop.systemd1"
_PROPERTIES: Final = "org.freedesktop.DBus.Properties"

SignalHandler = Callable[[str, list[Any]], None]


class Speech:
    """The daemon as a client sees it; errors are CommandError with the right exit code."""

    def __init__(self, bus: MessageBus, timeout: float) -> None:
        self._bus = bus
        self._timeout = timeout

    async def call(
        self,
        member: str,
        signature: str = "",
        body: Sequence[Any] = (),
        *,
        fds: Sequence[int] = (),
        start: bool = False,
        timeout: float | None = None,  # noqa: ASYNC109 - 0 must mean for ever
    ) -> Any:  # noqa: ANN401 - what the method returns is in the introspection
        """Call a method of the daemon and return its value (None without one).

        `start` allows the bus to start the daemon. `timeout` is in seconds, 0 waits for ever.
        """
        message = self._message(BUS_NAME, OBJECT_PATH, INTERFACE, member, signature, body, fds, start)
        return await self._send(message, self._timeout if timeout is None else timeout)

    async def properties(self) -> dict[str, Any]:
        """Return all properties of the daemon, variants unwrapped; never starts it."""
        message = self._message(BUS_NAME, OBJECT_PATH, _PROPERTIES, "GetAll", "s", [INTERFACE])
        values: Mapping[str, Any] = await self._send(message, self._timeout)
        return {name: plain(value) for name, value in values.items()}

    async def property(self, name: str, *, start: bool = False) -> Any:  # noqa: ANN401 - each has its own type
        """Return one property of the daemon, unwrapped; `start` allows the bus to start it."""
        body = [INTERFACE, name]
        message = self._message(BUS_NAME, OBJECT_PATH, _PROPERTIES, "Get", "ss", body, start=start)
        return plain(await self._send(message, self._timeout))

    async def running(self) -> bool:
        """Return whether the daemon's name has an owner."""
        return bool(await self._ask_bus("NameHasOwner", "s", [BUS_NAME]))

    async def activatable(self) -> bool:
        """Return whether the bus knows how to start the daemon."""
        return BUS_NAME in await self._ask_bus("ListActivatableNames")

    async def start(self) -> None:
        """Make the bus start the daemon, and return when its name has an owner."""
        await self._ask_bus("StartServiceByName", "su", [BUS_NAME, 0], of_daemon=True)

    async def bus_has_systemd(self) -> bool:
        """Return whether a systemd manager is on this bus, which could start units for it."""
        return bool(await self._ask_bus("NameHasOwner", "s", [_SYSTEMD]))

    async def listen(self, handler: SignalHandler) -> None:
        """Call `handler(member, arguments)` for each signal of the daemon, whoever runs it then."""
        await self._ask_bus("AddMatch", "s", [f"type='signal',sender='{BUS_NAME}',interface='{INTERFACE}'"])
        self._bus.add_message_handler(_signal_filter(INTERFACE, handler))

    async def watch_owner(self, handler: Callable[[bool], None]) -> None:
        """Call `handler(there)` whenever the daemon appears on the bus or leaves it."""
        rule = f"type='signal',sender='{_DBUS}',member='NameOwnerChanged',arg0='{BUS_NAME}'"
        await self._ask_bus("AddMatch", "s", [rule])

        def changed(member: str, body: list[Any]) -> None:
            if member == "NameOwnerChanged" and body[0] == BUS_NAME:
                handler(bool(body[2]))

        self._bus.add_message_handler(_signal_filter(_DBUS, changed))

    async def lost(self) -> None:
        """Return when the connection to the bus is gone."""
        with as_not_running("waiting for signals"):
            await self._bus.wait_for_disconnect()

    async def _ask_bus(
        self, member: str, signature: str = "", body: Sequence[Any] = (), *, of_daemon: bool = False
    ) -> Any:  # noqa: ANN401 - see call
        message = self._message(_DBUS, "/org/freedesktop/DBus", _DBUS, member, signature, body)
        return await self._send(message, self._timeout, of_daemon=of_daemon)

    @staticmethod
    def _message(
        destination: str,
        path: str,
        interface: str,
        member: str,
        signature: str,
        body: Sequence[Any],
        fds: Sequence[int] = (),
        start: bool = False,
    ) -> Message:
        return Message(
            destination=destination,
            path=path,
            interface=interface,
            member=member,
            signature=signature,
            body=list(body),
            unix_fds=list(fds),
            flags=MessageFlag.NONE if start else MessageFlag.NO_AUTOSTART,
        )

    async def _send(
        self,
        message: Message,
        timeout: float,  # noqa: ASYNC109 - 0 must mean for ever
        *,
        of_daemon: bool = True,
    ) -> Any:  # noqa: ANN401 - see call
        with as_not_running(message.member):
            if not self._bus.connected:
                raise EOFError
            try:
                # Not wait_for: on 3.11 it swallows a cancellation that meets the reply.
                async with asyncio.timeout(timeout or None):
                    reply = await self._bus.call(message)
            except TimeoutError:
                late = f"does not answer ({message.member}, {timeout:g} s)"
                raise (
                    UnansweredError(f"chatttsd {late}") if of_daemon else not_running(f"the bus {late}")
                ) from None
        if reply is None:
            raise not_running(f"{message.member}: the connection was closed")
        if reply.message_type is MessageType.ERROR:
            raise from_reply(reply)
        return reply.body[0] if reply.body else None


@asynccontextmanager
async def connect(target: Target, timeout: float | None = None) -> AsyncIterator[Speech]:  # noqa: ASYNC109 - of each call
    """Connect to the bus of `target`; raises CommandError (3) naming the address when it cannot.

    An UnansweredError that leaves it becomes one that says what to do.
    """
    address = target.address(os.environ)
    bus = await _open(address)
    try:
        yield Speech(bus, CALL_TIMEOUT if timeout is None else timeout)
    except UnansweredError as error:
        raise UnansweredError(f"{error}; {unit.next_step(target, unit.show(target))}") from None
    finally:
        await bus.leave()


async def _open(address: str) -> "_Connection":
    try:
        with as_not_running(f"cannot connect to the bus at {address}"):
            bus = _Connection(bus_address=address, negotiate_unix_fd=True)
            try:
                async with asyncio.timeout(_CONNECT_TIMEOUT):
                    await bus.connect()
            except BaseException:
                bus.close()
                raise
    except (InvalidAddressError, AuthError) as error:
        raise not_running(f"cannot connect to the bus at {address}: {type(error).__name__}") from None
    return bus


class _Connection(MessageBus):  # type: ignore[misc]  # dbus-next has no types
    """A MessageBus that closes its socket; upstream leaves that to the garbage collector."""

    def _setup_socket(self) -> None:
        self._stream = self._sock = None
        try:
            super()._setup_socket()
        except BaseException:
            self.close()
            raise

    async def leave(self) -> None:
        """Disconnect in good order, within a second."""
        if self.connected:
            self.disconnect()
        gone = asyncio.gather(self.wait_for_disconnect(), return_exceptions=True)
        await asyncio.wait([gone], timeout=1.0)
        self.close()

    def close(self) -> None:
        """Close the socket at once."""
        for each in (self._stream, self._sock):
            if each is not None:
                each.close()


def _signal_filter(interface: str, handler: SignalHandler) -> Callable[[Message], None]:
    def filtered(message: Message) -> None:
        if message.message_type is MessageType.SIGNAL and message.interface == interface:
            handler(message.member, message.body)

    return filtered


def plain(value: Any) -> Any:  # noqa: ANN401 - any D-Bus value
    """Return a D-Bus value without its variants, at any depth."""
    if isinstance(value, Variant):
        return plain(value.value)
    if isinstance(value, dict):
        return {key: plain(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [plain(entry) for entry in value]
    return value
