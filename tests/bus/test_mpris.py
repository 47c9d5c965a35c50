"""The media player does what MPRIS 2.2 says of it: to a long text that is read, and to nothing else."""

import math
import xml.etree.ElementTree as ET
from typing import TYPE_CHECKING, Any, cast

import pytest
from dbus_next import Variant

from chatttsd.bus.errors import BusError
from chatttsd.bus.interface import Call, Interface
from chatttsd.bus.introspection import element
from chatttsd.bus.mpris import MediaPlayer2, Player, Stopwatch
from support.fake_reader import FakeReader

if TYPE_CHECKING:
    from chatttsd.bus.service import SpeechService

LONG = 100
SPECIFIED = {
    # What MPRIS 2.2 lists, without what it calls optional: methods, then properties.
    "org.mpris.MediaPlayer2": (
        {"Raise": "", "Quit": ""},
        {
            **dict.fromkeys(("CanQuit", "CanRaise", "HasTrackList"), ("b", "read")),
            "Identity": ("s", "read"),
            "SupportedUriSchemes": ("as", "read"),
            "SupportedMimeTypes": ("as", "read"),
        },
    ),
    "org.mpris.MediaPlayer2.Player": (
        {
            **dict.fromkeys(("Next", "Previous", "Pause", "PlayPause", "Stop", "Play"), ""),
            "Seek": "x",
            "SetPosition": "ox",
            "OpenUri": "s",
        },
        {
            "PlaybackStatus": ("s", "read"),
            "Rate": ("d", "readwrite"),
            "Metadata": ("a{sv}", "read"),
            "Volume": ("d", "readwrite"),
            "Position": ("x", "read"),
            "MinimumRate": ("d", "read"),
            "MaximumRate": ("d", "read"),
            **dict.fromkeys(
                ("CanGoNext", "CanGoPrevious", "CanPlay", "CanPause", "CanSeek", "CanControl"), ("b", "read")
            ),
        },
    ),
}


class Time:
    """A clock that stands still until it is moved."""

    now = 50.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def reader() -> FakeReader:
    return FakeReader()


@pytest.fixture
def clock() -> Time:
    return Time()


@pytest.fixture
def player(reader: FakeReader, clock: Time) -> Player:
    return Player(cast("SpeechService", reader), LONG, clock)


def call(interface: Interface, member: str, signature: str = "", *arguments: object) -> None:
    assert interface.find(member, signature).function(interface, Call(":1.1"), *arguments) is None


def values(player: Player) -> dict[str, Any]:
    return {name: value.value for name, value in player.get_all().items()}


@pytest.mark.parametrize("interface", [MediaPlayer2(), Player(cast("SpeechService", None), 0, Time())])
def test_the_interface_is_what_the_specification_lists(interface: Interface) -> None:
    top = element(interface)
    methods, properties = SPECIFIED[interface.name]
    assert {node.attrib["name"]: _types(node) for node in top.iter("method")} == methods
    found = {n.attrib["name"]: (n.attrib["type"], n.attrib["access"]) for n in top.iter("property")}
    assert found == properties


def test_the_position_is_not_told_whenever_it_changes() -> None:
    top = element(Player(cast("SpeechService", None), 0, Time()))
    told = {
        node.attrib["name"]: annotation.attrib["value"]
        for node in top.iter("property")
        for annotation in node.findall("annotation")
        if annotation.attrib["name"].endswith("EmitsChangedSignal")
    }
    assert {name for name, value in told.items() if value == "false"} == {"Position", "CanControl"}


def test_the_voice_cannot_be_quit_or_raised_and_opens_nothing() -> None:
    root = MediaPlayer2()
    call(root, "Raise")
    call(root, "Quit")
    assert {name: value.value for name, value in root.get_all().items()} == {
        "CanQuit": False,
        "CanRaise": False,
        "HasTrackList": False,
        "Identity": "chatttsd",
        "SupportedUriSchemes": [],
        "SupportedMimeTypes": [],
    }


@pytest.mark.parametrize(
    ("characters", "least", "controlled"),
    [(LONG, LONG, True), (LONG - 1, LONG, False), (1, 1, True), (LONG, 0, False), (10**7, 0, False)],
)
def test_a_text_is_controlled_from_the_configured_length_on(
    player: Player, reader: FakeReader, characters: int, least: int, controlled: bool
) -> None:
    player.min_characters = least
    reader.read(7, characters)
    assert player.track == (7 if controlled else 0)


def test_what_is_read_is_told_without_its_text_or_a_made_up_length(
    player: Player, reader: FakeReader
) -> None:
    reader.read(7, LONG)
    assert values(player) == {
        "PlaybackStatus": "Playing",
        "Metadata": {
            "mpris:trackid": Variant("o", "/org/chattts/Speech1/utterance/7"),
            "xesam:title": Variant("s", "Reading aloud"),
        },
        "Position": 0,
        "Volume": 1.0,
        **dict.fromkeys(("Rate", "MinimumRate", "MaximumRate"), 1.0),
        **dict.fromkeys(("CanGoNext", "CanPlay", "CanPause", "CanControl"), True),
        **dict.fromkeys(("CanGoPrevious", "CanSeek"), False),
    }


