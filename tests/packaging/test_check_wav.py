"""check_wav.py tells speech from silence."""

import subprocess
import sys
import wave
from array import array
from math import pi, sin
from pathlib import Path

import pytest

CHECK = Path(__file__).parents[2] / "packaging/check_wav.py"
RATE = 24_000


def write(path: Path, seconds: float, amplitude: float, width: int = 2) -> Path:
    samples = array(
        "h", (round(amplitude * 32767 * sin(2 * pi * 220 * n / RATE)) for n in range(int(seconds * RATE)))
    )
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(width)
        file.setframerate(RATE)
        file.writeframes(samples.tobytes())
    return path


def check(path: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, CHECK, path], capture_output=True, text=True, check=False, timeout=30
    )


def test_sound_passes_without_a_word(tmp_path: Path) -> None:
    result = check(write(tmp_path / "hello.wav", 1, 0.3))
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


@pytest.mark.parametrize(
    ("seconds", "amplitude", "width", "reason"),
    [
        (1, 0.0, 2, "silent (peak 0 of 32767)"),
        (1, 0.001, 2, "silent"),
        (0.1, 0.3, 2, "0.10 s long"),
        (0, 0.3, 2, "0.00 s long"),
        (1, 0.3, 1, "8-bit samples"),
    ],
)
def test_a_file_with_nothing_to_hear_fails_with_the_reason(
    tmp_path: Path, seconds: float, amplitude: float, width: int, reason: str
) -> None:
    result = check(write(tmp_path / "hello.wav", seconds, amplitude, width))
    assert result.returncode == 1
    assert reason in result.stderr


@pytest.mark.parametrize("content", [b"", b"RIFF", b"fLaC" + bytes(100)])
def test_what_is_not_a_wav_fails_without_a_traceback(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "hello.wav").write_bytes(content)
    result = check(tmp_path / "hello.wav")
    assert result.returncode == 1
    assert "Traceback" not in result.stderr


def test_missing_file_fails_without_a_traceback(tmp_path: Path) -> None:
    result = check(tmp_path / "none.wav")
    assert result.returncode == 1
    assert result.stderr.count("\n") == 1
