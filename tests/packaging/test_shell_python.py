"""The shell functions that find a Python and keep, make or repair the virtual environment."""

import re
import sys
import tomllib
import venv
from pathlib import Path

import pytest

from support.installer import ROOT, source

NAMED = 'TEMPORARY=$1; VENV=$1/venv; WANTED_PYTHON=$2; make_venv; touch "$VENV/kept"; '
# Stand-ins for pip: each call leaves a line, and the imports come true after as many as the test wants.
REPAIR = """TEMPORARY=$1 VENV=$1/venv
    build_wheel() { echo build; }
    install_wheel() { echo install; }
    make_venv() { echo venv "$@"; }
    broken_library() { (($(grep -c install "$1/log") > $2)) || echo "numpy: ModuleNotFoundError: no"; }
    fill_venv >>"$1/log"
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a working virtual environment in it."""
    path = tmp_path_factory.mktemp("python")
    venv.create(path / "venv", with_pip=True, symlinks=True)
    return path


def disguised_python(folder: Path, edit: str) -> Path:
    """This Python, but with what it prints about itself put through sed, so that it seems another one."""
    script = folder / "disguised"
    script.write_text(
        f'#!/bin/sh\ncase $1 in -m | --version) exec "{sys.executable}" "$@" ;; esac\n'
        f'"{sys.executable}" "$@" | sed "{edit}"\n'
    )
    script.chmod(0o755)
    return script


@pytest.mark.parametrize("edit", ["s/ 3[.][0-9]*/ 3.99/", "s: '/: '/elsewhere/:"])
def test_another_python_than_the_one_of_the_environment_makes_it_anew(folder: Path, edit: str) -> None:
    (folder / "venv/kept").touch()
    result = source(NAMED.replace("touch", "ls"), str(folder), str(disguised_python(folder, edit)))
    assert "Making a virtual environment" in result.stdout, result.stderr
    assert not (folder / "venv/kept").exists()


@pytest.mark.parametrize("named", [sys.executable, "", "venv/bin/python"])
def test_the_environment_is_kept_where_its_python_is_the_named_one_or_none_is(
    folder: Path, named: str
) -> None:
    named = str(folder / named) if named.startswith("venv") else named
    for _ in range(2):
        result = source(NAMED, str(folder), named)
        assert (result.returncode, result.stdout) == (0, ""), result.stderr
    assert (folder / "venv/kept").exists()


@pytest.mark.parametrize("command", ["/bin/true", "/bin/echo", "/bin/false", "/nowhere"])
def test_what_only_ends_well_is_no_python(command: str) -> None:
    assert source('usable_python "$1"', command).returncode == 1


def test_a_python_is_judged_without_the_settings_of_its_user(tmp_path: Path) -> None:
    (tmp_path / "venv.py").write_text("raise ImportError")
    assert source('usable_python "$1"', sys.executable, PYTHONPATH=str(tmp_path)).returncode == 0


def test_libraries_that_are_tried_are_those_of_the_project() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    names = [re.split(r"[^\w-]", line)[0].replace("-", "_") for line in project["dependencies"]]
    assert source('printf "%s\\n" "${LIBRARIES[@]}"').stdout.split() == sorted(names)


def test_libraries_of_the_voice_are_those_of_its_extra() -> None:
    extra = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"][
        "chattts"
    ]
    names = [re.split(r"[^\w-]", line)[0].replace("-", "_") for line in extra]
    assert source('printf "%s\\n" "${CHATTTS_LIBRARIES[@]}"').stdout.split() == sorted(names)


