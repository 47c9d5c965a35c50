"""The resident ChatTTS voice in the real daemon: load, first sound, a long text, cancel, memory.

Run: `python tests/bench/resident.py MODEL [--characters N] [--rounds N] [--json FILE]`. MODEL is a folder
that holds `asset/`, such as one that models/make_random_model.py made.
"""

import argparse
import json
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from chatttsd.speech.statistics import percentile
from support.pulse import wait_for
from support.scene import TEXTS, Scene, scene

SENTENCE = "今天天气很好，我们去公园散步，然后回家。"
LOAD_SECONDS = 300.0
MIB = 2**20


def timed_load(stage: Scene) -> float:
    """Load the model and return the seconds until it is ready."""
    began = time.monotonic()
    stage.client.call("LoadModel")
    stage.client.wait_property("ModelState", lambda state: state in ("ready", "failed"), LOAD_SECONDS)
    if stage.client.get("ModelState") != "ready":
        raise SystemExit(stage.client.get("Reason"))
    return time.monotonic() - began


def first_sounds(stage: Scene, rounds: int) -> list[float]:
    """Return the milliseconds from Speak to Started, each cancelled in the middle of its decoding."""
    found = []
    for _ in range(rounds):
        began = time.monotonic()
        utterance = stage.begin(SENTENCE, engine="chattts")
        found.append((time.monotonic() - began) * 1000)
        stage.client.call("Cancel", "u", utterance)
        stage.client.wait(utterance)
    return found


def figure(stage: Scene, name: str) -> float:
    """Return one of the daemon's statistics."""
    return float(dict(stage.client.get("Statistics"))[name][1])


def measure(stage: Scene, characters: int, rounds: int) -> dict[str, float]:
    """Go through the life of a model and return what it took."""
    results = {"load_seconds": timed_load(stage)}
    print(dict(stage.client.get("Statistics"))["engine_detail"][1])
    worker = stage.daemon.workers("chattts")[0]
    sounds = first_sounds(stage, rounds)
    results |= {"first_sound_ms": percentile(sounds, 50), "first_sound_ms_p95": percentile(sounds, 95)}
    results["stop_ms_p95"] = figure(stage, "stop_ms_p95")
    before = figure(stage, "underruns")
    text = (TEXTS / "udhr-zh.txt").read_text(encoding="utf-8")[:characters]
    outcome, pcm = stage.speak_whole(text, engine="chattts")
    results |= {
        "spoken_seconds": pcm.size / 24_000,
        "finished": float(outcome == "finished"),
        "underruns": figure(stage, "underruns") - before,
        "real_time_factor": figure(stage, "real_time_factor"),
        "worker_rss_mib": worker.memory_info().rss / MIB,
    }
    stage.client.call("UnloadModel")
    wait_for(lambda: not worker.is_running(), "the end of the worker")
    return results


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model", type=Path)
    parser.add_argument("--characters", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with scene(f'[chattts]\nmodel_dir = "{options.model.resolve()}"\nload = "request"\n') as stage:
        results = measure(stage, options.characters, options.rounds)
    for name, value in results.items():
        print(f"{name:<20}{value:10.2f}")
    if options.json:
        options.json.write_text(json.dumps(results, indent=2))


if __name__ == "__main__":
    main()
