"""The media player's name comes with a long text, stays through pauses and short gaps, and goes after it."""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING, Any, cast

import pytest
from dbus_next import DBusError
from jeepney import DBusAddress, MatchRule, Properties
from jeepney.bus_messages import message_bus
from jeepney.io.asyncio import DBusRouter, open_dbus_router

from chatttsd.bus.mpris import MPRIS_NAME, MPRIS_PATH
from chatttsd.bus.mpris_presence import LINGER_SECONDS, MediaControls, NameHolder
from chatttsd.bus.server import ObjectServer
from chatttsd.speech.limits import Limits
from support.fake_reader import FakeReader
from support.private_bus import PrivateBus

if TYPE_CHECKING:
    from chatttsd.bus.service import SpeechService
    from chatttsd.bus.transport import Connection

LONG = 100
PLAYER = "org.mpris.MediaPlayer2.Player"
LOGGER = "chatttsd.bus.mpris_presence"


class Desktop:
    """A desktop that watches: `owners` says for every change whether the name has an owner then."""

    def __init__(self, router: DBusRouter, unique_name: str) -> None:
        self.router = router
        self._address = unique_name
        self.owners: list[bool] = []
        self.told: list[dict[str, Any]] = []
        self._changed = asyncio.Event()
        self._arrived: asyncio.Queue[Any] = asyncio.Queue()

    async def subscribe(self) -> None:
        """Ask the bus for what the player tells."""
        rules = [
            MatchRule(type="signal", member="NameOwnerChanged", interface="org.freedesktop.DBus"),
            MatchRule(type="signal", member="PropertiesChanged", path=MPRIS_PATH),
        ]
        rules[0].add_arg_condition(0, MPRIS_NAME)
        for rule in rules:
            self.router.filter(rule, queue=self._arrived)
            await self.router.send_and_get_reply(message_bus.AddMatch(rule))

    async def watch(self) -> None:
        """Take in what comes."""
        while True:
            message = await self._arrived.get()
            if len(message.body) == 3 and message.body[0] == MPRIS_NAME:
                self.owners.append(bool(message.body[2]))
            else:
                assert message.body[0] == PLAYER
                self.told.append({name: value[1] for name, value in message.body[1].items()})
            self._changed.set()

    async def see(self, owners: list[bool]) -> None:
        """Wait until the name came and went like this."""
        while self.owners != owners:
            self._changed.clear()
            await asyncio.wait_for(self._changed.wait(), 20)

    async def hear(self, name: str, value: object) -> None:
        """Wait until a property was told to have this value."""
        while not any(told.get(name) == value for told in self.told):
            self._changed.clear()
            await asyncio.wait_for(self._changed.wait(), 20)

    async def get(self, name: str) -> object:
        """Read a property of the player, whoever owns the name."""
        address = DBusAddress(MPRIS_PATH, self._address, PLAYER)
        reply = await self.router.send_and_get_reply(Properties(address).get(name))
        return reply.body[0][1] if isinstance(reply.body[0], tuple) else reply.header.fields[4]

    async def owned(self) -> bool:
        """Ask the bus whether the name has an owner, behind whatever was asked of it before."""
        reply = await self.router.send_and_get_reply(message_bus.NameHasOwner(MPRIS_NAME))
        return bool(reply.body[0])


class Time:
    """A clock that stands still until it is moved."""

    now = 50.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def bus() -> Iterator[PrivateBus]:
    with PrivateBus() as bus:
        yield bus


@pytest.fixture
async def server(bus: PrivateBus) -> AsyncIterator[ObjectServer]:
    server = ObjectServer(Limits(), max_message=100_000)
    await server.connection.connect(address=bus.address)
    yield server
    await server.close()


@pytest.fixture
async def desktop(bus: PrivateBus, server: ObjectServer) -> AsyncIterator[Desktop]:
    unique = server.connection._connected.unique_name
    async with open_dbus_router(bus.address) as router:
        desktop = Desktop(router, unique)
        await desktop.subscribe()
        watching = asyncio.create_task(desktop.watch())
        yield desktop
        watching.cancel()
        await asyncio.wait([watching])


