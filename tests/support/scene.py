"""A scene: PulseAudio, a private bus and the real daemon, and what the recording of its voice holds."""

import contextlib
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from chatttsd.speech.segment import segment
from support.daemon import Client, DaemonProcess
from support.private_bus import PrivateBus
from support.pulse import PulseServer, Recorder, pulse_server, wait_for
from support.tone_decoder import DecodedSegment, decode

TEXTS = Path(__file__).parent.parent / "data" / "texts"
# These tests are about what is heard, not how soon: a large buffer keeps a busy machine from cutting holes.
# Without the rest between sentences every gap in a recording is a fault.
STEADY = "[audio]\nlatency_ms = 150\necho_latency_ms = 150\n"
# Without the cache, which would say a text that comes again although its worker is dead. [audio] stays the
# last section: some tests add to it.
UNKEPT = "[cache]\nmegabytes = 0\n"
TONE = f'[speech]\nengine = "tone"\nsentence_pause_seconds = 0\n[logging]\nlevel = "debug"\n{UNKEPT}{STEADY}'
LONG = "This is a sentence that takes a while to say, so that there is time to disturb it. " * 4


@dataclass
class Scene:
    """Everything that runs."""

    pulse: PulseServer
    daemon: DaemonProcess
    client: Client

    def speak_whole(self, text: str, **options: str) -> tuple[str, NDArray[np.int16]]:
        """Say a text and return its outcome and the recording."""
        with self.pulse.record() as recorder:
            outcome = self.client.wait(self.client.speak(text, **options), timeout=120)
            wait_for(lambda: recorder.silent_for(0.2), "silence at the end")
            return outcome, samples(recorder)

    def begin(self, text: str = LONG, **options: str) -> int:
        """Begin to say a text and return once it is heard."""
        utterance = self.client.speak(text, **options)
        self.client.wait_event("Started", utterance)
        return utterance

    def command(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Run chatttsctl."""
        return subprocess.run(
            [sys.executable, "-m", "chatttsd.ctl", *arguments],
            env=self.daemon.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=150,
        )


@contextlib.contextmanager
def scene(
    config: str = TONE,
    *,
    pulse_running: bool = True,
    prompt: bool = True,
    program: tuple[str, ...] = DaemonProcess.program,
    environment: Mapping[str, str] | None = None,
) -> Iterator[Scene]:
    """A scene for a `with` block, its client listening; ready when the voice is."""
    with pulse_server(running=pulse_running, prompt=prompt) as pulse, PrivateBus() as bus:
        daemon = DaemonProcess(bus, config, {**pulse.environment, **(environment or {})})
        daemon.program = program
        with daemon, daemon.client() as client:
            client.listen()
            client.wait_property("Voices", bool)
            yield Scene(pulse, daemon, client)


def samples(recorder: Recorder) -> NDArray[np.int16]:
    """Return the whole recording."""
    return np.array(recorder.samples(), dtype=np.int16)


def spoken_texts(text: str) -> list[str]:
    """Return what the engine should have been asked to say."""
    return [piece.text for piece in segment(text) if piece.text]


def heard(pcm: NDArray[np.int16], rate: float = 1.0) -> list[str]:
    """Return the texts that a recording of the tone engine holds."""
    return [piece.text for piece in decode(pcm, speech_rate=rate)]


def whole(pieces: list[DecodedSegment]) -> bool:
    """Tell whether nothing was cut off."""
    return all(piece.complete for piece in pieces)
