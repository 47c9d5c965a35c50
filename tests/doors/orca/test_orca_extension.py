"""The Orca extension on a real bus with the real daemon; Orca 51 itself is a stand-in (support.orca_host)."""

import ast
import os
import signal
from collections.abc import Iterator

import pytest

from support.orca_extension import EXTENSION, OrcaHost, orca_host
from support.private_bus import PrivateBus
from support.pulse import wait_for
from support.scene import LONG, TONE, Scene, heard, samples, scene, spoken_texts

pytestmark = pytest.mark.system

LINE = "This is a line of a document that is long enough to be read out by another voice."
CHINESE = "这一行中文很长，所以由另外一个声音来读，而不是由屏幕阅读器自己的声音来读，这样听起来就更舒服一点。"
HIGHEST = 3.0
"""chatttsd's rate for Orca's 100, at which all is read here: it takes a third of the time."""
LIMITED = TONE + "[limits]\ntext_characters = 1000\n"


@pytest.fixture(scope="module")
def stage() -> Iterator[Scene]:
    with scene(LIMITED) as stage:
        yield stage


@pytest.fixture
def orca(stage: Scene) -> Iterator[OrcaHost]:
    stage.client.events.clear()
    with orca_host(stage.daemon.environment) as host:
        host.wait_there()
        host.do(rate=100)
        yield host


@pytest.fixture
def alone() -> Iterator[tuple[PrivateBus, OrcaHost]]:
    """Orca on a bus where there is no chatttsd and none can be started."""
    with PrivateBus() as bus, orca_host(bus.environment) as host:
        yield bus, host


def begun(stage: Scene) -> int:
    """Return the id of the utterance that has begun to be heard."""
    wait_for(lambda: any(event[0] == "Started" for event in stage.client.events), "an utterance to begin")
    return int(next(event[1][0] for event in stage.client.events if event[0] == "Started"))


def ended(stage: Scene, utterance: int) -> str:
    """Return how an utterance ended; unlike Wait it may be asked before the daemon knows the utterance."""
    return str(stage.client.wait_event("Finished", utterance)[1][1])


@pytest.mark.parametrize("text", [LINE, CHINESE])
def test_a_long_text_is_read_by_chatttsd(stage: Scene, orca: OrcaHost, text: str) -> None:
    with stage.pulse.record() as recorder:
        assert orca.present(text) == []
        assert stage.client.wait(begun(stage)) == "finished"
        wait_for(lambda: recorder.silent_for(0.2), "silence at the end")
        assert heard(samples(recorder), HIGHEST) == spoken_texts(text)


@pytest.mark.parametrize("odd", ["\0", "\ud800"])
def test_a_character_that_the_bus_cannot_carry_costs_nothing_but_itself(
    stage: Scene, orca: OrcaHost, odd: str
) -> None:
    with stage.pulse.record() as recorder:
        assert orca.present(f"Odd{odd}. {LINE}") == []
        assert stage.client.wait(begun(stage)) == "finished"
        wait_for(lambda: recorder.silent_for(0.2), "silence at the end")
        assert heard(samples(recorder), HIGHEST)[-1] == LINE


@pytest.mark.parametrize("text", ["a", "Button", LINE[:79], CHINESE[:39]])
def test_a_short_text_stays_with_orca(stage: Scene, orca: OrcaHost, text: str) -> None:
    assert orca.present(text) == [text]
    assert stage.client.get("Current") == 0


def test_the_shortest_text_can_be_set(stage: Scene, orca: OrcaHost) -> None:
    orca.do(settings={"minimum-length": 5})
    assert orca.present("abcd") == ["abcd"]
    assert orca.present("abcde") == []
    assert stage.client.wait(begun(stage)) == "finished"


def test_the_next_thing_that_orca_says_ends_the_reading(stage: Scene, orca: OrcaHost) -> None:
    orca.present(LONG)
    reading = begun(stage)
    assert orca.present("k") == ["k"]
    assert stage.client.wait(reading) == "cancelled"


def test_another_long_text_takes_the_place_of_the_first(stage: Scene, orca: OrcaHost) -> None:
    orca.present(LONG)
    reading = begun(stage)
    assert orca.present(LINE) == []
    assert stage.client.wait(reading) == "cancelled"
    assert ended(stage, reading + 1) == "finished"


def test_what_belongs_to_the_same_presentation_follows_in_order(stage: Scene, orca: OrcaHost) -> None:
    with stage.pulse.record() as recorder:
        assert orca.present(LINE, "link", "visited") == []
        first = begun(stage)
        assert [ended(stage, first + n) for n in range(3)] == ["finished"] * 3
        wait_for(lambda: recorder.silent_for(0.2), "silence at the end")
        assert heard(samples(recorder), HIGHEST) == [*spoken_texts(LINE), "link", "visited"]