@pytest.fixture
def reader() -> FakeReader:
    return FakeReader()


@pytest.fixture
def clock() -> Time:
    return Time()


def controls(
    server: ObjectServer, reader: FakeReader, clock: Time, linger: float = LINGER_SECONDS
) -> MediaControls:
    made = MediaControls(cast("SpeechService", reader), server, LONG, clock, linger)
    made.export()
    return made


async def test_the_name_is_there_while_a_long_text_is_read(
    server: ObjectServer, desktop: Desktop, reader: FakeReader, clock: Time
) -> None:
    made = controls(server, reader, clock, linger=0.05)
    reader.read(1, LONG)
    made.changed()
    await desktop.see([True])
    reader.end()
    made.changed()
    await desktop.see([True, False])


async def test_a_short_text_brings_no_player(
    server: ObjectServer, desktop: Desktop, reader: FakeReader, clock: Time
) -> None:
    made = controls(server, reader, clock, linger=0)
    for number in range(1, 4):
        reader.read(number, LONG - 1)
        made.changed()
        reader.end()
        made.changed()
    assert not await desktop.owned()
    assert (desktop.owners, desktop.told) == ([], [])


async def test_a_paused_text_keeps_the_name(
    server: ObjectServer, desktop: Desktop, reader: FakeReader, clock: Time
) -> None:
    made = controls(server, reader, clock, linger=0)
    reader.read(1, LONG)
    made.changed()
    await desktop.see([True])
    reader.pause()
    made.changed()
    await desktop.hear("PlaybackStatus", "Paused")
    assert await desktop.owned()
    assert desktop.owners == [True]


async def test_the_name_does_not_flicker_between_two_long_texts(
    server: ObjectServer, desktop: Desktop, reader: FakeReader, clock: Time
) -> None:
    made = controls(server, reader, clock, linger=60)
    for number in (1, 2, 3):
        reader.read(number, LONG)
        made.changed()
        await desktop.hear("PlaybackStatus", "Playing")
        reader.end()
        made.changed()
        await desktop.hear("PlaybackStatus", "Stopped")
        assert await desktop.owned()
        desktop.told.clear()
    assert desktop.owners == [True]
    made.close()


async def test_comings_and_goings_faster_than_the_bus_end_as_the_last_one(
    server: ObjectServer, desktop: Desktop, reader: FakeReader, clock: Time
) -> None:
    holder = NameHolder(server.connection, MPRIS_NAME)
    for _ in range(20):
        for wanted in (True, False):
            holder.want(wanted=wanted)
            await asyncio.sleep(0)
    await desktop.router.send_and_get_reply(message_bus.GetId())
    holder.want(wanted=True)
    while not await desktop.owned():
        pass
    holder.want(wanted=False)
    while await desktop.owned():
        pass


async def test_what_changes_is_told_once_and_only_what_changes(
    server: ObjectServer, desktop: Desktop, reader: FakeReader, clock: Time
) -> None:
    made = controls(server, reader, clock)
    reader.read(5, LONG)
    made.changed()
    made.changed()
    await desktop.hear("PlaybackStatus", "Playing")
    reader.pause()
    made.changed()
    await desktop.hear("PlaybackStatus", "Paused")
    reader.resume()
    made.changed()
    await desktop.owned()
    reader.end()
    made.changed()
    await desktop.hear("PlaybackStatus", "Stopped")
    metadata = {
        "mpris:trackid": ("o", "/org/chattts/Speech1/utterance/5"),
        "xesam:title": ("s", "Reading aloud"),
    }
    can = dict.fromkeys(("CanGoNext", "CanPlay", "CanPause"), True)
    assert desktop.told == [
        {"PlaybackStatus": "Playing", "Metadata": metadata, **can},
        {"PlaybackStatus": "Paused"},
        {"PlaybackStatus": "Playing"},
        {"PlaybackStatus": "Stopped", "Metadata": {}, **dict.fromkeys(can, False)},
    ]
    made.close()


