"""What is heard is tested by one process, and every file by one; if one dies, another does the rest."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from support.sharing import share_of

ROOT = Path(__file__).parents[1]
FILES = ("tests/audio/test_ring.py", "tests/audio/test_formats.py", "tests/speech/test_icon.py")


@pytest.mark.parametrize(
    ("test", "share"),
    [
        ("tests/audio/test_ring.py::test_peek", "heard"),
        ("tests/system/test_speaking.py::test_a[zh::x]", "heard"),
        ("tests/systemd/test_units.py::test_a", "heard"),
        ("tests/engine/chattts/test_parity.py::test_a[torch]", "tests/engine/chattts/test_parity.py"),
        ("tests/test_config.py::test_a", "tests/test_config.py"),
    ],
)
def test_a_test_belongs_to_its_file_or_to_what_is_heard(test: str, share: str) -> None:
    assert share_of(test) == share


def test_two_processes_get_whole_shares() -> None:
    command = [sys.executable, "-m", "pytest", "-n", "2", "-v", "-p", "no:cacheprovider", *FILES]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    passed = [line.split() for line in done.stdout.splitlines() if " PASSED " in line]
    shares = {(share_of(words[-1]), words[0]) for words in passed}
    assert len(passed) > 20
    assert sorted(share for share, _ in shares) == ["heard", "tests/speech/test_icon.py"]


CONFTEST = "from support.sharing import pytest_xdist_make_scheduler\n"
WELL = "import pytest\n@pytest.mark.parametrize('n', range(9))\ndef test_well(n):\n    pass\n"
DIES_ONCE = """
import os
import signal
from pathlib import Path

import pytest

@pytest.mark.parametrize("n", range(6))
def test_dies_once(n):
    if n == 3 and not Path("died").exists():
        Path("died").touch()
        os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_a_dead_process_has_left_is_tested_by_another(tmp_path: Path) -> None:
    folder = tmp_path / "tests"
    folder.mkdir()
    for name, text in {"conftest": CONFTEST, "test_well": WELL, "test_dies_once": DIES_ONCE}.items():
        (folder / f"{name}.py").write_text(text)
    command = [sys.executable, "-m", "pytest", "-n", "1", "-p", "no:cacheprovider", "tests"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "tests")}
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False, timeout=50
    )
    assert "crashed while running 'tests/test_dies_once.py::test_dies_once[3]'" in done.stdout
    assert "1 failed, 15 passed" in done.stdout
