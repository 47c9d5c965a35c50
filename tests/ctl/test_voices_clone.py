"""`chatttsctl voices clone`: recordings and words that are taken or refused, and a voice from end to end."""

import json
import subprocess
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from chatttsd.constants import SAMPLE_RATE
from chatttsd.ctl.exits import CommandError, Exit
from chatttsd.ctl.voices_clone import ended, read_recording
from chatttsd.voices import files
from support.ctl import ctl, hermetic
from support.random_model import RandomModel

SECONDS = 2.0


@pytest.fixture
def home(tmp_path: Path) -> dict[str, str]:
    return hermetic(tmp_path / "home")


def tone(rate: int = SAMPLE_RATE, seconds: float = SECONDS, pitch: float = 220.0) -> NDArray[np.float64]:
    return 0.5 * np.sin(2 * np.pi * pitch * np.arange(round(rate * seconds)) / rate)


def recorded(path: Path, samples: NDArray[np.floating], rate: int = SAMPLE_RATE, **more: str) -> Path:
    soundfile.write(path, samples, rate, **more)
    return path


def clone(
    home: dict[str, str], recording: Path, *more: str, text: bytes = b""
) -> subprocess.CompletedProcess[str]:
    return ctl(["voices", "clone", "ada", str(recording), *more], home, text)


def fault(recording: Path) -> str:
    with pytest.raises(CommandError) as raised:
        read_recording(recording)
    assert raised.value.code == Exit.USAGE
    return str(raised.value).removeprefix(f"{recording}: ")


