"""How soon a voice starts and stops, measured in the recording of a real PulseAudio null sink.

Run: `python tests/bench/latency.py [--rounds N] [--json FILE]`. For the tone engine and espeak-ng it prints
median, p95 and p99 in milliseconds of: `Speak` to the reply, `Speak` to the first sample in the recording
(the device open already, and closed), `Cancel` to the last sample in the recording. The recorder itself adds
up to 10 ms, which is not taken off.

Prediction and outcome: with 25 ms asked of the sound card, one segment's first chunk within a few ms, and the
recorder's own delay, some 40 ms to the first sample, and below 50 ms to silence.
"""

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

from chatttsd.speech.statistics import percentile
from support.pulse import Recorder, wait_for
from support.scene import Scene, scene

TEXT = "This sentence is long enough to be stopped in the middle of it, whoever says it. " * 3
ENGINES = ("tone", "espeak-ng")
CONFIG = '[speech]\nengine = "{}"\n[audio]\nidle_close_seconds = {}\n[limits]\ncalls_per_second = 1000\n'
OPEN, CLOSED = 60.0, 0.0


def first_sample(recorder: Recorder, start: int) -> int:
    """Return the index of the first sample behind `start` that is not silence, waiting for it."""
    wait_for(lambda: any(recorder.samples(start)), "sound")
    return start + next(i for i, sample in enumerate(recorder.samples(start)) if sample)


def last_sample(recorder: Recorder, start: int) -> int:
    """Return the index of the last sample behind `start` that is not silence, once it has been silent."""
    wait_for(lambda: recorder.silent_for(0.25), "silence")
    found = recorder.samples(start)
    return start + max(i for i, sample in enumerate(found) if sample)


def round_trip(stage: Scene, recorder: Recorder) -> tuple[float, float, float]:
    """Return the seconds to the reply, to the first sample, and from Cancel to silence."""
    start, began = recorder.position, time.monotonic()
    utterance = stage.client.speak(TEXT)
    replied = time.monotonic() - began
    first = recorder.arrived(first_sample(recorder, start)) - began
    wait_for(lambda: recorder.position > start + 12_000, "half a second of speech")
    cancelled = time.monotonic()
    stage.client.call("Cancel", "u", utterance)
    stopped = recorder.arrived(last_sample(recorder, start)) - cancelled
    return replied, first, max(0.0, stopped)


def measure(engine: str, idle_close: float, rounds: int) -> dict[str, list[float]]:
    """Return the times of every round, by name."""
    with scene(CONFIG.format(engine, idle_close)) as stage, stage.pulse.record() as recorder:
        round_trip(stage, recorder)
        found = [round_trip(stage, recorder) for _ in range(rounds)]
    return {"reply": [f[0] for f in found], "first": [f[1] for f in found], "stop": [f[2] for f in found]}


def row(times: list[float]) -> dict[str, float]:
    """Return the percentiles in milliseconds."""
    return {f"p{p}": round(percentile(times, p) * 1000, 2) for p in (50, 95, 99)}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    results: dict[str, Any] = {}
    print(f"{'':<44}{'median':>8}{'p95':>8}{'p99':>8}  ms of {options.rounds} rounds")
    for engine in ENGINES:
        warm = measure(engine, OPEN, options.rounds)
        cold = measure(engine, CLOSED, max(10, options.rounds // 4))
        results[engine] = {
            "Speak to reply": row(warm["reply"]),
            "Speak to first sample, device open": row(warm["first"]),
            "Speak to first sample, device closed": row(cold["first"]),
            "Cancel to silence": row(warm["stop"] + cold["stop"]),
        }
        for name, figures in results[engine].items():
            print(f"{engine + ': ' + name:<44}" + "".join(f"{value:>8.1f}" for value in figures.values()))
    if options.json:
        options.json.write_text(json.dumps(results, indent=2))


if __name__ == "__main__":
    main()
