"""speech-dispatcher with our module while the daemon is killed, absent or speaks with espeak-ng."""

import os
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import groupby
from pathlib import Path

import numpy as np
import pytest
from jeepney import MessageType
from jeepney.bus_messages import message_bus
from jeepney.io.blocking import open_dbus_connection

from chatttsd.constants import BUS_NAME
from support.private_bus import PrivateBus
from support.pulse import PulseServer, Recorder, pulse_server, wait_for
from support.scene import LONG, STEADY, TONE, samples
from support.speechd import ESPEAK, SpeechDispatcher, chattts_module
from support.speechd_scene import loud_seconds, pieces, sounds_for, spoken_scene
from support.tone_decoder import decode

pytestmark = pytest.mark.system

NUMBERS = ("one", "two", "three", "four", "five", "six", "seven")
SENTENCES = [f"Sentence number {number} comes." for number in NUMBERS]
IN_THE_THIRD = 3.7
"""Seconds of sound: a sentence takes 1.6."""

SERVICE = "[D-BUS Service]\nName={name}\nExec=/usr/bin/env {environment} {command}\n"


def pid_of_daemon(address: str) -> int:
    """Return the process that owns the daemon's name, 0 when nobody does."""
    with open_dbus_connection(address) as connection:
        reply = connection.send_and_get_reply(message_bus.GetConnectionUnixProcessID(BUS_NAME))
        return 0 if reply.header.message_type is MessageType.error else int(reply.body[0])


def let_the_bus_start_it(services: Path, pulse: PulseServer, address: str) -> None:
    """Write the activation file of a daemon that speaks with the tone engine."""
    (services / "config.toml").write_text(TONE)
    given = {**pulse.environment, "HOME": str(services), "DBUS_SESSION_BUS_ADDRESS": address}
    command = f"{sys.executable} -m chatttsd.app --config {services}/config.toml"
    assigned = " ".join(f"{name}={value}" for name, value in given.items())
    (services / f"{BUS_NAME}.service").write_text(
        SERVICE.format(name=BUS_NAME, environment=assigned, command=command)
    )


@contextmanager
def desktop(*, startable: bool) -> Iterator[tuple[PulseServer, PrivateBus, SpeechDispatcher]]:
    """PulseAudio, a bus that starts the daemon when asked, or cannot, and speech-dispatcher."""
    with ExitStack() as stack:
        services = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="svc-")))
        pulse = stack.enter_context(pulse_server())
        bus = stack.enter_context(PrivateBus(activation=services))
        if startable:
            let_the_bus_start_it(services, pulse, bus.address)
            stack.callback(end_daemon, bus.address)
        environment = {**pulse.environment, "DBUS_SESSION_BUS_ADDRESS": bus.address}
        modules = [chattts_module(services)]
        yield pulse, bus, stack.enter_context(SpeechDispatcher(environment, modules))


def end_daemon(address: str) -> None:
    """Stop the daemon and wait until it has left the bus."""
    pid = pid_of_daemon(address)
    if pid:
        os.kill(pid, signal.SIGTERM)
        wait_for(lambda: pid_of_daemon(address) != pid, "the daemon to leave the bus")


def test_a_daemon_that_is_killed_is_started_again_and_goes_on_at_the_sentence_it_broke_off() -> None:
    with desktop(startable=True) as (pulse, bus, server), server.client("chattts") as client:
        assert pid_of_daemon(bus.address) == 0, "listing voices does not start it"
        with pulse.record() as recorder:
            assert client.wait_over(client.speak("First.")) == "end"
            assert pieces(recorder) == ["First."]
            length = recorder.position
            message = client.speak(" ".join(SENTENCES))
            sounds_for(recorder, IN_THE_THIRD, length)
            os.kill(pid_of_daemon(bus.address), signal.SIGKILL)
            assert client.wait_over(message) == "end"
            wait_for(lambda: recorder.silent_for(0.2), "silence")
        assert [event.kind for event in client.whole(message)] == ["begin", "end"]
        said = decode(samples(recorder))
        whole = [piece.text for piece in said if piece.complete]
        assert [text for text, _ in groupby(whole)] == ["First.", *SENTENCES]
        broken = [index for index, piece in enumerate(said) if not piece.complete]
        twice = len(whole) - len(SENTENCES) - 1  # killed late, at its very end
        assert len(broken) + twice <= 1
        for index in broken:
            assert index > 1, "some of it had been heard whole"
            assert said[index + 1].text.startswith(said[index].text)
        assert client.wait_over(client.speak("After it.")) == "end"


def test_without_a_daemon_every_message_ends_and_the_reason_is_told() -> None:
    with desktop(startable=False) as (_, _bus, server), server.client("chattts") as client:
        messages = [client.speak("Secret."), client.char("a"), client.key("shift_a"), client.sound_icon("x")]
        assert [client.wait_over(message) for message in messages] == ["end"] * 4
        assert [client.of(message) for message in messages] == [["begin", "end"]] * 4
        assert server.say("-o", "chattts", "-w", "Secret.", timeout=20).returncode == 0
        log = server.log("chattts")
        assert log.count("chatttsd is not there") == 1
        assert "Secret" not in log


def test_a_bus_that_goes_costs_one_message_and_no_client_waits() -> None:
    with desktop(startable=True) as (_, bus, server), server.client("chattts") as client:
        message = client.speak(LONG)
        client.wait("begin", message)
        bus.restart()
        assert client.wait_over(message) in ("end", "cancel")
        assert client.wait_over(client.speak("After it.")) == "end"


def energy(recorder: Recorder) -> float:
    """Return the RMS of what is not silent."""
    sound = np.array(recorder.sounding(), dtype=np.float64)
    return float(np.sqrt(np.mean(sound**2))) if sound.size else 0.0


def test_espeak_ng_says_chinese_and_english_at_the_rate_that_is_asked() -> None:
    with spoken_scene(f'[speech]\nengine = "espeak-ng"\n{STEADY}', [ESPEAK]) as stage:
        lengths = {}
        for rate in (0, 100):
            for text in ("你好，世界，今天天气很好。", "The weather is very fine today."):
                with stage.recorded() as recorder:
                    stage.client.set("RATE", rate)
                    assert stage.client.wait_over(stage.client.speak(text)) == "end"
                assert energy(recorder) > 500
                lengths[text, rate] = loud_seconds(samples(recorder))
        for (text, rate), seconds in lengths.items():
            assert 0.3 < seconds < 5
            if rate == 0:
                assert 2 < seconds / lengths[text, 100] < 4
        listed = stage.server.say("-o", "chattts", "-L").stdout
        assert "espeak-ng/cmn" in listed, "what the daemon has is listed"
