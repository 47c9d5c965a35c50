"""How soon the service answers after it was called for the first time, under a real `systemd --user`.

Run: `python tests/bench/startup.py [--rounds N] [--json FILE]`. Each round stops the unit, then times a
`dbus-send` of `Speak` that activates it, the same call again with the unit running, and `systemctl start`.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from chatttsd.speech.statistics import percentile
from support.manager import UserManager


def timed(act: Callable[[], object]) -> float:
    """Return the milliseconds that `act` takes."""
    began = time.monotonic()
    act()
    return (time.monotonic() - began) * 1000


def measure(rounds: int) -> dict[str, list[float]]:
    """Return the times by name."""
    times: dict[str, list[float]] = {
        "activation to reply": [],
        "call when running": [],
        "systemctl start": [],
    }
    with UserManager() as manager:
        folder = manager.root / "bin"
        folder.mkdir()
        command = folder / "chatttsd"
        command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m chatttsd.app "$@"\n')
        command.chmod(0o755)
        manager.install(folder, unit={"StartLimitIntervalSec": "0"})
        speak = manager.call("Speak", "string:hello")
        for _ in range(rounds):
            times["activation to reply"].append(timed(lambda: manager.run(speak, check=True)))
            times["call when running"].append(timed(lambda: manager.run(speak, check=True)))
            manager.systemctl("stop", "chatttsd.service")
            times["systemctl start"].append(timed(lambda: manager.systemctl("start", "chatttsd.service")))
            manager.systemctl("stop", "chatttsd.service")
    return times


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    results = {
        name: {f"p{p}": round(percentile(found, p), 1) for p in (50, 95, 100)}
        for name, found in measure(options.rounds).items()
    }
    for name, row in results.items():
        print(f"{name:<22}" + "  ".join(f"{key} {value:7.1f} ms" for key, value in row.items()))
    if options.json:
        options.json.write_text(json.dumps(results, indent=2))


if __name__ == "__main__":
    main()
