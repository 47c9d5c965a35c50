"""`chatttsctl models selftest`: what it passes on, and how it ends."""

from argparse import Namespace
from pathlib import Path

import pytest

from chatttsd.ctl import selftest
from chatttsd.ctl.arguments import parse
from support.ctl import ctl, hermetic


@pytest.fixture
def home(tmp_path: Path) -> dict[str, str]:
    return hermetic(tmp_path / "home")


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


def test_without_a_model_it_fails_and_names_the_folder(home: dict[str, str], tmp_path: Path) -> None:
    done = ctl(["models", "selftest", "--dir", str(tmp_path / "none"), "-o", str(tmp_path / "out")], home)
    assert done.returncode == 1
    assert f"{tmp_path}/none: the model directory is missing" in done.stderr
