import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from chatttsd.audio.diagnose import Cause, DeviceError, SoundFacts, explain, gather_facts

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
