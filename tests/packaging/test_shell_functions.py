"""The shell functions behind install.sh and tests/run.sh, one at a time."""

import os
import subprocess
from pathlib import Path

import pytest

from support.installer import source

HEADER = "MANIFEST=$1/manifest; TEMPORARY=$1;"


def output(snippet: str, *arguments: str, **environment: str) -> str:
    result = source(snippet, *arguments, **environment)
    assert result.returncode == 0, result.stderr
    return result.stdout


@pytest.mark.parametrize(
    ("path", "quoted"),
    [
        ("/a/b", "/a/b"),
        ("/a b", "/a b"),
        ("/100%", "/100%%"),
        ('/a"b', '/a\\"b'),
        ("/a\\b", "/a\\\\b"),
        ("/家", "/家"),
    ],
)
def test_paths_are_quoted_as_systemd_wants_them(path: str, quoted: str) -> None:
    assert output('systemd_quoted "$1"', path) == quoted


@pytest.mark.parametrize(
    ("value", "folder"),
    [("/data", "/data"), ("", "/default"), ("relative", "/default"), ("./data", "/default")],
)
def test_relative_xdg_folders_are_ignored(value: str, folder: str) -> None:
    assert output("xdg XDG_DATA_HOME /default", XDG_DATA_HOME=value) == folder


def test_home_is_looked_up_when_it_is_not_set() -> None:
    assert output('unset HOME; find_home; echo "$HOME"') == f"{Path('~').expanduser()}\n"


def test_a_home_that_is_not_there_is_named() -> None:
    result = source("find_home", HOME="/nowhere")
    assert result.returncode == 1
    assert result.stderr == "error: HOME is '/nowhere', which is not a folder that you can write to\n"


@pytest.mark.parametrize(
    ("manager", "line"),
    [
        ("apt-get", "env DEBIAN_FRONTEND=noninteractive apt-get -qq -y install --no-install-recommends"),
        ("dnf", "dnf -q -y install"),
        ("pacman", "pacman -S --needed --noconfirm --quiet"),
    ],
)
def test_only_what_is_missing_is_installed(tmp_path: Path, manager: str, line: str) -> None:
    snippet = """TEMPORARY=$1; MANAGER=$2
        package_manager() { echo "$MANAGER"; }
        as_root() { echo "$@" >>"$TEMPORARY/log"; }
        met() { [[ $1 != portaudio && $1 != dbus-send ]]; }
        provide dbus-daemon portaudio dbus-send python"""
    names = {"apt-get": "dbus libportaudio2", "dnf": "dbus-tools portaudio", "pacman": "dbus portaudio"}
    assert output(snippet, str(tmp_path), manager) == f"Installing system packages: {names[manager]}\n"
    assert (tmp_path / "log").read_text() == f"{line} {names[manager]}\n"


def test_nothing_is_installed_when_nothing_is_missing() -> None:
    assert output("met() { true; }; as_root() { echo root; }; provide portaudio python") == ""


def test_package_lists_are_refreshed_when_apt_does_not_know_a_package(tmp_path: Path) -> None:
    snippet = """TEMPORARY=$1
        package_manager() { echo apt-get; }
        met() { false; }
        as_root() {
            echo "$6" >>"$TEMPORARY/log"
            if [[ $6 == update ]]; then touch "$TEMPORARY/updated"; fi
            [[ -e $TEMPORARY/updated ]]
        }
        provide portaudio"""
    output(snippet, str(tmp_path))
    assert (tmp_path / "log").read_text().split() == ["install", "update", "install"]


@pytest.mark.parametrize(
    ("manager", "advice"), [("apt-get", "apt-get install libportaudio2"), ("", "by hand")]
)
def test_what_cannot_be_installed_is_named(tmp_path: Path, manager: str, advice: str) -> None:
    snippet = """TEMPORARY=$1; MANAGER=$2
        package_manager() { echo "$MANAGER"; }
        as_root() { return 1; }
        met() { false; }
        provide portaudio"""
    result = source(snippet, str(tmp_path), manager)
    assert result.returncode == 1
    assert advice in result.stderr


def test_folders_are_recorded_only_when_they_are_new(tmp_path: Path) -> None:
    (tmp_path / "old").mkdir()
    output(HEADER + 'make_folder "$1/old/new/er"; make_folder "$1/old/new/er"', str(tmp_path))
    assert (tmp_path / "manifest").read_text() == f"dir\t{tmp_path}/old/new\ndir\t{tmp_path}/old/new/er\n"