def test_without_a_long_text_it_is_stopped_and_can_do_nothing(player: Player, reader: FakeReader) -> None:
    reader.read(7, LONG - 1)
    told = values(player)
    assert (told["PlaybackStatus"], told["Metadata"], told["Position"]) == ("Stopped", {}, 0)
    assert [name for name in told if name.startswith("Can") and told[name]] == ["CanControl"]


@pytest.mark.parametrize(
    ("member", "paused", "does"),
    [
        ("Play", True, ["resume"]),
        ("Pause", False, ["pause"]),
        ("PlayPause", False, ["pause"]),
        ("PlayPause", True, ["resume"]),
        ("Stop", False, ["cancel 7"]),
        ("Stop", True, ["cancel 7"]),
        ("Next", False, ["skip"]),
        ("Next", True, ["skip"]),
        ("Previous", False, []),
    ],
)
def test_a_key_does_one_thing_to_the_text_being_read(
    player: Player, reader: FakeReader, member: str, paused: bool, does: list[str]
) -> None:
    reader.read(7, LONG)
    reader.paused = paused
    call(player, member)
    assert reader.did == does


@pytest.mark.parametrize("member", ["Play", "Pause", "Stop", "Next", "Previous"])
@pytest.mark.parametrize("current", [0, 7])
def test_a_key_does_nothing_to_a_short_text_or_to_silence(
    player: Player, reader: FakeReader, member: str, current: int
) -> None:
    reader.read(current, LONG - 1 if current else 0)
    call(player, member)
    assert reader.did == []


def test_play_pause_with_nothing_to_play_is_an_error(player: Player, reader: FakeReader) -> None:
    reader.read(7, LONG - 1)
    with pytest.raises(BusError, match="nothing long is being read") as caught:
        call(player, "PlayPause")
    assert caught.value.name == "org.freedesktop.DBus.Error.NotSupported"
    assert reader.did == []


def test_seeking_has_no_effect_and_addresses_are_refused(player: Player, reader: FakeReader) -> None:
    reader.read(7, LONG)
    call(player, "Seek", "x", 5_000_000)
    call(player, "SetPosition", "ox", "/org/chattts/Speech1/utterance/7", 0)
    with pytest.raises(BusError, match="OpenUri: addresses cannot be read") as caught:
        call(player, "OpenUri", "s", "file:///etc/motd")
    assert caught.value.name == "org.freedesktop.DBus.Error.NotSupported"
    assert reader.did == []


@pytest.mark.parametrize(
    ("given", "kept"), [(0.25, 0.25), (0.0, 0.0), (-3.0, 0.0), (1.5, 1.0), (math.inf, 1.0), (-math.inf, 0.0)]
)
def test_a_volume_is_brought_into_range_and_is_that_of_the_utterances_to_come(
    player: Player, reader: FakeReader, given: float, kept: float
) -> None:
    player.set("Volume", Variant("d", given))
    assert (reader.options.volume, player.get("Volume").value) == (kept, kept)


def test_a_volume_that_is_no_number_is_refused(player: Player, reader: FakeReader) -> None:
    with pytest.raises(BusError, match="Volume: got nan, allowed: a number from 0 to 1"):
        player.set("Volume", Variant("d", math.nan))
    assert reader.options.volume == 1.0


@pytest.mark.parametrize(("given", "does"), [(0.0, ["pause"]), (2.0, []), (-1.0, []), (math.nan, [])])
def test_the_rate_stays_one_and_setting_zero_pauses(
    player: Player, reader: FakeReader, given: float, does: list[str]
) -> None:
    reader.read(7, LONG)
    player.set("Rate", Variant("d", given))
    assert (reader.did, player.get("Rate").value, reader.options.rate) == (does, 1.0, 1.0)


def test_setting_the_rate_to_zero_leaves_a_short_text_alone(player: Player, reader: FakeReader) -> None:
    reader.read(7, LONG - 1)
    player.set("Rate", Variant("d", 0.0))
    assert reader.did == []


@pytest.mark.parametrize("name", ["PlaybackStatus", "Position", "Metadata", "CanControl"])
def test_what_can_only_be_read_is_not_set(player: Player, name: str) -> None:
    with pytest.raises(BusError) as caught:
        player.set(name, player.get(name))
    assert caught.value.name == "org.freedesktop.DBus.Error.PropertyReadOnly"


def test_what_stops_the_voice_is_not_held_up_by_quotas(player: Player) -> None:
    free = {name for name, method in player.methods.items() if method.free}
    assert free == {"Play", "Pause", "PlayPause", "Stop", "Next", "Previous"}


def test_the_position_counts_what_was_heard_in_microseconds(
    player: Player, reader: FakeReader, clock: Time
) -> None:
    reader.read(7, LONG)
    player.heard.run(running=True)
    clock.now += 1.5
    assert player.get("Position").value == 1_500_000
    reader.end()
    assert player.get("Position").value == 0


def test_a_stopwatch_adds_up_only_the_time_in_which_it_runs(clock: Time) -> None:
    watch = Stopwatch(clock)
    for running in (True, True, False, False, True):
        watch.run(running=running)
        clock.now += 1
    assert watch.seconds == 3
    watch.reset()
    clock.now += 1
    assert watch.seconds == 0


def _types(node: ET.Element) -> str:
    return "".join(argument.attrib["type"] for argument in node.findall("arg"))
