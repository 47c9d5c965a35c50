"""Words are put into a passage without moving its marks from their words."""

from collections import deque

from chatttsd.speech.rewriting import Rewriter, marks_before
from chatttsd.speech.script import Manner, Mark, Passage

SLOW = Manner(rate=0.5)


def passage(text: str, *marks: int) -> Passage:
    named = tuple(Mark(place, str(place)) for place in marks)
    return Passage(text, range(100, 101 + len(text)), SLOW, named, 1.5)


def test_nothing_done_is_the_same_passage() -> None:
    found = Rewriter(passage("abc", 0, 1, 3)).result()
    assert (found.text, list(found.origin), found.marks) == (
        "abc",
        [100, 101, 102, 103],
        passage("", 0, 1, 3).marks,
    )
    assert (found.manner, found.rest) == (SLOW, 1.5)


def test_words_instead_of_characters_are_spread_over_them() -> None:
    rewriter = Rewriter(passage("ab..c"))
    rewriter.keep(2)
    rewriter.say(" dot ", 4)
    found = rewriter.result()
    assert found.text == "ab dot c"
    assert list(found.origin) == [100, 101, 102, 102, 102, 103, 103, 104, 105]


def test_words_put_in_stand_at_the_next_character_and_behind_its_mark() -> None:
    rewriter = Rewriter(passage("ab", 0, 1, 2))
    rewriter.keep(1)
    rewriter.say("x ", 1)
    found = rewriter.result()
    assert (found.text, list(found.origin)) == ("ax b", [100, 101, 101, 101, 102])
    assert [(mark.position, mark.name) for mark in found.marks] == [(0, "0"), (1, "1"), (4, "2")]


def test_a_mark_inside_what_is_replaced_stays_before_the_words() -> None:
    rewriter = Rewriter(passage("(((a", 1, 2, 3))
    rewriter.say("3 parens ", 3)
    found = rewriter.result()
    assert [(mark.position, mark.name) for mark in found.marks] == [(0, "1"), (0, "2"), (9, "3")]


def test_marks_are_taken_up_to_a_position() -> None:
    marks = deque(passage("abc", 0, 1, 2).marks)
    assert [mark.position for mark in marks_before(marks, 2)] == [0, 1]
    assert [mark.position for mark in marks] == [2]
