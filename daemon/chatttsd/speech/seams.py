"""What lies behind a word and its marks: nothing, a space, or the end of a clause, sentence or paragraph."""

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

import regex

from chatttsd.speech.abbreviations import dot_ends_sentence

WIDE: Final = r"\p{Han}\p{Hiragana}\p{Katakana}\p{Bopomofo}ー"
"""Members of a regex set: scripts written without spaces whose characters are about a syllable each."""
EMOJI: Final = r"(?:\p{Regional_Indicator}{1,2}|(?![‼⁉])(?=\p{Extended_Pictographic})\X)"
"""Flags apart from the rest, because `\\X` counts all the flags before it."""
OPENING: Final = r"[[\p{Ps}\p{Pi}\"']--[’]]"

_WRAPPED_LINE: Final = 40
_CLOSERS: Final = "\"'’”»›)）」』】》〉〕｝}｣"
_CLAUSE_MARKS: Final = frozenset("，、；：﹐﹑﹔﹕､—⸺،؛")
_CLAUSE_MARKS_WITH_BLANK: Final = frozenset(",;:~～〜-–")
_ELLIPSES: Final = frozenset("…⋯")

_STRONG: Final = regex.compile(r"(?V1)[[\p{STerm}‼⁉]--[.!?]]")
_NEXT_WORD: Final = regex.compile(rf"(?V1){OPENING}{{0,4}}+([\p{{L}}\p{{M}}\p{{N}}'’]{{0,32}})")
_NEXT_WIDE: Final = regex.compile(rf"(?V1)[{WIDE}\p{{Hangul}}（《「『【〈“]")
_NEXT_EMOJI: Final = regex.compile(rf"(?V1){EMOJI}")


class Level(IntEnum):
    """How good a place to cut is."""

    NONE = 0
    SPACE = 1
    CLAUSE = 2
    SENTENCE = 3
    PARAGRAPH = 4


@dataclass(slots=True)
class Seam:
    """The place between one atom and the next, at `end` in the `block` of text around it."""

    word: str
    """The Latin word or number before the marks, if any."""
    wide: bool
    """Whether Han or kana stand before the marks."""
    marks: str
    gap: str
    block: str
    end: int

    def level(self) -> Level:
        """Classify the seam; a newline ends a paragraph unless it only wraps a long line."""
        marked = self._marked() if self.marks else Level.NONE
        if "\n" in self.gap and not (marked < Level.SENTENCE and self._is_wrapped()):
            return Level.PARAGRAPH
        if marked is Level.SENTENCE and "\n" not in self.gap and _NEXT_EMOJI.match(self.block, self.end):
            return Level.SPACE  # the smiley behind a sentence belongs to it
        return max(marked, self._blank())

    @property
    def _next_word(self) -> str:
        found = _NEXT_WORD.match(self.block, self.end)
        return found[1] if found else ""

    @property
    def _next_is_wide(self) -> bool:
        return _NEXT_WIDE.match(self.block, self.end) is not None

    @property
    def _is_open(self) -> bool:
        """Whether an ASCII mark here is punctuation rather than a part of a name such as `a!b`."""
        return bool(self.gap) or self.wide or self._next_is_wide or self.end >= len(self.block)

    def _blank(self) -> Level:
        if not self.gap:
            return Level.NONE
        return Level.CLAUSE if self.wide and self._next_is_wide else Level.SPACE

    def _marked(self) -> Level:
        bare = self.marks.rstrip(_CLOSERS)
        last = bare[-1:]
        if last in _CLAUSE_MARKS or (last in _CLAUSE_MARKS_WITH_BLANK and self._is_open):
            return Level.CLAUSE
        if not (last in ".!?" or last in _ELLIPSES or _STRONG.match(last)) or not last:
            return Level.NONE
        if not self._ends_sentence(bare):
            return Level.NONE
        goes_on = bare.endswith(("..", "…", "⋯")) or bare != self.marks
        return Level.CLAUSE if goes_on and self._next_word[:1].islower() else Level.SENTENCE

    def _ends_sentence(self, bare: str) -> bool:
        if bare[-1] not in ".!?":
            return bare[-1] not in _ELLIPSES or self._is_open or self._next_word[:1].islower()
        if bare == "." and self.word and self.gap:
            return dot_ends_sentence(self.word, self._next_word)
        return self._is_open

    def _is_wrapped(self) -> bool:
        """Whether the newline is inside a sentence of hard-wrapped text: a long line, then a small letter."""
        line = self.block[max(0, self.end - len(self.gap) - _WRAPPED_LINE) : self.end - len(self.gap)]
        small = self.block[self.end : self.end + 1].islower()
        return small and self.gap.count("\n") == 1 and len(line) == _WRAPPED_LINE and "\n" not in line
