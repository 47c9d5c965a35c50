"""Puts the passages of a script together while markup is read."""

from dataclasses import replace
from typing import Final

from chatttsd.speech.options import Kind
from chatttsd.speech.pauses import PARAGRAPH, ends_sentence
from chatttsd.speech.script import PLAIN, Manner, Mark, Natural, Passage, Script
from chatttsd.speech.ssml_values import LONGEST_BREAK
from chatttsd.speech.traced import Traced, Tracer

SENTENCE_REST: Final = Natural(0.25)
"""Seconds after an `<s>` that ends without a full stop."""
PARAGRAPH_REST: Final = Natural(SENTENCE_REST * PARAGRAPH)
_TAIL: Final = 8
"""Characters that decide whether a sentence ended."""


class ScriptBuilder:
    """Takes text in its manner, marks and rests in their order.

    A new passage begins where the manner of words changes and behind a rest: blanks have no manner, and a
    mark cuts nothing. A mark goes with the next word, or stays before a rest.
    """

    def __init__(self) -> None:
        self._passages: list[Passage] = []
        self._text = Tracer()
        self._manner = PLAIN
        self._marks: list[Mark] = []
        self._waiting: list[str] = []
        self._place = 0
        """Where the last mark stood."""
        self._tail = ""
        """The end of the passage's last words; empty while it has only blanks."""
        self._ended = False

    def add(self, piece: Traced, manner: Manner) -> None:
        """Append text."""
        if piece.text and not piece.text.isspace():
            self._begin_words(piece, manner)
        self._text.add(piece)

    def spell(self, piece: Traced, manner: Manner) -> None:
        """Append text that is said character by character: one passage of many, see `Manner.kind`."""
        if not piece.text or (piece.text.isspace() and len(piece.text) > 1):
            return
        self._flush(None)
        marks = tuple(Mark(0, name) for name in self._waiting)
        self._waiting.clear()
        spelling = replace(manner, kind=Kind.CHAR)
        self._passages.append(Passage(piece.text, piece.origin, spelling, marks))

    def say(self, piece: Traced, manner: Manner) -> None:
        """Append text that is a passage of its own."""
        self._flush(None)
        self.add(piece, manner)
        self._flush(None)

    def mark(self, name: str, position: int) -> None:
        """Set a mark before what is added next."""
        self._place = position
        self._waiting.append(name)

    def rest(self, seconds: float, position: int) -> None:
        """Rest here, whatever the punctuation before it asks for; rests in a row are one of at most 10 s."""
        self._settle()
        if self._tail or self._marks:
            self._flush(seconds)
            return
        self._flush(None)
        if self._passages:
            before = self._passages[-1].rest or 0.0
            self._rest_for(seconds if isinstance(before, Natural) else seconds + before)
        else:
            self._passages.append(Passage("", (position,), rest=seconds))

    def end_sentence(self, position: int) -> None:
        """End the sentence here, if there is one."""
        if self._tail and not ends_sentence(self._tail):
            self._settle()
            self._flush(SENTENCE_REST)
        elif self._tail and not self._tail[-1].isspace():
            self._blank(" ", position)

    def end_paragraph(self, position: int) -> None:
        """End the paragraph here, if there is one."""
        if self._tail:
            if not self._ended:
                self._blank("\n\n", position)
            self._ended = True
        elif self._passages:
            before = self._passages[-1].rest or Natural(0.0)
            # What was asked for is kept at every rate.
            least = PARAGRAPH_REST if isinstance(before, Natural) else float(PARAGRAPH_REST)
            self._rest_for(max(least, before))

    def finish(self) -> Script:
        """Return the script."""
        self._settle()
        self._flush(None)
        return tuple(self._passages)

    def _begin_words(self, piece: Traced, manner: Manner) -> None:
        if manner != self._manner:
            if self._tail:
                self._flush(None)
            self._manner = manner
        self._settle()
        self._tail = piece.text[-_TAIL:]
        self._ended = False

    def _blank(self, blank: str, position: int) -> None:
        self._text.add(Traced(blank, [position] * (len(blank) + 1)))
        self._tail += blank

    def _settle(self) -> None:
        """Put the waiting marks where the text ends now."""
        self._marks += [Mark(len(self._text), name) for name in self._waiting]
        self._waiting.clear()

    def _rest_for(self, seconds: float) -> None:
        self._passages[-1] = replace(self._passages[-1], rest=min(seconds, LONGEST_BREAK))

    def _flush(self, rest: float | None) -> None:
        """End the passage; one of blanks alone is dropped but for its marks."""
        piece = self._text.whole()
        if self._tail:
            passage = Passage(piece.text, piece.origin, self._manner, tuple(self._marks), rest)
            self._passages.append(passage)
        elif self._marks:
            marks = tuple(Mark(0, mark.name) for mark in self._marks)
            reached = self._passages[-1].origin[-1] if self._passages else 0
            place = max(self._place, reached)
            self._passages.append(Passage("", (place,), self._manner, marks, rest))
        self._text = Tracer()
        self._marks = []
        self._tail = ""
        self._ended = False
