"""What a flood of `Speak` calls costs the daemon, its event loop and a bystander.

Run: `python tests/bench/flood.py [--json FILE]`. Prints a table: answers, seconds, the worst lag of the loop,
growth of resident memory, and the bystander's `Speak` + `Cancel` p50/p95/max while the flood lasts.
"""

import argparse
import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

import psutil

from chatttsd.speech.statistics import percentile
from support.daemon import Client, DaemonProcess
from support.private_bus import PrivateBus
from support.pulse import wait_for

SUPPORT = Path(__file__).parent.parent / "support"
CASES = ((1_000, False), (5_000, False), (20_000, False), (10_000, True))
CONFIG = '[speech]\nengine = "tone"\n'


class MeasuredDaemonProcess(DaemonProcess):
    """A daemon whose loop is watched."""

    program = (str(SUPPORT / "measured_daemon.py"),)

    def worst_lag_ms(self) -> float:
        """Return the worst lag since the last call."""
        told = self.log.count("LAG")
        self.process.send_signal(signal.SIGUSR1)  # type: ignore[union-attr]  # it runs
        wait_for(lambda: self.log.count("LAG") > told, "the lag line")
        return float(self.log.rsplit("LAG ", 1)[1].split()[0])


def bystander(client: Client, flooding: "subprocess.Popen[str]") -> list[float]:
    """Speak and cancel every 20 ms while the flood lasts; returns the seconds of each Speak."""
    times = []
    while flooding.poll() is None:
        began = time.monotonic()
        utterance = client.call("Speak", "s", "bystander")
        times.append(time.monotonic() - began)
        client.call("Cancel", "u", utterance)
        time.sleep(0.02)
    return times


def measure(count: int, *, no_reply: bool) -> dict[str, Any]:
    """Flood a fresh daemon once."""
    with PrivateBus() as bus, MeasuredDaemonProcess(bus, CONFIG) as daemon, daemon.client() as client:
        wait_for(lambda: client.get("Voices") != [], "the worker")
        client.call("Cancel", "u", client.call("Speak", "s", "warm"))
        process = psutil.Process(daemon.pid)
        before = process.memory_info().rss
        daemon.worst_lag_ms()
        command = [sys.executable, str(SUPPORT / "flood.py"), bus.address, str(count)]
        command += ["--no-reply"] if no_reply else []
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as flooding:
            times = bystander(client, flooding)
            output, _ = flooding.communicate(timeout=90)
        client.get("State")
        result: dict[str, Any] = json.loads(output)
        result |= {
            "calls": count,
            "no_reply": no_reply,
            "lag_ms": daemon.worst_lag_ms(),
            "rss_growth_mib": (process.memory_info().rss - before) / 2**20,
            "bystander_calls": len(times),
            "bystander_ms": [round(percentile(times, p) * 1000, 2) for p in (50, 95, 100)],
            "alive": daemon.process is not None and daemon.process.poll() is None,
        }
        return result


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    results = [measure(count, no_reply=no_reply) for count, no_reply in CASES]
    print(
        f"{'calls':>7} {'reply':>5} {'s':>6} {'unanswered':>10} {'lag ms':>7} {'RSS +MiB':>8}  bystander p50/p95/max ms"
    )
    for r in results:
        reply = "no" if r["no_reply"] else "yes"
        print(
            f"{r['calls']:>7} {reply:>5} {r['seconds']:>6.2f} {r['unanswered']:>10} {r['lag_ms']:>7.1f}"
            f" {r['rss_growth_mib']:>8.1f}  {r['bystander_ms']} of {r['bystander_calls']}; {r['answers']}"
        )
    if options.json:
        options.json.write_text(json.dumps(results, indent=2))


if __name__ == "__main__":
    main()
