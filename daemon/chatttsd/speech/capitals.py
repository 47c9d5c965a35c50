"""How capital letters are told: by a word before them, or by a short sound."""

from collections import deque
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from typing import Final

import regex

from chatttsd.speech.names import capital_word
from chatttsd.speech.options import Capitals, Kind
from chatttsd.speech.rewriting import Rewriter, marks_before
from chatttsd.speech.script import Mark, Passage

ICON: Final = "capital"
_CAPITALISED: Final = regex.compile(
    r"(?V1)(?<![[\p{L}\p{M}]--[\p{Han}\p{Hiragana}\p{Katakana}\p{Hangul}]])[\p{Lu}\p{Lt}]"
)
"""The first letter of a word: a word is told once, however many capitals are in it. Scripts without capitals
are often not parted from it by a blank."""
_CAPITAL: Final = regex.compile(r"[\p{Lu}\p{Lt}]")


def told(passage: Passage, capitals: Capitals, language: str) -> Iterator[Passage]:
    """Yield a passage with its capitals told: a letter that is named, or each word that begins with one."""
    if capitals is Capitals.NONE or not _CAPITAL.search(passage.text):
        yield passage
    elif passage.manner.kind is Kind.CHAR:
        yield from _letter(passage, capitals, language)
    elif passage.manner.kind is not Kind.TEXT:
        yield passage
    elif capitals is Capitals.SPELL:
        yield _with_words(passage, capital_word(language))
    else:
        yield from _with_icons(passage)


def _letter(passage: Passage, capitals: Capitals, language: str) -> Iterator[Passage]:
    here = passage.origin[0]
    yield _icon(passage, here, passage.marks) if capitals is Capitals.ICON else _word(passage, here, language)
    yield replace(passage, marks=())


def _word(passage: Passage, here: int, language: str) -> Passage:
    word = capital_word(language)
    # The name of a key: no more than the letter does it wait for a neural model.
    manner = replace(passage.manner, kind=Kind.KEY)
    marks = tuple(Mark(0, mark.name) for mark in passage.marks)
    return Passage(word, [here] * (len(word) + 1), manner, marks, 0.0)


def _icon(passage: Passage, here: int, marks: tuple[Mark, ...]) -> Passage:
    manner = replace(passage.manner, kind=Kind.TEXT)
    return Passage("", (here,), manner, tuple(Mark(0, mark.name) for mark in marks), 0.0, ICON)


def _with_words(passage: Passage, word: str) -> Passage:
    rewriter = Rewriter(passage)
    for found in _CAPITALISED.finditer(passage.text):
        rewriter.keep(found.start())
        rewriter.say(f"{word} ", found.start())
    return rewriter.result()


def _with_icons(passage: Passage) -> Iterator[Passage]:
    """Yield an icon before each capitalised word; a mark at the word is told with the icon."""
    starts = [found.start() for found in _CAPITALISED.finditer(passage.text)]
    marks = deque(passage.marks)
    if not starts or starts[0]:
        yield _piece(passage, 0, starts[0] if starts else len(passage.text), marks)
    for start, end in pairwise([*starts, len(passage.text)]):
        yield _icon(passage, passage.origin[start], tuple(marks_before(marks, start + 1)))
        yield _piece(passage, start, end, marks)


def _piece(passage: Passage, start: int, end: int, marks: deque[Mark]) -> Passage:
    last = end == len(passage.text)
    here = marks_before(marks, end + 1 if last else end)
    return Passage(
        passage.text[start:end],
        passage.origin[start : end + 1],
        passage.manner,
        tuple(Mark(mark.position - start, mark.name) for mark in here),
        passage.rest if last else None,
    )
