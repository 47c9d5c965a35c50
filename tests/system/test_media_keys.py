"""Media keys reach a long text that is read aloud: playerctl and dbus-send with the real daemon."""

import subprocess
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from jeepney.bus_messages import message_bus

from chatttsd.bus.mpris import MPRIS_NAME, MPRIS_PATH
from support.daemon import PROPERTIES, DaemonProcess
from support.private_bus import PrivateBus
from support.pulse import wait_for
from support.scene import LONG, TONE, Scene, scene

pytestmark = pytest.mark.system
PLAYER = "org.mpris.MediaPlayer2.Player"
SHORT = "Too short for a media key."
DESKTOP = "[desktop]\nmpris_min_characters = 100\n"


@pytest.fixture(scope="module")
def stage() -> Iterator[Scene]:
    with scene(TONE + DESKTOP) as stage:
        yield stage


@pytest.fixture
def reading(stage: Scene) -> Iterator[int]:
    """A long text that is heard, and the player that comes with it."""
    stage.client.events.clear()
    utterance = stage.begin()
    wait_for(partial(present, stage.daemon), "the player")
    yield utterance
    stage.client.call("CancelAll")


def present(daemon: DaemonProcess) -> bool:
    with daemon.client() as client:
        return bool(client.connection.send_and_get_reply(message_bus.NameHasOwner(MPRIS_NAME)).body[0])


