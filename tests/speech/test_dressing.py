"""One function from what the client sent and chose to what is said."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from chatttsd.speech.cutting import cut
from chatttsd.speech.dressing import dress, script_of
from chatttsd.speech.options import Capitals, Kind, Punctuation, SpeakOptions
from chatttsd.speech.script import Manner, Mark, Passage, plain
from chatttsd.speech.segment import SegmentSettings
from chatttsd.speech.spelling import BLANK_REST, LETTER_REST
from chatttsd.speech.ssml import SsmlError
from support.steps import steps


def script(text: str, options: SpeakOptions, default_language: str = "en") -> Sequence[Passage]:
    return list(script_of(text, options, default_language))


def texts(text: str, options: SpeakOptions, default_language: str = "en") -> list[str]:
    return [passage.icon or passage.text for passage in script(text, options, default_language)]


def test_plain_text_without_options_is_itself() -> None:
    assert script_of("Hello, World", SpeakOptions()) == plain("Hello, World")


@pytest.mark.parametrize("kind", [Kind.CHAR, Kind.KEY])
def test_a_character_or_key_is_one_passage_of_its_kind(kind: Kind) -> None:
    (passage,) = script("a", SpeakOptions(kind=kind))
    assert (passage.text, list(passage.origin), passage.manner) == ("a", [0, 1], Manner(kind=kind))


def test_markup_is_read_only_when_it_was_announced() -> None:
    assert texts("<b>x</b>", SpeakOptions()) == ["<b>x</b>"]
    assert texts("<b>x</b>", SpeakOptions(kind=Kind.SSML)) == ["x"]
    with pytest.raises(SsmlError):
        script_of("<b", SpeakOptions(kind=Kind.SSML))


@pytest.mark.parametrize(
    ("dressing", "said"),
    [
        ({}, ["A", "&", "é", "x"]),
        ({"punctuation": Punctuation.ALL}, ["A", "&", "é", "x"]),
        ({"capitals": Capitals.SPELL}, ["capital", "A", "&", "é", "x"]),
        ({"spelling": True, "capitals": Capitals.ICON}, ["capital", "A", "&", "é", "x"]),
    ],
)
def test_characters_in_markup_are_said_one_by_one(dressing: dict[str, Any], said: list[str]) -> None:
    ssml = "<say-as interpret-as='characters'>A<mark name='m'/>&amp; e\u0301</say-as><mark name='n'/>x"
    found = script(ssml, SpeakOptions(kind=Kind.SSML, **dressing))
    assert [passage.icon or passage.text for passage in found] == [
        text.replace("é", "e\u0301") for text in said
    ]
    marked = [(mark.name, passage.text) for passage in found for mark in passage.marks]
    assert marked == [("m", "&"), ("n", "x")]
    rests = [passage.rest for passage in found if not passage.icon and passage.text != "capital"]
    assert rests[:3] == [LETTER_REST, BLANK_REST, LETTER_REST]
    assert [ssml[passage.origin[0]] for passage in found][-4:] == ["A", "&", "e", "x"]


@pytest.mark.parametrize(
    ("text", "options", "said"),
    [
        ("A", SpeakOptions(kind=Kind.CHAR, capitals=Capitals.SPELL), ["capital", "A"]),
        ("A", SpeakOptions(kind=Kind.CHAR, capitals=Capitals.ICON), ["capital", "A"]),
        ("A", SpeakOptions(kind=Kind.CHAR, capitals=Capitals.SPELL, language="zh"), ["大写", "A"]),
        ("shift_A", SpeakOptions(kind=Kind.KEY, capitals=Capitals.SPELL, spelling=True), ["shift_A"]),
        (".", SpeakOptions(kind=Kind.CHAR, punctuation=Punctuation.ALL), ["."]),
        ("a. B", SpeakOptions(spelling=True, punctuation=Punctuation.ALL), ["a", ".", "B"]),
        ("a B", SpeakOptions(spelling=True, capitals=Capitals.SPELL), ["a", "capital", "B"]),
        ("你B", SpeakOptions(spelling=True, capitals=Capitals.SPELL), ["你", "大写", "B"]),
        ("a/B", SpeakOptions(punctuation=Punctuation.SOME, capitals=Capitals.SPELL), ["a slash capital B"]),
        ("你/B", SpeakOptions(punctuation=Punctuation.SOME, capitals=Capitals.SPELL), ["你 斜杠 大写 B"]),
        ("the Dog", SpeakOptions(capitals=Capitals.ICON), ["the ", "capital", "Dog"]),
        ("a/b", SpeakOptions(language="zh", punctuation=Punctuation.SOME), ["a 斜杠 b"]),
    ],
)
def test_options_dress_the_text(text: str, options: SpeakOptions, said: list[str]) -> None:
    assert texts(text, options) == said


def test_names_are_in_the_language_of_markup_then_option_then_text_then_default() -> None:
    options = SpeakOptions(kind=Kind.SSML, punctuation=Punctuation.SOME)
    assert texts("a/b <lang xml:lang='zh'>c/d</lang>", options) == ["a slash b ", "c 斜杠 d"]
    assert texts("a/b 你好", options) == ["a 斜杠 b 你好"]
    assert texts("a/b", options, "zh") == ["a 斜杠 b"]


def test_spelled_markup_keeps_places_marks_and_rests() -> None:
    ssml = "<mark name='m'/>ab<break time='2s'/><say-as interpret-as='characters'>C</say-as>"
    first, second, third = script(ssml, SpeakOptions(kind=Kind.SSML, spelling=True))
    assert [ssml[passage.origin[0]] for passage in (first, second, third)] == ["a", "b", "C"]
    assert ([mark.name for mark in first.marks], second.rest) == (["m"], 2.0)
    assert {passage.manner.kind for passage in (first, second, third)} == {Kind.CHAR}


def test_a_long_text_is_dressed_while_it_is_read() -> None:
    text = "a" * 100_000
    dressed = iter(dress(plain(text), SpeakOptions(spelling=True)))
    assert next(dressed).text == "a"


@pytest.mark.parametrize(
    "options",
    [
        SpeakOptions(spelling=True, capitals=Capitals.SPELL),
        SpeakOptions(capitals=Capitals.ICON),
        SpeakOptions(punctuation=Punctuation.ALL, capitals=Capitals.SPELL),
    ],
)
def test_twice_as_many_marks_take_twice_as_many_steps(options: SpeakOptions) -> None:
    def work(count: int) -> list[Passage]:
        marks = tuple(Mark(place, "m") for place in range(count))
        return list(dress([Passage("A. " * count, range(3 * count + 1), marks=marks)], options))

    assert steps(partial(work, 400)) <= 2.1 * steps(partial(work, 200))


@example(["\n", "<break/>", "Ab. "], Punctuation.NONE, Capitals.NONE, False)
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(
        st.sampled_from(
            [
                "<s>",
                "</s>",
                "<emphasis>",
                "</emphasis>",
                "<break/>",
                "<mark name='m'/>",
                "Ab. ",
                "，好",
                "(",
                "\n",
            ]
        )
    ),
    st.sampled_from(list(Punctuation)),
    st.sampled_from(list(Capitals)),
    st.booleans(),
)
def test_every_script_can_be_cut_in_rising_order_with_all_its_marks(
    pieces: list[str], punctuation: Punctuation, capitals: Capitals, spelling: bool
) -> None:
    options = SpeakOptions(kind=Kind.SSML, punctuation=punctuation, capitals=capitals, spelling=spelling)
    ssml = "".join(pieces)
    segments = list(cut(script_of(ssml, options), SegmentSettings(), 0.25))
    places = [place for segment in segments for place in (segment.start, segment.end)]
    assert places == sorted(places)
    assert all(0 <= place <= len(ssml) for place in places)
    assert sum(len(segment.marks) for segment in segments) == ssml.count("<mark")


LETTERS = "<say-as interpret-as='characters'>ab c</say-as>"


@pytest.mark.parametrize("rate", [0.5, 1.0, 2.0, 4.0])
@pytest.mark.parametrize(
    ("ssml", "natural", "asked"),
    [
        (LETTERS, [0.05, 0.25, 0.05], []),
        ("<s>One</s><s>Two.</s>", [0.25, 0.25], []),
        ("<p><s>One</s></p>two", [0.45], [0.0]),
        ("<s>One</s><break time='1s'/>two", [], [1.0, 0.0]),
        ("One<break time='500ms'/>two", [], [0.5, 0.0]),
        ("<p>One<break time='100ms'/></p>two", [], [0.45, 0.0]),
        ("<break time='2s'/>One", [], [2.0, 0.0]),
    ],
)
def test_a_rest_is_shorter_the_faster_it_is_read_unless_it_was_asked_for_in_seconds(
    ssml: str, natural: list[float], asked: list[float], rate: float
) -> None:
    segments = cut(script_of(ssml, SpeakOptions(kind=Kind.SSML)), SegmentSettings(), 0.25, rate)
    wanted = [seconds / rate for seconds in natural] + asked
    assert [segment.rest for segment in segments] == pytest.approx(wanted)


def test_letters_that_are_spelled_rest_by_the_rate_too() -> None:
    segments = cut(script_of("ab c", SpeakOptions(spelling=True)), SegmentSettings(), 0.25, 2.0)
    assert [segment.rest for segment in segments] == pytest.approx([0.025, 0.125, 0.025])


@pytest.mark.parametrize(("whole", "pace"), [(1.0, 2.0), (0.5, 1.0), (4.0, 4.0)])
def test_a_rate_inside_the_markup_counts_too_as_far_as_it_is_spoken(whole: float, pace: float) -> None:
    ssml = f"<prosody rate='2'>One. <s>Two</s>{LETTERS}<break time='1s'/></prosody>"
    segments = cut(script_of(ssml, SpeakOptions(kind=Kind.SSML)), SegmentSettings(), 0.25, whole)
    rests = [segment.rest for segment in segments]
    assert rests == pytest.approx([0.25 / pace, 0.05 / pace, 0.25 / pace, 1.0])
