"""Every call to an exported interface is answered exactly once, whatever the method does."""

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from jeepney import DBusAddress, MatchRule, Message, MessageType, new_method_call
from jeepney.bus_messages import message_bus
from jeepney.io.asyncio import DBusRouter, open_dbus_connection
from jeepney.io.blocking import open_dbus_connection as open_blocking

from chatttsd.bus import errors
from chatttsd.bus.interface import Call, Interface, Signal, method, readable
from chatttsd.bus.server import ObjectServer
from chatttsd.bus.transport import NameTakenError
from chatttsd.speech.limits import Limits
from support.private_bus import PrivateBus

NAME, PATH = "test.Server1", "/test/Server1"
PRIVATE = "words that no reply may hold"


class Sample(Interface):
    """An interface with one method of every behaviour."""

    name = "test.Sample1"
    signals = (Signal("Happened", (("what", "s"),), "It happened."),)

    def __init__(self) -> None:
        super().__init__()
        self.senders: list[str] = []
        self.kept: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self.level_value = 3
        self.forever: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    @method("text s", "length u")
    def measure(self, call: Call, text: str) -> int:
        """Return the length."""
        self.senders.append(call.sender)
        return len(text)

    @method("", "a s, b s")
    def pair(self, _call: Call) -> tuple[str, str]:
        """Return two results."""
        return "a", "b"

    @method(free=True)
    def stop(self, _call: Call) -> None:
        """Return nothing, and count against no quota."""

    @method()
    def explode(self, _call: Call) -> None:
        """Fail with a secret in the message."""
        raise RuntimeError(PRIVATE)

    @method()
    async def explode_later(self, _call: Call) -> None:
        """Fail in a task."""
        await asyncio.sleep(0)
        raise RuntimeError(PRIVATE)

    @method()
    async def refuse_later(self, _call: Call) -> None:
        """Refuse in a task."""
        raise errors.model_unavailable("there is no model")

    @method("", "answer s")
    def wait(self, _call: Call) -> asyncio.Future[str]:
        """Answer later or never."""
        return self.forever

    @method("fd h", "size u")
    def keep(self, call: Call, fd: int) -> int:
        """Take a descriptor."""
        self.kept.set_result(call.take_fd(fd))
        return len(call.fds)

    @readable("u", setter="_set_level")
    def level(self) -> int:
        """A level."""
        return self.level_value

    @readable("s", cost=10)
    def dear(self) -> str:
        """A property that costs much to read."""
        return "dear"

    @readable("s", emits="const")
    def fixed(self) -> str:
        """A constant."""
        return "fixed"

    def _set_level(self, value: int) -> None:
        if value > 9:
            raise errors.invalid_args(f"level: got {value}, allowed: 0 to 9")
        self.level_value = value


@pytest.fixture
def bus() -> Iterator[PrivateBus]:
    with PrivateBus() as bus:
        yield bus


@pytest.fixture
async def sample() -> Sample:
    return Sample()


@pytest.fixture
async def server(bus: PrivateBus, sample: Sample) -> AsyncIterator[ObjectServer]:
    server = ObjectServer(Limits(), max_message=100_000)
    server.export(PATH, sample)
    await server.connection.connect(address=bus.address)
    await server.connection.own_name(NAME)
    yield server
    await server.close()


@pytest.fixture
async def client(bus: PrivateBus, server: ObjectServer) -> AsyncIterator[DBusRouter]:
    connection = await open_dbus_connection(bus=bus.address)
    async with connection, DBusRouter(connection) as router:
        yield router


async def call(
    client: DBusRouter, member: str, signature: str = "", body: tuple[Any, ...] = (), **at: str
) -> Message:
    address = DBusAddress(at.get("path", PATH), NAME, at.get("interface", Sample.name))
    message = new_method_call(address, member, signature or None, body)
    return await asyncio.wait_for(client.send_and_get_reply(message), 10)


def error_of(reply: Message) -> tuple[str, str]:
    assert reply.header.message_type is MessageType.error
    return reply.header.fields[4], reply.body[0]


