"""The resident ChatTTS voice in the real daemon: load, first sound, a long text, cancel, a kill, memory,
and files of voices that come and go.

Run: `python tests/bench/resident.py MODEL [--systemd] [--characters N] [--rounds N] [--json FILE]`. MODEL is
a folder that holds `asset/`, such as one that models/make_random_model.py made. With `--systemd` the daemon
is the unit under a `systemd --user` of its own, in the unit's sandbox; otherwise it runs on a private bus.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

sys.path.insert(0, str(Path(__file__).parent.parent))

import psutil

from bench.latency import last_sample
from chatttsd.audio.feed import GLIDE_SAMPLES
from chatttsd.platform.paths import cache_directory
from chatttsd.speech.statistics import percentile
from chatttsd.voices.store import BUILT_IN
from support.pulse import RATE, Recorder, wait_for
from support.scene import TEXTS, Scene, samples, scene
from support.unit_scene import unit_scene

SENTENCE: Final = "今天天气很好，我们去公园散步，然后回家。"
STORY: Final = "这座小城建在河的两岸，老房子大多有三百年的历史，屋顶上长着青草。" + SENTENCE
LOAD_SECONDS: Final = 300.0
IDLE_SECONDS: Final = 3
VOICE: Final = "chattts/bench"
VOICE_SECONDS: Final = 20.0
READ_SECONDS: Final = 0.05
"""Below the quota of reads."""
MIB: Final = 2**20
CONFIG: Final = f"""
[speech]
sentence_pause_seconds = 0
[chattts]
model_dir = "{{}}"
load = "request"
while_loading = "wait"
idle_unload_seconds = {{}}
[cache]
megabytes = 0
[audio]
idle_close_seconds = {IDLE_SECONDS}
"""
"""Without a rest every silence is a fault; without the cache the same text is made anew each time."""


def timed_load(stage: Scene) -> float:
    """Load the model and return the seconds until it is ready."""
    began = time.monotonic()
    stage.client.call("LoadModel")
    stage.client.wait_property("ModelState", lambda state: state in ("ready", "failed"), LOAD_SECONDS)
    if stage.client.get("ModelState") != "ready":
        raise SystemExit(stage.client.get("Reason"))
    return time.monotonic() - began


def first_sounds(stage: Scene, rounds: int) -> tuple[list[float], list[float]]:
    """Return the milliseconds from Speak to Started, and from Cancel, while it is decoded, to silence.

    The second in the recording, whose own delay of some 10 ms is part of it.
    """
    first, silent = [], []
    for _ in range(rounds):
        with stage.pulse.record() as recorder:
            start, began = recorder.position, time.monotonic()
            utterance = stage.begin(SENTENCE, engine="chattts")
            first.append((time.monotonic() - began) * 1000)
            wait_for(lambda heard=recorder, start=start: bool(heard.sounding(start)), "sound")  # type: ignore[misc] # bound at once
            cancelled = time.monotonic()
            stage.client.call("Cancel", "u", utterance)
            stage.client.wait(utterance)
            silent.append((recorder.arrived(last_sample(recorder, start)) - cancelled) * 1000)
    return first, silent


def figure(stage: Scene, name: str) -> float:
    """Return one of the daemon's statistics."""
    return float(dict(stage.client.get("Statistics"))[name][1])


def read_aloud(stage: Scene, characters: int) -> dict[str, float]:
    """Say the beginning of a long text."""
    before = figure(stage, "underruns")
    text = (TEXTS / "udhr-zh.txt").read_text(encoding="utf-8")[:characters]
    outcome, pcm = stage.speak_whole(text, engine="chattts")
    return {
        "spoken_seconds": pcm.size / RATE,
        "finished": float(outcome == "finished"),
        "underruns": figure(stage, "underruns") - before,
        "real_time_factor": figure(stage, "real_time_factor"),
    }


def _heard(stage: Scene, recorder: Recorder, utterance: int) -> list[int]:
    """Return the samples of an utterance that are not silence, once it is over."""
    if stage.client.wait(utterance, timeout=LOAD_SECONDS) != "finished":
        raise SystemExit(f"the utterance was not finished: {stage.daemon.log}")
    wait_for(lambda: recorder.silent_for(0.2), "silence at the end")
    return [int(sample) for sample in samples(recorder) if sample]


