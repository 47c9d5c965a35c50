"""`dbus-send` from a script, nothing running: the unit starts and the recording holds the speech."""

import os
import re
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from support.manager import UserManager
from support.pulse import PulseServer, pulse_server, wait_for
from support.scene import LONG, TONE, heard, samples, spoken_texts

pytestmark = [pytest.mark.system, pytest.mark.timeout(180)]
SENTENCE = "你好，世界。Hello, world."
CALL = ["dbus-send", "--session", "--print-reply", "--dest=org.chattts.Speech1", "/org/chattts/Speech1"]


@pytest.fixture(scope="module")
def pulse() -> Iterator[PulseServer]:
    with pulse_server() as running:
        yield running


@pytest.fixture(scope="module")
def manager(pulse: PulseServer) -> Iterator[UserManager]:
    sound = {name: pulse.environment[name] for name in ("PULSE_SERVER", "ALSA_CONFIG_PATH")}
    with UserManager(sound) as running:
        yield running


@pytest.fixture(autouse=True)
def stopped(manager: UserManager) -> Iterator[None]:
    """Nothing runs before a test, and its configuration is gone after it."""
    yield
    manager.systemctl("stop", "chatttsd.service")
    manager.run(["systemctl", "--user", "reset-failed", "chatttsd.service"])
    configuration(manager).unlink(missing_ok=True)


def configuration(manager: UserManager) -> Path:
    return Path(manager.environment["XDG_CONFIG_HOME"], "chatttsd", "config.toml")


def use_tone(manager: UserManager) -> None:
    configuration(manager).parent.mkdir(parents=True, exist_ok=True)
    configuration(manager).write_text(TONE)


def call(manager: UserManager, member: str, *arguments: str) -> str:
    return manager.run([*CALL, f"org.chattts.Speech1.{member}", *arguments], check=True, timeout=90).stdout


def utterance(reply: str) -> int:
    found = re.search(r"^   uint32 (\d+)$", reply, re.MULTILINE)
    assert found, reply
    return int(found[1])


@pytest.mark.parametrize(
    ("member", "options"),
    [("Speak", []), ("SpeakWith", ["dict:string:string:rate,1.5,priority,important"])],
)
def test_the_first_call_starts_the_unit_and_is_heard(
    manager: UserManager, pulse: PulseServer, commands: Path, member: str, options: list[str]
) -> None:
    manager.install(commands)
    assert manager.show("ActiveState") == "inactive"
    with pulse.record() as recorder:
        number = utterance(call(manager, member, f"string:{SENTENCE}", *options))
        assert "finished" in call(manager, "Wait", f"uint32:{number}")
        wait_for(lambda: recorder.silent_for(0.2), "silence at the end")
        pcm = samples(recorder)
    seconds = np.count_nonzero(np.abs(pcm) > 100) / 24_000
    assert 0.4 < seconds < 8
    assert np.abs(pcm).max() > 3000
    assert manager.show("ActiveState") == "active"


def test_the_recording_holds_each_character(manager: UserManager, pulse: PulseServer, commands: Path) -> None:
    use_tone(manager)
    manager.install(commands)
    with pulse.record() as recorder:
        number = utterance(call(manager, "Speak", f"string:{SENTENCE}"))
        assert "finished" in call(manager, "Wait", f"uint32:{number}")
        wait_for(lambda: recorder.silent_for(0.2), "silence at the end")
        assert heard(samples(recorder)) == [SENTENCE]


def test_a_daemon_killed_while_speaking_falls_silent_and_the_next_call_is_heard(
    manager: UserManager, pulse: PulseServer, commands: Path
) -> None:
    use_tone(manager)
    manager.install(commands, service={"RestartSec": "100ms"})
    with pulse.record() as recorder:
        utterance(call(manager, "Speak", f"string:{LONG}"))
        wait_for(lambda: len(recorder.sounding()) > 12_000, "half a second of speech")
        os.kill(manager.main_pid(), signal.SIGKILL)
        wait_for(lambda: recorder.silent_for(0.3), "silence after the kill")
        manager.wait_for("NRestarts", "1")
        before = recorder.position
        number = utterance(call(manager, "Speak", "string:Back again."))
        assert "finished" in call(manager, "Wait", f"uint32:{number}")
        wait_for(lambda: recorder.silent_for(0.2), "silence at the end")
        assert heard(np.array(recorder.samples(before), dtype=np.int16)) == ["Back again."]


def test_status_says_what_speaks_and_why(manager: UserManager, commands: Path) -> None:
    manager.install(commands)
    call(manager, "Speak", "string:Hello.")
    manager.wait_until(lambda: "espeak-ng" in manager.show("StatusText"), "the engine in STATUS=")
    assert "ChatTTS" in manager.show("StatusText")


def test_chatttsctl_reads_a_whole_file(manager: UserManager, pulse: PulseServer, commands: Path) -> None:
    use_tone(manager)
    manager.install(commands)
    file = Path(manager.environment["HOME"], "text.txt")
    file.write_text(LONG, encoding="utf-8")
    with pulse.record() as recorder:
        command = [sys.executable, "-m", "chatttsd.ctl", "speak", "-f", str(file), "--wait"]
        manager.run(command, check=True, timeout=90)
        wait_for(lambda: recorder.silent_for(0.2), "silence at the end")
        assert heard(samples(recorder)) == spoken_texts(LONG)
