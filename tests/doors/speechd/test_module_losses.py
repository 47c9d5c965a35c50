"""The daemon or the bus is lost in the middle of a message: it ends, or is said by the next daemon."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from chatttsd.constants import BUS_NAME
from chatttsd.doors.speechd.message import Message
from chatttsd.doors.speechd.speaking import Speaking
from support.fake_speech import Asked, Die, FakeSpeech, Value
from support.private_bus import PrivateBus
from support.pulse import wait_for
from support.speechd_module import ModuleProcess, say

DONE = ["701 BEGIN", "702 END"]
BODY = "<speak>First of all. <b>And then</b> the second.</speak>"


@pytest.fixture
def bus() -> Iterator[PrivateBus]:
    with PrivateBus() as bus:
        yield bus


@pytest.fixture
def module(bus: PrivateBus, tmp_path: Path) -> Iterator[ModuleProcess]:
    with ModuleProcess(bus.environment, tmp_path) as module:
        yield module


@pytest.fixture
def pair(bus: PrivateBus) -> Iterator[tuple[FakeSpeech, ExitStack, FakeSpeech]]:
    """A daemon, what ends it, and the one that stands in the queue for its name."""
    with ExitStack() as first, ExitStack() as second:
        daemon = first.enter_context(FakeSpeech(bus.address))
        yield daemon, first, second.enter_context(FakeSpeech(bus.address, {"SpeakWith": Value("u", (1,))}))


def test_what_nobody_can_go_on_with_ends_and_the_next_message_is_said(
    bus: PrivateBus, module: ModuleProcess
) -> None:
    with FakeSpeech(bus.address) as daemon:
        module.speak(BODY)
        daemon.wait_for("SpeakWith")
        daemon.emit("Started", "u", (7,))
        module.wait_events(1)
    assert module.wait_events(2) == DONE
    with FakeSpeech(bus.address) as daemon:
        module.speak(BODY)
        daemon.wait_for("SpeakWith")
        say(daemon, 7)
        assert module.wait_events(4) == DONE * 2


def test_what_was_not_heard_is_said_whole_by_the_next_daemon(
    pair: tuple[FakeSpeech, ExitStack, FakeSpeech], module: ModuleProcess
) -> None:
    daemon, end_it, successor = pair
    module.speak(BODY)
    daemon.wait_for("SpeakWith")
    end_it.close()
    assert successor.wait_for("SpeakWith").body[0] == BODY
    say(successor, 1)
    assert module.wait_events(2) == DONE


def test_a_daemon_that_leaves_right_behind_its_answer_is_missed(
    bus: PrivateBus, module: ModuleProcess
) -> None:
    with ExitStack() as first:

        def answer_and_leave(_asked: Asked) -> Value:
            threading.Thread(target=first.close).start()
            return Value("u", (7,))

        first.enter_context(FakeSpeech(bus.address, {"SpeakWith": answer_and_leave}))
        with FakeSpeech(bus.address, {"SpeakWith": Value("u", (1,))}) as successor:
            module.speak(BODY)
            successor.wait_for("SpeakWith")
            say(successor, 1)
            assert module.wait_events(2) == DONE


def test_what_was_heard_in_part_goes_on_with_the_next_daemon(
    pair: tuple[FakeSpeech, ExitStack, FakeSpeech], module: ModuleProcess
) -> None:
    daemon, end_it, successor = pair
    module.speak(BODY)
    daemon.wait_for("SpeakWith")
    daemon.emit("Progress", "uuu", (7, 0, 20))
    daemon.emit("Progress", "uuu", (7, BODY.index("And"), BODY.index("</speak>")))
    module.wait_events(1)
    end_it.close()
    assert successor.wait_for("SpeakWith").body[0] == "<speak><b>And then</b> the second.</speak>"
    say(successor, 1)
    assert module.wait_events(2) == DONE


def test_a_character_that_was_heard_is_not_said_again(
    pair: tuple[FakeSpeech, ExitStack, FakeSpeech], module: ModuleProcess
) -> None:
    daemon, end_it, successor = pair
    module.speak("a", "CHAR")
    daemon.wait_for("SpeakWith")
    daemon.emit("Started", "u", (7,))
    module.wait_events(1)
    end_it.close()
    assert module.wait_events(2) == DONE
    assert successor.calls("SpeakWith") == []


def test_a_daemon_that_dies_of_every_message_is_given_up(bus: PrivateBus, module: ModuleProcess) -> None:
    with (
        FakeSpeech(bus.address, {"SpeakWith": Die()}),
        FakeSpeech(bus.address, {"SpeakWith": Die()}) as second,
    ):
        module.speak(BODY)
        assert module.wait_events(2) == DONE
        assert len(second.calls("SpeakWith")) == 1
    module.wait_log("chatttsd left the bus")
    assert "First" not in module.log


def test_a_stopped_message_is_not_said_by_the_next_daemon(
    pair: tuple[FakeSpeech, ExitStack, FakeSpeech], module: ModuleProcess
) -> None:
    daemon, end_it, successor = pair
    module.speak(BODY)
    daemon.wait_for("SpeakWith")
    module.send("STOP")
    module.wait_events(2)
    end_it.close()
    module.speak("<speak>next</speak>")
    assert successor.wait_for("SpeakWith").body[0] == "<speak>next</speak>"
    say(successor, 1)
    assert module.wait_events(4)[2:] == DONE


def test_a_bus_that_is_started_anew_is_joined_again(bus: PrivateBus, module: ModuleProcess) -> None:
    with FakeSpeech(bus.address) as daemon:
        module.speak(BODY)
        daemon.wait_for("SpeakWith")
        bus.restart()
    assert module.wait_events(2) == DONE
    with FakeSpeech(bus.address) as daemon:
        module.speak(BODY)
        daemon.wait_for("SpeakWith")
        say(daemon, 7)
        assert module.wait_events(4) == DONE * 2


def test_a_daemon_that_does_not_answer_ends_the_message_and_is_silenced_when_it_does(
    bus: PrivateBus, module: ModuleProcess
) -> None:
    def late(_asked: Asked) -> Value:
        module.wait_events(2)
        return Value("u", (9,))

    with FakeSpeech(bus.address, {"SpeakWith": late}) as daemon:
        module.speak(BODY)
        assert daemon.wait_for("Cancel").body == (9,)
    assert module.events == DONE
    module.wait_log("chatttsd does not answer")


def test_messages_that_come_while_the_daemon_is_started_in_vain_share_that_wait(tmp_path: Path) -> None:
    program, started = tmp_path / "slow", tmp_path / "started"
    program.write_text(f"#!/bin/sh\necho x >> '{started}'\nexec sleep 5\n")
    program.chmod(0o755)
    (tmp_path / "s.service").write_text(f"[D-BUS Service]\nName={BUS_NAME}\nExec={program}\n")
    with (
        PrivateBus(tmp_path, activation_timeout_ms=1500) as bus,
        ModuleProcess(bus.environment, tmp_path) as module,
    ):
        module.speak("a", "CHAR")
        wait_for(started.exists, "the start")
        for number in range(3):
            module.send("STOP")
            module.wait_events(2 * number + 2)
            module.speak("b", "CHAR")
        assert module.wait_events(8)[-2:] == DONE
        assert started.read_text() == "x\n"


async def test_what_is_given_up_for_lost_is_silenced_in_case_it_is_not(bus: PrivateBus) -> None:
    sent: list[str] = []
    with FakeSpeech(bus.address) as daemon:
        speaking = Speaking(bus.address, lambda _voices: None, lambda _reason: None, 0.01)
        speaking.say(Message("SPEAK", BODY, {}, lambda *lines: sent.extend(lines)))
        asked = await asyncio.to_thread(daemon.wait_for, "Cancel")
        await speaking.close()
    assert asked.body == (7,)