def test_a_cancel_reaches_a_text_whose_number_is_not_known_yet(stage: Scene, orca: OrcaHost) -> None:
    # While the daemon stands still no answer can have come before the next presentation.
    before = stage.client.speak("One.")
    stage.client.wait(before)
    os.kill(stage.daemon.pid, signal.SIGSTOP)
    try:
        assert orca.present(LONG) == []
        assert orca.present("k") == ["k"]
    finally:
        os.kill(stage.daemon.pid, signal.SIGCONT)
    assert ended(stage, before + 1) == "cancelled"


def test_the_command_stops_the_reading(stage: Scene, orca: OrcaHost) -> None:
    orca.present(LONG)
    reading = begun(stage)
    orca.do(press=True)
    assert stage.client.wait(reading) == "cancelled"
    assert orca.said == []


def test_orcas_end_ends_the_reading(stage: Scene) -> None:
    stage.client.events.clear()
    with orca_host(stage.daemon.environment) as host:
        host.wait_there()
        host.present(LONG)
        reading = begun(stage)
        assert host.close() == 0
    assert stage.client.wait(reading) == "cancelled"


def test_a_disabled_extension_leaves_everything_to_orca(stage: Scene, orca: OrcaHost) -> None:
    orca.present(LONG)
    reading = begun(stage)
    orca.do(off=True)
    assert stage.client.wait(reading) == "cancelled"
    assert orca.present(LINE) == [LINE]


def test_say_all_stays_with_orca(stage: Scene, orca: OrcaHost) -> None:
    orca.do(say_all=[LINE, LONG, CHINESE])
    assert orca.said == [LINE, LONG, CHINESE]
    assert stage.client.get("Current") == 0


@pytest.mark.parametrize(("settings", "factor"), [({}, HIGHEST), ({"follow-rate": False}, 1.0)])
def test_the_rate_is_that_of_orcas_voice_unless_set_otherwise(
    stage: Scene, orca: OrcaHost, settings: dict[str, bool], factor: float
) -> None:
    orca.do(rate=100, settings=settings)
    with stage.pulse.record() as recorder:
        orca.present(LINE)
        assert stage.client.wait(begun(stage)) == "finished"
        wait_for(lambda: recorder.silent_for(0.2), "silence at the end")
        assert heard(samples(recorder), factor) == spoken_texts(LINE)


def test_a_refused_text_is_said_by_orca(stage: Scene, orca: OrcaHost) -> None:
    too_long = LINE * 20
    orca.present(too_long)
    wait_for(lambda: orca.do() and orca.said == [too_long], "Orca to say what chatttsd refused")


def test_without_a_daemon_orca_says_everything(alone: tuple[PrivateBus, OrcaHost]) -> None:
    _, host = alone
    assert host.present(LINE, "link") == [LINE, "link"]


def test_without_a_bus_orca_says_everything(alone: tuple[PrivateBus, OrcaHost]) -> None:
    bus, _ = alone
    with orca_host({**bus.environment, bus.variable: "unix:path=/nonexistent"}) as host:
        assert host.present(LINE) == [LINE]
        assert host.close() == 0


def test_a_daemon_that_dies_gives_its_text_back_and_a_new_one_reads_again() -> None:
    with scene() as stage, orca_host(stage.daemon.environment) as host:
        host.wait_there()
        os.kill(stage.daemon.pid, signal.SIGSTOP)
        # Orca's main loop goes on: these answers come while the daemon cannot answer anything.
        assert host.present(LONG) == []
        assert host.present("k") == ["k"]
        assert host.present(LINE) == []
        stage.daemon.process.kill()  # type: ignore[union-attr] # it runs
        host.wait_there(False)
        wait_for(lambda: host.said == ["k", LINE], "Orca to say the last text itself")
        assert host.present(LINE) == [LINE]
        stage.daemon.process.wait()  # type: ignore[union-attr] # it runs
        stage.daemon.start()
        host.wait_there()
        assert host.present(LINE) == []


def test_orca_can_read_the_name_and_description_without_running_the_file() -> None:
    tree = ast.parse(EXTENSION.read_text(encoding="utf-8"))
    (found,) = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef) and "Extension" in map(ast.unparse, node.bases)
    ]
    constants = {
        ast.unparse(node.targets[0]): node.value.value
        for node in found.body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
    }
    assert constants["GROUP_LABEL"] == "chatttsd"
    assert "long texts" in str(constants["DESCRIPTION"])


def test_the_file_says_whose_it_is_and_under_which_licence() -> None:
    text = EXTENSION.read_text(encoding="utf-8")
    assert text.startswith("# chatttsd: ")
    assert "SPDX-License-Identifier: AGPL-3.0-or-later" in text
