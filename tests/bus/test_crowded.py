"""Calls of which a client makes many at once, and whose refusal it does not survive, never get an error."""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator

import pytest
from jeepney import DBusAddress, Message, MessageType, new_method_call
from jeepney.io.asyncio import DBusRouter, open_dbus_router

from chatttsd.bus.interface import Call, Interface, method
from chatttsd.bus.server import ObjectServer
from chatttsd.speech.limits import Limits
from support.private_bus import PrivateBus

NAME, PATH = "test.Server1", "/test/Server1"
ADDRESS = DBusAddress(PATH, NAME, "test.Crowd1")


class Crowd(Interface):
    """An interface with a crowded method and another one."""

    name = "test.Crowd1"

    def __init__(self) -> None:
        super().__init__()
        self.taken = self.declined = 0

    @method("text s", crowded=True)
    def stream(self, _call: Call, _text: str) -> None:
        """Return nothing."""
        self.taken += 1

    @method("", "answer u")
    def other(self, _call: Call) -> int:
        """Return a number."""
        return 1

    def decline(self, fds: list[int]) -> None:
        assert fds == []
        self.declined += 1


@pytest.fixture
def bus() -> Iterator[PrivateBus]:
    with PrivateBus() as bus:
        yield bus


@pytest.fixture
async def crowd() -> Crowd:
    return Crowd()


@pytest.fixture
async def server(bus: PrivateBus, crowd: Crowd) -> AsyncIterator[ObjectServer]:
    server = ObjectServer(Limits(calls_per_second=5, call_burst=3), max_message=9000, clock=lambda: 0.0)
    server.export(PATH, crowd)
    await server.connection.connect(address=bus.address)
    await server.connection.own_name(NAME)
    yield server
    await server.close()


@pytest.fixture
async def client(bus: PrivateBus, server: ObjectServer) -> AsyncIterator[DBusRouter]:
    assert server.connection
    async with open_dbus_router(bus.address) as router:
        yield router


async def call(client: DBusRouter, member: str, *body: object) -> Message:
    message = new_method_call(ADDRESS, member, "s" if body else None, body)
    return await asyncio.wait_for(client.send_and_get_reply(message), 10)


async def stream(client: DBusRouter, text: str = "x") -> Message:
    return await call(client, "Stream", text)


async def test_over_its_own_quota_such_a_call_is_let_go_and_told_once(
    client: DBusRouter, server: ObjectServer, crowd: Crowd, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        replies = [await stream(client) for _ in range(40)]
    assert {reply.header.message_type for reply in replies} == {MessageType.method_return}
    assert {reply.body for reply in replies} == {()}
    assert (crowd.taken, crowd.declined) == (30, 10)
    over = "too many calls from this client, allowed: 20 a second, 30 at once"
    assert [record.getMessage() for record in caplog.records] == [
        f"calls of test.Crowd1.Stream are dropped: {over}"
    ]
    assert (await call(client, "Other")).body == (1,)
    server.sender_left(client.unique_name)
    await stream(client)
    assert crowd.taken == 31


async def test_one_that_is_too_long_is_let_go(
    client: DBusRouter, crowd: Crowd, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        reply = await stream(client, "x" * 10_000)
    assert reply.header.message_type is MessageType.method_return
    assert (crowd.taken, crowd.declined) == (0, 1)
    assert "calls of test.Crowd1.Stream are dropped: the message has" in caplog.text


async def test_one_of_other_types_is_an_error(client: DBusRouter, crowd: Crowd) -> None:
    reply = await call(client, "Stream")
    assert reply.header.message_type is MessageType.error
    assert crowd.taken == 0
