from collections.abc import Iterator
from contextlib import closing

import numpy as np
import pytest
from numpy.typing import NDArray

from chatttsd.constants import SAMPLE_RATE
from chatttsd.engine.api import EngineError, SynthesisRequest
from chatttsd.engine.espeak import (
    CLAUSE_SECONDS,
    SENTENCE_SECONDS,
    EspeakEngine,
    _pause_after,
    pitch_value,
)
from chatttsd.engine.post.silence import QUIET
from support.ear import base_frequency

Samples = NDArray[np.int16]

ENGLISH = "The quick brown fox jumps over the lazy dog, and then it runs away."
CHINESE = "今天天气很好，我们一起去公园散步吧。"
MIXED = "我们用Python写代码，然后运行hello world。"


@pytest.fixture(scope="module")
def engine() -> Iterator[EspeakEngine]:
    with closing(EspeakEngine()) as engine:
        yield engine


def said(engine: EspeakEngine, text: str, language: str = "zh", **options: object) -> Samples:
    chunks: list[Samples] = []

    def emit(samples: Samples) -> bool:
        chunks.append(samples)
        return True

    request = SynthesisRequest(text, language, **options)  # type: ignore[arg-type] # options differ in type
    engine.synthesise(request, emit, lambda: False)
    return np.concatenate(chunks) if chunks else np.zeros(0, np.int16)


def seconds(samples: Samples) -> float:
    return samples.size / SAMPLE_RATE


def loudness(samples: Samples) -> float:
    return float(np.sqrt(np.mean(samples.astype(float) ** 2)))


@pytest.mark.parametrize(
    ("text", "language", "low", "high"),
    [
        (ENGLISH, "en", 3.0, 5.5),
        (ENGLISH, "en-GB", 3.0, 5.5),
        (CHINESE, "zh", 3.0, 6.0),
        (CHINESE, "yue", 2.5, 5.5),
        (MIXED, "zh", 2.5, 6.0),
        ("Guten Tag, wie geht es Ihnen?", "de", 1.2, 3.5),
    ],
)
def test_speech_is_as_long_and_loud_as_speech(
    engine: EspeakEngine, text: str, language: str, low: float, high: float
) -> None:
    sound = said(engine, text, language)
    assert low < seconds(sound) < high
    assert 1000 < loudness(sound) < 12_000


def test_sound_begins_and_ends_within_the_kept_margin(engine: EspeakEngine) -> None:
    for text, language in ((ENGLISH, "en"), (CHINESE, "zh"), (MIXED, "zh")):
        sound = said(engine, text, language)
        loud = np.flatnonzero(np.abs(sound.astype(int)) > 2 * QUIET)
        assert loud[0] < 0.015 * SAMPLE_RATE
        assert sound.size - loud[-1] < 0.015 * SAMPLE_RATE


