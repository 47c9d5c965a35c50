"""`chatttsctl models selftest`: what it passes on, and how it ends."""

import os
import signal
import subprocess
import sys
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from chatttsd.ctl import selftest
from chatttsd.ctl.arguments import MOST_SENTENCES, parse
from chatttsd.engine.chattts.selftest_texts import SENTENCES
from support.absent import hide
from support.ctl import ctl, hermetic
from support.pulse import wait_for
from support.random_model import RandomModel

LOADING = 150.0
"""Seconds: torch and a model are loaded, beside whatever else runs."""


@pytest.fixture
def home(tmp_path: Path) -> dict[str, str]:
    return hermetic(tmp_path / "home")


@pytest.fixture
def _one_core() -> Iterator[None]:
    """Keep what is started to one core: beside other work torch's threads mostly wait for each other."""
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(cores)})
    yield
    os.sched_setaffinity(0, cores)


def given(*words: str) -> Namespace:
    return parse(["models", "selftest", *words])


def test_what_was_chosen_is_passed_on_and_the_rest_left_to_the_self_test(tmp_path: Path) -> None:
    chosen = given("--voice", "birch", "--sentences", "3", "--precision", "bf16", "--json")
    command = selftest.command(chosen, tmp_path / "model", tmp_path / "out")
    assert command[1:4] == ["-P", "-m", "chatttsd.engine.chattts.selftest"]
    assert {"--voice=birch", "--sentences=3", "--precision=bf16", "--json"} <= set(command)
    assert {f"--model={tmp_path}/model", f"--output={tmp_path}/out"} <= set(command)
    assert not any(word.startswith("--device") for word in command)


def test_the_libraries_are_kept_from_the_network_and_keep_their_kernels() -> None:
    told = selftest.environment()
    assert told["HF_HUB_OFFLINE"] == "1"
    assert told["NUMBA_CACHE_DIR"].endswith("chatttsd/numba")


@pytest.mark.parametrize("words", [["--sentences", "0"], ["--sentences", "21"], ["--precision", "int2"]])
def test_what_is_not_allowed_is_refused(words: list[str], home: dict[str, str]) -> None:
    assert ctl(["models", "selftest", *words], home).returncode == 2


def test_a_number_of_sentences_is_refused_with_what_is_allowed(home: dict[str, str]) -> None:
    done = ctl(["models", "selftest", "--sentences", "0"], home)
    assert "--sentences: allowed: a whole number from 1 to 20 (see" in done.stderr


def test_the_self_test_has_as_many_sentences_as_can_be_asked_for() -> None:
    assert len(SENTENCES) == MOST_SENTENCES


def test_ctrl_c_ends_it_without_a_word(home: dict[str, str], tmp_path: Path) -> None:
    # Without "-W error": Python warns of a process that takes its time to end after it was killed.
    words = [
        sys.executable,
        "-m",
        "chatttsd.ctl",
        "models",
        "selftest",
        "--dir",
        str(tmp_path),
        "-o",
        str(tmp_path / "out"),
    ]
    started = subprocess.Popen(
        words, env=home, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
    )
    parent = psutil.Process(started.pid)
    wait_for(lambda: any(child.cpu_times().user > 0.2 for child in parent.children()), "the self-test", 30.0)
    at_work = parent.children()
    os.killpg(started.pid, signal.SIGINT)
    assert started.communicate(timeout=30) == (b"", b"")
    assert started.returncode == 130
    assert psutil.wait_procs(at_work, timeout=10)[1] == []


def test_without_a_model_it_fails_and_names_the_folder(home: dict[str, str], tmp_path: Path) -> None:
    done = ctl(["models", "selftest", "--dir", str(tmp_path / "none"), "-o", str(tmp_path / "out")], home)
    assert done.returncode == 1
    assert f"{tmp_path}/none: the model directory is missing" in done.stderr


@pytest.mark.timeout(LOADING + 60)
@pytest.mark.usefixtures("_one_core")
def test_its_lines_its_sound_and_its_end_come_through(
    home: dict[str, str], tmp_path: Path, random_model: RandomModel
) -> None:
    # Compiling the kernels takes a minute; without a folder to keep them in it is not even tried.
    environment = home | hide(tmp_path / "hidden", ["numba"]) | {"XDG_CACHE_HOME": os.devnull}
    places = ["--dir", str(random_model()), "-o", str(tmp_path / "out")]
    done = ctl(["models", "selftest", *places, "--sentences", "1"], environment, limit=LOADING)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("runs in int8 weights on cpu, torch kernels: ")
    assert done.stdout.endswith(f"\n0 lines to look at; the sound is in {tmp_path}/out\n")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["01-zh.wav"]


@pytest.mark.parametrize(("ended", "code"), [(0, 0), (1, 1), (2, 1), (-9, 1)])
def test_it_ends_well_only_if_the_self_test_does(
    monkeypatch: pytest.MonkeyPatch, ended: int, code: int
) -> None:
    ends = f"import os, signal\nos._exit({ended}) if {ended} >= 0 else os.kill(os.getpid(), -({ended}))"
    monkeypatch.setattr(selftest, "command", lambda *_: [sys.executable, "-c", ends])
    assert selftest.run(given("--dir", "model")) == code
