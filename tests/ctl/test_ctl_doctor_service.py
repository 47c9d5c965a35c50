"""The doctor's checks of the unit, the activation file, the bus and the daemon."""

from pathlib import Path

import pytest

from chatttsd import __version__
from chatttsd.ctl.doctor import service
from chatttsd.ctl.doctor.finding import Finding, ok, warn
from chatttsd.ctl.target import Target
from chatttsd.ctl.unit import by_hand
from support.ctl import fake_systemctl, hermetic
from support.fake_speech import FakeSpeech, Hang, NameOwner
from support.private_bus import PrivateBus

ACTIVE = "printf 'LoadState=loaded\\nActiveState=active\\nSubState=running\\nUnitFileState=%s\\n'"


@pytest.fixture
def mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """A hermetic environment that is also this process's."""
    chosen = hermetic(tmp_path)
    for name, value in chosen.items():
        monkeypatch.setenv(name, value)
    return chosen


def levels(findings: list[Finding]) -> list[str]:
    return [finding.level for finding in findings]


@pytest.mark.parametrize(
    ("systemctl", "expected", "mend"),
    [
        ("exit 1", ["warn"], ""),
        ("printf 'LoadState=masked\\nActiveState=failed\\n'", ["fail"], "systemctl --user unmask chatttsd"),
        ("printf 'LoadState=not-found\\nActiveState=failed\\n'", ["warn"], "install.sh"),
        ("printf 'LoadState=not-found\\n'", ["warn"], "install.sh"),
        (
            "printf 'LoadState=loaded\\nActiveState=failed\\nResult=start-limit-hit\\n'",
            ["fail"],
            "reset-failed",
        ),
        (ACTIVE.replace("%s", "enabled"), ["ok"], ""),
        (ACTIVE.replace("%s", "disabled"), ["ok", "warn"], "systemctl --user enable chatttsd"),
    ],
)
def test_the_unit_is_judged_by_its_state(
    systemctl: str, expected: list[str], mend: str, mine: dict[str, str]
) -> None:
    fake_systemctl(mine, systemctl)
    findings = service.check_unit(Target())
    assert levels(findings) == expected
    assert mend in findings[-1].mend


def activation(folder: Path, content: str) -> Path:
    folder.mkdir(parents=True)
    file = folder / "org.chattts.Speech1.service"
    file.write_text(content)
    return file


GOOD = "[D-BUS Service]\nName=org.chattts.Speech1\nExec=/bin/false\nSystemdService=chatttsd.service\n"


@pytest.mark.parametrize("place", ["XDG_DATA_HOME", "XDG_DATA_DIRS", "XDG_RUNTIME_DIR"])
def test_the_activation_file_is_found_wherever_the_bus_looks(place: str, mine: dict[str, str]) -> None:
    file = activation(Path(mine[place], "dbus-1/services"), GOOD)
    (finding,) = service.check_files(Target(), mine)
    assert (finding.level, finding.detail) == ("ok", f"{file} starts chatttsd.service")


@pytest.mark.parametrize(
    ("content", "level", "told"),
    [
        (
            GOOD.replace("chatttsd.service", "other.service"),
            "warn",
            "starts other.service, not chatttsd.service",
        ),
        (GOOD.replace("SystemdService", "User"), "warn", "starts no unit"),
        (GOOD.replace("Speech1", "Speech2"), "fail", "names org.chattts.Speech2"),
        ("[Wrong]\n", "fail", "names nothing"),
        ("no section\n", "fail", "names nothing"),
    ],
)
def test_an_activation_file_that_starts_something_else_is_told(
    content: str, level: str, told: str, mine: dict[str, str]
) -> None:
    activation(Path(mine["XDG_DATA_HOME"], "dbus-1/services"), content)
    (finding,) = service.check_files(Target(), mine)
    assert finding.level == level
    assert told in finding.detail


async def test_no_activation_file_is_a_warning_with_the_way_to_get_one(mine: dict[str, str]) -> None:
    (finding,) = await service.check_activation(Target(), mine)
    assert (finding.level, finding.mend) == ("warn", "./packaging/install.sh")
    assert service.check_files(Target(system=True), mine)[0].detail.endswith("for the system bus")


async def test_the_bus_is_asked_whether_it_can_start_the_daemon(
    mine: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    activation(tmp_path / "read", GOOD)
    with PrivateBus(activation=tmp_path / "read") as bus:
        monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", bus.address)
        (alone,) = await service.check_activation(Target())
        assert alone == warn(
            "activation",
            "no systemd on this bus: chatttsd.service cannot be started",
            f"start the daemon by hand: {by_hand(Target())}",
        )
        with NameOwner(bus.address, "org.freedesktop.systemd1"):
            assert await service.check_activation(Target()) == [
                ok("activation", "the bus can start the daemon")
            ]


async def test_an_activation_file_that_the_bus_has_not_read_is_told(
    bus: PrivateBus, mine: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", bus.address)
    activation(Path(mine["XDG_DATA_HOME"], "dbus-1/services"), GOOD)
    (finding,) = await service.check_activation(Target())
    assert (finding.level, finding.detail) == ("warn", "the bus has not read the activation file")


def test_the_daemon_is_started_by_hand_only_where_there_is_a_bus(
    mine: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path=/x")
    (finding,) = service.check_unit(Target())
    assert finding.mend == f"start the daemon by hand: {by_hand(Target())}"


async def test_a_daemon_that_answers_is_fine(
    bus: PrivateBus, environment: dict[str, str], mine: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", bus.address)
    with FakeSpeech(bus.address, properties={"Version": ("s", __version__)}):
        findings = await service.check_daemon(Target())
    assert [(each.level, each.what) for each in findings] == [
        ("ok", "session bus"),
        ("ok", "daemon"),
        ("ok", "voice"),
    ]


async def test_another_version_and_a_reason_are_warnings(
    bus: PrivateBus, mine: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", bus.address)
    odd = {"Version": ("s", "0.0.9"), "Reason": ("s", "No weights.; No card.")}
    with FakeSpeech(bus.address, properties=odd):
        _, daemon, voice = await service.check_daemon(Target())
    assert (daemon.level, daemon.mend) == ("warn", "systemctl --user restart chatttsd")
    assert f"runs version 0.0.9, this command is {__version__}" in daemon.detail
    assert (voice.level, voice.detail) == (
        "warn",
        "espeak-ng speaks, the model is absent: No weights; No card",
    )


async def test_a_daemon_that_hangs_fails(
    bus: PrivateBus, mine: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", bus.address)
    monkeypatch.setattr(service, "ANSWER_TIMEOUT", 0.2)
    with FakeSpeech(bus.address, {"Get": Hang()}):
        findings = await service.check_daemon(Target())
    assert levels(findings) == ["ok", "fail"]
    assert findings[1].detail == "chatttsd does not answer (Get, 0.2 s)"


async def test_no_daemon_and_no_bus_fail(
    bus: PrivateBus, mine: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", bus.address)
    assert levels(await service.check_daemon(Target())) == ["ok", "fail"]
    bus.kill()
    assert levels(await service.check_daemon(Target())) == ["fail"]
