from pathlib import Path

import pytest

from chatttsd.ctl.exits import CommandError, Exit
from chatttsd.ctl.target import Target, choose


def test_the_users_own_instance_is_the_default() -> None:
    target = choose(False, {})
    assert (target.bus, target.unit, target.systemctl) == (
        "session",
        "chatttsd.service",
        ("systemctl", "--user"),
    )


@pytest.mark.parametrize(("flag", "environment"), [(True, {}), (False, {"CHATTTSD_BUS": "system"})])
def test_the_flag_or_the_environment_choose_the_system_instance(
    flag: bool, environment: dict[str, str]
) -> None:
    target = choose(flag, environment)
    assert (target.bus, target.unit, target.systemctl) == (
        "system",
        "chatttsd-system.service",
        ("systemctl",),
    )


def test_an_unknown_bus_in_the_environment_is_a_usage_error() -> None:
    with pytest.raises(CommandError, match="got 'sesion', allowed: session, system") as refusal:
        choose(False, {"CHATTTSD_BUS": "sesion"})
    assert refusal.value.code is Exit.USAGE


def test_the_session_bus_is_the_one_that_the_environment_names(tmp_path: Path) -> None:
    (tmp_path / "bus").touch()
    environment = {"XDG_RUNTIME_DIR": str(tmp_path)}
    assert Target().address(environment) == f"unix:path={tmp_path}/bus"
    assert Target().address({**environment, "DBUS_SESSION_BUS_ADDRESS": "unix:path=/x"}) == "unix:path=/x"


@pytest.mark.parametrize("environment", [{}, {"XDG_RUNTIME_DIR": "/nonexistent"}])
def test_no_session_bus_says_what_was_looked_for_and_how_to_get_one(environment: dict[str, str]) -> None:
    with pytest.raises(CommandError, match="dbus-run-session") as refusal:
        Target().address(environment)
    assert refusal.value.code is Exit.NOT_RUNNING
    assert "DBUS_SESSION_BUS_ADDRESS" in str(refusal.value)


def test_the_system_bus_needs_no_environment() -> None:
    assert Target(system=True).address({}) == "unix:path=/run/dbus/system_bus_socket"
    assert Target(system=True).address({"DBUS_SYSTEM_BUS_ADDRESS": "unix:path=/x"}) == "unix:path=/x"


def test_advice_is_what_a_person_can_type() -> None:
    assert Target().advise("reset-failed", "start") == (
        "systemctl --user reset-failed chatttsd && systemctl --user start chatttsd"
    )
    assert Target(system=True).advise("start") == "sudo systemctl start chatttsd-system"
    assert Target().journal() == "journalctl --user -u chatttsd -n 20"
    assert Target(system=True).journal() == "journalctl -u chatttsd-system -n 20"
