"""Orca itself, from Debian, under an X server without a screen: its voice is ours."""

import contextlib
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from chatttsd.doors.speechd.settings import rate_factor
from support.accessible_desktop import SERVICES, display, let_activated_programs_see
from support.ctl import ctl
from support.daemon import DaemonProcess
from support.private_bus import PrivateBus
from support.pulse import PulseServer, Recorder, pulse_server, wait_for
from support.scene import TONE, heard, samples
from support.speechd import SpeechDispatcher

pytestmark = [pytest.mark.system, pytest.mark.timeout(150)]

START = "Screen reader on."
"""What Orca says when it starts, in English."""
ORCAS_RATE = 2
"""What Orca 43 asks of speech-dispatcher when nothing is set: `2 * 50 - 98`."""
PATIENCE = 60.0
"""Seconds: on a busy machine Orca takes many of them to start."""


@contextlib.contextmanager
def desktop(engine: str) -> Iterator[tuple[PulseServer, SpeechDispatcher, dict[str, str]]]:
    """Everything but Orca; `chatttsctl speechd install --default` sets speech-dispatcher up."""
    with (
        pulse_server() as pulse,
        PrivateBus(SERVICES) as bus,
        display() as screen,
        DaemonProcess(bus, TONE.replace('"tone"', f'"{engine}"'), pulse.environment) as daemon,
    ):
        with daemon.client() as client:
            client.wait_property("Voices", bool)
        dispatcher = SpeechDispatcher({**pulse.environment, bus.variable: bus.address})
        installed = ctl(["speechd", "install", "--default"], dispatcher.environment)
        assert installed.returncode == 0, installed.stderr
        with dispatcher:
            environment = {**dispatcher.environment, "DISPLAY": screen, "GSETTINGS_BACKEND": "memory"}
            let_activated_programs_see(bus, environment)
            yield pulse, dispatcher, environment


@contextlib.contextmanager
def orca(environment: dict[str, str], folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Orca, its own log in `folder`."""
    with (folder / "orca.log").open("wb") as log:
        command = ["orca", "--replace", "--debug-file", str(folder / "orca-debug")]
        process = subprocess.Popen(command, env=environment, cwd=folder, stdout=log, stderr=log)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def spoken(recorder: Recorder, process: subprocess.Popen[bytes], folder: Path) -> NDArray[np.int16]:
    """Return the recording once something was said to its end."""

    def said() -> bool:
        if process.poll() is not None:
            raise RuntimeError(f"Orca ended with {process.returncode}: {(folder / 'orca.log').read_text()}")
        return len(recorder.sounding()) > 0 and recorder.silent_for(0.5)

    wait_for(said, "Orca to say something", PATIENCE)
    return samples(recorder)


def test_orca_says_its_start_message_through_the_module_word_for_word() -> None:
    with desktop("tone") as (pulse, dispatcher, environment):
        assert dispatcher.say("-O").stdout.split("\n")[1:-1][-1] == "chattts"
        with pulse.record() as recorder, orca(environment, dispatcher.folder) as process:
            pcm = spoken(recorder, process, dispatcher.folder)
    assert " ".join(heard(pcm, rate_factor(ORCAS_RATE, 3.0))) == START


def test_orca_is_heard_with_the_voice_that_needs_no_download() -> None:
    with (
        desktop("espeak-ng") as (pulse, dispatcher, environment),
        pulse.record() as recorder,
        orca(environment, dispatcher.folder) as process,
    ):
        pcm = spoken(recorder, process, dispatcher.folder)
    seconds = np.count_nonzero(np.abs(pcm) > 200) / 24_000
    assert 0.2 < seconds < 3, "three words, and nothing of the markup"
