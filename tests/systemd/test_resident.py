"""The resident model under a real `systemd --user`, in the sandbox of the unit."""

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import psutil
import pytest

from chatttsd.constants import INTERFACE
from support.manager import UserManager
from support.model_scene import PROGRAM, SCRIPTED
from support.pulse import PulseServer, pulse_server, wait_for
from support.random_model import RandomModel
from support.scripted_worker import ModelFolder, Script

pytestmark = [pytest.mark.system, pytest.mark.timeout(300)]
UNIT: Final = "chatttsd.service"
TEXT: Final = "今天天气很好，我们去公园散步。 Then we come home and tell what we have seen. "


@pytest.fixture(scope="module")
def pulse() -> Iterator[PulseServer]:
    with pulse_server() as running:
        yield running


@pytest.fixture
def manager(pulse: PulseServer) -> Iterator[UserManager]:
    sound = {name: pulse.environment[name] for name in ("PULSE_SERVER", "ALSA_CONFIG_PATH")}
    with UserManager(sound) as running:
        yield running


def start(
    manager: UserManager, commands: Path, model: Path, environment: dict[str, str] | None = None
) -> None:
    """Start the unit with a model."""
    file = Path(manager.environment["XDG_CONFIG_HOME"], "chatttsd", "config.toml")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f'{SCRIPTED}[chattts]\nmodel_dir = "{model}"\n')
    manager.install(commands, environment=environment)
    manager.systemctl("start", UNIT)


def get(manager: UserManager, name: str) -> str:
    reply = manager.busctl("get-property", INTERFACE, "/org/chattts/Speech1", INTERFACE, name)
    return reply.removeprefix("s ").strip('"')


def call(manager: UserManager, member: str, *arguments: str) -> str:
    return manager.run(
        manager.call(member, *arguments, reply_timeout_ms=200_000), check=True, timeout=220
    ).stdout


def say(manager: UserManager, text: str) -> str:
    options = "dict:string:string:engine,chattts"
    return call(manager, "SpeakWith", f"string:{text}", options).split()[1]


def worker(manager: UserManager) -> psutil.Process:
    """Return the model's worker; waits for one."""

    def found() -> list[psutil.Process]:
        children = psutil.Process(manager.main_pid()).children()
        return [child for child in children if "chattts" in child.cmdline()]

    wait_for(lambda: bool(found()), "the worker")
    return found()[0]


def test_the_status_of_the_unit_follows_the_model(manager: UserManager, tmp_path: Path) -> None:
    command = tmp_path / "bin" / "chatttsd"
    command.parent.mkdir()
    program = PROGRAM[1].replace("'", "'\"'\"'")
    command.write_text(f"#!/bin/sh\nexec '{sys.executable}' -c '{program}' \"$@\"\n")
    command.chmod(0o755)
    folder = ModelFolder(tmp_path / "model", Script(waits=True))
    start(manager, command.parent, folder.folder)
    manager.wait_until(lambda: "loading 62 %" in manager.show("StatusText"), "the progress in STATUS=")
    assert "espeak-ng" in manager.show("StatusText")
    assert "ChatTTS is loading, so espeak-ng speaks" in manager.show("StatusText")
    folder.go()
    manager.wait_until(lambda: manager.show("StatusText") == "idle, chattts", "the ready model in STATUS=")
    call(manager, "UnloadModel")
    manager.wait_until(lambda: "chatttsctl load" in manager.show("StatusText"), "the unloaded model")


def test_the_model_speaks_is_cancelled_and_killed_in_the_sandbox(
    manager: UserManager,
    pulse: PulseServer,
    commands: Path,
    random_model: RandomModel,
    kernels: dict[str, str],
) -> None:
    start(manager, commands, random_model(), kernels)
    manager.wait_until(lambda: get(manager, "ModelState") in ("ready", "failed"), "the model", 200)
    assert (get(manager, "ModelState"), get(manager, "Reason")) == ("ready", "")
    daemon = manager.main_pid()
    with pulse.record() as recorder:
        number = say(manager, TEXT * 5)
        wait_for(lambda: len(recorder.sounding()) > 0, "the first sound", 60)
        call(manager, "Cancel", f"uint32:{number}")
        assert "cancelled" in call(manager, "Wait", f"uint32:{number}")
        wait_for(lambda: recorder.silent_for(0.3), "silence")
    with pulse.record() as recorder:
        number = say(manager, TEXT)
        wait_for(lambda: len(recorder.sounding()) > 0, "the first sound", 60)
        os.kill(worker(manager).pid, signal.SIGKILL)
        assert "finished" in call(manager, "Wait", f"uint32:{number}")
    assert (manager.main_pid(), manager.show("NRestarts")) == (daemon, "0")
    pid = worker(manager).pid
    call(manager, "UnloadModel")
    assert not psutil.pid_exists(pid), "all of its memory is given back"
