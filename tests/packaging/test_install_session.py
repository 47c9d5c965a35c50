"""install.sh end to end under a real user manager: the service is set up, started, heard and removed."""

import re
import subprocess
from collections.abc import Iterator

import pytest

from support.installer import Installation, source
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


@pytest.fixture(scope="module")
def replaced(manager: UserManager, first: subprocess.CompletedProcess[str]) -> int:
    """The process that served before the second run."""
    assert first.returncode == 0
    return manager.main_pid()


@pytest.fixture(scope="module")
def second(replaced: int, pulse: PulseServer, installation: Installation) -> subprocess.CompletedProcess[str]:
    """The second run, while there is no sound server."""
    assert replaced
    settings = installation.home / ".config/chatttsd/config.toml"
    settings.parent.mkdir(exist_ok=True)
    settings.write_text("[audio]\nwait_seconds = 0.5\n")
    pulse.kill()
    result = installation.run()
    pulse.start()
    settings.unlink()
    assert result.returncode == 0, result.stderr
    return result


@pytest.mark.usefixtures("second")
def test_second_run_replaces_the_running_service(manager: UserManager, replaced: int) -> None:
    assert manager.main_pid() not in (0, replaced)


def test_without_a_sound_server_it_writes_a_file(second: subprocess.CompletedProcess[str]) -> None:
    assert "No sound: " in second.stdout
    assert "Wrote the greeting to " in second.stdout


@pytest.mark.usefixtures("first")
def test_masked_unit_is_named_with_the_command_that_unmasks_it(
    manager: UserManager, installation: Installation
) -> None:
    manager.systemctl("mask", "chatttsd.service")
    result = installation.run("--no-speak")
    assert result.returncode == 0, result.stderr
    assert "No user manager" not in result.stdout + result.stderr
    unmask(manager, result.stderr)


@pytest.mark.usefixtures("first")
def test_unit_masked_until_the_next_login_is_unmasked_until_then(
    manager: UserManager, installation: Installation
) -> None:
    manager.systemctl("mask", "--runtime", "chatttsd.service")
    unmask(manager, explanation(manager, installation))


@pytest.mark.usefixtures("first")
def test_unit_that_hides_ours_is_named(manager: UserManager, installation: Installation) -> None:
    hiding = installation.home / ".config/systemd/user/chatttsd.service"
    hiding.write_text("[Service]\nExecStart=/bin/true\n")
    told = explanation(manager, installation)
    hiding.unlink()
    manager.systemctl("daemon-reload")
    assert f"the user manager reads {hiding} and not" in told


def unmask(manager: UserManager, told: str) -> None:
    """Do what a warning says."""
    command = re.search(r"chatttsd.service is masked.*: systemctl --user (unmask .*)$", told, re.MULTILINE)
    assert command is not None, told
    manager.systemctl(*command[1].split())
    assert manager.show("LoadState") == "loaded"


def explanation(manager: UserManager, installation: Installation) -> str:
    """Return what install.sh warns of once everything is in place; it says nothing else then."""
    snippet = "UNIT_FILE=$1; reload_session; manager_sees_unit || explain_no_service"
    unit = installation.data / "systemd/user/chatttsd.service"
    done = source(snippet, str(unit), **manager.environment)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    return done.stderr


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
