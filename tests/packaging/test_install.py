"""install.sh end to end where there is no user manager: the newcomer's first command in a bare container."""

import os
import re
import shlex
import shutil
import subprocess
import wave
from array import array
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.installer import Installation
from support.manager import UserManager

pytestmark = [pytest.mark.system, pytest.mark.timeout(300)]
UNIT = "systemd/user/chatttsd.service"
ACTIVATION = ("org.chattts.Speech1", "org.chattts.Speech.Provider")


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    return Installation(tmp_path_factory.mktemp("install"))


@pytest.fixture(scope="module")
def first(installation: Installation) -> Iterator[subprocess.CompletedProcess[str]]:
    """The output of the first run; the tests below share what it installed."""
    before = sorted(installation.checkout.rglob("*"))
    result = installation.run()
    assert result.returncode == 0, result.stdout + result.stderr
    assert sorted(installation.checkout.rglob("*")) == before, "the checkout is littered"
    yield result
    assert installation.processes() == []


def test_greeting_is_written_where_it_says(
    installation: Installation, first: subprocess.CompletedProcess[str]
) -> None:
    told = re.search(r"^Wrote the greeting to (.+)$", first.stdout, re.MULTILINE)
    assert told is not None, first.stdout
    assert Path(told[1]) == installation.home / ".local/state/chatttsd/hello.wav"
    with wave.open(told[1], "rb") as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (24_000, 1, 2)
        samples = array("h", file.readframes(file.getnframes()))
    assert len(samples) > 24_000
    assert sum(abs(sample) > 655 for sample in samples) > len(samples) / 10


@pytest.mark.usefixtures("first")
def test_nothing_temporary_and_nothing_running_is_left(installation: Installation) -> None:
    assert list(installation.temporary.iterdir()) == []
    assert installation.processes() == []


