"""The words that espeak-ng tells, made into ranges of the text that it was given."""

import math
from collections import deque
from dataclasses import dataclass
from typing import Final

import regex

from chatttsd.engine.espeak_library import WordEvent

_LETTER: Final = r"[\w--[\p{Han}\p{Hiragana}\p{Katakana}]]"
_WRITTEN_WORD: Final = regex.compile(rf"(?V1){_LETTER}+(?:(?:['’\-.]+|(?<=\d)[,:](?=\d)){_LETTER}+)*+")
"""A word of an alphabet, with digits and what joins them: `don't`, `well-known`, `3.5`, `10,000`, `12:30`."""


@dataclass(frozen=True, slots=True)
class WordAt:
    """Characters start..end of the request's text, at a sample of the run's sound as the library made it."""

    start: int
    end: int
    sample: int


class RunWords:
    """The words of one run, `text`, that lies `offset` characters into the request; they wait to be due.

    espeak-ng tells the parts of a word that it reads as several (`123`, an emoji) one by one, and counts some
    words from the space before them: each word is told once, from its first character.
    """

    def __init__(self, text: str, offset: int) -> None:
        self._text = text
        self._offset = offset
        self._told_end = 0
        self._waiting: deque[WordAt] = deque()

    def hear(self, event: WordEvent) -> None:
        """Take a word of the library, in the order of the sound."""
        start = self._first_character(event.start)
        if start is None:
            return
        self._told_end = self._end(start, event.length)
        self._waiting.append(WordAt(start + self._offset, self._told_end + self._offset, event.sample))

    def due(self, limit: float = math.inf) -> list[WordAt]:
        """Return, once, the words that begin before a sample of the library's sound."""
        found = []
        while self._waiting and self._waiting[0].sample < limit:
            found.append(self._waiting.popleft())
        return found

    def _first_character(self, position: int) -> int | None:
        """Return where the word begins, None for one more part of the word before."""
        text = self._text
        if position < self._told_end or not 0 <= position < len(text):
            return None
        if text[position].isspace() and position == self._told_end and position:
            return None
        while position < len(text) and text[position].isspace():
            position += 1
        return position if position < len(text) else None

    def _end(self, start: int, length: int) -> int:
        written = _WRITTEN_WORD.match(self._text, start)
        return written.end() if written else min(start + max(1, length), len(self._text))
