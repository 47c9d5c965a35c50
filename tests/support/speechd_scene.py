"""A scene with speech-dispatcher in front: PulseAudio, a private bus, the daemon, the server."""

import contextlib
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from support.begins import TEMPLATE
from support.pulse import RATE, Recorder, wait_for
from support.scene import TONE, Scene, heard, samples, scene
from support.speechd import ESPEAK, Module, SpeechDispatcher, chattts_module
from support.ssip import SsipClient

FASTEST = 100
FAST_FACTOR = 3.0
"""The daemon's rate for a client's rate of FASTEST."""
SETTLED_SECONDS = 0.15
"""So much of a segment is heard before it is paused."""
FADE = RATE // 100
"""Samples in which a sound that ends away from zero is led back to it, and more."""


@dataclass
class SpokenScene:
    """Everything that runs; `client` speaks SSIP through the module `chattts`."""

    scene: Scene
    server: SpeechDispatcher
    client: SsipClient

    @contextlib.contextmanager
    def recorded(self) -> Iterator[Recorder]:
        """Record inside a `with` block, which ends once it is silent."""
        with self.scene.pulse.record() as recorder:
            yield recorder
            wait_for(lambda: recorder.silent_for(0.2), "silence at the end")

    def fresh(self, **settings: str | int) -> SsipClient:
        """Another SSIP client of the module with these parameters; whoever asks for it closes it."""
        client = SsipClient(self.server.socket, "tester:fresh:main", "chattts")
        for name, value in settings.items():
            client.set(name, value)
        return client

    def paused_in_segment(self, client: SsipClient, number: int, text: str) -> tuple[int, list[str]]:
        """Begin a text at rate FASTEST and pause it in a segment; return the message and what was heard."""
        events = self.scene.client.events
        events.clear()
        with self.recorded() as recorder:
            message = client.speak(text)
            wait_for(lambda: [e[0] for e in events].count("Progress") > number, f"segment {number}", 20)
            sounds_for(recorder, SETTLED_SECONDS, recorder.position)
            client.pause()
            client.wait("pause", message)
        return message, pieces(recorder, rate=FAST_FACTOR)


def pieces(recorder: Recorder, start: int = 0, rate: float = 1.0) -> list[str]:
    """Return what the tone engine said in a recording from a sample on."""
    return heard(samples(recorder)[start:], rate)


def sounds_for(recorder: Recorder, seconds: float, start: int = 0) -> None:
    """Wait until so much sound was recorded from a sample on."""
    wait_for(lambda: len(recorder.sounding(start)) > seconds * RATE, "sound in the recording", 20)


def loud_seconds(pcm: NDArray[np.int16], threshold: int = 300) -> float:
    """Return how much time lies between the first and the last loud sample."""
    loud = np.flatnonzero(np.abs(pcm.astype(np.int32)) > threshold)
    return float(loud[-1] - loud[0]) / RATE if loud.size else 0.0


def tone(pcm: NDArray[np.int16]) -> int | None:
    """Return the strongest frequency in Hz of what is not silent, None where that is less than FADE."""
    loud = np.flatnonzero(pcm)
    if loud.size <= FADE:
        return None
    return int(np.argmax(np.abs(np.fft.rfft(pcm[loud[0] : loud[-1] + 1].astype(np.float64), RATE))))


def floats(recorder: Recorder, start: int = 0) -> NDArray[np.float64]:
    """Return what was recorded from a sample on."""
    return np.array(recorder.samples(start), np.float64)


def first_sounds(client: SsipClient, recorder: Recorder, typed: str) -> list[NDArray[np.float64]]:
    """Say each character by itself; return what is heard first of each, for `support.begins`."""
    found = []
    for letter in typed:
        wait_for(lambda: recorder.silent_for(0.2), "silence")
        start = recorder.position
        client.wait_over(client.char(letter))
        sound = floats(recorder, start)
        onset = int(np.flatnonzero(sound)[0])
        found.append(sound[onset : onset + TEMPLATE])
    wait_for(lambda: recorder.silent_for(0.2), "silence")
    return found


def type_burst(client: SsipClient, typed: str, interval: float) -> list[int]:
    """Do what a screen reader does while keys are typed; return the messages once the last has ended."""
    messages = []
    for character in typed:
        client.cancel()
        messages.append(client.char(character))
        time.sleep(interval)  # the time between two strokes is what is tested
    for message in messages:
        client.wait_over(message)
    return messages


@contextlib.contextmanager
def spoken_scene(
    config: str = TONE, modules: Sequence[Module] = (ESPEAK,), *, symbols: bool = True
) -> Iterator[SpokenScene]:
    """A scene for a `with` block, `chattts` the default module beside these."""
    with scene(config) as stage, tempfile.TemporaryDirectory(prefix="sd-") as folder:
        own = chattts_module(Path(folder))
        environment = {**stage.pulse.environment, **stage.daemon.environment}
        configuration = "DefaultModule chattts\n"
        with (
            SpeechDispatcher(environment, [own, *modules], configuration, symbols=symbols) as server,
            server.client("chattts") as client,
        ):
            yield SpokenScene(stage, server, client)
