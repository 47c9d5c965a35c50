"""The process that encodes a recording: its answer, and each fault as one line."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from chatttsd.engine.chattts.audio_prompt import encode_recording
from chatttsd.voices.arrays import prompt_array
from chatttsd.voices.codec import decode_prompt
from support.random_model import RandomModel

NOISE = (np.random.default_rng(1).standard_normal(48_000) * 0.1).astype("<f4")


def encode(arguments: list[str], samples: bytes) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-W", "error", "-P", "-m", "chatttsd.engine.chattts.clone", *arguments],
        input=samples,
        capture_output=True,
        check=False,
    )


def test_the_string_holds_the_codes_of_the_encoder(random_model: RandomModel) -> None:
    model = random_model()
    done = encode([str(model)], NOISE.tobytes())
    assert (done.returncode, done.stderr) == (0, b"")
    prompt = decode_prompt(done.stdout.decode().strip())
    assert np.array_equal(prompt_array(prompt), encode_recording(model, NOISE))


BROKEN = NOISE.copy()
BROKEN[7] = np.nan


@pytest.mark.parametrize(
    ("arguments", "samples", "reason"),
    [
        ([], b"", "one argument is needed: the folder of the model"),
        (["."], b"", "0 bytes of samples, allowed: float32 of at most 60 s"),
        (["."], b"odd", "3 bytes of samples"),
        (["."], bytes(24_000 * 4 * 60 + 4), "5760001 bytes of samples"),
        (["."], BROKEN.tobytes(), "samples that are no numbers"),
        (["nowhere"], NOISE.tobytes(), "nowhere/asset/DVAE.safetensors"),
        (["."], bytes(400), "allowed is [n] with n from 513"),
    ],
)
def test_what_is_wrong_is_one_line(arguments: list[str], samples: bytes, reason: str) -> None:
    done = encode(arguments, samples)
    assert (done.returncode, done.stdout) == (1, b"")
    assert reason in done.stderr.decode()
    assert done.stderr.count(b"\n") == 1


def test_a_missing_library_is_named_with_the_cure(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("import sys\nsys.modules['torch'] = None\n")
    done = subprocess.run(
        [sys.executable, "-P", "-m", "chatttsd.engine.chattts.clone", "."],
        input=NOISE.tobytes(),
        capture_output=True,
        check=False,
        env={"PYTHONPATH": str(tmp_path)},
    )
    assert done.returncode == 1
    assert done.stderr == b"torch is not installed: pip install 'chatttsd[chattts]'\n"
