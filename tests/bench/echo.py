"""How soon a typed character sounds, and how soon a cancel silences: through the real speech-dispatcher.

Run: `python tests/bench/echo.py [--strokes N] [--rounds N] [--json FILE]`. One speech-dispatcher with
Debian's own module `espeak-ng` and our `chattts` (a daemon with the engine espeak-ng), one PulseAudio null
sink that is recorded. In milliseconds, median, p95 and p99: a lone CHAR over SSIP to its first audible sample
in the recording; CANCEL + CHAR 25 times a second, each to its own onset, found in the recording by the sound
of a lone one, and how many were heard; CANCEL to the last audible sample of a sentence. Ours with the
character in the cache, and with the cache off. Last, over the bus alone, a sentence of the cache.
"""

import argparse
import contextlib
import json
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).parent.parent))

from chatttsd.speech.statistics import percentile
from support.begins import TEMPLATE, begins
from support.daemon import Client, DaemonProcess
from support.private_bus import PrivateBus
from support.pulse import RATE, PulseServer, Recorder, pulse_server, wait_for
from support.speechd import ESPEAK, SpeechDispatcher, chattts_module
from support.ssip import SsipClient

TYPED: Final = "ckptabmw27"
PERIOD: Final = 0.04
"""25 strokes a second, what the keyboard repeats at."""
AUDIBLE: Final = 32
"""1/1024 of full scale."""
WINDOW: Final = 0.12
"""A stroke that has no onset in so many seconds was not heard."""
REFERENCES: Final = 3
SENTENCE: Final = "This sentence is long enough to be stopped in the middle of it, whoever says it. "
CONFIG: Final = '[speech]\nengine = "espeak-ng"\n[limits]\ncalls_per_second = 1000\n[cache]\nmegabytes = {}\n'

Figures = dict[str, float]


@dataclass
class Stage:
    """Everything that runs."""

    pulse: PulseServer
    daemon: DaemonProcess
    client: Client
    dispatcher: SpeechDispatcher

    def configure(self, megabytes: int) -> None:
        """Give the daemon another cache."""
        (self.daemon.folder / "config.toml").write_text(CONFIG.format(megabytes))
        self.client.call("Reload")


@contextlib.contextmanager
def stage() -> Iterator[Stage]:
    """A stage for a `with` block."""
    with (
        tempfile.TemporaryDirectory() as folder,
        pulse_server() as pulse,
        PrivateBus() as bus,
        DaemonProcess(bus, CONFIG.format(64), pulse.environment) as daemon,
        daemon.client() as client,
    ):
        client.wait_property("Voices", bool)
        environment = {**pulse.environment, bus.variable: bus.address}
        modules = [ESPEAK, chattts_module(Path(folder))]
        with SpeechDispatcher(environment, modules) as dispatcher:
            yield Stage(pulse, daemon, client, dispatcher)


def audible(recorder: Recorder, start: int) -> NDArray[np.intp]:
    """Return the indices of the audible samples behind `start`."""
    found = np.abs(np.array(recorder.samples(start), np.int32)) > AUDIBLE
    return np.flatnonzero(found) + start


def first_audible(recorder: Recorder, start: int) -> int:
    """Return the index of the first audible sample behind `start`, waiting for it."""
    wait_for(lambda: bool(audible(recorder, start).size), "sound")
    return int(audible(recorder, start)[0])


def hush(recorder: Recorder, seconds: float = 0.25) -> int:
    """Wait for silence and return where the recording is."""
    wait_for(lambda: recorder.silent_for(seconds), "silence", 30)
    return recorder.position


def lone_strokes(
    ssip: SsipClient, recorder: Recorder, rounds: int
) -> tuple[list[float], dict[str, list[int]]]:
    """Type characters one at a time, each after silence; returns the times, and where each began."""
    times, places = [], {letter: list[int]() for letter in TYPED}
    for number in range(rounds):
        letter = TYPED[number % len(TYPED)]
        start, began = hush(recorder), time.monotonic()
        ssip.command("CANCEL SELF")
        ssip.command(f"CHAR {letter}")
        place = first_audible(recorder, start)
        times.append(recorder.arrived(place) - began)
        places[letter].append(place)
    hush(recorder)
    return times, places


