"""Punctuation said by name at four levels, in Chinese and English."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatttsd.speech.options import Punctuation
from chatttsd.speech.punctuation import named
from chatttsd.speech.script import Passage

NONE, SOME, MOST, ALL = Punctuation.NONE, Punctuation.SOME, Punctuation.MOST, Punctuation.ALL


def dressed(text: str, level: Punctuation, language: str = "en") -> Passage:
    return named(Passage(text, range(len(text) + 1)), level, language)


ENGLISH = "Hello, you (see a/b). Ok?"
CHINESE = "你好，《书》在a/b。好？"
TABLE = [
    (ENGLISH, NONE, "en", ENGLISH),
    (ENGLISH, SOME, "en", "Hello, you (see a slash b). Ok?"),
    (ENGLISH, MOST, "en", "Hello, you left paren see a slash b right paren . Ok?"),
    (
        ENGLISH,
        ALL,
        "en",
        "Hello comma, you left paren see a slash b right paren dot. Ok question mark?",
    ),
    (CHINESE, NONE, "zh", CHINESE),
    (CHINESE, SOME, "zh", "你好，《书》在a 斜杠 b。好？"),
    (CHINESE, MOST, "zh", "你好， 左书名号 书 右书名号 在a 斜杠 b。好？"),
    (CHINESE, ALL, "zh", "你好 逗号， 左书名号 书 右书名号 在a 斜杠 b 句号。好 问号？"),
]


@pytest.mark.parametrize(("text", "level", "language", "said"), TABLE)
def test_the_levels(text: str, level: Punctuation, language: str, said: str) -> None:
    assert dressed(text, level, language).text == said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("don't", "don't"),
        ("it costs $5, 3.14 or 1,000", "it costs $5 comma, 3.14 or 1,000"),
        ("50% of -3", "50% of -3"),
        ("a % b $ c", "a percent b dollar c"),
        ("a-b - c", "a dash b dash c"),
        ("wait...", "wait dot dot dot."),
        ("wait…", "wait ellipsis…"),
        ("-----", "5 dash "),
        ("!!!!", " 4 exclamation mark!"),
        ("a@b.org", "a at b dot org"),
        ("it's e.g. 3", "it's e dot g dot 3"),
        ("Dr. Who met Mr. X.", "Dr dot Who met Mr dot X dot."),
        ("The end. A start", "The end dot. A start"),
        ("He said (no.) and", "He said left paren no dot. right paren and"),
        ("see a.b,c;d", "see a dot b comma c semicolon d"),
        ("好.好", "好 dot.好"),
        ("x = {}", "x equals left brace right brace "),
        ("“Hi”", " left quote Hi right quote "),
        ("？", " wide question mark？"),
        ("", ""),
        ("plain", "plain"),
    ],
)
def test_everything_at_the_highest_level(text: str, said: str) -> None:
    assert dressed(text, ALL).text.strip() == said.strip()


def test_a_run_is_counted_in_chinese() -> None:
    assert dressed("======", ALL, "zh").text == "6个等于 "


def test_other_languages_have_english_names() -> None:
    assert dressed("a/b", SOME, "de").text == "a slash b"


def test_names_stand_where_their_marks_stood() -> None:
    found = dressed("a/b.", ALL)
    assert found.text == "a slash b dot."
    assert list(found.origin) == [0, *[1] * 7, 2, *[3] * 5, 4]


@given(st.text(st.sampled_from("ab 1.,-%$'()好。“…/\n")), st.sampled_from(list(Punctuation)))
def test_letters_stay_in_order_at_their_places(text: str, level: Punctuation) -> None:
    found = dressed(text, level)
    places = list(found.origin)
    assert len(places) == len(found.text) + 1
    assert places == sorted(places)
    assert places[-1] == len(text)
    assert [place for character, place in zip(found.text, places, strict=False) if character == "好"] == [
        place for place, character in enumerate(text) if character == "好"
    ]
