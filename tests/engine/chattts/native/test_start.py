"""The door to the kernels: compiled once and kept, the same on every CPU, a clear reason where it is shut."""

import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from chatttsd.engine.chattts.api import Precision
from chatttsd.engine.chattts.cpu import read_cpu
from chatttsd.engine.chattts.native import cache, start
from chatttsd.engine.chattts.native.backbone import NativeBackbone
from support.gpt_reference import RandomGpt, noise

pytestmark = pytest.mark.timeout(400)  # other processes compile kernels

ROOT = Path(__file__).parents[4]

PREPARE = """
import sys
from pathlib import Path
from chatttsd.engine.chattts.api import Precision
from chatttsd.engine.chattts.native import start
print("problem", start.prepare(Precision.FP32, Path(sys.argv[1])))
from chatttsd.engine.chattts.native.step import work
print("compiled", sum(work.stats.cache_misses.values()), "read", sum(work.stats.cache_hits.values()))
"""

STEP = """
import sys
from chatttsd.engine.chattts.api import Precision
from chatttsd.engine.chattts.native.backbone import NativeBackbone
from support.gpt_reference import RandomGpt, noise
backbone = NativeBackbone(RandomGpt(), Precision(sys.argv[1]), threads=1)
sys.stdout.write(backbone.prefill(0, noise(13)).numpy().tobytes().hex())
backbone.close()
"""

OLDER = {"haswell": "+sse2,+avx,+avx2,+fma,+f16c"}
if "avx_vnni" in read_cpu().flags:
    OLDER["alderlake"] = OLDER["haswell"] + ",+avxvnni"
if platform.machine() != "x86_64":
    OLDER = {"generic": ""}


def python(script: str, *arguments: str, **environment: str) -> str:
    path = os.pathsep.join((str(ROOT / "daemon"), str(ROOT / "tests")))
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments],
        env={**os.environ, "PYTHONPATH": path, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_kernels_are_compiled_once_and_then_read(tmp_path: Path) -> None:
    assert python(PREPARE, str(tmp_path)).split() == ["problem", "None", "compiled", "1", "read", "0"]
    assert python(PREPARE, str(tmp_path)).split() == ["problem", "None", "compiled", "0", "read", "1"]


def test_kernels_work_where_nothing_can_be_kept(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    assert python(PREPARE, str(tmp_path / "file")).startswith("problem None\n")


def test_without_numba_the_reason_is_told(tmp_path: Path) -> None:
    prepared = PREPARE.partition("from chatttsd.engine.chattts.native.step")[0]
    assert python(f"import sys; sys.modules['numba'] = None\n{prepared}", str(tmp_path)).startswith(
        "problem ModuleNotFoundError: import of numba"
    )


def test_what_fails_later_is_told_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NUMBA_CACHE_DIR", "as it was")

    def fail() -> None:
        raise RuntimeError("LLVM ERROR\nwith many lines")

    assert start.prepare(Precision.FP32, tmp_path, fail) == "RuntimeError: LLVM ERROR"
    assert not list(tmp_path.rglob(cache.SUMS))


@pytest.mark.parametrize("cpu", list(OLDER))
def test_other_instructions_give_the_same_bits(cpu: str, tmp_path: Path) -> None:
    """Sums of whole numbers are exact, and floats are rounded alike: VNNI or not."""
    backbone = NativeBackbone(RandomGpt(), Precision.INT8, threads=1)
    expected = backbone.prefill(0, noise(13)).numpy().tobytes().hex()
    backbone.close()
    environment = {"NUMBA_CPU_NAME": cpu, "NUMBA_CPU_FEATURES": OLDER[cpu], "NUMBA_CACHE_DIR": str(tmp_path)}
    assert python(STEP, Precision.INT8.value, **environment) == expected