@pytest.mark.parametrize("kind", ["wav", "flac", "ogg", "mp3", "aiff"])
@pytest.mark.parametrize("rate", [16_000, 24_000, 44_100])
def test_any_sound_file_becomes_mono_at_the_models_rate(kind: str, rate: int, tmp_path: Path) -> None:
    both = np.stack([tone(rate), np.zeros_like(tone(rate))], axis=1)
    samples = read_recording(recorded(tmp_path / f"a.{kind}", both, rate))
    assert (samples.dtype, samples.ndim) == (np.dtype(np.float32), 1)
    assert abs(len(samples) - SECONDS * SAMPLE_RATE) < 0.06 * SAMPLE_RATE
    middle = samples[SAMPLE_RATE // 2 : -SAMPLE_RATE // 2]
    spectrum = np.abs(np.fft.rfft(middle * np.hanning(len(middle))))
    assert abs(np.fft.rfftfreq(len(middle), 1 / SAMPLE_RATE)[spectrum.argmax()] - 220) < 2
    # One of two channels is silent: half of 0.5.
    assert abs(np.abs(middle).max() - 0.25) < 0.03


def test_samples_beyond_full_scale_are_made_quieter(tmp_path: Path) -> None:
    path = recorded(tmp_path / "a.wav", tone() * 8, subtype="FLOAT")
    assert abs(float(np.abs(read_recording(path)).max()) - 1) < 1e-6


@pytest.mark.parametrize(
    ("seconds", "reason"),
    [
        (0.0, "0.0 s, allowed: 1.5 to 20 s"),
        (1.4, "1.4 s, allowed: 1.5 to 20 s"),
        (20.1, "20.1 s, allowed: 1.5 to 20 s"),
    ],
)
def test_a_recording_of_another_length_is_refused(seconds: float, reason: str, tmp_path: Path) -> None:
    assert fault(recorded(tmp_path / "a.wav", tone(seconds=seconds))) == reason


@pytest.mark.parametrize("seconds", [1.5, 20.0])
def test_the_shortest_and_the_longest_recording_are_taken(seconds: float, tmp_path: Path) -> None:
    assert len(read_recording(recorded(tmp_path / "a.wav", tone(seconds=seconds)))) == seconds * SAMPLE_RATE


def test_what_is_no_recording_is_named(tmp_path: Path) -> None:
    (tmp_path / "text.wav").write_text("RIFF or not")
    assert fault(tmp_path / "text.wav").startswith("not a sound file (")
    assert fault(tmp_path / "missing.wav") == "No such file or directory"
    assert fault(recorded(tmp_path / "silent.wav", tone() * 1e-4)) == "silence"
    many = np.tile(tone()[:, None], 9)
    assert fault(recorded(tmp_path / "many.wav", many)) == "9 channels, allowed: 1 to 8"
    for bad in (np.nan, np.inf):
        broken = tone()
        broken[1000] = bad
        path = recorded(tmp_path / "bad.wav", broken, subtype="FLOAT")
        assert fault(path) == "samples that are no numbers"


def test_a_file_that_was_cut_short_is_measured_by_what_it_holds(tmp_path: Path) -> None:
    whole = recorded(tmp_path / "whole.wav", tone()).read_bytes()
    (tmp_path / "cut.wav").write_bytes(whole[: len(whole) // 2])
    assert fault(tmp_path / "cut.wav") == "1.0 s, allowed: 1.5 to 20 s"


WORDS = [
    ("hello", "hello."),
    ("hello.", "hello."),
    ("Is it?", "Is it."),
    ("well …", "well."),
    ("  two\nlines \t here ", "two lines here."),
    ("你好", "你好。"),
    ("你好。", "你好。"),
    ("你好！", "你好。"),
    ("你好, Bob", "你好, Bob。"),
    ("", ""),
    ("?!", "?!"),
]


@pytest.mark.parametrize(("given", "taken"), WORDS)
def test_the_words_end_in_a_full_stop(given: str, taken: str) -> None:
    assert ended(given) == taken


@given(st.text(st.characters(exclude_categories=["C"], exclude_characters="[]"), min_size=1, max_size=80))
def test_words_with_a_letter_are_always_taken(words: str) -> None:
    assert files.check_prompt_text(ended(f"{words}a{words}"))


NO_WORD = "chatttsctl: --text: no word in it, allowed: what the recording says\n"


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ("say [laugh]", "chatttsctl: --text: U+005B at character 4 of what is said in the recording\n"),
        ("", "chatttsctl: the text: nothing to say, it is empty\n"),
        ("?", NO_WORD),
        (".", NO_WORD),
        ("。 …", NO_WORD),
        ("a" * 501, "chatttsctl: --text: 502 characters said in the recording, allowed: 1 to 500\n"),
    ],
)
def test_words_that_the_model_cannot_be_given_are_refused(
    words: str, reason: str, home: dict[str, str], tmp_path: Path
) -> None:
    done = clone(home, recorded(tmp_path / "a.wav", tone()), "--text", words)
    assert (done.returncode, done.stderr) == (2, reason)


def test_without_a_model_it_is_said_how_to_get_one(home: dict[str, str], tmp_path: Path) -> None:
    done = clone(home, recorded(tmp_path / "a.wav", tone()), "--text", "canarytext")
    model = Path(home["XDG_DATA_HOME"]) / "chatttsd" / "models" / "ChatTTS"
    assert done.returncode == 1
    assert done.stderr == f"chatttsctl: there is no model in {model}: chatttsctl models fetch\n"


def test_a_damaged_model_is_one_line_without_the_words(home: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "model" / "asset").mkdir(parents=True)
    (tmp_path / "model" / "asset" / "DVAE.safetensors").write_bytes(b"no model")
    recording = recorded(tmp_path / "a.wav", tone())
    done = clone(home, recording, "--dir", str(tmp_path / "model"), text=b"canarytext")
    assert (done.returncode, done.stdout) == (1, "")
    assert "DVAE.safetensors" in done.stderr
    assert done.stderr.count("\n") == 1
    assert "canary" not in done.stderr


def test_a_voice_is_made_of_a_recording(
    random_model: RandomModel, home: dict[str, str], tmp_path: Path
) -> None:
    recording = recorded(tmp_path / "a.flac", tone(16_000), 16_000)
    done = clone(home, recording, "--dir", str(random_model()), "--json", text="这是我的声音！".encode())
    assert (done.returncode, done.stderr) == (0, "")
    told = json.loads(done.stdout)
    voice = files.read(Path(told["path"]), "ada")
    assert voice.prompt is not None
    # One token is 512 samples at 24 kHz.
    assert told["tokens"] == voice.prompt.tokens == pytest.approx(SECONDS * SAMPLE_RATE / 512, abs=1.5)
    assert (voice.prompt_text, voice.speaker) == ("这是我的声音。", None)
    assert voice.source == "cloned from a recording of 2.0 s"
    again = clone(home, recording, "--dir", str(random_model()), "--text", "hello")
    assert again.returncode == 1
    assert "choose another name, or --force" in again.stderr
