"""The reference backend: upstream's own voice, without its traps."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from chatttsd.engine.api import EngineError
from chatttsd.engine.chattts.api import ModelError, Sampling
from chatttsd.engine.chattts.reference import ReferenceModel
from chatttsd.models.layout import DECODER, GPT
from support.oracle import TEXTS, Oracle, speaker_string
from support.random_model import RandomModel, changed_copy

SPEAKER = speaker_string(1)
SHORT = Sampling(max_tokens=12, seed=4)
SAMPLES = (2 * SHORT.max_tokens - 1) * 256


def speak(
    oracle: Oracle,
    text: str = TEXTS[0],
    sampling: Sampling = SHORT,
    parameters: Mapping[str, str] | None = None,
) -> "np.ndarray[tuple[int, ...], np.dtype[np.float32]]":
    return oracle.model.speak(text, SPEAKER, sampling, parameters)


def test_a_segment_is_float32_samples_with_nothing_left_out(oracle: Oracle) -> None:
    samples = speak(oracle)
    assert samples.dtype == np.float32
    assert samples.shape == (SAMPLES,)
    assert np.isfinite(samples).all()
    assert samples.any()


def test_equal_seeds_are_equal_and_others_are_not(oracle: Oracle) -> None:
    first = speak(oracle)
    assert np.array_equal(first, speak(oracle))
    assert not np.array_equal(first, speak(oracle, sampling=replace(SHORT, seed=5)))


def test_every_token_has_its_own_draw(oracle: Oracle) -> None:
    """Upstream's `manual_seed` seeds again at each token: a hot, flat choice would be the same each time."""
    drawn = []
    original = oracle.chat._decode_to_wavs

    def watch(hidden: object, use_decoder: bool) -> object:
        drawn.append(hidden)
        return original(hidden, use_decoder)

    oracle.chat._decode_to_wavs = watch
    try:
        hot = replace(SHORT, temperature=2.0, top_k=626, top_p=1.0, repetition_penalty=1.0)
        tales = oracle.decode(TEXTS[:1], SPEAKER, hot, [1])
        speak(oracle, sampling=hot)
    finally:
        oracle.chat._decode_to_wavs = original
    assert len(drawn) == 1
    assert len(np.unique(tales[0].codes[:, 0])) > SHORT.max_tokens // 2


def test_the_voice_matters_and_none_is_a_voice_too(oracle: Oracle) -> None:
    own, none = speak(oracle), oracle.model.speak(TEXTS[0], None, SHORT)
    other = oracle.model.speak(TEXTS[0], speaker_string(2), SHORT)
    assert not np.array_equal(own, other)
    assert not np.array_equal(own, none)


def test_one_call_leaves_nothing_behind_for_the_next(oracle: Oracle) -> None:
    """Upstream writes the voice into parameters that all calls share."""
    before = oracle.model.speak(TEXTS[1], None, SHORT)
    speak(oracle, "first. second. third.")
    assert np.array_equal(oracle.model.speak(TEXTS[1], None, SHORT), before)


def test_the_speed_reaches_the_prompt(oracle: Oracle) -> None:
    plain = speak(oracle)
    assert np.array_equal(plain, speak(oracle, parameters={"speed": "5"}))
    assert not np.array_equal(plain, speak(oracle, parameters={"speed": "9"}))


def test_refinement_is_done_when_it_is_asked_for(oracle: Oracle, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    original = oracle.chat._refine_text

    def refine(text: object, device: object, params: object) -> object:
        asked.append(vars(params)["prompt"])
        return original(text, device, params)

    monkeypatch.setattr(oracle.chat, "_refine_text", refine)
    speak(oracle)
    assert asked == []
    speak(oracle, parameters={"refine": "true", "oral": "2", "break": "6"})
    assert asked == ["[oral_2][break_6]"]
    speak(oracle, parameters={"laugh": "1"})
    assert asked[1:] == ["[laugh_1]"], "a style asks for it too, as with our own decoder"
    speak(oracle, parameters={"laugh": "1", "refine": "false"})
    assert len(asked) == 2


def test_brackets_are_no_control_tokens(oracle: Oracle) -> None:
    assert np.array_equal(speak(oracle, "hello [laugh] there"), speak(oracle, "hello  laugh  there"))
    assert len(speak(oracle, "an open [ bracket")) == SAMPLES


def test_cancelling_ends_it_at_the_next_token(oracle: Oracle) -> None:
    asked = []

    def cancelled() -> bool:
        asked.append(1)
        return len(asked) == 5

    samples = oracle.model.speak(TEXTS[0], SPEAKER, replace(SHORT, max_tokens=2048), cancelled=cancelled)
    assert len(samples) == (2 * 5 - 1) * 256
    assert len(speak(oracle)) == SAMPLES


def test_a_failure_of_upstream_tells_its_kind_and_no_text(
    oracle: Oracle, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ValueError(TEXTS[0])

    monkeypatch.setattr(oracle.chat, "normalizer", broken)
    with pytest.raises(EngineError, match=r"^ChatTTS failed: ValueError$"):
        speak(oracle)


def test_nothing_is_printed_or_logged(
    oracle: Oracle, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(0):
        speak(oracle, "digits 123 and signs % are found invalid")
    assert capfd.readouterr() == ("", "")
    assert [record for record in caplog.records if "digits" in record.getMessage()] == []


def test_a_missing_file_is_named(tmp_path: Path, random_model: RandomModel) -> None:
    model = changed_copy(random_model(end="never"), tmp_path / "model")
    (model / DECODER).unlink()
    with pytest.raises(ModelError, match=f"{DECODER}: No such file"):
        ReferenceModel(model)


def test_a_damaged_file_is_one_line(
    tmp_path: Path, random_model: RandomModel, capfd: pytest.CaptureFixture[str]
) -> None:
    model = changed_copy(random_model(end="never"), tmp_path / "model")
    (model / GPT).unlink()
    (model / GPT).write_bytes(b"nothing")
    with pytest.raises(ModelError, match="ChatTTS cannot load it: ") as caught:
        ReferenceModel(model)
    assert "\n" not in str(caught.value)
    assert "Loading" not in capfd.readouterr().err
