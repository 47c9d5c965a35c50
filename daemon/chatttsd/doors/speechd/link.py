"""The bus as this module uses it: one connection, made when it is needed and made again when it is lost."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Final, Protocol

from dbus_next import Message, MessageFlag, MessageType

from chatttsd.constants import BUS_NAME, INTERFACE, OBJECT_PATH
from chatttsd.doors.speechd.connection import Connection, UnreachableError, connected

_DBUS: Final = "org.freedesktop.DBus"
_DBUS_PATH: Final = "/org/freedesktop/DBus"
_PROPERTIES: Final = "org.freedesktop.DBus.Properties"
_CALL_SECONDS: Final = 5.0
_START_SECONDS: Final = 25.0
_GONE: Final = frozenset(
    f"{_DBUS}.Error.{name}"
    for name in ("NoReply", "ServiceUnknown", "NameHasNoOwner", "Disconnected", "Timeout")
)


class LinkLostError(Exception):
    """The daemon left the bus, or the bus itself is gone, while something was under way."""


class RefusedError(Exception):
    """The daemon refused a call: `name` of the error and its message."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(name)
        self.name = name
        self.message = message


class Listener(Protocol):
    """Who hears of the daemon; called on the event loop."""

    def happened(self, member: str, body: Sequence[Any]) -> None:
        """Hear a signal of the daemon."""

    def appeared(self) -> None:
        """Hear that the daemon is on the bus."""

    def lost(self) -> None:
        """Hear that the daemon has left, with everything it was saying."""


