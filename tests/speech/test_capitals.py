"""Capitals told by a word or a short sound."""

import pytest

from chatttsd.speech.capitals import ICON, told
from chatttsd.speech.options import Capitals, Kind
from chatttsd.speech.script import Manner, Mark, Passage

CHAR = Manner(kind=Kind.CHAR, rate=2.0)


def passages(text: str, capitals: Capitals, manner: Manner = Manner(), *marks: int) -> list[Passage]:  # noqa: B008 - frozen
    named = tuple(Mark(place, str(place)) for place in marks)
    return list(told(Passage(text, range(5, 6 + len(text)), manner, named, 3.0), capitals, "en"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("the Big dog", "the capital Big dog"),
        ("NASA and iPhone", "capital NASA and iPhone"),
        ("it's O'Neill's", "it's capital O'capital Neill's"),
        ("Éa ǅ", "capital Éa capital ǅ"),
        ("你好A", "你好capital A"),
        ("我用Windows和macOS，한국Seoul", "我用capital Windows和macOS，한국capital Seoul"),
        ("small 5 好", "small 5 好"),
    ],
)
def test_a_word_is_told_once_by_a_word_before_it(text: str, said: str) -> None:
    (passage,) = passages(text, Capitals.SPELL)
    assert passage.text == said
    assert passage.origin[-1] == 5 + len(text)


def test_icons_are_passages_before_the_words() -> None:
    found = passages("The big Dog", Capitals.ICON, Manner(), 0, 5, 8, 11)
    assert [(passage.text, passage.icon) for passage in found] == [
        ("", ICON),
        ("The big ", ""),
        ("", ICON),
        ("Dog", ""),
    ]
    assert [passage.rest for passage in found] == [0.0, None, 0.0, 3.0]
    assert [passage.origin[0] for passage in found] == [5, 5, 13, 13]
    assert [[(mark.position, mark.name) for mark in passage.marks] for passage in found] == [
        [(0, "0")],
        [(5, "5")],
        [(0, "8")],
        [(3, "11")],
    ]


def test_a_letter_that_is_named_is_told_with_its_mark_first() -> None:
    # By the name of a key: like the letter, the word must never wait for a neural model.
    word, letter = passages("A", Capitals.SPELL, CHAR, 0)
    assert (word.text, word.manner, word.rest) == ("capital", Manner(rate=2.0, kind=Kind.KEY), 0.0)
    assert ([mark.name for mark in word.marks], letter.marks) == (["0"], ())
    assert (letter.text, letter.manner, letter.rest, list(letter.origin)) == ("A", CHAR, 3.0, [5, 6])
    icon, letter = passages("A", Capitals.ICON, CHAR, 0)
    assert (icon.text, icon.icon, list(icon.origin), len(icon.marks)) == ("", ICON, [5], 1)
    assert (letter.text, letter.icon) == ("A", "")


@pytest.mark.parametrize("capitals", [Capitals.SPELL, Capitals.ICON])
@pytest.mark.parametrize(
    ("text", "manner"), [("a", CHAR), ("好", CHAR), ("", Manner()), ("shift_A", Manner(kind=Kind.KEY))]
)
def test_nothing_else_is_touched(capitals: Capitals, text: str, manner: Manner) -> None:
    (passage,) = passages(text, capitals, manner, 0)
    assert (passage.text, passage.manner, passage.rest, len(passage.marks)) == (text, manner, 3.0, 1)


def test_no_capital_is_told_without_being_asked_for() -> None:
    assert len(passages("The Dog", Capitals.NONE)) == 1
