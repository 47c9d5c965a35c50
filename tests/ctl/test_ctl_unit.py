import time
from pathlib import Path

import pytest

from chatttsd.ctl import unit
from chatttsd.ctl.target import Target
from chatttsd.ctl.unit import UnitState
from support.ctl import fake_systemctl, hermetic

FAILED = """LoadState=loaded
ActiveState=failed
SubState=failed
UnitFileState=enabled
Result=start-limit-hit
StatusText=the configuration is broken
ExecMainStatus=1
NRestarts=5
MainPID=0
Unheard=of
"""


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    chosen = hermetic(tmp_path)
    for name, value in chosen.items():
        monkeypatch.setenv(name, value)
    return chosen


def test_show_reads_what_systemctl_prints(environment: dict[str, str]) -> None:
    fake_systemctl(environment, f"cat <<'END'\n{FAILED}END")
    state = unit.show(Target())
    assert state is not None
    assert state.installed
    assert state.failed
    assert (state.result, state.restarts) == ("start-limit-hit", "5")


def test_show_asks_the_users_manager_or_the_systems(environment: dict[str, str], tmp_path: Path) -> None:
    fake_systemctl(environment, f'echo "$@" >> {tmp_path}/asked')
    unit.show(Target())
    unit.show(Target(system=True))
    asked = (tmp_path / "asked").read_text().splitlines()
    assert asked[0].startswith("--user show chatttsd.service ")
    assert asked[1].startswith("show chatttsd-system.service ")


def test_no_manager_is_none(environment: dict[str, str]) -> None:
    assert unit.show(Target()) is None


def test_no_systemctl_is_none(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    assert unit.show(Target()) is None


def test_a_hanging_manager_is_none_and_costs_a_bounded_time(
    environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chatttsd.ctl.unit._TIMEOUT", 0.2)
    fake_systemctl(environment, "exec sleep 60")
    began = time.monotonic()
    assert unit.show(Target()) is None
    assert time.monotonic() - began < 30


def test_the_description_of_a_failed_unit_tells_the_last_fault() -> None:
    assert unit.parse(FAILED).describe() == (
        "failed (failed), last result: start-limit-hit, exit status 1, it said: the configuration is broken"
    )


def test_the_description_of_a_healthy_unit_is_short() -> None:
    assert (
        UnitState("loaded", "active", "running", "enabled", "success", "", "0").describe()
        == "active (running)"
    )


def test_an_unknown_unit_is_not_installed() -> None:
    state = UnitState(load="not-found", active="inactive", sub="dead")
    assert not state.installed
    assert state.describe() == "not installed (not-found)"


@pytest.mark.parametrize(
    ("state", "step"),
    [
        (None, f"start the daemon: {unit.by_hand(Target())}"),
        (UnitState("masked"), "systemctl --user unmask chatttsd && systemctl --user start chatttsd"),
        (UnitState("not-found", "failed"), "install it: ./packaging/install.sh"),
        (UnitState("loaded", "active"), "systemctl --user restart chatttsd"),
        (UnitState("loaded", "activating"), "systemctl --user restart chatttsd"),
        (UnitState(load="not-found"), "install it: ./packaging/install.sh"),
        (UnitState("loaded", "inactive"), "systemctl --user start chatttsd"),
        (
            UnitState("loaded", "failed"),
            "systemctl --user reset-failed chatttsd && systemctl --user start chatttsd",
        ),
    ],
)
def test_the_next_step_is_one_command(state: UnitState | None, step: str) -> None:
    assert unit.next_step(Target(), state) == step


def test_a_daemon_without_systemd_is_started_by_a_path_that_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "a folder"
    folder.mkdir()
    monkeypatch.setattr("sys.executable", f"{folder}/python")
    assert unit.by_hand(Target()) == f"'{folder}/python' -m chatttsd.app &"
    (folder / "chatttsd").touch()
    assert unit.by_hand(Target()) == f"'{folder}/chatttsd' &"
    assert unit.by_hand(Target(system=True)) == f"'{folder}/chatttsd' --system &"


def test_a_masked_unit_says_so() -> None:
    state = UnitState(load="masked", active="failed")
    assert (state.failed, state.describe()) == (False, "masked")


def test_the_status_text_is_no_sentence_within_a_sentence() -> None:
    state = UnitState("loaded", "active", "running", status_text="No weights.; No card.")
    assert state.describe() == "active (running), it said: No weights; No card"


def test_control_characters_of_a_status_text_do_not_reach_the_terminal() -> None:
    assert unit.parse("StatusText=a\x1b[31mb").status_text == "a [31mb"