async def test_another_volume_is_told_while_the_player_is_there(
    server: ObjectServer, desktop: Desktop, reader: FakeReader, clock: Time
) -> None:
    made = controls(server, reader, clock)
    reader.read(5, LONG)
    made.changed()
    address = DBusAddress(MPRIS_PATH, desktop._address, PLAYER)
    await desktop.router.send_and_get_reply(Properties(address).set("Volume", "d", 0.25))
    made.changed()
    await desktop.hear("Volume", 0.25)
    assert reader.options.volume == 0.25


async def test_a_name_that_another_owns_is_told_once_and_taken_when_it_is_free(
    server: ObjectServer,
    desktop: Desktop,
    reader: FakeReader,
    clock: Time,
    caplog: pytest.LogCaptureFixture,
) -> None:
    await desktop.router.send_and_get_reply(message_bus.RequestName(MPRIS_NAME))
    made = controls(server, reader, clock, linger=0)
    with caplog.at_level(logging.INFO, LOGGER):
        for number in range(1, 4):
            reader.read(number, LONG)
            made.changed()
            await desktop.hear("PlaybackStatus", "Playing")
            await desktop.get("Position")
            reader.end()
            made.changed()
            await desktop.hear("PlaybackStatus", "Stopped")
            desktop.told.clear()
    await desktop.router.send_and_get_reply(message_bus.ReleaseName(MPRIS_NAME))
    reader.read(4, LONG)
    made.changed()
    await desktop.see([True, False, True])
    messages = [record.getMessage() for record in caplog.records]
    assert messages == [f"media keys do not reach the voice: {MPRIS_NAME} is owned by another process"]


async def test_a_bus_that_refuses_the_name_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    class Strict:
        """A bus whose policy allows no such name."""

        asked = 0

        async def own_name(self, _name: str) -> None:
            self.asked += 1
            raise DBusError("org.freedesktop.DBus.Error.AccessDenied", "not allowed by the policy")

    strict = Strict()
    holder = NameHolder(cast("Connection", strict), MPRIS_NAME)
    for _ in range(3):
        holder.want(wanted=True)
        assert holder._work is not None
        await holder._work
        holder.want(wanted=False)
    assert strict.asked == 3
    assert [r.getMessage() for r in caplog.records] == [
        "media keys do not reach the voice: not allowed by the policy"
    ]


async def test_another_least_length_holds_for_what_is_being_read(
    server: ObjectServer, desktop: Desktop, reader: FakeReader, clock: Time
) -> None:
    made = controls(server, reader, clock, linger=0)
    reader.read(1, LONG)
    made.changed()
    await desktop.see([True])
    made.configure(0)
    await desktop.see([True, False])
    made.configure(LONG)
    await desktop.see([True, False, True])


async def test_the_position_begins_with_the_first_sample_and_rests_in_a_pause(
    server: ObjectServer, desktop: Desktop, reader: FakeReader, clock: Time
) -> None:
    made = controls(server, reader, clock)
    reader.read(7, LONG)
    made.changed()
    made.started(6)
    clock.now += 10
    assert await desktop.get("Position") == 0
    made.started(7)
    clock.now += 2
    reader.pause()
    made.changed()
    clock.now += 30
    reader.resume()
    made.changed()
    clock.now += 1
    assert await desktop.get("Position") == 3_000_000
    reader.read(8, LONG)
    made.changed()
    clock.now += 1
    assert await desktop.get("Position") == 0
    made.close()


async def test_without_export_nothing_is_on_the_bus(
    server: ObjectServer, desktop: Desktop, reader: FakeReader, clock: Time
) -> None:
    made = MediaControls(cast("SpeechService", reader), server, LONG, clock, 0)
    reader.read(1, LONG)
    made.changed()
    made.started(1)
    made.configure(1)
    assert await desktop.get("PlaybackStatus") == "org.freedesktop.DBus.Error.UnknownObject"
    assert not await desktop.owned()
    made.close()


async def test_nothing_is_asked_of_the_bus_after_the_end(
    server: ObjectServer, desktop: Desktop, reader: FakeReader, clock: Time
) -> None:
    made = controls(server, reader, clock, linger=0)
    reader.read(1, LONG)
    made.changed()
    await desktop.see([True])
    made.close()
    reader.end()
    made.changed()
    assert await desktop.owned()
