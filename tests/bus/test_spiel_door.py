"""The Spiel provider on a bus: its name, and what its clients are told."""

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest
from jeepney import DBusAddress, HeaderFields, MatchRule, MessageType, new_method_call
from jeepney.bus_messages import message_bus
from jeepney.io.asyncio import DBusRouter, open_dbus_router
from jeepney.io.blocking import open_dbus_connection

from chatttsd.bus.server import ObjectServer
from chatttsd.bus.spiel_door import SpielDoor
from chatttsd.constants import SPIEL_INTERFACE, SPIEL_NAME, SPIEL_PATH
from chatttsd.speech.limits import Limits
from support.asked import ROWS, Asked
from support.fake_speech import NameOwner
from support.private_bus import PrivateBus

if TYPE_CHECKING:
    from chatttsd.bus.service import SpeechService

OBJECT = DBusAddress(SPIEL_PATH, SPIEL_NAME, SPIEL_INTERFACE)
PROPERTIES = DBusAddress(SPIEL_PATH, SPIEL_NAME, "org.freedesktop.DBus.Properties")
CHANGED = MatchRule(type="signal", path=SPIEL_PATH, member="PropertiesChanged")


@pytest.fixture
def bus() -> Iterator[PrivateBus]:
    with PrivateBus() as bus:
        yield bus


@pytest.fixture
def service() -> Asked:
    return Asked(voices=[])


@pytest.fixture
async def server(bus: PrivateBus) -> AsyncIterator[ObjectServer]:
    server = ObjectServer(Limits(), 2**16)
    await server.connection.connect(address=bus.address)
    yield server
    await server.close()


@pytest.fixture
def door(server: ObjectServer, service: Asked) -> SpielDoor:
    return SpielDoor(cast("SpeechService", service), server, 100)


@pytest.fixture
async def router(bus: PrivateBus) -> AsyncIterator[DBusRouter]:
    async with open_dbus_router(bus.address) as router:
        yield router


async def ask(router: DBusRouter, address: DBusAddress, member: str, signature: str, *body: object) -> Any:  # noqa: ANN401 - a message
    return await router.send_and_get_reply(new_method_call(address, member, signature, body))


async def ids(router: DBusRouter) -> list[str]:
    reply = await ask(router, PROPERTIES, "Get", "ss", SPIEL_INTERFACE, "Voices")
    return [row[1] for row in reply.body[0][1]]


async def test_nobody_reaches_a_door_that_was_not_opened(
    server: ObjectServer, door: SpielDoor, service: Asked, router: DBusRouter
) -> None:
    service.voices = list(ROWS)
    door.voices_changed()
    reply = await router.send_and_get_reply(message_bus.NameHasOwner(SPIEL_NAME))
    assert not reply.body[0]
    await server.connection.own_name(SPIEL_NAME)
    found = await ask(router, PROPERTIES, "Get", "ss", SPIEL_INTERFACE, "Name")
    assert found.header.message_type is MessageType.error


async def test_voices_that_come_later_are_told_once(
    door: SpielDoor, service: Asked, router: DBusRouter
) -> None:
    await door.open()
    assert await ids(router) == ["auto", "auto#raw"]
    await router.send_and_get_reply(message_bus.AddMatch(CHANGED))
    with router.filter(CHANGED) as queue:
        door.voices_changed()
        service.voices = list(ROWS)
        door.voices_changed()
        door.voices_changed()
        async with asyncio.timeout(20):
            interface, changed, invalidated = (await queue.get()).body
        await ids(router)
        assert queue.empty()
    assert (interface, list(changed), invalidated) == (SPIEL_INTERFACE, ["Voices"], [])
    assert [row[1] for row in changed["Voices"][1]] == await ids(router)
    assert "espeak-ng/af" in await ids(router)


async def test_who_has_the_name_keeps_it_and_the_journal_says_so(
    bus: PrivateBus, door: SpielDoor, caplog: pytest.LogCaptureFixture
) -> None:
    with NameOwner(bus.address, SPIEL_NAME), caplog.at_level(logging.WARNING):
        await door.open()
    assert [record.getMessage() for record in caplog.records] == [
        f"{SPIEL_NAME} is owned by another process: Spiel's clients do not reach this daemon"
    ]


def synthesize(address: str, text: str) -> str:
    """Return the name of the error that a request gets, or nothing."""
    with open_dbus_connection(address, enable_fds=True) as client, Path(os.devnull).open("wb") as file:
        call = new_method_call(OBJECT, "Synthesize", "hssddbs", (file, text, "", 1.0, 1.0, False, ""))
        reply = client.send_and_get_reply(call, timeout=20)
    return str(reply.header.fields.get(HeaderFields.error_name, ""))


async def test_another_limit_of_texts_holds_at_once(bus: PrivateBus, door: SpielDoor, service: Asked) -> None:
    await door.open()
    assert await asyncio.to_thread(synthesize, bus.address, "Hello") == ""
    door.configure(4)
    assert await asyncio.to_thread(synthesize, bus.address, "Hello") == ""
    assert [text for text, _ in service.taken] == ["Hello"]
    assert service.declined == ["spiel"]


async def test_a_message_of_any_size_gets_a_reply_and_its_stream_an_end(
    bus: PrivateBus, door: SpielDoor, service: Asked, caplog: pytest.LogCaptureFixture
) -> None:
    await door.open()
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            assert await asyncio.to_thread(synthesize, bus.address, "x" * 2**17) == ""
    assert (service.taken, service.declined) == ([], ["spiel", "spiel"])
    told = [record.getMessage() for record in caplog.records]
    assert len(told) == 2  # once a client
    assert told[0].startswith(f"calls of {SPIEL_INTERFACE}.Synthesize are dropped: the message has ")


async def test_a_call_of_other_types_is_an_error(door: SpielDoor, router: DBusRouter) -> None:
    await door.open()
    reply = await ask(router, OBJECT, "Synthesize", "s", "Hello")
    assert str(reply.header.fields[HeaderFields.error_name]).endswith(".InvalidArgs")
