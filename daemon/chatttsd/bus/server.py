"""Answers method calls to exported interfaces: quotas first, then exactly one reply, whatever happens."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from dbus_next import Message, MessageFlag, Variant

from chatttsd.bus import errors, introspection
from chatttsd.bus.errors import BusError
from chatttsd.bus.head import Head
from chatttsd.bus.interface import Call, Interface, Method, is_awaitable, reply_body
from chatttsd.bus.transport import Connection, Refusal
from chatttsd.speech.limits import Limits
from chatttsd.speech.quota import CallQuota

_LOGGER = logging.getLogger(__name__)
_INTROSPECTABLE: Final = "org.freedesktop.DBus.Introspectable"
_PROPERTIES: Final = "org.freedesktop.DBus.Properties"
_PEER: Final = "org.freedesktop.DBus.Peer"
_READS_A_CALL: Final = 5
_CONTROLS_A_CALL: Final = 4
_CROWD_A_CALL: Final = 4
_CROWD_AT_ONCE: Final = 10
_COSTS: Final = {"GetAll": 20.0, "Introspect": 5.0}


class ObjectServer:
    """Exports interfaces on one connection and answers every call to them exactly once."""

    def __init__(self, limits: Limits, max_message: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._limits = limits
        self._max_message = max_message
        self._clock = clock
        self._quotas = _quotas(limits)
        self._objects: dict[str, dict[str, Interface]] = {}
        self._documents: dict[str, str] = {}
        self._tasks: set[asyncio.Future[Any]] = set()
        self._declined: set[str] = set()
        """Clients of which the journal has said that calls were dropped."""
        self.connection = Connection(self._gate, self._handle, max_message)

    def export(self, path: str, interface: Interface) -> None:
        """Make an interface callable at a path."""
        self._objects.setdefault(path, {})[interface.name] = interface
        self._documents.clear()

    def configure(self, limits: Limits, max_message: int) -> None:
        """Use other limits for calls from now on."""
        if limits == self._limits:
            return  # what callers have used up stays used up
        self._limits = limits
        self._max_message = max_message
        self._quotas = _quotas(limits)
        self.connection.configure(max_message)

    def sender_left(self, sender: str) -> None:
        """Forget what is remembered of a client."""
        self._declined.discard(sender)
        for quota in self._quotas.all:
            quota.forget(sender)

    def emit(self, path: str, interface: Interface, name: str, *arguments: object) -> None:
        """Broadcast a signal."""
        signal = next(item for item in interface.signals if item.name == name)
        self._signal(path, interface.name, name, signal.signature, list(arguments))

    def emit_to(self, client: str, path: str, interface: Interface, name: str, *arguments: object) -> None:
        """Send a signal to one client only."""
        signal = next(item for item in interface.signals if item.name == name)
        message = Message.new_signal(path, interface.name, name, signal.signature, list(arguments))
        message.destination = client
        self.connection.send(message)

    def properties_changed(self, path: str, interface: Interface, *names: str) -> None:
        """Broadcast PropertiesChanged with the present values."""
        changed = {name: interface.get(name) for name in names}
        self._signal(path, _PROPERTIES, "PropertiesChanged", "sa{sv}as", [interface.name, changed, []])

    async def close(self) -> None:
        """Answer what is still waiting with an error, then hang up."""
        for task in list(self._tasks):
            task.cancel()
        while self._tasks:
            await asyncio.wait(self._tasks)
            await asyncio.sleep(0)  # the answers are sent by callbacks of the tasks
        await self.connection.close()

    def _signal(self, path: str, interface: str, member: str, signature: str, body: list[Any]) -> None:
        self.connection.send(Message.new_signal(path, interface, member, signature, body))

    def _gate(self, head: Head) -> Refusal | None:
        """Refuse what is over its quota or too long before it is decoded."""
        interface = self._objects.get(head.path, {}).get(head.interface)
        found = interface.methods.get(head.member) if interface else None
        refusal = self._refusal(head, found)
        if refusal is None or interface is None or found is None or not found.crowded:
            return refusal
        interface.decline(head.fds)
        self._tell_declined(head, refusal)
        return "", ""

    def _refusal(self, head: Head, found: Method | None) -> Refusal | None:
        quota = self._quotas.reads if head.interface in _STANDARD else self._quotas.of(found)
        if not quota.admit(head.sender, self._clock(), _COSTS.get(head.member, 1.0)):
            return errors.LIMITS_EXCEEDED, f"too many calls from this client, allowed: {quota.rule}"
        if head.size > self._max_message:
            error = errors.message_too_long(head.size, self._max_message)
            return error.name, str(error)
        return None

    def _tell_declined(self, head: Head, refusal: Refusal) -> None:
        """Say once of each client that calls of it come to nothing, which no reply tells it."""
        if head.sender not in self._declined:
            self._declined.add(head.sender)
            _LOGGER.warning("calls of %s.%s are dropped: %s", head.interface, head.member, refusal[1])

    def _handle(self, message: Message) -> None:
        """Answer one call; everything up to the reply happens here, before any task exists."""
        try:
            self._answer(message)
        except BusError as error:
            self._fail(message, error)
        except Exception:
            _LOGGER.exception("%s failed", _shown(message))
            self._fail(message, errors.internal())

    def _answer(self, message: Message) -> None:
        interfaces = self._objects.get(message.path)
        standard = _STANDARD.get(message.interface or _STANDARD_OWNER.get(message.member, ""))
        if standard is not None:
            signature, body = standard(self, message)
            self._reply(message, signature, body)
            return
        if interfaces is None:
            raise errors.unknown_object(message.path)
        interface = _pick(interfaces, message)
        found = interface.find(message.member, message.signature)
        result = found.function(interface, Call(message.sender, message.unix_fds), *message.body)
        if is_awaitable(result):
            self._answer_later(message, found, result)
        else:
            self._reply(message, found.result, reply_body(found, result))

    def _answer_later(self, message: Message, found: Method, result: Awaitable[Any]) -> None:
        task = asyncio.ensure_future(result)
        self._tasks.add(task)
        task.add_done_callback(lambda done: self._finish(message, found, done))

    def _finish(self, message: Message, found: Method, task: asyncio.Future[Any]) -> None:
        self._tasks.discard(task)
        if task.cancelled():
            self._fail(message, errors.cancelled())
            return
        error = task.exception()
        if error is None:
            self._reply(message, found.result, reply_body(found, task.result()))
        elif isinstance(error, BusError):
            self._fail(message, error)
        else:
            _LOGGER.error("%s failed", _shown(message), exc_info=error)
            self._fail(message, errors.internal())

    def _reply(self, message: Message, signature: str, body: list[Any]) -> None:
        if not message.flags & MessageFlag.NO_REPLY_EXPECTED:
            self.connection.send(Message.new_method_return(message, signature, body))

    def _fail(self, message: Message, error: BusError) -> None:
        if not message.flags & MessageFlag.NO_REPLY_EXPECTED:
            self.connection.send(Message.new_error(message, error.name, str(error)))

    def _introspect(self, message: Message) -> tuple[str, list[Any]]:
        kept = self._documents.get(message.path)
        if kept is not None:
            return "s", [kept]
        path = message.path.rstrip("/")
        below = [p[len(path) + 1 :].split("/")[0] for p in self._objects if p.startswith(path + "/")]
        interfaces = self._objects.get(message.path, {})
        if not interfaces and not below:
            raise errors.unknown_object(message.path)
        document = introspection.document(interfaces.values(), sorted(set(below)))
        self._documents[message.path] = document
        return "s", [document]

    def _properties(self, message: Message) -> tuple[str, list[Any]]:
        wanted = {"Get": "ss", "GetAll": "s", "Set": "ssv"}.get(message.member)
        if wanted is None:
            raise errors.unknown_method(f"{_PROPERTIES} has no method '{message.member[:80]}'")
        if message.signature != wanted:
            raise errors.invalid_args(
                f"{message.member}: got arguments of type '{message.signature[:80]}', allowed: '{wanted}'"
            )
        interface = self._named_interface(message.path, message.body[0])
        if message.member == "Get":
            name = message.body[1]
            self._quotas.reads.admit(message.sender, self._clock(), interface.cost(name) - 1)
            return "v", [interface.get(name)]
        if message.member == "GetAll":
            return "a{sv}", [interface.get_all()]
        name, value = message.body[1], message.body[2]
        interface.set(name, value if isinstance(value, Variant) else Variant("s", str(value)))
        return "", []

    def _named_interface(self, path: str, name: str) -> Interface:
        interfaces = self._objects.get(path)
        if interfaces is None:
            raise errors.unknown_object(path)
        if name not in interfaces:
            raise errors.unknown_interface(f"{path} has no interface '{name[:80]}'")
        return interfaces[name]

    def _peer(self, message: Message) -> tuple[str, list[Any]]:
        if message.member == "Ping":
            return "", []
        if message.member == "GetMachineId":
            return "s", [_machine_id()]
        raise errors.unknown_method(f"{_PEER} has no method '{message.member[:80]}'")


_STANDARD: Final = {
    _INTROSPECTABLE: ObjectServer._introspect,  # noqa: SLF001 - this module's own table
    _PROPERTIES: ObjectServer._properties,  # noqa: SLF001 - likewise
    _PEER: ObjectServer._peer,  # noqa: SLF001 - likewise
}
# A call without an interface is allowed by the specification; dbus-send never makes one.
_STANDARD_OWNER: Final = {"Introspect": _INTROSPECTABLE, "Ping": _PEER}


@dataclass(frozen=True, slots=True)
class _Quotas:
    """Quotas by what a call does, so that no kind of call uses up another's."""

    calls: CallQuota
    reads: CallQuota
    """Properties and introspection."""
    controls: CallQuota
    """What stops the voice: far more than anybody needs, so that it always gets through."""
    crowds: CallQuota
    """What a client asks for many times at once, and where it does not survive being refused."""

    @property
    def all(self) -> tuple[CallQuota, ...]:
        """Every quota."""
        return self.calls, self.reads, self.controls, self.crowds

    def of(self, called: Method | None) -> CallQuota:
        """Return the quota of a method, or of one that does not exist."""
        if called is not None and called.free:
            return self.controls
        return self.crowds if called is not None and called.crowded else self.calls


