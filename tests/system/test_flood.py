"""Floods of calls: the name is kept, every call is answered, memory is bounded, and others are served.

How quickly is measured by tests/bench/flood.py; here the bounds only catch a daemon that has stopped.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest

from support.daemon import DaemonProcess
from support.private_bus import PrivateBus
from support.pulse import wait_for

FLOOD = Path(__file__).parent.parent / "support" / "flood.py"
TONE = '[speech]\nengine = "tone"\n[audio]\nwait_seconds = 0.5\n'
LIMITS = "org.freedesktop.DBus.Error.LimitsExceeded"


def flood(bus: PrivateBus, count: int, *options: str) -> dict[str, Any]:
    command = [sys.executable, str(FLOOD), bus.address, str(count), *options]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=90)
    result: dict[str, Any] = json.loads(done.stdout)
    return result


@pytest.mark.parametrize("count", [1_000, 5_000, 20_000])
def test_every_call_of_a_flood_is_answered_and_the_name_is_kept(count: int) -> None:
    with PrivateBus() as bus, DaemonProcess(bus, TONE) as daemon, daemon.client() as client:
        client.wait_property("Voices", bool)
        before = psutil.Process(daemon.pid).memory_info().rss
        result = flood(bus, count)
        assert result["unanswered"] == 0
        assert result["answers"].keys() == {"id", LIMITS}
        assert sum(result["answers"].values()) == count
        assert 1 <= result["answers"]["id"] <= 100 + 50 * (result["ended"] - result["began"])
        assert psutil.Process(daemon.pid).memory_info().rss - before < 20 * 2**20
        assert client.wait(client.speak("after", priority="important"), timeout=30) in ("finished", "failed")


def test_a_flood_that_wants_no_reply_leaves_a_daemon_that_answers() -> None:
    with PrivateBus() as bus, DaemonProcess(bus, TONE) as daemon, daemon.client() as client:
        flood(bus, 10_000, "--no-reply")
        assert client.get("State") in ("speaking", "idle")
        assert client.get("QueueLength") <= 64


def test_a_bystander_is_served_while_the_flood_lasts() -> None:
    with PrivateBus() as bus, DaemonProcess(bus, TONE) as daemon, daemon.client() as client:
        command = [sys.executable, str(FLOOD), bus.address, "20000"]
        served = 0
        with subprocess.Popen(command, stdout=subprocess.DEVNULL) as flooding:
            while not _over(flooding):
                client.call("Cancel", "u", client.call("Speak", "s", "bystander"))
                served += 1
        assert served >= 5


def test_hundreds_of_clients_that_left_leave_nothing_behind() -> None:
    with PrivateBus() as bus, DaemonProcess(bus, TONE) as daemon, daemon.client() as client:
        process = psutil.Process(daemon.pid)
        client.wait(client.speak("PortAudio is needed for this."))
        maps = Path(f"/proc/{daemon.pid}/maps")
        wait_for(lambda: "portaudio" in maps.read_text(), "PortAudio, which takes 11 MiB, to be loaded")
        for _ in range(50):
            with daemon.client() as leaving:
                leaving.call("Cancel", "u", leaving.call("Speak", "s", "bye"))
        before = process.memory_info().rss
        for _ in range(500):
            with daemon.client() as leaving:
                leaving.call("Cancel", "u", leaving.call("Speak", "s", "bye"))
        client.get("State")
        assert process.memory_info().rss - before < 8 * 2**20
        assert process.num_fds() < 40


def _over(flooding: "subprocess.Popen[bytes]") -> bool:
    """Wait 25 ms, which keeps the bystander below its own quota; tell whether the flood has ended."""
    try:
        flooding.wait(0.025)
    except subprocess.TimeoutExpired:
        return False
    return True