async def test_a_method_answers_and_knows_its_caller(client: DBusRouter, sample: Sample) -> None:
    reply = await call(client, "Measure", "s", ("你好",))
    assert reply.body == (2,)
    assert sample.senders == [client.unique_name]


async def test_a_method_may_have_two_results(client: DBusRouter) -> None:
    assert (await call(client, "Pair")).body == ("a", "b")


@pytest.mark.parametrize("member", ["Explode", "ExplodeLater"])
async def test_a_fault_tells_the_caller_nothing_and_the_journal_no_message(
    client: DBusRouter, member: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    name, message = error_of(await call(client, member))
    assert name == "org.chattts.Speech1.Error.Internal"
    assert message == "internal error; the journal of chatttsd has the details"
    assert f"{member} failed" in caplog.text


async def test_a_refusal_in_a_task_reaches_the_caller(client: DBusRouter) -> None:
    assert error_of(await call(client, "RefuseLater")) == (
        "org.chattts.Speech1.Error.ModelUnavailable",
        "there is no model",
    )


async def test_a_call_that_waits_is_answered_when_its_future_is_done(
    client: DBusRouter, sample: Sample
) -> None:
    waiting = asyncio.ensure_future(call(client, "Wait"))
    await call(client, "Stop")
    sample.forever.set_result("done")
    assert (await waiting).body == ("done",)


async def test_closing_answers_who_still_waits(client: DBusRouter, server: ObjectServer) -> None:
    waiting = asyncio.ensure_future(call(client, "Wait"))
    await call(client, "Stop")
    await server.close()
    assert error_of(await waiting)[0] == "org.chattts.Speech1.Error.Cancelled"


UNKNOWN = "org.freedesktop.DBus.Error.Unknown"
INVALID = "org.freedesktop.DBus.Error.InvalidArgs"
WRONG = [
    ("Measure", "u", (1,), {}, INVALID, "Measure: got arguments of type 'u', allowed: 's'"),
    ("Measure", "", (), {}, INVALID, "Measure: got arguments of type '', allowed: 's'"),
    ("Stop", "s", ("x",), {}, INVALID, "Stop: got arguments of type 's', allowed: ''"),
    ("Nothing", "", (), {}, UNKNOWN + "Method", "test.Sample1 has no method 'Nothing'"),
    ("Measure", "s", ("x",), {"path": "/no"}, UNKNOWN + "Object", "there is no object at /no"),
    ("Measure", "s", ("x",), {"interface": "no.I"}, UNKNOWN + "Interface", f"{PATH} has no interface 'no.I'"),
]


@pytest.mark.parametrize(("member", "signature", "body", "at", "name", "message"), WRONG)
async def test_a_wrong_call_says_what_came_and_what_is_allowed(
    client: DBusRouter,
    member: str,
    signature: str,
    body: tuple[Any, ...],
    at: dict[str, str],
    name: str,
    message: str,
) -> None:
    assert error_of(await call(client, member, signature, body, **at)) == (name, message)


PROPERTIES = "org.freedesktop.DBus.Properties"
WRONG_PROPERTIES = [
    ("Get", "ss", (Sample.name, "Nope"), UNKNOWN + "Property", "test.Sample1 has no property 'Nope'"),
    ("Get", "ss", ("no.I", "Level"), UNKNOWN + "Interface", f"{PATH} has no interface 'no.I'"),
    ("Get", "s", (Sample.name,), INVALID, "Get: got arguments of type 's', allowed: 'ss'"),
    ("Take", "", (), UNKNOWN + "Method", f"{PROPERTIES} has no method 'Take'"),
    (
        "Set",
        "ssv",
        (Sample.name, "Level", ("s", "x")),
        INVALID,
        "Level: got a value of type 's', allowed: 'u'",
    ),
    ("Set", "ssv", (Sample.name, "Level", ("u", 10)), INVALID, "level: got 10, allowed: 0 to 9"),
    (
        "Set",
        "ssv",
        (Sample.name, "Fixed", ("s", "x")),
        "org.freedesktop.DBus.Error.PropertyReadOnly",
        "test.Sample1.Fixed can only be read",
    ),
]


@pytest.mark.parametrize(("member", "signature", "body", "name", "message"), WRONG_PROPERTIES)
async def test_a_wrong_property_call_says_what_came_and_what_is_allowed(
    client: DBusRouter, member: str, signature: str, body: tuple[Any, ...], name: str, message: str
) -> None:
    reply = await call(client, member, signature, body, interface=PROPERTIES)
    assert error_of(reply) == (name, message)


async def test_properties_are_read_and_set(client: DBusRouter) -> None:
    await call(client, "Set", "ssv", (Sample.name, "Level", ("u", 7)), interface=PROPERTIES)
    reply = await call(client, "GetAll", "s", (Sample.name,), interface=PROPERTIES)
    assert reply.body == ({"Level": ("u", 7), "Dear": ("s", "dear"), "Fixed": ("s", "fixed")},)
    reply = await call(client, "Get", "ss", (Sample.name, "Level"), interface=PROPERTIES)
    assert reply.body == (("u", 7),)


async def test_peer_and_introspection_are_answered(client: DBusRouter) -> None:
    assert (await call(client, "Ping", interface="org.freedesktop.DBus.Peer")).body == ()
    introspectable = "org.freedesktop.DBus.Introspectable"
    assert '<method name="Measure">' in (await call(client, "Introspect", interface=introspectable)).body[0]
    root = await call(client, "Introspect", interface=introspectable, path="/")
    assert '<node name="test" />' in root.body[0]


async def test_signals_and_changed_properties_are_broadcast(
    client: DBusRouter, server: ObjectServer, sample: Sample
) -> None:
    await client.send_and_get_reply(message_bus.AddMatch(MatchRule(type="signal", path=PATH)))
    with client.filter(MatchRule(type="signal", path=PATH), bufsize=10) as queue:
        server.emit(PATH, sample, "Happened", "now")
        server.properties_changed(PATH, sample, "Level")
        assert (await asyncio.wait_for(queue.get(), 10)).body == ("now",)
        assert (await asyncio.wait_for(queue.get(), 10)).body == (Sample.name, {"Level": ("u", 3)}, [])


async def test_over_the_quota_calls_are_refused_but_stopping_never(bus: PrivateBus) -> None:
    clock = 0.0
    server = ObjectServer(Limits(calls_per_second=5, call_burst=3), max_message=100_000, clock=lambda: clock)
    server.export(PATH, Sample())
    await server.connection.connect(address=bus.address)
    await server.connection.own_name(NAME)
    connection = await open_dbus_connection(bus=bus.address)
    async with connection, DBusRouter(connection) as client:
        replies = [await call(client, "Measure", "s", ("x",)) for _ in range(4)]
        assert [reply.header.message_type for reply in replies[:3]] == [MessageType.method_return] * 3
        assert error_of(replies[3]) == (
            "org.freedesktop.DBus.Error.LimitsExceeded",
            "too many calls from this client, allowed: 5 a second, 3 at once",
        )
        assert (await call(client, "Stop")).header.message_type is MessageType.method_return
        clock = 1.0
        assert (await call(client, "Measure", "s", ("x",))).body == (1,)
    await server.close()


@pytest.mark.parametrize(
    ("interface", "member", "signature", "body", "admitted"),
    [
        (Sample.name, "Stop", "", (), 20),
        (PROPERTIES, "Get", "ss", (Sample.name, "Level"), 25),
        (PROPERTIES, "Get", "ss", (Sample.name, "Dear"), 3),
        (PROPERTIES, "GetAll", "s", (Sample.name,), 2),
        ("org.freedesktop.DBus.Introspectable", "Introspect", "", (), 5),
    ],
)
async def test_what_costs_time_has_a_quota_of_its_own_and_calls_do_not_pay_for_it(
    bus: PrivateBus, interface: str, member: str, signature: str, body: tuple[Any, ...], admitted: int
) -> None:
    server = ObjectServer(Limits(calls_per_second=5, call_burst=3), max_message=100_000, clock=lambda: 0.0)
    server.export(PATH, Sample())
    await server.connection.connect(address=bus.address)
    await server.connection.own_name(NAME)
    connection = await open_dbus_connection(bus=bus.address)
    async with connection, DBusRouter(connection) as client:
        replies = [await call(client, member, signature, body, interface=interface) for _ in range(40)]
        answered = [reply.header.message_type is MessageType.method_return for reply in replies]
        assert answered == [True] * admitted + [False] * (40 - admitted)
        assert (await call(client, "Measure", "s", ("x",))).body == (1,)
    await server.close()


async def test_taking_the_same_limits_again_forgives_nobody(bus: PrivateBus) -> None:
    limits = Limits(calls_per_second=5, call_burst=1)
    server = ObjectServer(limits, max_message=100_000, clock=lambda: 0.0)
    server.export(PATH, Sample())
    await server.connection.connect(address=bus.address)
    await server.connection.own_name(NAME)
    connection = await open_dbus_connection(bus=bus.address)
    async with connection, DBusRouter(connection) as client:
        await call(client, "Measure", "s", ("x",))
        server.configure(Limits(calls_per_second=5, call_burst=1), 100_000)
        assert error_of(await call(client, "Measure", "s", ("x",)))[0].endswith("LimitsExceeded")
    await server.close()


async def test_a_too_long_message_is_refused_by_its_size_and_the_next_is_answered(client: DBusRouter) -> None:
    name, message = error_of(await call(client, "Measure", "s", ("x" * 30_000_000,)))
    assert name == "org.chattts.Speech1.Error.TextTooLong"
    assert message.endswith("allowed: at most 100000")
    assert (await call(client, "Measure", "s", ("x",))).body == (1,)


async def test_no_reply_is_sent_to_who_wants_none(client: DBusRouter, sample: Sample) -> None:
    message = new_method_call(DBusAddress(PATH, NAME, Sample.name), "Measure", "s", ("x",))
    message.header.flags |= 1
    await client.send(message)
    await call(client, "Stop")
    assert len(sample.senders) == 1


def send_descriptor(bus: PrivateBus, member: str) -> tuple[Message, bytes]:
    """Send one end of a socket pair; returns the reply and what came out of the other end."""
    ours, theirs = socket.socketpair()
    with ours, theirs, open_blocking(bus.address, enable_fds=True) as client:
        message = new_method_call(DBusAddress(PATH, NAME, Sample.name), member, "h", (theirs,))
        reply = client.send_and_get_reply(message, timeout=10)
        theirs.close()
        ours.settimeout(10)
        return reply, ours.recv(16)


async def test_descriptors_that_nobody_takes_are_closed(bus: PrivateBus, server: ObjectServer) -> None:
    reply, received = await asyncio.to_thread(send_descriptor, bus, "Nothing")
    assert error_of(reply)[0] == UNKNOWN + "Method"
    assert received == b"", "the other end is open as long as anybody holds the descriptor"


async def test_a_descriptor_can_be_taken(bus: PrivateBus, server: ObjectServer, sample: Sample) -> None:
    sent = asyncio.ensure_future(asyncio.to_thread(send_descriptor, bus, "Keep"))
    fd = await asyncio.wait_for(sample.kept, 10)
    with socket.socket(fileno=fd) as kept:
        kept.sendall(b"taken")
    assert (await sent)[1] == b"taken"


async def test_a_second_owner_of_the_name_is_refused_and_the_first_stays(
    bus: PrivateBus, client: DBusRouter
) -> None:
    second = ObjectServer(Limits(), max_message=100_000)
    await second.connection.connect(address=bus.address)
    with pytest.raises(NameTakenError, match=f"{NAME} is owned by another process"):
        await second.connection.own_name(NAME)
    await second.close()
    assert (await call(client, "Measure", "s", ("x",))).body == (1,)


async def test_a_client_that_leaves_is_told_of(bus: PrivateBus, server: ObjectServer) -> None:
    left: asyncio.Queue[str] = asyncio.Queue()
    await server.connection.watch_leavers(left.put_nowait)
    connection = await open_dbus_connection(bus=bus.address)
    async with connection, DBusRouter(connection) as client:
        name = client.unique_name
    assert await asyncio.wait_for(left.get(), 10) == name


async def test_the_end_of_the_bus_is_noticed(bus: PrivateBus, server: ObjectServer) -> None:
    bus.kill()
    await asyncio.wait_for(server.connection.wait_lost(), 10)
