"""What happens before a call: a missing bus, a failed unit, a daemon that is not there or must be started."""

import sys
import time
from pathlib import Path

import pytest

from support.ctl import ctl, fake_systemctl, hermetic
from support.fake_speech import FakeSpeech, NameOwner
from support.private_bus import PrivateBus

FAILED = """cat <<'END'
LoadState=loaded
ActiveState=failed
SubState=failed
Result=start-limit-hit
StatusText=no such voice
ExecMainStatus=1
END"""
STOPPED = "printf 'LoadState=loaded\\nActiveState=inactive\\nSubState=dead\\n'"
MEND = "systemctl --user reset-failed chatttsd && systemctl --user start chatttsd"
CALLS = [
    ["speak", "hi"],
    ["speak", "-w", "hi"],
    ["voices"],
    ["load"],
    ["pause"],
    ["cancel"],
    ["speak", "-o", "-", "hi"],
]


def activation_file(folder: Path, command: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "org.chattts.Speech1.service"
    file.write_text(f"[D-BUS Service]\nName=org.chattts.Speech1\nExec={command}\n")


@pytest.mark.parametrize("arguments", CALLS)
def test_a_failed_unit_is_told_at_once_with_the_fault_and_the_command_that_mends_it(
    arguments: list[str], tmp_path: Path
) -> None:
    activation_file(tmp_path / "services", "/bin/sleep 60")
    with PrivateBus(activation=tmp_path / "services") as bus:
        environment = hermetic(tmp_path / "home", bus.environment)
        fake_systemctl(environment, FAILED)
        began = time.monotonic()
        done = ctl(arguments, environment)
        assert time.monotonic() - began < 15  # a call would have waited for 25 s
    assert done.returncode == 3
    assert "chatttsd.service is failed (failed), last result: start-limit-hit" in done.stderr
    assert "it said: no such voice" in done.stderr
    assert "journalctl --user -u chatttsd -n 20" in done.stderr
    assert MEND in done.stderr


def test_a_daemon_that_answers_is_called_whatever_systemd_says(
    bus: PrivateBus, environment: dict[str, str]
) -> None:
    fake_systemctl(environment, FAILED)
    with FakeSpeech(bus.address):
        assert ctl(["speak", "hi"], environment).returncode == 0


def test_the_bus_starts_the_daemon_when_it_can(tmp_path: Path) -> None:
    script = tmp_path / "service.py"
    script.write_text(
        "import os, sys, time\n"
        f"sys.path[:0] = {sys.path!r}\n"
        "from support.fake_speech import FakeSpeech\n"
        "with FakeSpeech(os.environ['DBUS_STARTER_ADDRESS']) as fake:\n"
        "    fake.wait_for('Speak')\n"
        "    fake._thread.join()\n"  # until the bus is gone
    )
    activation_file(tmp_path / "services", f"{sys.executable} {script}")
    with PrivateBus(activation=tmp_path / "services") as bus:
        environment = hermetic(tmp_path / "home", bus.environment)
        fake_systemctl(environment, STOPPED)
        assert ctl(["status"], environment).returncode == 3
        assert ctl(["speak", "--json", "hi"], environment).stdout == '{"id": 7}\n'
        assert ctl(["status"], environment).returncode == 0


def test_a_daemon_that_cannot_be_started_ends_with_3(tmp_path: Path) -> None:
    activation_file(tmp_path / "services", "/bin/false")
    with PrivateBus(activation=tmp_path / "services") as bus:
        done = ctl(["speak", "hi"], hermetic(tmp_path / "home", bus.environment))
    assert done.returncode == 3
    assert done.stderr.count("\n") == 1
    assert "this bus has no systemd to start chatttsd; start it: /" in done.stderr
    assert done.stderr.endswith("/chatttsd &\n") or done.stderr.endswith(" -m chatttsd.app &\n")


def test_a_bus_with_systemd_that_cannot_start_it_tells_the_error_and_the_unit(tmp_path: Path) -> None:
    activation_file(tmp_path / "services", "/bin/false")
    with (
        PrivateBus(activation=tmp_path / "services") as bus,
        NameOwner(bus.address, "org.freedesktop.systemd1"),
    ):
        environment = hermetic(tmp_path / "home", bus.environment)
        fake_systemctl(environment, "printf 'LoadState=not-found\\nActiveState=failed\\n'")
        done = ctl(["speak", "hi"], environment)
    assert done.returncode == 3
    assert "Spawn.ChildExited" in done.stderr
    assert "is not installed (not-found); install it: ./packaging/install.sh" in done.stderr


def test_a_unit_that_fails_while_it_is_started_is_told_within_seconds(tmp_path: Path) -> None:
    activation_file(tmp_path / "services", "/bin/sleep 60")
    with PrivateBus(activation=tmp_path / "services") as bus:
        environment = hermetic(tmp_path / "home", bus.environment)
        # Healthy when it is looked at first, failed ever after.
        fake_systemctl(environment, f"mkdir {tmp_path}/seen 2>&- && {{ {STOPPED}; exit; }}\n{FAILED}")
        began = time.monotonic()
        done = ctl(["speak", "hi"], environment)
        assert time.monotonic() - began < 15
    assert done.returncode == 3
    assert "last result: start-limit-hit" in done.stderr
    assert MEND in done.stderr


def test_a_start_that_never_ends_is_told_with_what_to_do(tmp_path: Path) -> None:
    activation_file(tmp_path / "services", "/bin/sleep 60")
    with PrivateBus(activation=tmp_path / "services") as bus:
        environment = hermetic(tmp_path / "home", bus.environment)
        fake_systemctl(environment, "printf 'LoadState=loaded\\nActiveState=activating\\n'")
        done = ctl(["speak", "--timeout", "0.3", "hi"], environment)
    assert done.returncode == 3
    assert done.stderr == (
        "chatttsctl: chatttsd does not answer (StartServiceByName, 0.3 s); "
        "systemctl --user restart chatttsd\n"
    )


def test_a_masked_unit_is_not_called_and_is_to_be_unmasked(tmp_path: Path) -> None:
    activation_file(tmp_path / "services", "/bin/sleep 60")
    with PrivateBus(activation=tmp_path / "services") as bus:
        environment = hermetic(tmp_path / "home", bus.environment)
        fake_systemctl(environment, "printf 'LoadState=masked\\nActiveState=inactive\\n'")
        done = ctl(["speak", "hi"], environment)
    assert done.returncode == 3
    assert done.stderr == (
        "chatttsctl: chatttsd is not running; chatttsd.service is masked; "
        "systemctl --user unmask chatttsd && systemctl --user start chatttsd\n"
    )


@pytest.mark.parametrize(
    "arguments", [["pause"], ["resume"], ["skip"], ["cancel"], ["cancel", "--all"], ["unload"], ["reload"]]
)
def test_a_command_that_needs_a_running_daemon_does_not_start_one(
    arguments: list[str], tmp_path: Path
) -> None:
    activation_file(tmp_path / "services", f"/bin/sh -c 'touch {tmp_path}/started'")
    with PrivateBus(activation=tmp_path / "services") as bus:
        environment = hermetic(tmp_path / "home", bus.environment)
        fake_systemctl(environment, STOPPED)
        done = ctl(arguments, environment)
    assert done.returncode == 3
    assert (
        "chatttsd is not running; chatttsd.service is inactive (dead); systemctl --user start chatttsd"
        in done.stderr
    )
    assert not (tmp_path / "started").exists()


@pytest.mark.parametrize(
    ("systemctl", "told"),
    [
        ("exit 1", "; start the daemon: /"),
        ("printf 'LoadState=not-found\\nActiveState=inactive\\n'", "install it: ./packaging/install.sh"),
        (STOPPED, "systemctl --user start chatttsd"),
    ],
)
def test_a_daemon_that_nothing_can_start_says_what_to_do(
    systemctl: str, told: str, environment: dict[str, str]
) -> None:
    fake_systemctl(environment, systemctl)
    done = ctl(["speak", "hi"], environment)
    assert done.returncode == 3
    assert "the bus cannot start it (no activation file)" in done.stderr
    assert told in done.stderr


def test_no_bus_at_all_is_a_clear_line(tmp_path: Path) -> None:
    done = ctl(["speak", "hi"], hermetic(tmp_path))
    assert done.returncode == 3
    assert done.stderr.startswith("chatttsctl: no D-Bus session bus: DBUS_SESSION_BUS_ADDRESS is not set")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("unix:path=/nonexistent/bus", "No such file"),
        ("unix:path=/dev/null", "Connection refused"),
        ("nonsense", "InvalidAddressError"),
        ("unix:runtime=yes", "InvalidAddressError"),
    ],
)
def test_a_bus_that_cannot_be_reached_is_named(address: str, told: str, tmp_path: Path) -> None:
    done = ctl(["speak", "hi"], hermetic(tmp_path, {"DBUS_SESSION_BUS_ADDRESS": address}))
    assert done.returncode == 3
    assert f"cannot connect to the bus at {address}" in done.stderr
    assert told in done.stderr
    assert done.stderr.count("\n") == 1


