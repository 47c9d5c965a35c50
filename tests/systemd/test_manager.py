"""The unit under a real `systemd --user`: activation, restart, watchdog, start limit, orderly stop."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from chatttsd.constants import BUS_NAME, INTERFACE, OBJECT_PATH, SPIEL_INTERFACE, SPIEL_NAME, SPIEL_PATH
from support.manager import UserManager

pytestmark = [pytest.mark.system, pytest.mark.timeout(120)]
SPEAK = UserManager.call("Speak", "string:你好, hello")


@pytest.fixture(autouse=True)
def fresh(manager: UserManager) -> Iterator[None]:
    """Leave no service, no failure counter and no drop-in to the next test."""
    yield
    manager.systemctl("stop", "chatttsd.service")
    manager.run(["systemctl", "--user", "reset-failed", "chatttsd.service"])


def speak(manager: UserManager) -> str:
    """Call Speak as a script would; returns its answer."""
    return manager.run(SPEAK, check=True).stdout.strip()


def test_first_call_starts_the_service(manager: UserManager, commands: Path) -> None:
    manager.install(commands)
    assert manager.show("ActiveState") == "inactive"
    assert speak(manager).startswith("uint32")
    assert manager.show("ActiveState") == "active"
    assert manager.main_pid() > 0


def test_a_spiel_client_that_looks_for_voices_starts_the_service(
    manager: UserManager, commands: Path
) -> None:
    manager.install(commands)
    assert manager.show("ActiveState") == "inactive"
    voices = manager.busctl("get-property", SPIEL_NAME, SPIEL_PATH, SPIEL_INTERFACE, "Voices")
    assert voices.startswith("a(ssstas) ")
    assert '"Automatic" "auto" "audio/x-spiel,format=S16LE,channels=1,rate=24000"' in voices
    assert manager.show("ActiveState") == "active"
    assert speak(manager).startswith("uint32")


def test_unit_installed_at_home_is_the_one_that_runs(manager: UserManager, commands: Path) -> None:
    manager.install(commands)
    assert manager.show("FragmentPath") == str(manager.unit_folder / "chatttsd.service")
    assert manager.show("Slice") == "session.slice"


def test_killed_service_comes_back_by_itself(manager: UserManager, commands: Path) -> None:
    manager.install(commands, service={"RestartSec": "100ms"})
    speak(manager)
    first = manager.main_pid()
    os.kill(first, signal.SIGKILL)
    manager.wait_for("NRestarts", "1")
    manager.wait_for("ActiveState", "active")
    assert manager.main_pid() not in (0, first)
    assert speak(manager).startswith("uint32")


def test_call_during_the_gap_is_held_and_answered(manager: UserManager, commands: Path) -> None:
    manager.install(commands, service={"RestartSec": "1s"})
    speak(manager)
    os.kill(manager.main_pid(), signal.SIGKILL)
    manager.wait_for("SubState", "auto-restart")
    assert speak(manager).startswith("uint32")


def test_stopped_process_is_replaced_by_the_watchdog(manager: UserManager, commands: Path) -> None:
    manager.install(commands, service={"WatchdogSec": "1s", "RestartSec": "1s"})
    speak(manager)
    first = manager.main_pid()
    os.kill(first, signal.SIGSTOP)
    manager.wait_for("SubState", "auto-restart")
    assert manager.show("Result") == "watchdog"
    manager.wait_for("ActiveState", "active")
    assert manager.main_pid() not in (0, first)


def test_pings_keep_an_idle_service_alive(manager: UserManager, commands: Path) -> None:
    manager.install(commands, service={"WatchdogSec": "1s"})
    speak(manager)
    first = manager.show("WatchdogTimestampMonotonic")
    manager.wait_until(
        lambda: int(manager.show("WatchdogTimestampMonotonic")) > int(first) + 2_000_000, "pings for 2 s"
    )
    assert manager.show("NRestarts") == "0"


def test_lost_bus_brings_the_service_back_on_the_new_one(manager: UserManager, commands: Path) -> None:
    # Not killed: systemd 252 itself waits 90 s on a bus socket that only it could serve.
    manager.install(commands, service={"RestartSec": "1s"})
    speak(manager)
    first = manager.main_pid()
    manager.systemctl("restart", "dbus.service")
    manager.wait_for("SubState", "auto-restart")
    assert manager.show("Result") == "exit-code"
    assert manager.show("ExecMainStatus") != "0"
    assert speak(manager).startswith("uint32")
    assert manager.main_pid() not in (0, first)


def test_start_limit_ends_in_failed_and_a_start_repairs_it(manager: UserManager, commands: Path) -> None:
    manager.install(commands, service={"RestartSec": "0"}, unit={"StartLimitBurst": "2"})
    speak(manager)
    for _ in range(2):
        os.kill(manager.main_pid(), signal.SIGKILL)
        manager.wait_until(lambda: manager.show("SubState") in {"running", "failed"}, "restarted or failed")
    manager.wait_for("ActiveState", "failed")
    manager.systemctl("reset-failed", "chatttsd.service")
    manager.systemctl("start", "chatttsd.service")
    assert speak(manager).startswith("uint32")


def test_stop_is_orderly(manager: UserManager, commands: Path) -> None:
    manager.install(commands)
    speak(manager)
    manager.systemctl("stop", "chatttsd.service")
    assert manager.show("Result") == "success"
    assert manager.show("ExecMainStatus") == "0"


def test_log_and_status_of_the_service_can_be_read(manager: UserManager, commands: Path) -> None:
    manager.install(commands)
    speak(manager)
    manager.wait_until(lambda: "is on the bus" in manager.log(), "the service's own line")
    manager.wait_until(lambda: manager.show("StatusText") != "", "a line from STATUS=")
    assert "你好" not in manager.log() + manager.show("StatusText")


def test_stall_shorter_than_the_watchdog_is_survived(manager: UserManager, commands: Path) -> None:
    manager.install(commands, service={"WatchdogSec": "8s"})
    speak(manager)
    pid, before = manager.main_pid(), manager.show("WatchdogTimestampMonotonic")
    os.kill(pid, signal.SIGSTOP)
    manager.wait_until(lambda: "T (stopped)" in Path(f"/proc/{pid}/status").read_text(), "it is stopped")
    time.sleep(2.5)
    os.kill(pid, signal.SIGCONT)
    manager.wait_until(lambda: manager.show("WatchdogTimestampMonotonic") != before, "the next ping")
    assert (manager.main_pid(), manager.show("NRestarts")) == (pid, "0")


def test_crash_leaves_no_worker_behind(manager: UserManager, commands: Path) -> None:
    manager.install(commands, service={"RestartSec": "100ms"})
    speak(manager)
    manager.wait_until(lambda: len(members(manager)) > 1, "a worker process")
    old = members(manager)
    os.kill(manager.main_pid(), signal.SIGKILL)
    manager.wait_for("NRestarts", "1")
    manager.wait_for("ActiveState", "active")
    assert not old & members(manager)


def members(manager: UserManager) -> set[int]:
    """Return the processes of the service: the daemon and its workers."""
    listed = manager.show("ControlGroup")
    folders = Path("/sys/fs/cgroup").glob(f"*{listed}/cgroup.procs")
    whole = Path(f"/sys/fs/cgroup{listed}/cgroup.procs")
    file = next(folders, whole)
    return {int(pid) for pid in file.read_text().split()} if file.exists() else set()


def test_reload_takes_a_good_configuration_and_refuses_a_bad_one(
    manager: UserManager, commands: Path
) -> None:
    manager.install(commands)
    speak(manager)
    pid = manager.main_pid()
    file = Path(manager.environment["XDG_CONFIG_HOME"], "chatttsd/config.toml")
    file.parent.mkdir()
    file.write_text("[speech]\nrate = 2.0\n")
    manager.systemctl("reload", "chatttsd.service")
    service = (BUS_NAME, OBJECT_PATH, INTERFACE)
    assert manager.busctl("get-property", *service, "Rate") == "d 2"
    file.write_text("[speech]\nrate = 'fast'\n")
    assert manager.run(["systemctl", "--user", "reload", "chatttsd.service"]).returncode != 0
    assert manager.busctl("get-property", *service, "Rate") == "d 2"
    assert manager.main_pid() == pid


def test_managers_live_side_by_side_and_leave_nothing(commands: Path) -> None:
    with UserManager() as one, UserManager() as two:
        for manager in (one, two):
            manager.install(commands)
            speak(manager)
        pids = [one.main_pid(), two.main_pid()]
        one.stop()
        assert not Path(f"/proc/{pids[0]}").exists()
        assert speak(two).startswith("uint32")
    assert not any(Path(f"/proc/{pid}").exists() for pid in pids)
    assert not one.root.exists()
    assert not two.root.exists()
    assert not list(Path("/sys/fs/cgroup").glob(f"**/{two.root.name}"))