def _quotas(limits: Limits) -> _Quotas:
    return _Quotas(
        CallQuota(limits),
        CallQuota(_times(limits, _READS_A_CALL)),
        CallQuota(_times(limits, _CONTROLS_A_CALL)),
        CallQuota(replace(_times(limits, _CROWD_A_CALL), call_burst=_CROWD_AT_ONCE * limits.call_burst)),
    )


def _times(limits: Limits, factor: int) -> Limits:
    """Return limits with a rate so many times as high, and as many calls at once as in a second."""
    rate = factor * limits.calls_per_second
    return replace(limits, calls_per_second=rate, call_burst=max(1, int(rate)))


def _machine_id() -> str:
    """Return machine-id(5); raises BusError where there is none."""
    try:
        return Path("/etc/machine-id").read_text(encoding="ascii").strip()
    except OSError as error:
        raise errors.no_machine_id(error.strerror or "") from None


def _pick(interfaces: dict[str, Interface], message: Message) -> Interface:
    if message.interface is None:
        return next(
            (i for i in interfaces.values() if message.member in i.methods), next(iter(interfaces.values()))
        )
    found = interfaces.get(message.interface)
    if found is None:
        raise errors.unknown_interface(f"{message.path} has no interface '{message.interface[:80]}'")
    return found


def _shown(message: Message) -> str:
    """Return the name of the called method: safe to log, since no argument is in it."""
    return f"{message.interface}.{message.member}"
