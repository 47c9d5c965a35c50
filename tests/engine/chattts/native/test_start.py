"""The door to the kernels: compiled once and kept, the same on every CPU, a clear reason where it is shut."""

import os
import platform
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest

from chatttsd.engine.chattts import compiling
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
from chatttsd.engine.chattts.native import cache, start
cache.LONGEST_WAIT_SECONDS = 300
print("problem", start.prepare(Precision.FP32, Path(sys.argv[1])))
from chatttsd.engine.chattts.native.step import work
print("compiled", sum(work.stats.cache_misses.values()), "read", sum(work.stats.cache_hits.values()))
"""

SPEAK = """
import sys
from pathlib import Path
import torch
from chatttsd.engine.chattts import compiling
from chatttsd.engine.chattts.api import Precision, Sampling
from chatttsd.engine.chattts.native import start
folder = Path(sys.argv[1])
made = compiling.compile_others, compiling.compile_elsewhere
print("problem", start.prepare(Precision("int8"), folder, *made))
def files():
    return sorted((path.name, path.stat().st_mtime_ns) for path in folder.rglob("*") if path.is_file())
sealed = files()
from chatttsd.engine.chattts.jitted_sampler import JittedSampler
from chatttsd.engine.chattts.native.backbone import NativeBackbone
from support.gpt_reference import RandomGpt, noise
backbone = NativeBackbone(RandomGpt(), Precision("int8"), threads=2, heads=noise(70))
for slot in range(4):
    backbone.prefill(slot, noise(70))
for slots in ([0], [1, 2, 3], [0, 1, 2, 3]):
    hidden = backbone.step(slots, noise(len(slots)))
    backbone.logits(hidden)
backbone.close()
sampler = JittedSampler([Sampling(top_k=9 + row) for row in range(4)], 4, 48, 47)
logits = hidden.view(4, 4, 48)
from chatttsd.engine.chattts.native.product import PackedLinear, uses_halves
product = PackedLinear(torch.ones(50, 96), None, halves=uses_halves(Precision.INT8))
product(noise(33, 96))
product(noise(33, 96).as_strided((20, 96), (48, 1)))
sampler.draw(logits, logits.abs() + 1)
sampler.keep([1, 3])
sampler.draw(logits[[1, 3]], logits[[1, 3]].abs() + 1)
print("files", len(sealed) > 4, "later", len(set(files()) - set(sealed)))
from chatttsd.engine.chattts.jitted_sampler import _draw
from chatttsd.engine.chattts.native.product import multiply
from chatttsd.engine.chattts.native.step import work
print("here", sum(sum(each.stats.cache_misses.values()) for each in (_draw, multiply, work)))
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


def test_another_process_compiles_and_speaking_here_compiles_nothing(
    tmp_path: Path,
) -> None:
    told = python(SPEAK, str(tmp_path)).split()
    assert told == ["problem", "None", "files", "True", "later", "0", "here", "0"]


def test_kernels_are_compiled_once_even_by_two_that_start_at_once(tmp_path: Path) -> None:
    with ThreadPoolExecutor(2) as both:
        told = sorted(both.map(lambda _: python(PREPARE, str(tmp_path)).split()[1:], range(2)))
    assert told == [
        ["None", "compiled", "0", "read", "1"],
        ["None", "compiled", "1", "read", "0"],
    ]


def test_a_process_that_compiles_ends_with_the_one_that_wanted_it() -> None:
    command = [sys.executable, "-m", compiling.__name__, Precision.FP32.value]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as process:
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait() == 1


def test_kernels_work_on_a_disk_that_is_full(tmp_path: Path) -> None:
    full = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))\n"
    script = PREPARE.replace("Path(sys.argv[1])))", "Path(sys.argv[1]), compiling.compile_others))")
    script = "from chatttsd.engine.chattts import compiling\n" + script
    assert python(full + script, str(tmp_path)).startswith("problem None\n")
    assert not list(tmp_path.rglob(cache.SUMS))


def test_a_process_that_will_not_let_go_of_the_cache_stops_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NUMBA_CACHE_DIR", "as it was")
    monkeypatch.setattr(start, "compile_all", lambda *_: True)
    monkeypatch.setattr(cache, "LONGEST_WAIT_SECONDS", 0)
    with cache.alone(tmp_path):
        assert start.prepare(Precision.FP32, tmp_path) is None
    assert "NUMBA_CACHE_DIR" not in os.environ
    assert [path.name for path in tmp_path.iterdir()] == [cache.LOCK]


def test_where_numba_is_not_installed_the_reason_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(name: str) -> str:
        raise PackageNotFoundError(name)

    monkeypatch.setenv("NUMBA_CACHE_DIR", "as it was")
    monkeypatch.setattr(cache, "version", missing)
    problem = start.prepare(Precision.FP32, tmp_path)
    assert problem is not None
    assert problem.startswith("PackageNotFoundError")
    assert "numba" in problem


def test_kernels_work_where_nothing_can_be_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NUMBA_CACHE_DIR", "as it was")
    (tmp_path / "file").write_text("x")
    assert start.prepare(Precision.FP32, tmp_path / "file") is None
    assert "NUMBA_CACHE_DIR" not in os.environ


def test_without_numba_the_reason_is_told(tmp_path: Path) -> None:
    prepared = PREPARE.partition("from chatttsd.engine.chattts.native.step")[0]
    assert python(f"import sys; sys.modules['numba'] = None\n{prepared}", str(tmp_path)).startswith(
        "problem ModuleNotFoundError: import of numba"
    )


def test_what_fails_later_is_told_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NUMBA_CACHE_DIR", "as it was")

    def fail(_precision: Precision) -> None:
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