def test_the_bus_in_the_runtime_directory_is_found(tmp_path: Path) -> None:
    environment = hermetic(tmp_path)
    with PrivateBus() as bus, FakeSpeech(bus.address):
        Path(environment["XDG_RUNTIME_DIR"], "bus").symlink_to(bus.address.removeprefix("unix:path="))
        assert ctl(["speak", "hi"], environment).returncode == 0


@pytest.mark.parametrize("extra", [{"arguments": "--system"}, {"variable": "system"}])
def test_the_system_instance_is_reached_over_the_system_bus(extra: dict[str, str], tmp_path: Path) -> None:
    with PrivateBus(kind="system") as bus, FakeSpeech(bus.address) as fake:
        environment = hermetic(tmp_path, bus.environment)
        if "variable" in extra:
            environment["CHATTTSD_BUS"] = extra["variable"]
        done = ctl([*extra.get("arguments", "").split(), "speak", "hi"], environment)
        assert done.returncode == 0
        assert fake.calls("Speak")


def test_a_wrong_bus_variable_is_a_usage_error(environment: dict[str, str]) -> None:
    done = ctl(["status"], {**environment, "CHATTTSD_BUS": "user"})
    assert (done.returncode, done.stderr) == (
        2,
        "chatttsctl: CHATTTSD_BUS: got 'user', allowed: session, system\n",
    )
