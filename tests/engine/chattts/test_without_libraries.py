"""The fast backend loads and speaks where only torch is: upstream's libraries and numba are not there."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass

import pytest

from support.absent import asked, hide
from support.random_model import RandomModel

UPSTREAMS = {"ChatTTS", "vocos", "torchaudio", "transformers", "vector_quantize_pytorch", "einx"}
ABSENT = UPSTREAMS | {"numba"}

SPEAK = """
import json, sys
from chatttsd.engine.api import ModelSettings, SynthesisRequest
from chatttsd.engine.chattts.engine import create

def emit(samples):
    heard.append(samples.size)
    return True

heard, settings = [], ModelSettings(model_dir=sys.argv[1], threads=1, device="cpu")
engine = create(settings, sys.argv[2], lambda _line: None)
engine.synthesise(SynthesisRequest("你好。", "zh"), emit, lambda: False)
engine.close()
print(json.dumps({"detail": engine.detail, "samples": sum(heard), "modules": sorted(sys.modules)}))
"""


@dataclass(frozen=True)
class Found:
    detail: str
    samples: int
    modules: set[str]
    """Top-level packages that were imported."""
    asked: set[str]
    """Those that are not there and that somebody tried to import."""


@pytest.fixture(scope="module")
def found(random_model: RandomModel, tmp_path_factory: pytest.TempPathFactory) -> Found:
    """Speak a word in an interpreter, whose children lack the same packages."""
    folder = tmp_path_factory.mktemp("without")
    packages = folder / "packages"
    environment = os.environ | hide(packages, ABSENT) | {"XDG_CACHE_HOME": str(folder / "cache")}
    command = [sys.executable, "-c", SPEAK, str(random_model()), str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    modules = {name.partition(".")[0] for name in told["modules"]}
    return Found(told["detail"], told["samples"], modules, asked(packages))


@pytest.mark.timeout(120)
def test_a_word_is_spoken_by_torchs_kernels_and_the_detail_says_why(found: Found) -> None:
    assert found.samples > 2400
    assert found.detail.startswith("int8 weights on cpu, torch kernels")
    assert "No module named 'numba'" in found.detail


def test_none_of_the_libraries_of_upstream_is_imported_or_asked_for(found: Found) -> None:
    assert {"chatttsd", "torch", "numpy"} <= found.modules
    assert not found.modules & ABSENT
    assert not found.asked & UPSTREAMS


def test_the_test_would_see_a_package_that_is_asked_for(found: Found) -> None:
    assert "numba" in found.asked