def typing(ssip: SsipClient, strokes: int) -> list[float]:
    """Type at full speed; returns when each stroke was sent."""
    sent, due = [], time.monotonic()
    for number in range(strokes):
        time.sleep(max(0.0, due - time.monotonic()))
        sent.append(time.monotonic())
        ssip.command("CANCEL SELF")
        ssip.command(f"CHAR {TYPED[number % len(TYPED)]}")
        due += PERIOD
    return sent


def onsets(recorder: Recorder, sent: Sequence[float], places: dict[str, list[int]]) -> list[float]:
    """Return the seconds to the onset of every stroke that was heard."""
    recording = np.array(recorder.samples(), np.float64)
    found = []
    for number, at in enumerate(sent):
        start = recorder.at(at)
        part = recording[start : start + int(WINDOW * RATE)]
        heard = [
            place
            for reference in places[TYPED[number % len(TYPED)]][-REFERENCES:]
            if (place := begins(part, recording[reference : reference + TEMPLATE])) is not None
        ]
        if heard:
            found.append(recorder.arrived(start + min(heard)) - at)
    return found


def cancels(ssip: SsipClient, recorder: Recorder, rounds: int) -> list[float]:
    """Return the seconds from CANCEL to the last audible sample of a sentence."""
    times = []
    for _ in range(rounds):
        start = hush(recorder)
        ssip.speak(SENTENCE * 3)
        first_audible(recorder, start)
        time.sleep(1.0)
        cancelled = time.monotonic()
        ssip.command("CANCEL SELF")
        hush(recorder)
        times.append(max(0.0, recorder.arrived(int(audible(recorder, start)[-1])) - cancelled))
    return times


def sentences(made: Stage, rounds: int) -> list[float]:
    """Return the seconds from Speak, over the bus, to the first audible sample of a sentence of the cache."""
    times = []
    with made.pulse.record() as recorder:
        for number in range(rounds + 1):
            start = hush(recorder, 0.3 + 0.01 * (number % 10))
            began = time.monotonic()
            utterance = made.client.speak(SENTENCE)
            times.append(recorder.arrived(first_audible(recorder, start)) - began)
            if number:
                made.client.call("Cancel", "u", utterance)
            else:
                made.client.wait(utterance)  # the cache keeps only what was made to its end
    return times[1:]


def measure(made: Stage, module: str, strokes: int, rounds: int) -> dict[str, Figures]:
    """Return the figures of one module."""
    with made.dispatcher.client(module) as ssip, made.pulse.record() as recorder:
        lone_strokes(ssip, recorder, len(TYPED))
        times, places = lone_strokes(ssip, recorder, max(rounds, REFERENCES * len(TYPED)))
        sent = typing(ssip, strokes)
        hush(recorder)
        typed = onsets(recorder, sent, places)
        stopped = cancels(ssip, recorder, rounds)
    share = {"heard %": round(100 * len(typed) / strokes, 1)}
    return {
        "lone CHAR to first sample": row(times),
        "CANCEL + CHAR at 25/s to onset": row(typed) | share,
        "CANCEL to silence": row(stopped),
    }


def row(times: list[float]) -> Figures:
    """Return the percentiles in milliseconds."""
    return {f"p{p}": round(percentile(times, p) * 1000, 1) for p in (50, 95, 99)}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--strokes", type=int, default=500)
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    results: dict[str, dict[str, Figures]] = {}
    with stage() as made:
        results["espeak-ng's module"] = measure(made, ESPEAK.name, options.strokes, options.rounds)
        results["chattts, hit"] = measure(made, "chattts", options.strokes, options.rounds)
        results["chattts, hit"]["cached sentence over the bus"] = row(sentences(made, options.rounds))
        made.configure(0)
        results["chattts, miss"] = measure(made, "chattts", options.strokes, options.rounds)
    for module, figures in results.items():
        for name, values in figures.items():
            cells = " ".join(f"{key} {value:>6.1f}" for key, value in values.items())
            print(f"{module + ': ' + name:<52}{cells}")
    if options.json:
        options.json.write_text(json.dumps(results, indent=2))


if __name__ == "__main__":
    main()
