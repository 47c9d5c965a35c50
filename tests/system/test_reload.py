"""Reload takes a good configuration over and refuses a bad one, which changes nothing."""

from collections.abc import Iterator

import pytest

from chatttsd.constants import INTERFACE
from support.daemon import PROPERTIES, CallError, Client, DaemonProcess
from support.private_bus import PrivateBus

TONE = '[speech]\nengine = "tone"\nrate = 1.0\n'


@pytest.fixture
def daemon() -> Iterator[DaemonProcess]:
    with PrivateBus() as bus, DaemonProcess(bus, TONE) as daemon:
        yield daemon


@pytest.fixture
def client(daemon: DaemonProcess) -> Iterator[Client]:
    with daemon.client() as client:
        yield client.listen()


def write(daemon: DaemonProcess, text: str) -> None:
    (daemon.folder / "config.toml").write_text(text)


def test_new_defaults_are_taken_and_told(daemon: DaemonProcess, client: Client) -> None:
    write(daemon, TONE.replace("1.0", "2.0") + "volume = 0.5\n[audio]\nlatency_ms = 80\n")
    client.call("Reload")
    assert (client.get("Rate"), client.get("Volume")) == (2.0, 0.5)
    changed = client.wait_event("PropertiesChanged", INTERFACE)
    assert changed[1][1]["Rate"] == ("d", 2.0)


def test_new_limits_hold_at_once(daemon: DaemonProcess, client: Client) -> None:
    write(daemon, TONE + "[limits]\ntext_characters = 3\n")
    client.call("Reload")
    with pytest.raises(CallError, match="the text has 4 characters, allowed: at most 3"):
        client.call("Speak", "s", "1234")


def test_a_mistake_is_named_and_nothing_changes(daemon: DaemonProcess, client: Client) -> None:
    write(daemon, TONE.replace("1.0", "2.0") + "volum = 0.5\n")
    with pytest.raises(CallError) as caught:
        client.call("Reload")
    assert caught.value.name == "org.freedesktop.DBus.Error.InvalidArgs"
    assert "unknown key 'volum' in [speech]; did you mean 'volume'?" in caught.value.message
    assert client.get("Rate") == 1.0


def test_defaults_set_over_the_bus_are_used_and_told(client: Client) -> None:
    client.call("Set", "ssv", INTERFACE, "Volume", ("d", 0.25), interface=PROPERTIES)
    client.call("Set", "ssv", INTERFACE, "DefaultVoice", ("s", "tone/tone"), interface=PROPERTIES)
    assert (client.get("Volume"), client.get("DefaultVoice")) == (0.25, "tone/tone")


def test_a_configuration_that_was_mended_is_no_longer_complained_of(
    daemon: DaemonProcess, client: Client
) -> None:
    assert "rat" not in client.get("Reason")
    daemon.terminate()
    write(daemon, "[speech]\nrat = 1\n")
    daemon.start()
    assert "unknown key 'rat'" in client.get("Reason")
    write(daemon, TONE)
    client.call("Reload")
    assert "unknown key 'rat'" not in client.get("Reason")