@pytest.mark.usefixtures("first")
def test_command_works_through_its_link(installation: Installation) -> None:
    done = subprocess.run(
        [installation.command, "--version"],
        env=installation.environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert re.fullmatch(r"chatttsctl \d+\.\d+\.\d+\n", done.stdout)


@pytest.mark.usefixtures("first")
def test_systemd_accepts_the_installed_unit(installation: Installation) -> None:
    done = subprocess.run(
        ["systemd-analyze", "--user", "--man=no", "verify", installation.data / UNIT],
        env=installation.environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    for name in ACTIVATION:
        assert (installation.data / f"dbus-1/services/{name}.service").exists()


@pytest.mark.usefixtures("first")
def test_the_installed_package_knows_the_model_and_its_voices(installation: Installation) -> None:
    script = (
        "from chatttsd.models.manifest import load_manifest; from chatttsd.voices.store import VoiceStore;"
        "from pathlib import Path;"
        "print(len(load_manifest(None).files), len(VoiceStore(Path('/nonexistent')).scan().voices))"
    )
    command = [str(installation.venv / "bin/python"), "-I", "-c", script]
    assert subprocess.run(command, check=True, capture_output=True, text=True).stdout.split() == ["9", "5"]


@pytest.mark.usefixtures("first")
def test_base_installation_does_not_pull_torch(installation: Installation) -> None:
    packages = {path.name for path in installation.data.glob("chatttsd/venv/lib/*/site-packages/*")}
    assert "chatttsd" in packages
    assert not {"torch", "transformers", "ChatTTS"} & packages


def tried(result: subprocess.CompletedProcess[str]) -> list[str]:
    """The words of the command that the last line tells the newcomer to try."""
    told = re.search(r"^Done\. Try: (.+?)    To remove: ", result.stdout, re.MULTILINE)
    assert told is not None, result.stdout
    return shlex.split(told[1])


def test_without_the_command_on_the_path_it_warns_and_names_the_whole_path(
    installation: Installation, first: subprocess.CompletedProcess[str]
) -> None:
    assert ".local/bin is not on your PATH" in first.stderr
    assert tried(first) == [str(installation.command), "speak", "你好"]


def test_its_last_line_can_be_pasted_into_a_shell(
    installation: Installation, first: subprocess.CompletedProcess[str]
) -> None:
    removal = first.stdout.splitlines()[-1].partition("To remove: ")[2]
    assert shlex.split(removal) == [str(installation.checkout / "packaging/install.sh"), "--uninstall"]


@pytest.mark.usefixtures("first")
def test_second_run_upgrades_and_records_nothing_new(installation: Installation) -> None:
    manifest = (installation.data / "chatttsd/install-manifest").read_text()
    project = installation.checkout / "pyproject.toml"
    project.write_text(
        re.sub(r"(?m)^description = .*$", 'description = "newer"', project.read_text(), count=1)
    )
    again = installation.run("--no-speak", PATH=f"{installation.command.parent}:{os.environ['PATH']}")
    assert (again.returncode, again.stderr) == (0, "")
    assert "virtual environment" not in again.stdout, "the old one is healthy"
    assert tried(again) == ["chatttsctl", "speak", "你好"]
    assert (installation.data / "chatttsd/install-manifest").read_text() == manifest
    (metadata,) = installation.data.glob("chatttsd/venv/lib/*/site-packages/chatttsd-*.dist-info/METADATA")
    assert "Summary: newer" in metadata.read_text()


@pytest.mark.usefixtures("first")
def test_a_library_that_an_interrupted_pip_left_in_pieces_is_repaired(installation: Installation) -> None:
    (numpy,) = installation.venv.glob("lib/*/site-packages/numpy")
    shutil.rmtree(numpy)
    again = installation.run("--no-speak")
    assert again.returncode == 0, again.stdout + again.stderr
    assert "numpy: ModuleNotFoundError" in again.stderr
    assert (numpy / "__init__.py").is_file()


@pytest.fixture(scope="module")
def manager_of_another_home() -> Iterator[UserManager]:
    with UserManager() as running:
        yield running


@pytest.fixture
def other_session(manager_of_another_home: UserManager) -> dict[str, str]:
    """The session of a manager that was started for another HOME."""
    environment = manager_of_another_home.environment
    return {name: environment[name] for name in ("XDG_RUNTIME_DIR", "DBUS_SESSION_BUS_ADDRESS")}


@pytest.mark.usefixtures("first")
def test_manager_of_another_home_is_not_touched(
    installation: Installation, manager_of_another_home: UserManager, other_session: dict[str, str]
) -> None:
    (installation.home / ".local/state/chatttsd/hello.wav").unlink()
    result = installation.run(**other_session)
    assert result.returncode == 0, result.stderr
    assert "No user manager" in result.stdout
    assert "Wrote the greeting to " in result.stdout
    assert (installation.home / ".local/state/chatttsd/hello.wav").exists()
    assert manager_of_another_home.show("LoadState") == "not-found"


@pytest.mark.usefixtures("first")
def test_uninstall_removes_what_was_installed_and_keeps_what_is_the_users(
    installation: Installation, other_session: dict[str, str]
) -> None:
    own = (
        installation.home / ".config/chatttsd/config.toml",
        installation.data / "chatttsd/voices/mine.toml",
    )
    cookie = installation.home / ".config/pulse/cookie"
    kernel = installation.home / ".cache/chatttsd/numba/kernel.nbc"
    for path in (*own, cookie, kernel):
        path.parent.mkdir(parents=True)
        path.write_text("")
    for program in ("speechd", "orca"):
        added = [str(installation.command), program, "install"]
        subprocess.run(added, env=installation.environment, check=True, capture_output=True)
    result = installation.run("--uninstall", **other_session)
    assert result.returncode == 0, result.stderr
    told = result.stdout.splitlines()
    assert told[:-1] == ["Removed chatttsd", *(f"Kept {path.parent}" for path in own)]
    assert told[-1].startswith(f"Kept {cookie.parent}, which libpulse")
    cookie.unlink()
    kept = [path for path in installation.home.rglob("*") if path.is_file() or path.is_symlink()]
    assert sorted(kept) == sorted(own)
    for folder in (".cache", ".config", ".local"):
        shutil.rmtree(installation.home / folder)
    assert installation.files() == []


def test_uninstall_of_nothing_says_so(tmp_path: Path) -> None:
    result = Installation(tmp_path).run("--uninstall")
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.startswith("Nothing to remove")


def test_without_a_network_it_says_so(tmp_path: Path) -> None:
    installation = Installation(tmp_path)
    unreachable = {"PIP_INDEX_URL": "http://127.0.0.1:9/simple", "PIP_RETRIES": "0", "PIP_NO_CACHE_DIR": "1"}
    other_sources = {"PIP_FIND_LINKS": "", "PIP_EXTRA_INDEX_URL": "", "PIP_CONFIG_FILE": os.devnull}
    result = installation.run(**unreachable, **other_sources)
    assert result.returncode == 1
    assert "is there a network?" in result.stderr.splitlines()[-1]
    assert list(installation.temporary.iterdir()) == []


def test_interrupted_it_leaves_nothing_temporary_and_can_be_uninstalled(tmp_path: Path) -> None:
    installation = Installation(tmp_path)
    with installation.begin() as script:
        assert script.stdout is not None
        while "Installing chatttsd" not in script.stdout.readline():
            assert script.poll() is None
        os.killpg(script.pid, 2)
        assert script.wait(timeout=60) == 130
    assert list(installation.temporary.iterdir()) == []
    assert installation.run("--uninstall").returncode == 0
    assert installation.files() == []


@pytest.mark.parametrize("python", ["/bin/false", "/bin/true", "/bin/echo", "/nowhere/python3"])
def test_unusable_python_is_refused_by_name(tmp_path: Path, python: str) -> None:
    result = Installation(tmp_path).run("--python", python)
    assert result.returncode == 1
    assert f"--python {python}: not a Python >=3.11,<3.15" in result.stderr.splitlines()[-1]


@pytest.mark.parametrize(
    "arguments", [("--sideways",), ("speak",), ("--python",), ("--python=",), ("--python", "")]
)
def test_usage_errors_change_nothing(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    installation = Installation(tmp_path)
    result = installation.run(*arguments)
    assert result.returncode == 2
    assert result.stderr.startswith("error: ")
    assert installation.files() == []


def test_help_names_every_option(tmp_path: Path) -> None:
    result = Installation(tmp_path).run("--help")
    assert result.returncode == 0
    for option in ("--no-system-packages", "--no-speak", "--python PATH", "--uninstall"):
        assert option in result.stdout


def test_it_may_be_started_through_a_symbolic_link(tmp_path: Path) -> None:
    installation = Installation(tmp_path)
    (tmp_path / "setup").symlink_to(installation.script[-1])
    installation.script[-1] = str(tmp_path / "setup")
    result = installation.run("--help")
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.startswith("Usage: ")


@pytest.mark.parametrize("shell", ["sh", "dash"])
def test_it_may_be_started_with_another_shell(tmp_path: Path, shell: str) -> None:
    installation = Installation(tmp_path)
    installation.script[0] = shutil.which(shell) or "/bin/sh"
    result = installation.run("--python", "/a path/of $two")
    assert result.returncode == 1
    assert result.stderr.splitlines()[-1].startswith("error: --python /a path/of $two: not a Python")


@pytest.mark.parametrize("name", ["a$b", 'a"b', "a\\b", "a\nb", "a`b", "a\tb"])
def test_a_home_whose_name_would_break_the_unit_is_refused_in_one_line(tmp_path: Path, name: str) -> None:
    home = tmp_path / name
    home.mkdir()
    result = Installation(tmp_path).run(HOME=str(home))
    assert result.returncode == 1
    assert re.fullmatch(r"error: HOME is .*/a.*b'; allowed are .*\n", result.stderr), result.stderr
    assert list(home.iterdir()) == []
