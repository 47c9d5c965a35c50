"""A passage as the name of a key: without its blanks, everything in its place."""

from chatttsd.speech.options import Kind
from chatttsd.speech.script import Manner, Mark, Passage, as_key


def test_the_blanks_go_and_the_origin_and_every_mark_stay() -> None:
    marks = (Mark(0, "before"), Mark(3, "within"), Mark(5, "after"))
    passage = Passage("  dot ", range(7, 14), Manner(rate=2.0), marks, rest=0.1)
    key = as_key(passage, "dot")
    assert (key.text, list(key.origin)) == ("dot", [9, 10, 11, 12])
    assert key.manner == Manner(rate=2.0, kind=Kind.KEY)
    assert key.marks == (Mark(0, "before"), Mark(1, "within"), Mark(3, "after"))
    assert key.rest == 0.1


def test_a_name_without_blanks_is_left_as_it_is() -> None:
    key = as_key(Passage("shift", range(6)), "shift")
    assert (key.text, list(key.origin)) == ("shift", [0, 1, 2, 3, 4, 5])
