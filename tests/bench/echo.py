"""How soon a typed character sounds, and how soon a cancel silences: through the real speech-dispatcher.

Run: `python tests/bench/echo.py [--model DIR] [--strokes N] [--rounds N] [--json FILE]`. One
speech-dispatcher with Debian's own module `espeak-ng` and our `chattts` (a daemon with the engine espeak-ng),
one PulseAudio null sink that is recorded. In milliseconds, median, p95 and p99: a lone CHAR over SSIP to its
first audible sample in the recording; CANCEL + CHAR 25 times a second, each to its own onset, found in the
recording by the sound of a lone one, and how many were heard and came from the cache; CANCEL to the last
audible sample of a sentence. Ours with the character in the cache, and with the cache off. Last, over the bus
alone, a sentence of the cache.

With `--model` also ChatTTS's own echo, by a second daemon with the engine `auto` and the usual limits, once
its model (DIR holds `asset/`) is loaded and all of the echo is prepared; the space and a full stop are among
the strokes. Measured with what is heard in ChatTTS's voice, which is what the cache has when it is typed for
the first time; the others are named. A miss, with the cache off, is espeak-ng beside the resident model.
"""

import argparse
import contextlib
import json
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).parent.parent))

from chatttsd.audio.feed import GLIDE_SAMPLES
from chatttsd.engine.echo import EchoManner
from chatttsd.platform.paths import cache_directory
from chatttsd.speech.statistics import percentile
from support.begins import LIKE, TEMPLATE, begins
from support.daemon import Client, DaemonProcess
from support.private_bus import PrivateBus
from support.pulse import RATE, PulseServer, Recorder, pulse_server, wait_for
from support.speechd import ESPEAK, SpeechDispatcher, chattts_module
from support.ssip import SsipClient

TYPED: Final = tuple("ckptabmw27")
TYPED_TO_MODEL: Final = (*TYPED, "space", ".")
"""As SSIP has them; speech-dispatcher sends the last two by their names, as texts."""
PERIOD: Final = 0.04
"""25 strokes a second, what the keyboard repeats at."""
AUDIBLE: Final = 32
"""1/1024 of full scale."""
WINDOW: Final = 0.12
"""A stroke that has no onset in so many seconds was not heard."""
REFERENCES: Final = 3
SAME: Final = 0.95
"""Correlation: what the daemon says twice is equal, and what ChatTTS says may sound alike."""
SENTENCE: Final = "This sentence is long enough to be stopped in the middle of it, whoever says it. "
CONFIG: Final = '[speech]\nengine = "espeak-ng"\n[limits]\ncalls_per_second = 1000\n[cache]\nmegabytes = {}\n'
LANGUAGE: Final = "en-US"
"""What speech-dispatcher asks for, so that the echo is prepared in it from the first."""
MODEL_CONFIG: Final = """
[speech]
default_language = "{language}"
[chattts]
model_dir = "{folder}"
idle_unload_seconds = 0
[cache]
megabytes = {{}}
"""
LOAD_SECONDS: Final = 300.0
STILL_SECONDS: Final = 30.0
"""When no more was prepared for so long, the rest cannot be said."""

Figures = dict[str, float]


@dataclass
class Stage:
    """Everything that runs."""

    pulse: PulseServer
    daemon: DaemonProcess
    client: Client
    dispatcher: SpeechDispatcher
    config: str

    def configure(self, megabytes: int) -> None:
        """Give the daemon another cache."""
        (self.daemon.folder / "config.toml").write_text(self.config.format(megabytes))
        self.client.call("Reload")

    def statistic(self, name: str) -> int:
        """Return one of the daemon's figures."""
        return int(self.client.get("Statistics")[name][1])


@contextlib.contextmanager
def stage(config: str = CONFIG, environment: Mapping[str, str] | None = None) -> Iterator[Stage]:
    """A stage for a `with` block."""
    with (
        tempfile.TemporaryDirectory() as folder,
        pulse_server() as pulse,
        PrivateBus() as bus,
        DaemonProcess(bus, config.format(64), {**pulse.environment, **(environment or {})}) as daemon,
        daemon.client() as client,
    ):
        client.wait_property("Voices", lambda rows: any(row[2] == ESPEAK.name for row in rows))
        modules = [ESPEAK, chattts_module(Path(folder))]
        with SpeechDispatcher({**pulse.environment, bus.variable: bus.address}, modules) as dispatcher:
            yield Stage(pulse, daemon, client, dispatcher, config)


@contextlib.contextmanager
def model_stage(model: Path) -> Iterator[Stage]:
    """A stage for a `with` block whose model is resident and has prepared the echo."""
    config = MODEL_CONFIG.format(language=LANGUAGE, folder=model.resolve())
    with stage(config, {"XDG_CACHE_HOME": str(cache_directory().parent)}) as made:
        made.client.wait_property("ModelState", lambda state: state in ("ready", "failed"), LOAD_SECONDS)
        if made.client.get("ModelState") != "ready":
            raise SystemExit(made.client.get("Reason"))
        print(made.client.get("Statistics")["engine_detail"][1])
        whole, entries = sum(1 for _ in EchoManner(languages=(LANGUAGE,)).requests()), 0
        with contextlib.suppress(TimeoutError):
            while entries < whole:
                more = partial(_has_more, entries)
                made.client.wait_property("Statistics", more, STILL_SECONDS)
                entries = made.statistic("cache_entries")
        print(f"{entries} of {whole} characters and keys are prepared")
        yield made


