"""The self-test: its measures on sounds that are known, its verdicts, and a run on a generated model."""

import json
import math
import re
import wave
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from chatttsd.constants import SAMPLE_RATE
from chatttsd.engine.chattts.cpu import read_cpu
from chatttsd.engine.chattts.native import start
from chatttsd.engine.chattts.precision import choose_for_cpu
from chatttsd.engine.chattts.selftest import main, write
from chatttsd.engine.chattts.selftest_measures import (
    Drift,
    Heard,
    cosines,
    decibels,
    heard,
    mel_distance,
    silence,
)
from chatttsd.engine.chattts.selftest_texts import SENTENCES
from chatttsd.speech.expected import expected_seconds
from support.random_model import RandomModel

CHOICE = choose_for_cpu("auto", read_cpu(), "none in this test")
GOOD = Heard(2.0, 0.2, 1.0, -20.0, 0.1, 0.2, 0)


def sine(seconds: float, hertz: float = 440, level: float = 0.2) -> NDArray[np.float32]:
    times = np.arange(int(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    return (level * np.sin(2 * np.pi * hertz * times)).astype(np.float32)


def quiet(seconds: float) -> NDArray[np.float32]:
    return np.zeros(int(seconds * SAMPLE_RATE), np.float32)


def test_there_are_twenty_sentences_half_of_them_chinese() -> None:
    assert len({sentence.text for sentence in SENTENCES}) == 20
    assert [sentence.language for sentence in SENTENCES] == ["zh"] * 10 + ["en"] * 10
    assert all(expected_seconds(sentence.text) < 15 for sentence in SENTENCES)


def test_silence_is_measured_at_both_ends() -> None:
    found = silence(np.concatenate([quiet(0.5), sine(1), quiet(0.25)]))
    assert found == pytest.approx((0.5, 0.25), abs=0.02)
    assert silence(quiet(0.5)) == (0.5, 0.0)


def test_energy_is_that_of_the_speech_between_the_silence() -> None:
    found = heard("一二三四五六七八", np.concatenate([quiet(1), sine(1.6), quiet(1)]), 1)
    assert found.energy_db == pytest.approx(20 * math.log10(0.2 / math.sqrt(2)), abs=0.1)
    assert found.seconds == pytest.approx(3.6)
    assert found.seconds_a_character == pytest.approx(3.6 / 8)
    assert found.share == pytest.approx(1.0, abs=0.02)
    assert found.verdict == "look: made again 1 times, a long silence before it"


def test_decibels_of_nothing_and_of_no_number() -> None:
    assert decibels(quiet(1)) == decibels(quiet(0)) == pytest.approx(-100)
    assert math.isnan(decibels(np.full(10, np.nan, np.float32)))


@pytest.mark.parametrize(
    ("changed", "verdict"),
    [
        ({}, "ok"),
        ({"fault": "silent"}, "look: silent"),
        ({"share": 0.4}, "look: short for its text"),
        ({"share": 2.1}, "look: long for its text"),
        ({"energy_db": -50.0}, "look: quiet"),
        ({"energy_db": -3.0}, "look: loud"),
        ({"tail_seconds": 1.5}, "look: a long silence after it"),
    ],
)
def test_a_verdict_says_why(changed: dict[str, float | str], verdict: str) -> None:
    figures = {name: getattr(GOOD, name) for name in Heard.__slots__} | changed
    assert Heard(**figures).verdict == verdict


def test_a_drift_that_is_no_number_is_looked_at() -> None:
    assert Drift("int8", 0.995, 0.9, 0.5, 0.99, 1.0).verdict == "ok"
    assert Drift("int8", math.nan, 0.9, math.nan, 0.99, 1.0).verdict.startswith("look: cosine")
    assert Drift("int8", 0.98, 0.9, 1.1, 0.99, 1.0).verdict == "look: cosine below 0.99, more than 1.0 dB"


def test_cosines_are_of_rows() -> None:
    rows = torch.tensor([[1.0, 0.0], [1.0, 1.0]])
    assert cosines(rows, torch.tensor([[2.0, 0.0], [0.0, 1.0]])) == pytest.approx([1.0, math.sqrt(0.5)])


def test_the_mel_distance_is_in_decibels() -> None:
    noise = np.random.default_rng(0).standard_normal(SAMPLE_RATE)
    loud: NDArray[np.float32] = (sine(1) + sine(1, 3000) + 0.01 * noise).astype(np.float32)
    half: NDArray[np.float32] = loud / np.float32(2)
    softer: NDArray[np.float32] = loud * np.float32(0.9)
    assert mel_distance(loud, loud) == 0
    assert mel_distance(loud, half) == pytest.approx(6.02, abs=0.5)
    assert mel_distance(loud, sine(1)) > mel_distance(loud, softer)
    assert mel_distance(quiet(0.001), quiet(0.001)) == 0


def test_a_wav_file_is_written_even_of_what_is_no_number(tmp_path: Path) -> None:
    write(tmp_path / "a.wav", np.array([0.5, np.nan, -2.0], np.float32))
    with wave.open(str(tmp_path / "a.wav")) as file:
        assert (file.getnchannels(), file.getframerate(), file.getnframes()) == (1, SAMPLE_RATE, 3)
        assert np.frombuffer(file.readframes(3), np.int16).tolist() == [16384, 0, -32767]


@pytest.fixture
def _no_kernels(monkeypatch: pytest.MonkeyPatch) -> None:
    """Compiling those of three precisions takes a minute; a machine without them is tested here."""
    monkeypatch.setattr(start, "prepare", lambda *_: "none in this test")


def options(model: Path, folder: Path, *more: str) -> list[str]:
    places = ["--model", str(model), "--voices", str(folder), "--output", str(folder / "out")]
    return [*places, "--threads", "1", *more]


@pytest.mark.usefixtures("_no_kernels")
def test_a_generated_model_is_spoken_with_measured_and_said_to_be_no_voice(
    random_model: RandomModel, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(options(random_model(), tmp_path, "--sentences", "2", "--json")) == 0
    told = capsys.readouterr()
    figures = json.loads(told.out)
    assert (figures["generated"], figures["looks"]) == (True, 0)
    assert len(figures["sentences"]) == 2
    assert [row["name"] for row in figures["drift"]] == ["bf16", "int8"]
    assert all(0.99 < row["cosine"] <= 1.00001 for row in figures["drift"])
    errors = [row["mel_db"] for row in figures["lookahead"]]
    assert errors == sorted(errors, reverse=True)
    assert "its verdicts on sound mean nothing" in told.err
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["01-zh.wav", "02-en.wav"]
    assert not any(sentence.text in told.out + told.err for sentence in SENTENCES)


NUMBER = r"-?\d+\.\d+"
SENTENCE = re.compile(
    rf"([ \d]\d) (zh|en) +{NUMBER} s  {NUMBER} s/char +{NUMBER} dBFS"
    rf"  head {NUMBER}  tail {NUMBER}  retries (\d)  (ok|look: .+)"
)
DRIFT = re.compile(rf"(bf16|int8) +cosine +{NUMBER} \(worst +{NUMBER}\)  log-mel +{NUMBER} dB  (ok|look: .+)")
LOOKAHEAD = re.compile(rf"look-ahead (4|8|16) tokens +log-mel +{NUMBER} dB  (ok|look: .+)")


def parts_of(printed: str) -> list[list[str]]:
    """Return the lines of each part of what was printed; a part begins behind an empty line."""
    return [part.splitlines() for part in printed.split("\n\n")]


def groups(pattern: re.Pattern[str], lines: list[str]) -> list[tuple[str, ...]]:
    """Return what the pattern finds in each of the lines, all of which it must match whole."""
    matched = [pattern.fullmatch(line) for line in lines]
    assert all(matched), lines
    return [match.groups() for match in matched if match]


@pytest.mark.timeout(240)
@pytest.mark.usefixtures("_no_kernels")
def test_every_sentence_and_every_comparison_gets_one_line_that_ends_with_its_verdict(
    random_model: RandomModel, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # It speaks as fast as is not looked at yet: less is computed.
    assert main(options(random_model(layers=1, rate=32.0), tmp_path)) == 0
    told = capsys.readouterr()
    assert told.err == ""
    head, sentences, drift, streaming, generated, last = parts_of(told.out)
    assert head == [f"runs in {CHOICE.detail}"]
    languages = ["zh"] * 10 + ["en"] * 10
    expected = [(f"{number:2}", language, "0", "ok") for number, language in enumerate(languages, 1)]
    assert sentences[0] == "sentences"
    assert groups(SENTENCE, sentences[1:]) == expected
    assert drift[0] == "drift of the precisions against fp32, with the same tokens"
    assert groups(DRIFT, drift[1:]) == [("bf16", "ok"), ("int8", "ok")]
    assert streaming[0] == "streaming against one decode of the whole, by look-ahead"
    assert groups(LOOKAHEAD, streaming[1:]) == [("4", "ok"), ("8", "ok"), ("16", "ok")]
    assert generated == ["this is a generated model: its verdicts on sound mean nothing"]
    assert last == [f"0 lines to look at; the sound is in {tmp_path}/out"]
    check_sound(tmp_path / "out", sentences[1:])


def check_sound(folder: Path, lines: list[str]) -> None:
    """Each line of a sentence has a file of the seconds that it tells."""
    for line in lines:
        number, language, seconds = line.split()[:3]
        with wave.open(str(folder / f"{int(number):02}-{language}.wav")) as file:
            assert file.getframerate() == SAMPLE_RATE
            assert file.getnframes() / SAMPLE_RATE == pytest.approx(float(seconds), abs=0.006)
    assert len(list(folder.iterdir())) == len(lines)


@pytest.mark.usefixtures("_no_kernels")
def test_a_sentence_that_stays_too_short_is_made_again_twice_and_looked_at(
    random_model: RandomModel, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(options(random_model(rate=14.0), tmp_path, "--sentences", "1")) == 1
    _head, sentences, *_others, last = parts_of(capsys.readouterr().out)
    ((_number, _language, retries, verdict),) = groups(SENTENCE, sentences[1:])
    assert retries == "2"
    assert verdict == "look: too short for its text, made again 2 times, short for its text"
    assert last == [f"1 lines to look at; the sound is in {tmp_path}/out"]


def test_without_a_model_the_self_test_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    places = [f"--{name}={tmp_path / name}" for name in ("model", "voices", "output")]
    assert main(places) == 2
    assert capsys.readouterr().err == f"selftest: {tmp_path}/model: the model directory is missing\n"


def test_a_place_for_the_sound_that_is_a_file_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "output").write_text("")
    assert main([f"--{name}={tmp_path / name}" for name in ("model", "voices", "output")]) == 2
    assert capsys.readouterr().err == f"selftest: {tmp_path}/output: File exists\n"