class Link:
    """Talks to the daemon on the bus at `address`; an empty one is no bus at all."""

    def __init__(self, address: str, listener: Listener) -> None:
        self._address = address
        self._listener = listener
        self._bus: Connection | None = None
        self._owner = ""
        self._joining = asyncio.Lock()
        self._starting: asyncio.Task[None] | None = None
        self._watching: asyncio.Task[None] | None = None

    @property
    def there(self) -> bool:
        """Whether the daemon is on the bus as far as is known."""
        return bool(self._bus and self._bus.connected and self._owner)

    async def ready(self) -> None:
        """Return when the daemon is on the bus, started if need be; raises UnreachableError.

        All who wait at a time share one attempt: it may take long, and nobody is to wait for many in a row.
        """
        if self.there:
            return
        if self._starting is None or self._starting.done():
            self._starting = asyncio.create_task(self._bring())
        await asyncio.shield(self._starting)

    async def _bring(self) -> None:
        await self.prepare()
        if not self._owner:
            await self._start()

    async def prepare(self) -> None:
        """Connect to the bus without starting the daemon; raises UnreachableError."""
        async with self._joining:
            await self._join()

    async def _join(self) -> None:
        if self._bus and self._bus.connected:
            return
        if not self._address:
            raise UnreachableError("there is no session bus: DBUS_SESSION_BUS_ADDRESS is not set")
        bus = await connected(self._address)
        bus.add_message_handler(self._take)
        self._bus = bus
        self._watching = asyncio.create_task(self._watch(bus))
        own = f"type='signal',sender='{_DBUS}',member='NameOwnerChanged',arg0='{BUS_NAME}'"
        try:
            for rule in (own, f"type='signal',sender='{BUS_NAME}',interface='{INTERFACE}'"):
                await self._ask_bus("AddMatch", "s", [rule])
            await self._look()
        except (LinkLostError, RefusedError) as error:
            raise UnreachableError(f"the bus does not answer: {type(error).__name__}") from None

    async def speak(self, text: str, options: Mapping[str, str]) -> int:
        """Queue an utterance and return its id; raises RefusedError, LinkLostError, UnreachableError."""
        owner = self._owner
        calling = asyncio.create_task(self._call("SpeakWith", "sa{ss}", [text, dict(options)], seconds=None))
        await asyncio.wait([calling], timeout=_CALL_SECONDS)
        if not calling.done():
            calling.add_done_callback(self._disown)
            raise UnreachableError("chatttsd does not answer")
        body = calling.result()
        if self._owner != owner:
            raise LinkLostError  # it left right behind its answer, before anybody could know the id
        return int(body[0])

    def _disown(self, calling: asyncio.Task[list[Any]]) -> None:
        """Silence an utterance that was queued when nobody waited for it any more."""
        if not calling.cancelled() and calling.exception() is None:
            self.cancel(int(calling.result()[0]))

    def cancel(self, utterance: int) -> None:
        """Silence an utterance; nothing is waited for."""
        if self._bus and self._bus.connected:
            flags = MessageFlag.NO_REPLY_EXPECTED | MessageFlag.NO_AUTOSTART
            self._bus.send(_message("Cancel", "u", [utterance], flags))

    async def voices(self) -> list[tuple[str, list[str]]]:
        """Return id and languages of every voice; raises RefusedError, LinkLostError."""
        body = await self._property("Voices")
        return [(row[0], row[3]) for row in body]

    async def busy(self) -> bool:
        """Tell whether the daemon still answers and has something to say."""
        try:
            return bool(await self._property("State") != "idle")
        except LinkLostError:
            return False
        except RefusedError:
            return True

    async def close(self) -> None:
        """Leave the bus."""
        bus, self._bus = self._bus, None
        if bus is not None:
            await bus.leave()

    async def _property(self, name: str) -> Any:  # noqa: ANN401 - each has its own type
        body = await self._call("Get", "ss", [INTERFACE, name], interface=_PROPERTIES)
        return body[0].value

    async def _call(
        self,
        member: str,
        signature: str,
        body: list[Any],
        interface: str = INTERFACE,
        seconds: float | None = _CALL_SECONDS,
    ) -> list[Any]:
        message = _message(member, signature, body, MessageFlag.NO_AUTOSTART, interface)
        return await self._send(message, seconds)

    async def _ask_bus(
        self, member: str, signature: str, body: list[Any], seconds: float = _CALL_SECONDS
    ) -> list[Any]:
        message = Message(
            destination=_DBUS,
            path=_DBUS_PATH,
            interface=_DBUS,
            member=member,
            signature=signature,
            body=body,
        )
        return await self._send(message, seconds)

    async def _send(self, message: Message, seconds: float | None) -> list[Any]:
        bus = self._bus
        if bus is None or not bus.connected:
            raise LinkLostError
        try:
            async with asyncio.timeout(seconds):
                reply = await bus.call(message)
        except (OSError, EOFError, TimeoutError):
            raise LinkLostError from None
        if reply is None:
            raise LinkLostError
        if reply.message_type is MessageType.ERROR:
            if message.destination == BUS_NAME and reply.error_name in _GONE:
                raise LinkLostError
            raise RefusedError(reply.error_name, str(reply.body[0]) if reply.body else "")
        return list(reply.body)

    async def _start(self) -> None:
        """Make the bus start the daemon; raises UnreachableError."""
        try:
            await self._ask_bus("StartServiceByName", "su", [BUS_NAME, 0], _START_SECONDS)
            await self._look()
        except LinkLostError:
            pass
        except RefusedError as error:
            raise UnreachableError(f"chatttsd is not there, the bus cannot start it: {error.name}") from None
        if not self._owner:
            raise UnreachableError("chatttsd is not there, the bus has started it in vain")

    async def _look(self) -> None:
        """Ask who owns the daemon's name now."""
        try:
            owner = str((await self._ask_bus("GetNameOwner", "s", [BUS_NAME]))[0])
        except RefusedError:
            owner = ""
        if owner != self._owner:
            self._own(owner)

    def _own(self, owner: str) -> None:
        before, self._owner = self._owner, owner
        if before:
            self._listener.lost()
        if owner:
            self._listener.appeared()

    async def _watch(self, bus: Connection) -> None:
        await bus.wait_lost()
        if bus is self._bus:
            self._bus = None
            self._own("")

    def _take(self, message: Message) -> None:
        if message.message_type is not MessageType.SIGNAL:
            return
        if message.sender == _DBUS and message.member == "NameOwnerChanged" and message.body[0] == BUS_NAME:
            if message.body[2] != self._owner:
                self._own(message.body[2])
        elif message.interface == INTERFACE and message.sender == self._owner:
            self._listener.happened(message.member, message.body)


def _message(
    member: str, signature: str, body: list[Any], flags: MessageFlag, interface: str = INTERFACE
) -> Message:
    return Message(
        destination=BUS_NAME,
        path=OBJECT_PATH,
        interface=interface,
        member=member,
        signature=signature,
        body=body,
        flags=flags,
    )
