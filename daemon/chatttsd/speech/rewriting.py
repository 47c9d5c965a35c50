"""Changes the text of a passage while its origins and marks stay in their places."""

from collections import deque

from chatttsd.speech.script import Mark, Passage
from chatttsd.speech.traced import Traced, Tracer, spread


class Rewriter:
    """Goes once over a passage from its start; a mark stays before what is put in at its position."""

    def __init__(self, passage: Passage) -> None:
        self._source = Traced(passage.text, passage.origin)
        self._passage = passage
        self._said = Tracer()
        self._marks: list[Mark] = []
        self._waiting = deque(passage.marks)
        self._position = 0

    def keep(self, end: int) -> None:
        """Keep what is before `end`."""
        self._move_marks(end, kept=True)
        if end > self._position:
            self._said.add(self._source.part(self._position, end))
            self._position = end

    def say(self, words: str, end: int) -> None:
        """Say words instead of what is before `end`; where that is nothing they are put in."""
        self._move_marks(end, kept=False)
        start = self._source.origin[self._position]
        self._said.add(spread(words, start, self._source.origin[end] if end > self._position else start))
        self._position = end

    def result(self) -> Passage:
        """Keep the rest and return the new passage."""
        self.keep(len(self._source.text))
        self._move_marks(len(self._source.text) + 1, kept=True)
        said, passage = self._said.whole(), self._passage
        return Passage(said.text, said.origin, passage.manner, tuple(self._marks), passage.rest, passage.icon)

    def _move_marks(self, end: int, *, kept: bool) -> None:
        """Move the marks before `end`, and those at the position that was reached; where the text is not
        kept they all go before what is said instead.
        """
        while self._waiting and (
            self._waiting[0].position < end or self._waiting[0].position == self._position
        ):
            mark = self._waiting.popleft()
            inside = mark.position - self._position if kept else 0
            self._marks.append(Mark(len(self._said) + inside, mark.name))


def marks_before(marks: deque[Mark], end: int) -> list[Mark]:
    """Take the marks before a position off the queue."""
    taken = []
    while marks and marks[0].position < end:
        taken.append(marks.popleft())
    return taken