def killed_in_the_middle(stage: Scene) -> dict[str, float]:
    """Kill the worker within a sentence; compare all that is heard with what is heard without a kill.

    Where the sound ran dry it glides to silence and back: that is all that may be added, nothing may be lost.
    """
    heard = []
    for kill in (False, True):
        with stage.pulse.record() as recorder:
            utterance = stage.begin(STORY, engine="chattts", seed="7")
            if kill:
                wait_for(lambda found=recorder: len(found.sounding()) > RATE, "a second of speech")  # type: ignore[misc] # bound at once
                stage.daemon.workers("chattts")[0].kill()
            heard.append(_heard(stage, recorder, utterance))
    whole, killed = heard
    pairs = enumerate(zip(whole, killed, strict=False))
    same = next((place for place, (one, other) in pairs if one != other), min(len(whole), len(killed)))
    more = len(killed) - len(whole)
    alike = 0 <= more <= 2 * GLIDE_SAMPLES and whole[same:] == killed[same + more :]
    return {
        "killed_heard_the_same": float(alike),
        "killed_same_until_seconds": same / RATE,
        "killed_glides_seconds": more / RATE,
    }


def _told(stage: Scene, act: Callable[[], object], name: str | None) -> float:
    """Return the milliseconds from a change of a file until Voices has that name for it; None: no row."""
    began = time.monotonic()
    act()
    deadline = began + VOICE_SECONDS
    while dict(row[:2] for row in stage.client.get("Voices")).get(VOICE) != name:
        if time.monotonic() > deadline:
            raise SystemExit(f"Voices did not follow within {VOICE_SECONDS:.0f} s: {stage.daemon.log}")
        time.sleep(READ_SECONDS)
    return (time.monotonic() - began) * 1000


def voice_files(stage: Scene) -> dict[str, float]:
    """Add a voice file, change its name, and remove it; Voices is read every 50 ms meanwhile."""
    folder = Path(stage.daemon.environment["XDG_DATA_HOME"], "chatttsd", "voices")
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{VOICE.partition('/')[2]}.txt"
    alder = (BUILT_IN / "alder.txt").read_text(encoding="utf-8")
    other = alder.replace("# name: Alder", "# name: Rowan")
    return {
        "voice_added_ms": _told(stage, lambda: path.write_text(alder, encoding="utf-8"), "Alder"),
        "voice_changed_ms": _told(stage, lambda: path.write_text(other, encoding="utf-8"), "Rowan"),
        "voice_removed_ms": _told(stage, path.unlink, None),
    }


def memory(stage: Scene) -> float:
    """Return the MiB that the daemon and its workers have for themselves (PSS)."""
    processes = [psutil.Process(stage.daemon.pid), *stage.daemon.workers()]
    return sum(int(process.memory_full_info().pss) for process in processes) / MIB


def unloaded(stage: Scene) -> dict[str, float]:
    """Load the model, speak, and let it go for being idle."""
    stage.client.call("UnloadModel")
    before = memory(stage)
    timed_load(stage)
    stage.client.wait(stage.client.speak(SENTENCE, engine="chattts"))
    worker = stage.daemon.workers("chattts")[0]
    loaded, alone = memory(stage), worker.memory_full_info().rss / MIB
    wait_for(lambda: not worker.is_running(), "the end of the idle worker", 10 * IDLE_SECONDS)
    after = memory(stage)
    return {
        "worker_rss_mib": alone,
        "memory_before_load_mib": before,
        "memory_loaded_mib": loaded,
        "memory_after_idle_unload_mib": after,
        "memory_returned_percent": 100 * (loaded - after) / (loaded - before),
    }


def measure(stage: Scene, characters: int, rounds: int) -> dict[str, float]:
    """Go through the life of a model and return what it took."""
    results = {"load_seconds": timed_load(stage)}
    print(dict(stage.client.get("Statistics"))["engine_detail"][1])
    first, silent = first_sounds(stage, rounds)
    results |= {"first_sound_ms": percentile(first, 50), "first_sound_ms_p95": percentile(first, 95)}
    results |= {"cancel_to_silence_ms_p95": percentile(silent, 95)}
    results |= {"stop_ms_p95": figure(stage, "stop_ms_p95")}
    results |= read_aloud(stage, characters)
    results |= killed_in_the_middle(stage)
    return results | voice_files(stage)


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model", type=Path)
    parser.add_argument("--characters", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--systemd", action="store_true", help="the unit, under a systemd --user of its own")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    kernels = {"XDG_CACHE_HOME": str(cache_directory().parent)}
    results: dict[str, float] = {}
    for idle, part in (
        (0, lambda stage: measure(stage, options.characters, options.rounds)),
        (IDLE_SECONDS, unloaded),
    ):
        config = CONFIG.format(options.model.resolve(), idle)
        opened = unit_scene(config, kernels) if options.systemd else scene(config, environment=kernels)
        with opened as stage:
            results |= part(stage)
    for name, value in results.items():
        print(f"{name:<30}{value:10.2f}")
    if options.json:
        options.json.write_text(json.dumps(results, indent=2))


if __name__ == "__main__":
    main()
