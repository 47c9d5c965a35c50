"""Pieces of text keep their places when they are put together."""

from chatttsd.speech.traced import Traced, Tracer, spread


def test_a_part_ends_where_the_next_character_stands() -> None:
    part = Traced("abc", [0, 5, 9, 10]).part(0, 1)
    assert (part.text, list(part.origin)) == ("a", [0, 5])


def test_words_are_spread_over_what_they_stand_for() -> None:
    assert list(spread("abcd", 10, 12).origin) == [10, 10, 11, 11, 12]
    assert list(spread("", 10, 12).origin) == [12]
    assert list(spread("ab", 10, 20).origin) == [10, 15, 20]


def test_pieces_are_joined() -> None:
    tracer = Tracer()
    tracer.add(Traced("ab", range(3, 6)))
    tracer.add(Traced("", [7]))
    tracer.add(Traced("c", [9, 12]))
    whole = tracer.whole()
    assert (len(tracer), whole.text, list(whole.origin)) == (3, "abc", [3, 4, 9, 12])
    assert "abc" not in repr(whole)
