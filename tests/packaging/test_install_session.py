"""install.sh end to end under a real user manager: the service is set up, started, heard and removed."""

import re
import subprocess
from collections.abc import Iterator

import pytest

from support.installer import Installation
from support.manager import UserManager
from support.pulse import PulseServer

pytestmark = [pytest.mark.system, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def pulse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PulseServer]:
    server = PulseServer(tmp_path_factory.mktemp("pulse"))
    server.start()
    yield server
    server.kill()


@pytest.fixture(scope="module")
def manager(pulse: PulseServer) -> Iterator[UserManager]:
    sound = {name: pulse.environment[name] for name in ("PULSE_SERVER", "ALSA_CONFIG_PATH")}
    # libpulse would make its cookie in HOME, and that is not for install.sh to remove.
    sound["PULSE_COOKIE"] = f"{pulse.environment['HOME']}/cookie"
    with UserManager(sound) as running:
        yield running


@pytest.fixture(scope="module")
def installation(manager: UserManager, tmp_path_factory: pytest.TempPathFactory) -> Installation:
    return Installation(tmp_path_factory.mktemp("session"), manager.environment)


@pytest.fixture(scope="module")
def first(installation: Installation, pulse: PulseServer) -> subprocess.CompletedProcess[str]:
    """The first run, with the sound card's output recorded; the tests below share what it installed."""
    recorder = pulse.record()
    result = installation.run()
    recorder.stop()
    assert result.returncode == 0, result.stdout + result.stderr
    assert len(recorder.sounding()) > 12_000, result.stdout
    return result


def test_sentence_is_spoken_aloud(first: subprocess.CompletedProcess[str]) -> None:
    assert "Spoke: 你好" in first.stdout
    assert "Wrote" not in first.stdout


@pytest.mark.usefixtures("first")
def test_service_runs_and_starts_at_login(manager: UserManager, installation: Installation) -> None:
    assert manager.show("ActiveState") == "active"
    assert manager.show("UnitFileState") == "enabled"
    assert manager.show("FragmentPath") == str(installation.data / "systemd/user/chatttsd.service")


@pytest.mark.usefixtures("first")
def test_bus_starts_it_again_on_the_next_call(manager: UserManager) -> None:
    manager.systemctl("stop", "chatttsd.service")
    manager.run(manager.call("Speak", "string:hello"), check=True)
    manager.wait_for("ActiveState", "active")


@pytest.mark.usefixtures("first")
def test_second_run_replaces_the_running_service(manager: UserManager, installation: Installation) -> None:
    before = manager.main_pid()
    again = installation.run("--no-speak")
    assert again.returncode == 0, again.stderr
    assert manager.main_pid() not in (0, before)


@pytest.mark.usefixtures("first")
def test_without_a_sound_server_it_writes_a_file(pulse: PulseServer, installation: Installation) -> None:
    pulse.kill()
    result = installation.run()
    pulse.start()
    assert result.returncode == 0, result.stderr
    assert "No sound: " in result.stdout
    assert "Wrote the greeting to " in result.stdout


@pytest.mark.usefixtures("first")
@pytest.mark.parametrize("options", [[], ["--runtime"]])
def test_masked_unit_is_named_with_the_command_that_unmasks_it(
    manager: UserManager, installation: Installation, options: list[str]
) -> None:
    manager.systemctl("mask", *options, "chatttsd.service")
    result = installation.run("--no-speak")
    assert result.returncode == 0, result.stderr
    assert "No user manager" not in result.stdout + result.stderr
    told = re.search(
        r"chatttsd.service is masked.*: systemctl --user (unmask .*)$", result.stderr, re.MULTILINE
    )
    assert told is not None, result.stdout + result.stderr
    manager.systemctl(*told[1].split())
    assert manager.show("LoadState") == "loaded"


@pytest.mark.usefixtures("first")
def test_unit_that_hides_ours_is_named(manager: UserManager, installation: Installation) -> None:
    hiding = installation.home / ".config/systemd/user/chatttsd.service"
    hiding.write_text("[Service]\nExecStart=/bin/true\n")
    result = installation.run("--no-speak")
    hiding.unlink()
    manager.systemctl("daemon-reload")
    assert result.returncode == 0, result.stderr
    assert "No user manager" not in result.stdout + result.stderr
    assert f"the user manager reads {hiding} and not" in result.stderr


@pytest.mark.usefixtures("first")
def test_uninstall_stops_the_service_and_leaves_nothing(
    manager: UserManager, installation: Installation
) -> None:
    result = installation.run("--uninstall")
    assert result.returncode == 0, result.stderr
    assert manager.show("LoadState") == "not-found"
    assert installation.processes() == []
    left = [
        path
        for path in installation.home.rglob("*")
        if not path.is_dir() and str(path.resolve()) != "/dev/null"
    ]
    assert left == []


def test_manager_of_another_home_is_not_touched(
    manager: UserManager, tmp_path_factory: pytest.TempPathFactory
) -> None:
    stranger = Installation(tmp_path_factory.mktemp("other"))
    session = {name: manager.environment[name] for name in ("XDG_RUNTIME_DIR", "DBUS_SESSION_BUS_ADDRESS")}
    result = stranger.run(**session)
    assert result.returncode == 0, result.stderr
    assert "No user manager" in result.stdout
    assert "Wrote the greeting to " in result.stdout
    assert manager.show("LoadState") == "not-found"
    assert stranger.run("--uninstall", **session).returncode == 0
