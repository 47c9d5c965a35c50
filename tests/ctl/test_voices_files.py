"""`chatttsctl voices new` and `voices remove`."""

import json
from pathlib import Path

import pytest

from chatttsd.voices import files, sampling
from support.ctl import ctl, hermetic, on_terminal


@pytest.fixture
def home(tmp_path: Path) -> dict[str, str]:
    """An environment without any bus: these commands need none."""
    return hermetic(tmp_path)


@pytest.fixture
def folder(home: dict[str, str]) -> Path:
    return Path(home["XDG_DATA_HOME"]) / "chatttsd" / "voices"


def test_a_new_voice_is_the_one_of_its_seed(home: dict[str, str], folder: Path) -> None:
    done = ctl(["voices", "new", "ada", "--seed", "7"], home)
    path = folder / "ada.txt"
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{path} (seed 7)\n", "")
    voice = files.read(path, "ada")
    assert voice.speaker == sampling.sample(7)
    assert voice.source == "sampled from the model's speaker statistics, seed 7"
    assert path.stat().st_mode & 0o777 == 0o600


def test_without_a_seed_any_is_chosen_and_told(home: dict[str, str], folder: Path) -> None:
    told = [json.loads(ctl(["voices", "new", name, "--json"], home).stdout) for name in ("小明", "eve")]
    assert [each["id"] for each in told] == ["小明", "eve"]
    for each in told:
        assert files.read(Path(each["path"]), "x").speaker == sampling.sample(each["seed"])
    assert told[0]["seed"] != told[1]["seed"]


def test_a_taken_name_is_not_overwritten_unasked(home: dict[str, str], folder: Path) -> None:
    folder.mkdir(parents=True)
    (folder / "ada.pt").write_bytes(b"mine")
    for name, what in (("ada", str(folder / "ada.pt")), ("alder", "the built-in voice alder")):
        done = ctl(["voices", "new", name], home)
        assert done.returncode == 1
        assert done.stderr == (
            f"chatttsctl: there is {what} already; choose another name, or --force to replace it\n"
        )
        assert ctl(["voices", "new", name, "--force"], home).returncode == 0
    assert sorted(path.name for path in folder.iterdir()) == ["ada.txt", "alder.txt"]


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["new", "../ada"], "U+002E at character 0 of the name, allowed: letters, digits"),
        (["new", "a/b"], "U+002F at character 1 of the name"),
        (["new", ""], "a name of 0 characters, allowed: 1 to 64"),
        (["new", "ada", "--seed", "-1"], "argument --seed: "),
        (["new", "ada", "--seed", "4294967296"], "allowed: a whole number from 0 to 4294967295"),
        (["new", "ada", "--seed", "x"], "allowed: a whole number from 0 to 4294967295"),
        (["new", "ada", "eve"], "1 arguments too many"),
        (["new"], "the following arguments are required: NAME"),
        (["remove", "a b"], "U+0020 at character 1 of the name"),
        (["sing", "ada"], "unknown; allowed: new, clone, remove, try"),
    ],
)
def test_a_bad_command_line_ends_with_2(arguments: list[str], reason: str, home: dict[str, str]) -> None:
    done = ctl(["voices", *arguments], home)
    assert done.returncode == 2
    assert reason in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_folder_that_cannot_be_written_is_named(home: dict[str, str], folder: Path) -> None:
    folder.parent.mkdir(parents=True)
    folder.write_text("a file in the way")
    done = ctl(["voices", "new", "ada"], home)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"chatttsctl: {folder}: File exists\n"


def test_a_voice_is_removed_with_yes(home: dict[str, str], folder: Path) -> None:
    ctl(["voices", "new", "ada"], home)
    (folder / "ada.pt").write_bytes(b"also")
    done = ctl(["voices", "remove", "ada", "--yes"], home)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert list(folder.iterdir()) == []


def test_without_yes_and_terminal_nothing_is_removed(home: dict[str, str], folder: Path) -> None:
    ctl(["voices", "new", "ada"], home)
    done = ctl(["voices", "remove", "ada"], home, b"y\n")
    assert (done.returncode, done.stderr) == (2, "chatttsctl: no terminal to ask on: add --yes\n")
    assert (folder / "ada.txt").exists()


def test_on_a_terminal_it_asks_and_a_y_removes(home: dict[str, str], folder: Path) -> None:
    ctl(["voices", "new", "ada"], home)
    code, shown = on_terminal(["voices", "remove", "ada"], home, b"n\n")
    assert code == 1
    assert f"remove {folder / 'ada.txt'}? [y/N] " in shown
    assert shown.endswith("chatttsctl: nothing removed\r\n")
    assert (folder / "ada.txt").exists()
    code, _ = on_terminal(["voices", "remove", "ada"], home, b"y\n")
    assert (code, list(folder.iterdir())) == (0, [])


def test_a_built_in_voice_stays(home: dict[str, str], folder: Path) -> None:
    done = ctl(["voices", "remove", "alder", "--yes"], home)
    assert (done.returncode, done.stderr) == (
        1,
        "chatttsctl: alder is built in and cannot be removed\n",
    )
    ctl(["voices", "new", "alder", "--force"], home)
    done = ctl(["voices", "remove", "alder", "--yes"], home)
    assert (done.returncode, done.stderr) == (0, "chatttsctl: alder is the built-in voice again\n")


def test_a_voice_that_is_not_there_is_said_to_be_missing(home: dict[str, str], folder: Path) -> None:
    ctl(["voices", "new", "margaret"], home)
    done = ctl(["voices", "remove", "margret", "--yes"], home)
    assert done.returncode == 1
    assert done.stderr == (f"chatttsctl: there is no voice margret in {folder}; did you mean margaret?\n")