def test_unchanged_files_are_not_written_again(tmp_path: Path) -> None:
    output(HEADER + 'put_file "$1/a/file" <<<hello', str(tmp_path))
    os.utime(tmp_path / "a/file", (1, 1))
    output(HEADER + 'put_file "$1/a/file" <<<hello', str(tmp_path))
    assert (tmp_path / "a/file").stat().st_mtime == 1
    output(HEADER + 'put_file "$1/a/file" <<<other', str(tmp_path))
    assert (tmp_path / "a/file").read_text() == "other\n"


COMMAND = """VENV=$1/venv; HOME=$1
    mkdir -p "$VENV/bin"; install -m 755 /dev/null "$VENV/bin/chatttsctl"
    link_command; echo "$COMMAND" """


@pytest.mark.parametrize("on_path", [False, True])
def test_only_one_warning_comes_where_somebody_else_has_the_name(tmp_path: Path, on_path: bool) -> None:
    folder = tmp_path / ".local/bin"
    folder.mkdir(parents=True)
    (folder / "chatttsctl").write_text("theirs")
    path = f"{folder}:{os.environ['PATH']}" if on_path else os.environ["PATH"]
    result = source(HEADER + COMMAND, str(tmp_path), PATH=path)
    assert result.stdout == f"{tmp_path}/venv/bin/chatttsctl\n"
    assert result.stderr.count("warning: ") == 1
    assert "left as it is" in result.stderr


def test_a_command_of_the_same_name_earlier_on_the_path_is_named(tmp_path: Path) -> None:
    other, own = tmp_path / "other", tmp_path / ".local/bin"
    other.mkdir()
    (other / "chatttsctl").touch(mode=0o755)
    result = source(HEADER + COMMAND, str(tmp_path), PATH=f"{other}:{own}:{os.environ['PATH']}")
    assert result.stdout == f"{own}/chatttsctl\n"
    assert (
        result.stderr == f"warning: chatttsctl is {other}/chatttsctl on your PATH; ours is {own}/chatttsctl\n"
    )


def test_a_command_on_the_path_needs_no_warning(tmp_path: Path) -> None:
    path = f"{tmp_path}/.local/bin:{os.environ['PATH']}"
    result = source(HEADER + COMMAND, str(tmp_path), PATH=path)
    assert (result.stdout, result.stderr) == ("chatttsctl\n", "")


def test_a_command_of_somebody_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "chatttsctl").write_text("theirs")
    result = source(HEADER + 'put_link /ours "$1/chatttsctl"', str(tmp_path))
    assert (tmp_path / "chatttsctl").read_text() == "theirs"
    assert "left as it is" in result.stderr
    assert not (tmp_path / "manifest").exists()


def test_removal_spares_what_others_put_into_our_folders(tmp_path: Path) -> None:
    output(HEADER + 'put_file "$1/a/b/file" <<<ours; put_file "$1/c/file" <<<ours', str(tmp_path))
    (tmp_path / "a/theirs").write_text("")
    (tmp_path / "c/file").unlink()
    output(HEADER + "remove_recorded", str(tmp_path))
    assert sorted(path.name for path in tmp_path.rglob("*") if path.name != "new") == ["a", "theirs"]


def test_removal_of_a_tree_is_limited_to_the_venv(tmp_path: Path) -> None:
    (tmp_path / "precious").mkdir()
    output(HEADER + 'record tree "$1/precious"; remove_recorded', str(tmp_path))
    assert (tmp_path / "precious").is_dir()


def test_no_password_is_asked_without_a_terminal(tmp_path: Path) -> None:
    sudo = tmp_path / "sudo"
    sudo.write_text('#!/bin/sh\nprintf "%s " "$@"\n')
    sudo.chmod(0o755)
    unprivileged = f"sed 's/EUID == 0/0/' '{Path(__file__).parents[2]}/packaging/lib/common.sh'"
    result = subprocess.run(
        ["bash", "-c", f"source <({unprivileged}); as_root id"],
        env={"PATH": f"{tmp_path}:{os.environ['PATH']}"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )
    assert result.stdout == "-n id "
