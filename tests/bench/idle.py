"""What an idle daemon costs: resident memory and processor time over a minute.

Run: `python tests/bench/idle.py [--seconds N] [--json FILE]`. Measured of the daemon process alone (the
engine's worker is shown beside it): before it has ever spoken, and after it has, with the device closed.
"""

import argparse
import json
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

import psutil

from support.scene import Scene, scene

CONFIG = '[audio]\nidle_close_seconds = 0.5\n[speech]\nengine = "espeak-ng"\n'


def idle(stage: Scene, seconds: float) -> dict[str, float]:
    """Let the daemon idle and return what it took."""
    process, worker = psutil.Process(stage.daemon.pid), stage.daemon.worker
    cpu, switches = sum(process.cpu_times()[:2]), process.num_ctx_switches().voluntary
    time.sleep(seconds)
    return {
        "rss_mib": process.memory_info().rss / 2**20,
        "cpu_percent": (sum(process.cpu_times()[:2]) - cpu) / seconds * 100,
        "wakeups_per_second": (process.num_ctx_switches().voluntary - switches) / seconds,
        "worker_rss_mib": worker.memory_info().rss / 2**20,
    }


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with scene(CONFIG) as stage:
        results = {"before speaking": idle(stage, options.seconds / 2)}
        stage.speak_whole("Hello.")
        time.sleep(2)
        results["after speaking"] = idle(stage, options.seconds)
    for name, found in results.items():
        print(f"{name:<16}" + "  ".join(f"{key} {value:.2f}" for key, value in found.items()))
    if options.json:
        options.json.write_text(json.dumps(results, indent=2))


if __name__ == "__main__":
    main()