@pytest.mark.parametrize(("wanted", "extra"), [("no", ""), ("yes", "[chattts]")])
def test_the_extra_is_installed_where_it_is_wanted(tmp_path: Path, wanted: str, extra: str) -> None:
    (tmp_path / "wheel").mkdir()
    (tmp_path / "wheel/chatttsd.whl").touch()
    snippet = 'TEMPORARY=$1 WITH_CHATTTS=$2; pip_step() { echo "$@"; }; install_wheel'
    first, second = source(snippet, str(tmp_path), wanted).stdout.splitlines()
    assert first == f"install --upgrade-strategy only-if-needed {tmp_path}/wheel/chatttsd.whl{extra}"
    assert second == f"install --no-deps --force-reinstall {tmp_path}/wheel/chatttsd.whl"


def test_an_environment_that_has_the_voice_is_known_by_its_torch(tmp_path: Path) -> None:
    assert source("VENV=$1; has_chattts", str(tmp_path)).returncode == 1
    torch = tmp_path / "lib/python3.12/site-packages/torch"
    torch.mkdir(parents=True)
    (torch / "__init__.py").touch()
    assert source("VENV=$1; has_chattts", str(tmp_path)).returncode == 0


def test_the_voices_libraries_are_tried_only_where_they_are_wanted(tmp_path: Path) -> None:
    fake_libraries(tmp_path)
    assert source("VENV=$1; broken_library", str(tmp_path)).stdout == ""
    result = source("VENV=$1 WITH_CHATTTS=yes; broken_library", str(tmp_path))
    assert result.stdout == "huggingface_hub: ModuleNotFoundError: No module named 'huggingface_hub'\n"


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (None, "ModuleNotFoundError: No module named 'numpy'"),
        ({"__pycache__/x": ""}, "ImportError: no __init__.py"),
        ({"__init__.py": "import ("}, "SyntaxError: "),
        ({"__init__.py": "raise RuntimeError('one\\ntwo')"}, "RuntimeError: one"),
        ({"__init__.py": "raise OSError('libnumpy.so')"}, "OSError: libnumpy.so"),
    ],
)
def test_broken_library_is_named_with_the_reason_in_one_line(
    tmp_path: Path, content: dict[str, str] | None, told: str
) -> None:
    fake_libraries(tmp_path, numpy=content)
    result = source("VENV=$1; broken_library", str(tmp_path))
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.startswith(f"numpy: {told}")
    assert result.stdout.count("\n") == 1


def test_libraries_that_import_are_not_complained_of(tmp_path: Path) -> None:
    fake_libraries(tmp_path, numpy={"__init__.py": "print('chatter')"})
    result = source("VENV=$1; broken_library", str(tmp_path))
    assert (result.returncode, result.stdout) == (0, "")


def test_missing_portaudio_is_the_systems_and_no_fault_of_the_environment(tmp_path: Path) -> None:
    fake_libraries(tmp_path, sounddevice={"__init__.py": "raise OSError('PortAudio library not found')"})
    result = source("VENV=$1; broken_library", str(tmp_path))
    assert (result.returncode, result.stdout) == (0, "")


def fake_libraries(folder: Path, **contents: dict[str, str] | None) -> None:
    """Make an environment whose libraries are empty, but for those with contents; None leaves one out."""
    venv.create(folder, symlinks=True)
    (packages,) = folder.glob("lib/*/site-packages")
    for name in source('printf "%s\\n" "${LIBRARIES[@]}"').stdout.split():
        for file, text in (contents.get(name, {"__init__.py": ""}) or {}).items():
            path = packages / name / file
            path.parent.mkdir(parents=True)
            path.write_text(text)


@pytest.mark.parametrize(
    ("failures", "steps"),
    [
        (0, "build install"),
        (1, "build install venv --clear install"),
        (2, "build install venv --clear install"),
    ],
)
def test_the_environment_is_made_again_once(tmp_path: Path, failures: int, steps: str) -> None:
    (tmp_path / "log").touch()
    result = source(REPAIR.replace("$2", str(failures)).replace("$1/log", f"{tmp_path}/log"), str(tmp_path))
    assert (tmp_path / "log").read_text().split() == steps.split()
    assert result.returncode == (failures == 2)
    assert result.stderr.count("numpy: ModuleNotFoundError: no") == failures