def test_the_same_request_gives_the_same_samples_whatever_was_said_before(engine: EspeakEngine) -> None:
    requests = [(ENGLISH, "en"), (CHINESE, "zh"), (MIXED, "zh"), ("你好", "yue"), ("paper", "en")]
    first = {request: said(engine, *request) for request in requests}
    for index in range(40):
        request = requests[(index * index + index // 3) % len(requests)]
        assert np.array_equal(said(engine, *request), first[request])


def test_an_aborted_synthesis_leaves_no_trace_in_the_next(engine: EspeakEngine) -> None:
    first = said(engine, CHINESE)
    for limit in range(1, 12):
        chunks: list[Samples] = []

        def emit(samples: Samples, chunks: list[Samples] = chunks, limit: int = limit) -> bool:
            chunks.append(samples)
            return len(chunks) < limit

        engine.synthesise(SynthesisRequest(ENGLISH * 3, "en"), emit, lambda: False)
        assert len(chunks) == limit
        assert np.array_equal(said(engine, CHINESE), first)


def test_cancelled_is_looked_at_while_nothing_is_audible_yet(engine: EspeakEngine) -> None:
    heard: list[Samples] = []

    def emit(samples: Samples) -> bool:
        heard.append(samples)
        return True

    engine.synthesise(SynthesisRequest(ENGLISH, "en"), emit, lambda: True)
    assert heard == []
    engine.synthesise(SynthesisRequest(MIXED, "zh"), emit, lambda: len(heard) >= 2)
    assert len(heard) == 2


def test_what_emit_raises_comes_out_and_the_engine_lives(engine: EspeakEngine) -> None:
    def emit(_samples: Samples) -> bool:
        raise OverflowError

    with pytest.raises(OverflowError):
        engine.synthesise(SynthesisRequest(ENGLISH, "en"), emit, lambda: False)
    assert seconds(said(engine, ENGLISH, "en")) > 3


def test_500_calls_in_mixed_languages_all_speak(engine: EspeakEngine) -> None:
    texts = (("hello", "en"), ("你好", "zh"), ("好", "yue"), ("用Python", "zh"), ("hello", "en-GB"))
    for index in range(500):
        text, language = texts[index % len(texts)]
        assert seconds(said(engine, text, language)) > 0.2


@pytest.mark.parametrize(("text", "language"), [(ENGLISH, "en"), (CHINESE, "zh"), (MIXED, "zh")])
@pytest.mark.parametrize("rate", [0.25, 0.35, 2.5, 3.0])
def test_rates_that_the_library_does_not_have_are_attained_by_stretching(
    engine: EspeakEngine, text: str, language: str, rate: float
) -> None:
    normal = said(engine, text, language)
    found = said(engine, text, language, rate=rate)
    assert seconds(normal) / seconds(found) == pytest.approx(rate, rel=0.09)
    assert np.array_equal(said(engine, text, language, rate=rate), found)
    assert base_frequency(found) == pytest.approx(base_frequency(normal), rel=0.1)


def test_pitch_shifts_the_voice_by_what_is_promised(engine: EspeakEngine) -> None:
    heard = [base_frequency(said(engine, ENGLISH, "en", pitch=pitch)) for pitch in (0.5, 0.75, 1.0, 1.5, 2.0)]
    assert heard == sorted(heard)
    assert heard[0] / heard[2] == pytest.approx(0.66, abs=0.06)
    assert heard[-1] / heard[2] == pytest.approx(1.72, abs=0.12)
    assert [pitch_value(pitch) for pitch in (0.5, 1.0, 2.0)] == [0, 50, 100]


def test_english_words_in_chinese_are_said_by_the_english_voice(engine: EspeakEngine) -> None:
    alone = said(engine, "Python", "en")
    within = said(engine, "用Python", "zh")
    # Both end with the same word: the last tenth of a second before the margin is the same sound.
    assert loudness(within[-2400:]) == pytest.approx(loudness(alone[-2400:]), rel=0.02)


def test_punctuation_between_two_voices_is_heard_as_a_pause(engine: EspeakEngine) -> None:
    plain = seconds(said(engine, "我用Python写代码"))
    comma = seconds(said(engine, "我用Python，写代码"))
    stop = seconds(said(engine, "我用Python。写代码"))
    assert comma - plain == pytest.approx(CLAUSE_SECONDS, abs=0.08)
    assert stop - plain == pytest.approx(SENTENCE_SECONDS, abs=0.08)
    assert _pause_after("a", "，b") == CLAUSE_SECONDS
    assert _pause_after("a! ", "b") == SENTENCE_SECONDS
    assert _pause_after("a", "b") == _pause_after("", "") == 0.0


def test_a_chosen_voice_is_kept_and_only_the_other_script_goes_to_another(engine: EspeakEngine) -> None:
    british = said(engine, "water", "en", voice="espeak-ng/en-gb")
    assert not np.array_equal(british, said(engine, "water", "en"))
    assert np.array_equal(british, said(engine, "water", "en-GB"))
    assert np.array_equal(british, said(engine, "water", "zh", voice="espeak-ng/en-gb"))
    assert np.array_equal(said(engine, "你好", "zh", voice="espeak-ng/en-gb"), said(engine, "你好", "zh"))
    assert np.array_equal(said(engine, "你好", "zh", voice="espeak-ng/yue"), said(engine, "你好", "yue"))


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("character", list("aA7好é，。,.!?@-_ \n\t、《》“”…😀Ж\u200b\u3000"))
def test_every_character_has_a_spoken_name(engine: EspeakEngine, character: str, language: str) -> None:
    assert 0.1 < seconds(said(engine, character, language, kind="char")) < 3.0


@pytest.mark.parametrize("kind", ["char", "key"])
@pytest.mark.parametrize(
    ("letter", "language"), [("A", "en"), ("É", "fr"), ("Ж", "en"), ("İ", "en"), ("ǅ", "en")]
)
def test_a_capital_letter_is_named_as_the_small_one_for_telling_it_is_an_option(
    engine: EspeakEngine, kind: str, letter: str, language: str
) -> None:
    small = said(engine, letter.lower(), language, kind=kind)
    assert np.array_equal(said(engine, letter, language, kind=kind), small)


def test_a_character_of_several_code_points_is_spoken(engine: EspeakEngine) -> None:
    composed = said(engine, "é", "en", kind="char")
    assert np.array_equal(said(engine, "e\u0301", "en", kind="char"), composed)
    assert seconds(said(engine, "👩‍🚀", "en", kind="char")) > 0.2


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize(
    "key", ["a", "shift_a", "kp-enter", "space", "Return", "f1", "control_alt_delete", "-", "_"]
)
def test_every_key_has_a_spoken_name(engine: EspeakEngine, key: str, language: str) -> None:
    assert 0.1 < seconds(said(engine, key, language, kind="key")) < 3.0


@pytest.mark.parametrize("text", ["", " ", "\0", "\u200b", "\ud800", "，", "\n\n"])
def test_nothing_to_say_is_no_error(engine: EspeakEngine, text: str) -> None:
    assert seconds(said(engine, text)) < 1.0


def test_a_text_is_plain_text_whatever_it_looks_like(engine: EspeakEngine) -> None:
    for text in ("[[h@l'oU]]", "<speak><break time='60s'/></speak>", "a\x01b \x0150s", "%s%n" * 5):
        assert seconds(said(engine, text, "en")) < 20.0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"language": "tlh-Latn"}, "language 'tlh-Latn' has no voice in espeak-ng"),
        ({"language": ""}, "language '' has no voice"),
        ({"voice": "espeak-ng/nobody"}, "voice 'espeak-ng/nobody' is unknown, allowed are ids such as"),
        ({"kind": "song"}, "kind 'song' is unknown, allowed are text, char, key"),
    ],
)
def test_a_wrong_request_is_named_without_its_text(
    engine: EspeakEngine, options: dict[str, str], message: str
) -> None:
    with pytest.raises(EngineError, match=message) as caught:
        engine.synthesise(SynthesisRequest("a secret", **options), lambda _samples: True, lambda: False)  # type: ignore[arg-type] # all are strings
    assert "secret" not in str(caught.value)