def _has_more(entries: int, statistics: dict[str, tuple[str, int]]) -> bool:
    return statistics["cache_entries"][1] > entries


def said_by_model(made: Stage) -> tuple[str, ...]:
    """Type everything for the first time, when the cache can have it of ChatTTS only; return what it has."""
    found = []
    with made.dispatcher.client("chattts") as ssip:
        for stroke in TYPED_TO_MODEL:
            before = made.statistic("cache_hits")
            ssip.wait_over(ssip.char(stroke))
            if made.statistic("cache_hits") > before:
                found.append(stroke)
            else:
                print(f"{stroke} is not ChatTTS's")
    if not found:
        raise SystemExit("nothing is heard in ChatTTS's voice")
    return tuple(found)


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
    ssip: SsipClient, recorder: Recorder, rounds: int, typed: Sequence[str]
) -> tuple[list[float], dict[str, list[int]]]:
    """Type characters one at a time, each after silence; returns the times, and where each began."""
    times, places = [], {letter: list[int]() for letter in typed}
    for number in range(rounds):
        letter = typed[number % len(typed)]
        start, began = hush(recorder), time.monotonic()
        ssip.command("CANCEL SELF")
        ssip.command(f"CHAR {letter}")
        place = first_audible(recorder, start)
        times.append(recorder.arrived(place) - began)
        places[letter].append(place)
    hush(recorder)
    return times, places


def typing(ssip: SsipClient, strokes: int, typed: Sequence[str]) -> list[float]:
    """Type at full speed; returns when each stroke was sent."""
    sent, due = [], time.monotonic()
    for number in range(strokes):
        time.sleep(max(0.0, due - time.monotonic()))
        sent.append(time.monotonic())
        ssip.command("CANCEL SELF")
        ssip.command(f"CHAR {typed[number % len(typed)]}")
        due += PERIOD
    return sent


def onsets(
    recorder: Recorder, sent: Sequence[float], places: dict[str, list[int]], *, exact: bool
) -> list[float]:
    """Return the seconds to the onset of every stroke that was heard; `exact`: as that of the daemon is."""
    # Over the first of a sound of the daemon lies what glides out of the one before it.
    head, like = (GLIDE_SAMPLES, SAME) if exact else (0, LIKE)
    recording = np.array(recorder.samples(), np.float64)
    found, typed = [], tuple(places)
    for number, at in enumerate(sent):
        start = recorder.at(at)
        part = recording[start : start + int(WINDOW * RATE)]
        heard = [
            place
            for reference in places[typed[number % len(typed)]][-REFERENCES:]
            if (place := begins(part, recording[reference + head :][:TEMPLATE], like)) is not None
        ]
        if heard:
            found.append(recorder.arrived(start + min(heard) - head) - at)
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


def measure(
    made: Stage, module: str, strokes: int, rounds: int, typed: Sequence[str] = TYPED
) -> dict[str, Figures]:
    """Return the figures of one module."""
    with made.dispatcher.client(module) as ssip, made.pulse.record() as recorder:
        lone_strokes(ssip, recorder, len(typed), typed)
        lone = max(rounds, REFERENCES * len(typed))
        before = made.statistic("cache_hits")
        times, places = lone_strokes(ssip, recorder, lone, typed)
        sent = typing(ssip, strokes, typed)
        hush(recorder)
        hits = made.statistic("cache_hits") - before
        heard = onsets(recorder, sent, places, exact=module != ESPEAK.name)
        stopped = cancels(ssip, recorder, rounds)
    shares = {"heard %": round(100 * len(heard) / strokes, 1)}
    shares["from the cache %"] = round(100 * hits / (lone + strokes), 1)
    return {
        "lone CHAR to first sample": row(times),
        "CANCEL + CHAR at 25/s to onset": row(heard) | shares,
        "CANCEL to silence": row(stopped),
    }


def row(times: list[float]) -> Figures:
    """Return the percentiles in milliseconds."""
    return {f"p{p}": round(percentile(times, p) * 1000, 1) for p in (50, 95, 99)}


def beside(strokes: int, rounds: int) -> dict[str, dict[str, Figures]]:
    """Return the figures of Debian's module and of ours with espeak-ng."""
    results = {}
    with stage() as made:
        results["espeak-ng's module"] = measure(made, ESPEAK.name, strokes, rounds)
        results["chattts, hit"] = measure(made, "chattts", strokes, rounds)
        results["chattts, hit"]["cached sentence over the bus"] = row(sentences(made, rounds))
        made.configure(0)
        results["chattts, miss"] = measure(made, "chattts", strokes, rounds)
    return results


def by_model(model: Path, strokes: int, rounds: int) -> dict[str, dict[str, Figures]]:
    """Return the figures of ChatTTS's own echo."""
    results = {}
    with model_stage(model) as made:
        typed = said_by_model(made)
        results["ChatTTS's echo, hit"] = measure(made, "chattts", strokes, rounds, typed)
        made.configure(0)
        results["ChatTTS's echo, miss"] = measure(made, "chattts", strokes, rounds, TYPED_TO_MODEL)
    return results


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", type=Path)
    parser.add_argument("--strokes", type=int, default=500)
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    results = beside(options.strokes, options.rounds)
    if options.model:
        results |= by_model(options.model, options.strokes, options.rounds)
    for module, figures in results.items():
        for name, values in figures.items():
            cells = " ".join(f"{key} {value:>6.1f}" for key, value in values.items())
            print(f"{module + ': ' + name:<54}{cells}")
    if options.json:
        options.json.write_text(json.dumps(results, indent=2))


if __name__ == "__main__":
    main()
