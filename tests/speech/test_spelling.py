"""Text said letter by letter."""

from hypothesis import given
from hypothesis import strategies as st

from chatttsd.speech.options import Kind
from chatttsd.speech.script import Manner, Mark, Passage
from chatttsd.speech.spelling import BLANK_REST, LETTER_REST, LONGEST, spelled
from chatttsd.speech.traced import Traced

CHAR = Manner(kind=Kind.CHAR)


def spell(text: str, *marks: int, rest: float | None = None) -> list[Passage]:
    named = [Mark(place, str(place)) for place in marks]
    return list(spelled(Traced(text, range(10, 11 + len(text))), Manner(), named, rest))


def test_each_grapheme_is_one_passage_with_its_place() -> None:
    found = spell("aé👍🏽")
    assert [passage.text for passage in found] == ["a", "é", "👍🏽"]
    assert [list(passage.origin) for passage in found] == [[10, 11], [11, 12], [12, 13, 14]]
    assert all(passage.manner == CHAR and passage.rest == LETTER_REST for passage in found)


def test_blanks_are_rests() -> None:
    assert [(passage.text, passage.rest) for passage in spell(" a \n b\x00\u200b")] == [
        ("a", BLANK_REST),
        ("b", BLANK_REST),
    ]


def test_a_blank_alone_is_named() -> None:
    assert [passage.text for passage in spell(" ")] == [" "]
    assert [passage.text for passage in spell("\r\n")] == ["\r\n"]


def test_marks_go_with_the_next_character() -> None:
    found = spell("a bc", 0, 1, 2, 3, 4)
    told = [(passage.text, [(mark.position, mark.name) for mark in passage.marks]) for passage in found]
    assert told == [("a", [(0, "0")]), ("b", [(0, "1"), (0, "2")]), ("c", [(0, "3"), (1, "4")])]


def test_marks_of_blanks_alone_are_kept() -> None:
    (passage,) = spell("  ", 1)
    assert (passage.text, list(passage.origin), len(passage.marks)) == ("", [12], 1)


def test_the_rest_behind_the_text_is_kept() -> None:
    assert [passage.rest for passage in spell("ab", rest=2.0)] == [LETTER_REST, 2.0]
    assert spell("") == []


def test_a_pile_of_marks_is_cut() -> None:
    (passage,) = spell("a" + "\u0301" * 500)
    assert len(passage.text) == LONGEST
    assert len(passage.origin) == LONGEST + 1


@given(st.text(max_size=40), st.lists(st.integers(0, 40), max_size=5))
def test_no_mark_is_lost(text: str, places: list[int]) -> None:
    marks = sorted(min(place, len(text)) for place in places)
    assert [mark.name for passage in spell(text, *marks) for mark in passage.marks] == [
        str(place) for place in marks
    ]
