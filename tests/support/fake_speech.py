"""A scripted `org.chattts.Speech1` on a real bus, with jeepney: independent of the library under test.

It answers as it is told, wrongly, late or never; for a service that speaks, start the real daemon.
"""

import contextlib
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Final, Self

from jeepney import DBusAddress, HeaderFields, MessageType, new_error, new_method_return, new_signal
from jeepney.bus_messages import message_bus
from jeepney.fds import NoFDError
from jeepney.io.blocking import open_dbus_connection

from chatttsd.constants import BUS_NAME, INTERFACE, OBJECT_PATH


@dataclass(frozen=True)
class Value:
    """A reply: D-Bus signature and arguments."""

    signature: str = ""
    body: tuple[Any, ...] = ()


@dataclass(frozen=True)
class Fault:
    """An error reply."""

    name: str
    text: str


class Hang:
    """No reply at all."""


class Die:
    """No reply, and the service leaves the bus."""


Answer = Value | Fault | Hang | Die


@dataclass
class Asked:
    """A call that came in."""

    member: str
    body: tuple[Any, ...]
    may_start: bool
    fds: list[Any] = field(default_factory=list)


Script = Answer | Callable[[Asked], Answer]

NO_AUTOSTART: Final = 2
FINISHED: Final = Value("s", ("finished",))
PROPERTIES: Final[Mapping[str, tuple[str, Any]]] = {
    "Version": ("s", "0.1.0"),
    "State": ("s", "idle"),
    "ModelState": ("s", "absent"),
    "Engine": ("s", "espeak-ng"),
    "Reason": ("s", ""),
    "Voices": (
        "a(sssas)",
        [("cmn", "Chinese", "espeak-ng", ["zh", "cmn"]), ("en-gb", "English", "espeak-ng", ["en-GB"])],
    ),
    "QueueLength": ("u", 0),
    "Current": ("u", 0),
    "DefaultVoice": ("s", "cmn"),
    "Rate": ("d", 1.0),
    "Volume": ("d", 1.0),
    "Statistics": ("a{sv}", {"utterances": ("t", 3), "stop_p95": ("d", 12.5)}),
}
ANSWERS: Final[Mapping[str, Script]] = {
    "Speak": Value("u", (7,)),
    "SpeakWith": Value("u", (7,)),
    "Wait": FINISHED,
    "Cancel": Value(),
    "CancelAll": Value(),
    "Pause": Value(),
    "Resume": Value(),
    "Skip": Value(),
    "Reload": Value(),
    "LoadModel": Value(),
    "UnloadModel": Value(),
}


def writes(samples: bytes, pieces: int = 1) -> Callable[[Asked], Answer]:
    """Make an answer to Synthesize that writes `samples` in so many pieces, then closes."""

    def answer(asked: Asked) -> Answer:
        pipe = asked.fds[0].to_file("wb", buffering=0)
        step = max(1, -(-len(samples) // pieces))

        def write() -> None:
            with contextlib.suppress(BrokenPipeError), pipe:
                for start in range(0, len(samples), step):
                    view = memoryview(samples)[start : start + step]
                    while view:
                        view = view[pipe.write(view) :]

        threading.Thread(target=write, daemon=True).start()
        return Value("u", (9,))

    return answer


class FakeSpeech:
    """Owns the daemon's name on the bus at `address`; use it as a context manager.

    `answers` replaces entries of ANSWERS, `properties` those of PROPERTIES; `asked` holds every call.
    """

    def __init__(
        self,
        address: str,
        answers: Mapping[str, Script] | None = None,
        properties: Mapping[str, tuple[str, Any]] | None = None,
    ) -> None:
        self.answers = {**ANSWERS, **(answers or {})}
        self.properties = {**PROPERTIES, **(properties or {})}
        self.asked: list[Asked] = []
        self._arrived = threading.Condition()
        self._sending = threading.Lock()
        self._connection = open_dbus_connection(bus=address, enable_fds=True)
        self._owned = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        # Not send_and_get_reply: it would drop the call for which the bus has started this service.
        self._send(message_bus.RequestName(BUS_NAME))
        assert self._owned.wait(20), "the bus did not give the name"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with contextlib.suppress(OSError):
            self._connection.sock.shutdown(2)
        self._thread.join(10)
        self._connection.close()

    def wait_for(self, member: str, seconds: float = 20.0) -> Asked:
        """Return the first call of `member`, waiting for it; raises AssertionError when it does not come."""
        with self._arrived:
            found = self._arrived.wait_for(lambda: self.calls(member), seconds)
        assert found, f"{member} was not called"
        return self.calls(member)[0]

    def calls(self, member: str) -> list[Asked]:
        """Return every call of `member` so far."""
        return [asked for asked in self.asked if asked.member == member]

    def emit(self, member: str, signature: str, body: tuple[Any, ...]) -> None:
        """Broadcast a signal."""
        emitter = DBusAddress(OBJECT_PATH, interface=INTERFACE)
        self._send(new_signal(emitter, member, signature, body))

    def _send(self, message: Any) -> None:  # noqa: ANN401 - jeepney has no types
        with self._sending:
            self._connection.send(message)

    def _serve(self) -> None:
        with contextlib.suppress(OSError, EOFError):
            while True:
                message = self._connection.receive()
                if message.header.message_type is MessageType.method_call:
                    self._answer(message)
                elif message.header.message_type is MessageType.method_return:
                    self._owned.set()

    def _answer(self, message: Any) -> None:  # noqa: ANN401 - jeepney has no types
        fields = message.header.fields
        member = fields[HeaderFields.member]
        count = fields.get(HeaderFields.unix_fds, 0)
        fds = [entry for entry in message.body if hasattr(entry, "to_file")] if count else []
        asked = Asked(member, message.body, not message.header.flags & NO_AUTOSTART, fds)
        with self._arrived:
            self.asked.append(asked)
            self._arrived.notify_all()
        self._reply(message, self._choose(asked))
        for fd in fds:
            with contextlib.suppress(NoFDError):  # a script that took it over closes it
                fd.close()

    def _choose(self, asked: Asked) -> Answer:
        script = self.answers.get(asked.member)
        if script is not None:
            return script(asked) if callable(script) else script
        if asked.member == "GetAll":
            return Value("a{sv}", (dict(self.properties),))
        if asked.member == "Get" and asked.body[1] in self.properties:
            return Value("v", (self.properties[asked.body[1]],))
        return Fault("org.freedesktop.DBus.Error.UnknownMethod", "no such thing")

    def _reply(self, message: Any, answer: Answer) -> None:  # noqa: ANN401 - jeepney has no types
        if isinstance(answer, Value):
            self._send(new_method_return(message, answer.signature or None, answer.body))
        elif isinstance(answer, Fault):
            self._send(new_error(message, answer.name, "s", (answer.text,)))
        elif isinstance(answer, Die):
            self._connection.sock.shutdown(2)


class NameOwner:
    """Owns a name on the bus at `address` and answers nothing; use it as a context manager."""

    def __init__(self, address: str, name: str) -> None:
        self._name = name
        self._connection = open_dbus_connection(bus=address)

    def __enter__(self) -> Self:
        self._connection.send_and_get_reply(message_bus.RequestName(self._name))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()
