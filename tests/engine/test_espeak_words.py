"""The words of espeak-ng: the right characters, told before their sound, at the place where it begins."""

from collections.abc import Iterator
from contextlib import closing

import numpy as np
import pytest
from numpy.typing import NDArray

from chatttsd.constants import SAMPLE_RATE
from chatttsd.engine.api import SynthesisRequest, Word
from chatttsd.engine.espeak import EspeakEngine
from chatttsd.engine.espeak_library import WordEvent
from chatttsd.engine.espeak_words import RunWords

Samples = NDArray[np.int16]

ENGLISH = "Hello there, good 123 world. It isn't well-known, naïve 😀 café!"
MIXED = "我们用Python写代码，然后运行hello world。"


@pytest.fixture(scope="module")
def engine() -> Iterator[EspeakEngine]:
    with closing(EspeakEngine()) as engine:
        yield engine


class Said:
    """A request spoken: its words, those told too late, its samples."""

    def __init__(self, engine: EspeakEngine, text: str, language: str = "en", **options: object) -> None:
        self.words: list[Word] = []
        self.late: list[Word] = []
        chunks: list[Samples] = []

        def emit(samples: Samples) -> bool:
            chunks.append(samples)
            return True

        def tell(word: Word) -> None:
            self.words.append(word)
            if word.sample < sum(chunk.size for chunk in chunks):
                self.late.append(word)

        request = SynthesisRequest(text, language, tell_word=tell, **options)  # type: ignore[arg-type] # options differ in type
        engine.synthesise(request, emit, lambda: False)
        self.samples = np.concatenate(chunks) if chunks else np.zeros(0, np.int16)
        self.texts = [text[word.start : word.end] for word in self.words]


@pytest.mark.parametrize("rate", [0.25, 0.5, 1.0, 2.0, 4.0])
def test_each_written_word_is_told_once_in_order(engine: EspeakEngine, rate: float) -> None:
    said = Said(engine, ENGLISH, rate=rate)
    assert said.texts == [
        *("Hello", "there", "good", "123", "world", "It", "isn't", "well-known", "naïve", "😀", "café")
    ]
    places = [word.sample for word in said.words]
    assert places == sorted(places)
    assert places[0] == 0
    assert places[-1] < said.samples.size
    assert said.late == []


def test_a_number_is_one_word_however_it_is_written(engine: EspeakEngine) -> None:
    said = Said(engine, "At 12:30 he paid 10,000.50 for it, 7, 8.")
    assert said.texts == ["At", "12:30", "he", "paid", "10,000.50", "for", "it", "7", "8"]


def test_chinese_words_begin_where_the_library_begins_them(engine: EspeakEngine) -> None:
    said = Said(engine, "今天天气很好。", "zh")
    assert said.texts == ["今", "天", "天", "气", "很"]  # 很好 is one word of the library
    assert said.late == []


def test_runs_of_two_voices_count_through_the_whole_text_and_sound(engine: EspeakEngine) -> None:
    said = Said(engine, MIXED, "zh")
    assert [text for text in said.texts if text.isascii()] == ["Python", "hello", "world"]
    assert [word.start for word in said.words] == sorted({word.start for word in said.words})
    first = Said(engine, "我们用", "zh").samples.size
    python = next(word for word in said.words if word.start == MIXED.index("Python"))
    assert abs(python.sample - first) < 0.005 * SAMPLE_RATE
    assert said.late == []


