"""Text said character by character."""

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

import regex

from chatttsd.speech.options import Kind
from chatttsd.speech.rewriting import marks_before
from chatttsd.speech.sanitise import sanitise
from chatttsd.speech.script import Manner, Mark, Natural, Passage
from chatttsd.speech.traced import Traced

LETTER_REST: Final = Natural(0.05)
"""Seconds between two characters; without it they run into each other."""
BLANK_REST: Final = Natural(0.25)
"""Seconds for a blank between words."""
LONGEST: Final = 64
"""Characters of a grapheme: nobody names a longer pile of combining marks."""

_GRAPHEME: Final = regex.compile(r"\X")


def spelled(
    piece: Traced, manner: Manner, marks: Sequence[Mark] = (), rest: float | None = None
) -> Iterator[Passage]:
    """Yield a passage for each grapheme; a blank is a rest unless it is all there is.

    Each mark goes with the character at its position or else the next one, behind the last one with its end.
    `rest` is the one behind the last character, if it is a certain one.
    """
    waiting = deque(marks)
    spelling = replace(manner, kind=Kind.CHAR)
    last: Passage | None = None
    for grapheme in _GRAPHEME.finditer(piece.text):
        start, end = grapheme.span()
        if _is_blank(grapheme[0]) and end - start < len(piece.text):
            last = last and replace(last, rest=BLANK_REST)
            continue
        if last:
            yield last
        here = marks_before(waiting, end)
        part = piece.part(start, min(end, start + LONGEST))
        last = Passage(part.text, part.origin, spelling, _all_at(0, here), LETTER_REST)
    left = _all_at(len(last.text) if last else 0, waiting)
    if last:
        yield replace(last, marks=last.marks + left, rest=last.rest if rest is None else rest)
    elif left:
        yield Passage("", (piece.origin[-1],), manner, left, rest)


def _is_blank(grapheme: str) -> bool:
    return sanitise(grapheme).isspace()


def _all_at(position: int, marks: Sequence[Mark]) -> tuple[Mark, ...]:
    return tuple(Mark(position, mark.name) for mark in marks)