def playerctl(stage: Scene, *arguments: str) -> str:
    done = subprocess.run(
        ["playerctl", "--player=chatttsd", *arguments],
        env=stage.daemon.environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    return (done.stdout + done.stderr).strip()


def dbus_send(daemon: DaemonProcess, member: str, *arguments: str) -> str:
    """Call a method of the player and return the reply's body, or the error."""
    command = ["dbus-send", "--session", "--print-reply=literal", f"--dest={MPRIS_NAME}", MPRIS_PATH]
    done = subprocess.run(
        [*command, member, *arguments],
        env=daemon.environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    return " ".join((done.stdout + done.stderr).split())


def get(daemon: DaemonProcess, name: str) -> str:
    return dbus_send(daemon, f"{PROPERTIES}.Get", f"string:{PLAYER}", f"string:{name}")


def call(stage: Scene, member: str, *arguments: str) -> None:
    assert dbus_send(stage.daemon, f"{PLAYER}.{member}", *arguments) == ""


def test_the_player_comes_with_a_long_text_and_goes_after_it(stage: Scene, reading: int) -> None:
    assert playerctl(stage, "--list-all") == "chatttsd"
    stage.client.call("Cancel", "u", reading)
    wait_for(lambda: not present(stage.daemon), "the end of the player")
    assert playerctl(stage, "--list-all") == "No players found"
    stage.begin(SHORT)
    assert not present(stage.daemon)


def test_playerctl_pauses_resumes_and_stops_the_reading(stage: Scene, reading: int) -> None:
    assert playerctl(stage, "status") == "Playing"
    assert playerctl(stage, "pause") == ""
    assert (playerctl(stage, "status"), stage.client.get("State")) == ("Paused", "paused")
    assert playerctl(stage, "play-pause") == ""
    assert (playerctl(stage, "status"), stage.client.get("State")) == ("Playing", "speaking")
    assert playerctl(stage, "stop") == ""
    assert stage.client.wait(reading) == "cancelled"
    assert playerctl(stage, "status") == "Stopped"


def test_playerctl_sees_no_way_back_or_along(stage: Scene, reading: int) -> None:
    for command in (["previous"], ["position", "5"]):
        assert playerctl(stage, *command) == "No player could handle this command", command
    assert stage.client.get("Current") == reading


def test_a_widget_sees_which_text_but_nothing_of_it(stage: Scene, reading: int) -> None:
    assert playerctl(stage, "metadata", "--format", "{{mpris:trackid}} {{title}} {{mpris:length}}") == (
        f"'/org/chattts/Speech1/utterance/{reading}' Reading aloud"
    )


def test_dbus_send_plays_and_pauses(stage: Scene, reading: int) -> None:
    for member, status in [
        ("Pause", "Paused"),
        ("Pause", "Paused"),
        ("Play", "Playing"),
        ("Play", "Playing"),
        ("PlayPause", "Paused"),
        ("PlayPause", "Playing"),
    ]:
        call(stage, member)
        assert get(stage.daemon, "PlaybackStatus") == f"variant {status}"
    assert stage.client.get("Current") == reading


def test_stop_silences_the_text_and_the_next_one_is_spoken(stage: Scene, reading: int) -> None:
    behind = stage.client.speak(SHORT)
    with stage.pulse.record() as recorder:
        call(stage, "Stop")
        assert (stage.client.wait(reading), stage.client.wait(behind)) == ("cancelled", "finished")
        wait_for(lambda: recorder.silent_for(0.2), "silence at the end")
    assert dbus_send(stage.daemon, f"{PLAYER}.Stop") == "", "a second time it does nothing"


def test_next_goes_on_with_the_next_segment_and_behind_the_last_one_it_ends(
    stage: Scene, reading: int
) -> None:
    first = stage.client.wait_event("Progress", reading)
    call(stage, "Next")
    wait_for(lambda: _latest(stage, reading) > first[1][1], "a later segment")
    call(stage, "Pause")
    call(stage, "Next")
    assert get(stage.daemon, "PlaybackStatus") == "variant Paused"
    for _ in range(10):
        call(stage, "Next")
    assert stage.client.wait(reading) == "finished"


def test_what_cannot_be_done_has_no_effect_or_is_refused(stage: Scene, reading: int) -> None:
    call(stage, "Previous")
    call(stage, "Seek", "int64:5000000")
    call(stage, "SetPosition", f"objpath:/org/chattts/Speech1/utterance/{reading}", "int64:0")
    refused = dbus_send(stage.daemon, f"{PLAYER}.OpenUri", "string:file:///etc/motd")
    assert refused.startswith("Error org.freedesktop.DBus.Error.NotSupported: OpenUri: addresses cannot")
    assert dbus_send(stage.daemon, "org.mpris.MediaPlayer2.Raise") == ""
    assert dbus_send(stage.daemon, "org.mpris.MediaPlayer2.Quit") == ""
    wrong = dbus_send(stage.daemon, f"{PLAYER}.Seek", "string:x")
    assert "Seek: got arguments of type 's', allowed: 'x'" in wrong
    assert (stage.client.get("Current"), stage.client.get("State")) == (reading, "speaking")


def test_the_volume_of_the_player_is_the_default_of_the_voice(stage: Scene, reading: int) -> None:
    assert playerctl(stage, "volume", "0.5") == ""
    assert (playerctl(stage, "volume"), stage.client.get("Volume")) == ("0.500000", 0.5)
    assert playerctl(stage, "volume", "1.0") == ""
    assert stage.client.get("Volume") == 1.0


def test_the_position_grows_while_it_is_heard_and_rests_in_a_pause(stage: Scene, reading: int) -> None:
    def position() -> int:
        return int(get(stage.daemon, "Position").split()[-1])

    begin = position()
    wait_for(lambda: position() > begin, "a later position")
    call(stage, "Pause")
    assert position() == position() > 0


def test_the_running_daemon_describes_its_player(stage: Scene, reading: int) -> None:
    text = dbus_send(stage.daemon, "org.freedesktop.DBus.Introspectable.Introspect")
    found = {node.attrib["name"]: node for node in ET.fromstring(text).findall("interface")}
    assert {name for name in found if "mpris" in name} == {"org.mpris.MediaPlayer2", PLAYER}
    assert {node.attrib["name"] for node in found[PLAYER].iter("method")} == {
        *("Next", "Previous", "Pause", "PlayPause", "Stop", "Play", "Seek", "SetPosition", "OpenUri")
    }


def test_another_length_holds_after_a_reload(stage: Scene, reading: int) -> None:
    settings = stage.daemon.folder / "config.toml"
    settings.write_text(TONE + "[desktop]\nmpris_min_characters = 0\n")
    stage.client.call("Reload")
    wait_for(lambda: not present(stage.daemon), "the end of the player")
    assert stage.client.get("Current") == reading, "the text goes on"
    settings.write_text(TONE + DESKTOP)
    stage.client.call("Reload")
    wait_for(partial(present, stage.daemon), "the player")


def test_no_word_of_the_text_is_broadcast(stage: Scene, tmp_path: Path) -> None:
    seen = tmp_path / "seen"
    command = ["dbus-monitor", "--session", f"path={MPRIS_PATH}"]
    with seen.open("w") as output:
        monitor = subprocess.Popen(command, env=stage.daemon.environment, stdout=output)
    try:
        wait_for(lambda: "NameLost" in seen.read_text(), "the monitor")
        utterance = stage.begin("canary" * 5 + " canary" * 20)
        wait_for(partial(present, stage.daemon), "the player")
        values = dbus_send(stage.daemon, f"{PROPERTIES}.GetAll", f"string:{PLAYER}")
        call(stage, "Pause")
        call(stage, "Stop")
        assert stage.client.wait(utterance) == "cancelled"
        wait_for(lambda: "Stopped" in seen.read_text(), "the last signal")
    finally:
        monitor.terminate()
        monitor.wait()
    assert "Reading aloud" in seen.read_text()
    assert "Reading aloud" in values
    assert "canary" not in seen.read_text() + values


def test_a_name_that_another_owns_takes_nothing_from_the_voice() -> None:
    with PrivateBus() as bus, DaemonProcess(bus, TONE + DESKTOP) as daemon, daemon.client() as other:
        other.connection.send_and_get_reply(message_bus.RequestName(MPRIS_NAME))
        with daemon.client() as client:
            client.listen()
            for _ in range(2):
                client.call("Cancel", "u", client.speak(LONG))
            client.speak(LONG)
            wait_for(lambda: "media keys" in daemon.log, "a word in the journal")
            client.call("CancelAll")
            assert client.get("State") == "idle"
        daemon.terminate()
        assert daemon.log.count(f"media keys do not reach the voice: {MPRIS_NAME} is owned") == 1


def test_the_system_bus_has_no_media_player() -> None:
    with PrivateBus(kind="system") as bus:
        daemon = DaemonProcess(bus, TONE + DESKTOP)
        daemon.program = (*DaemonProcess.program, "--system")
        with daemon, daemon.client() as client:
            client.listen()
            client.speak(LONG)
            client.wait_event("PropertiesChanged")
            reply = client.connection.send_and_get_reply(message_bus.NameHasOwner(MPRIS_NAME))
            assert not reply.body[0]


def _latest(stage: Scene, utterance: int) -> int:
    starts = [
        event[1][1]
        for event in stage.client.events
        if event[:1] == ("Progress",) and event[1][0] == utterance
    ]
    return max(starts, default=0)