@pytest.mark.parametrize(
    ("language", "text"),
    [("en", "one, two, three, four"), ("zh", "一，二，三，四"), ("de", "eins, zwei, drei")],
)
@pytest.mark.parametrize("rate", [0.3, 1.0, 3.0])
def test_a_word_begins_where_sound_follows_silence(
    engine: EspeakEngine, language: str, text: str, rate: float
) -> None:
    said = Said(engine, text, language, rate=rate)
    assert len(said.words) == len(text.replace("，", ",").split(","))
    for word in said.words:
        around = said.samples[max(0, word.sample - SAMPLE_RATE // 50) :]
        onset = int(np.flatnonzero(np.abs(around.astype(int)) > 300)[0])
        assert onset < 0.09 * SAMPLE_RATE / min(1.0, rate), "its sound comes at once"
        before = said.samples[: max(0, word.sample - SAMPLE_RATE // 100)][-SAMPLE_RATE // 200 :]
        assert not before.size or np.abs(before.astype(int)).max() < 3000, "and is not there before it"


@pytest.mark.parametrize(("text", "kind"), [("shift_a", "key"), ("q", "char"), ("，", "char")])
def test_characters_and_keys_have_no_words(engine: EspeakEngine, text: str, kind: str) -> None:
    said = Said(engine, text, "zh", kind=kind)
    assert said.samples.size
    assert said.words == []


def test_a_cancelled_request_tells_no_more_words(engine: EspeakEngine) -> None:
    heard: list[Word] = []
    request = SynthesisRequest(ENGLISH, "en", tell_word=heard.append)
    engine.synthesise(request, lambda _samples: True, lambda: len(heard) >= 3)
    assert len(heard) == 3


def test_telling_words_changes_no_sample(engine: EspeakEngine) -> None:
    silent: list[Samples] = []

    def emit(samples: Samples) -> bool:
        silent.append(samples)
        return True

    engine.synthesise(SynthesisRequest(MIXED, "zh"), emit, lambda: False)
    assert np.array_equal(np.concatenate(silent), Said(engine, MIXED, "zh").samples)


def test_what_hears_a_word_may_fail_and_the_engine_lives(engine: EspeakEngine) -> None:
    def tell(_word: Word) -> None:
        raise OverflowError

    request = SynthesisRequest(ENGLISH, "en", tell_word=tell)
    with pytest.raises(OverflowError):
        engine.synthesise(request, lambda _samples: True, lambda: False)
    assert Said(engine, ENGLISH).texts[0] == "Hello"


@pytest.mark.parametrize(
    ("text", "events", "spans"),
    [
        ("one two", [(0, 3, 0), (4, 3, 9)], [(0, 3), (4, 7)]),
        ("123 x", [(0, 3, 0), (1, 3, 5), (1, 3, 7), (4, 1, 9)], [(0, 3), (4, 5)]),
        ("a. naïve", [(0, 1, 0), (2, 1, 9)], [(0, 1), (3, 8)]),
        ("😀 café", [(0, 1, 0), (1, 1, 4), (2, 4, 9)], [(0, 1), (2, 6)]),
        (" one", [(0, 3, 0)], [(1, 4)]),
        ("你好", [(0, 2, 0)], [(0, 2)]),
        ("用Python", [(0, 1, 0), (1, 6, 9)], [(0, 1), (1, 7)]),
        ("x", [(0, 9, 0), (1, 1, 4), (7, 1, 5), (-1, 1, 5)], [(0, 1)]),
        ("a  ", [(0, 1, 0), (2, 1, 5)], [(0, 1)]),
        ("…", [(0, 0, 0)], [(0, 1)]),
    ],
)
def test_events_become_ranges_of_the_text(
    text: str, events: list[tuple[int, int, int]], spans: list[tuple[int, int]]
) -> None:
    words = RunWords(text, 100)
    for event in events:
        words.hear(WordEvent(*event))
    assert [(word.start - 100, word.end - 100) for word in words.due()] == spans
    assert words.due() == []


def test_words_are_due_in_time() -> None:
    words = RunWords("a b c", 0)
    for event in ((0, 1, 0), (2, 1, 50), (4, 1, 90)):
        words.hear(WordEvent(*event))
    assert [[word.sample for word in words.due(limit)] for limit in (0, 50, 51, 90, 900)] == [
        [],
        [0],
        [50],
        [],
        [90],
    ]
