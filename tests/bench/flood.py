"""What a flood of `Speak` calls costs the daemon, its event loop and a bystander.

Run: `python tests/bench/flood.py [--json FILE]`. Prints a table: answers, seconds, the worst lag of the loop,
growth of resident memory, and what a call of a bystander takes while the flood lasts: `Speak` + `Cancel` of
the daemon, and beside it `GetId` of the bus itself, which is the floor that the bus and the machine set.

Prediction: a bystander waits because the bus queues the flood's calls in front of its own. Outcome: wrong.
The bus's queue to the daemon stayed short and the daemon idle for two thirds of the flood, but its answers
stood in one line: the bus reads 2 KiB of a connection in a turn, so an answer to a bystander waited behind
thousands of refusals (p95 417 ms). Now refusals go last, through a small socket buffer.
"""

import argparse
import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

import psutil
from jeepney.bus_messages import message_bus

from chatttsd.speech.statistics import percentile
from support.daemon import Client, DaemonProcess
from support.private_bus import PrivateBus
from support.pulse import wait_for

SUPPORT = Path(__file__).parent.parent / "support"
CASES = ((1_000, 0, False), (5_000, 0, False), (20_000, 0, False), (10_000, 0, True), (20_000, 64, False))
"""Calls, how many may be unanswered at a time (0: all), and whether no reply is wanted."""
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


Timing = tuple[float, float]
"""When a call began, and its seconds."""


def speak_once(client: Client) -> None:
    """What a bystander wants."""
    client.call("Cancel", "u", client.call("Speak", "s", "bystander"))


def ask_the_bus(client: Client) -> None:
    """Call the bus itself: what this takes is what the bus and the machine take, not the daemon."""
    client.connection.send_and_get_reply(message_bus.GetId(), timeout=30)
    client.connection.send_and_get_reply(message_bus.GetId(), timeout=30)


def bystander(
    address: str, act: Callable[[Client], None], stop: threading.Event, times: list[Timing]
) -> None:
    """Act every 25 ms until told to stop; two calls each, so that both kinds can be compared."""
    client = Client(address)
    while not stop.wait(0.025):
        began = time.monotonic()
        act(client)
        times.append((began, time.monotonic() - began))
    client.close()


def during(times: list[Timing], began: float, ended: float) -> list[float]:
    """Return p50, p95, max in ms, a call, and how many, of what overlapped the flood."""
    inside = [seconds / 2 for start, seconds in times if start < ended and start + seconds > began]
    return [*(round(percentile(inside, p) * 1000, 1) for p in (50, 95, 100)), len(inside)]


def measure(count: int, window: int, *, no_reply: bool) -> dict[str, Any]:
    """Flood a fresh daemon once."""
    with PrivateBus() as bus, MeasuredDaemonProcess(bus, CONFIG) as daemon, daemon.client() as client:
        client.wait_property("Voices", bool)
        client.call("Cancel", "u", client.call("Speak", "s", "warm"))
        process = psutil.Process(daemon.pid)
        before = process.memory_info().rss
        cpu = sum(process.cpu_times()[:2])
        daemon.worst_lag_ms()
        command = [
            sys.executable,
            str(SUPPORT / "flood.py"),
            bus.address,
            str(count),
            "--window",
            str(window),
        ]
        command += ["--no-reply"] if no_reply else []
        stop = threading.Event()
        acts = {"speak": speak_once, "bus": ask_the_bus}
        times: dict[str, list[Timing]] = {name: [] for name in acts}
        threads = [
            threading.Thread(target=bystander, args=(bus.address, act, stop, times[name]))
            for name, act in acts.items()
        ]
        for thread in threads:
            thread.start()
        output = subprocess.run(command, capture_output=True, text=True, check=True, timeout=90).stdout
        client.get("State")
        stop.set()
        for thread in threads:
            thread.join()
        result: dict[str, Any] = json.loads(output)
        result |= {
            "calls": count,
            "window": window or count,
            "no_reply": no_reply,
            "cpu_seconds": sum(process.cpu_times()[:2]) - cpu,
            "lag_ms": daemon.worst_lag_ms(),
            "rss_growth_mib": (process.memory_info().rss - before) / 2**20,
            **{f"{name}_ms": during(times[name], result["began"], result["ended"]) for name in acts},
            "seconds": result["ended"] - result["began"],
            "alive": daemon.process is not None and daemon.process.poll() is None,
        }
        return result


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    results = [measure(count, window, no_reply=no_reply) for count, window, no_reply in CASES]
    print("  calls window reply      s  cpu s  lag ms RSS +MiB   Speak, GetId: p50, p95, max ms, number")
    for r in results:
        reply = "no" if r["no_reply"] else "yes"
        print(
            f"{r['calls']:>7} {r['window']:>6} {reply:>5} {r['seconds']:>6.2f} {r['cpu_seconds']:>6.2f}"
            f" {r['lag_ms']:>7.1f} {r['rss_growth_mib']:>8.1f}   {r['speak_ms']}   {r['bus_ms']}"
        )
        print(f"        unanswered {r['unanswered']}, answers {r['answers']}, name kept: {r['alive']}")
    if options.json:
        options.json.write_text(json.dumps(results, indent=2))


if __name__ == "__main__":
    main()
