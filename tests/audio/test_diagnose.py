import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from chatttsd.audio.diagnose import (
    Cause,
    DeviceError,
    SoundFacts,
    explain,
    gather_facts,
    missing_alsa_configuration,
)

NOTHING = SoundFacts(user="ada", cards=False, permitted=False, server="", answers=False)
CARD = replace(NOTHING, cards=True, permitted=True)
LOCKED = replace(NOTHING, cards=True)
SERVER = replace(NOTHING, server="/run/user/1000/pulse/native", answers=True)
DEAD = replace(SERVER, answers=False)


@pytest.fixture
def folder() -> Iterator[Path]:
    with TemporaryDirectory(prefix="facts-") as name:
        yield Path(name)


@pytest.mark.parametrize(
    ("cause", "facts", "mention"),
    [
        (Cause.LIBRARY, SERVER, "libportaudio2"),
        (Cause.CONFIGURATION, SERVER, "libasound2-data"),
        (Cause.CONFIGURATION, NOTHING, "'earphones' is none of"),
        (Cause.NOT_FOUND, SERVER, "'earphones' is none of"),
        (Cause.NO_DEVICE, SERVER, "libasound2-plugins"),
        (Cause.NO_DEVICE, LOCKED, "usermod -aG audio ada"),
        (Cause.REFUSED, LOCKED, "group `audio`"),
        (Cause.NO_DEVICE, DEAD, "systemctl --user start"),
        (Cause.REFUSED, SERVER, "'earphones' is none of"),
        (Cause.REFUSED, CARD, "aplay -l"),
        (Cause.NO_DEVICE, NOTHING, "There is no sound device"),
    ],
)
def test_every_cause_is_explained_in_one_line_with_what_to_do(
    cause: Cause, facts: SoundFacts, mention: str
) -> None:
    reason = explain(DeviceError(cause, "'earphones' is none of 'default'"), facts)
    assert mention in reason
    assert "\n" not in reason
    assert reason.endswith(".")


def test_a_machine_without_anything_is_seen_as_such(folder: Path) -> None:
    environ = {"XDG_RUNTIME_DIR": str(folder), "USER": "ada"}
    assert gather_facts(environ, folder / "snd") == NOTHING


def test_cards_and_permissions_are_seen(folder: Path) -> None:
    (folder / "pcmC0D0p").touch()
    (folder / "pcmC0D0c").touch()
    facts = gather_facts({"XDG_RUNTIME_DIR": str(folder), "USER": "ada"}, folder)
    assert (facts.cards, facts.permitted) == (True, True)


def test_a_microphone_is_no_sound_card_for_us(folder: Path) -> None:
    (folder / "pcmC0D0c").touch()
    assert not gather_facts({"XDG_RUNTIME_DIR": str(folder)}, folder).cards


@pytest.mark.parametrize("name", ["pulse/native", "pipewire-0"])
def test_a_server_that_listens_is_told_from_one_that_left_its_socket_behind(folder: Path, name: str) -> None:
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    environ = {"XDG_RUNTIME_DIR": str(folder), "USER": "ada"}
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen()
        facts = gather_facts(environ, folder)
        assert (facts.server, facts.answers) == (str(path), True)
    facts = gather_facts(environ, folder)
    assert (facts.server, facts.answers) == (str(path), False)


def test_the_server_that_pulse_server_names_is_the_one_that_counts(folder: Path) -> None:
    environ = {"XDG_RUNTIME_DIR": "/nowhere", "PULSE_SERVER": f"unix:{folder}/own"}
    assert gather_facts(environ, folder).server == ""
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(f"{folder}/own")
        assert gather_facts(environ, folder).server == f"{folder}/own"


def test_an_alsa_configuration_is_seen_where_alsa_looks_for_it(folder: Path) -> None:
    usual, other, named = folder / "alsa.conf", folder / "other" / "alsa.conf", folder / "own.conf"
    other.parent.mkdir()
    elsewhere = {"ALSA_CONFIG_DIR": str(other.parent)}
    environments: list[tuple[Path, dict[str, str]]] = [
        (usual, {}),
        (usual, {"ALSA_CONFIG_PATH": "", "ALSA_CONFIG_DIR": "relative"}),
        (other, elsewhere),
        (named, elsewhere | {"ALSA_CONFIG_PATH": str(named)}),
    ]
    for path, environ in environments:
        path.unlink(missing_ok=True)
        assert missing_alsa_configuration(environ, str(folder)) == str(path)
        path.write_text("pcm.default {}")
        assert missing_alsa_configuration(environ, str(folder)) == ""


@pytest.mark.parametrize("separator", [":", " "])
def test_one_alsa_configuration_of_several_is_enough(folder: Path, separator: str) -> None:
    (folder / "there").write_text("pcm.default {}")
    both = f"{folder}/not-there{separator}{folder}/there"
    assert missing_alsa_configuration({"ALSA_CONFIG_PATH": both}) == ""


def test_an_alsa_configuration_without_anything_in_it_is_as_good_as_none(folder: Path) -> None:
    (folder / "empty").touch()
    for name in ("/dev/null", str(folder), f"{folder}/empty"):
        assert missing_alsa_configuration({"ALSA_CONFIG_PATH": name}) == name
