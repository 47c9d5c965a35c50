"""When the words and marks of a segment are reached, as its samples come."""

from collections import deque
from collections.abc import Iterator
from typing import Final

from chatttsd.speech.events import EventKind, SpeechEvent
from chatttsd.speech.script import Mark
from chatttsd.speech.segment import Segment

Events = tuple[SpeechEvent, ...]
NOTHING: Final[Events] = ()


class Timeline:
    """Turns what an engine tells of one segment's words into events at samples.

    A mark is reached with the first word that begins at its position or behind it. Of an engine that tells no
    words its place is estimated: the share of the text before it, of `expected_samples`.
    """

    def __init__(self, segment: Segment, expected_samples: int) -> None:
        self._segment = segment
        self._expected = expected_samples
        self._marks = deque(segment.marks)
        self._due: deque[tuple[int, SpeechEvent]] = deque()
        self._told = False
        self._position = 0
        while self._marks and not self._marks[0].position:
            self._due.append((0, self._event(self._marks.popleft())))

    def word(self, start: int, end: int, sample: int) -> None:
        """Take a word: characters start..end of the segment's `text`, at a sample never falling."""
        self._told = True
        while self._marks and self._marks[0].position <= start:
            self._due.append((sample, self._event(self._marks.popleft())))
        last = len(self._segment.origin) - 1
        if 0 <= start < end <= last:
            origin = self._segment.origin
            self._due.append((sample, SpeechEvent(EventKind.WORD, origin[start], origin[end])))

    def parts(self, samples: int) -> Iterator[tuple[int, int, Events]]:
        """Cut the next samples where something is reached; yields start, end, what is reached at start."""
        self._estimate(self._position + samples)
        begin = self._position
        self._position += samples
        start, events = begin, self._reached(begin)
        while self._due and self._due[0][0] < self._position:
            sample = self._due[0][0]
            yield start - begin, sample - begin, events
            start, events = sample, self._reached(sample)
        yield start - begin, samples, events

    def rest(self) -> Events:
        """Return what is reached with the segment's end at the latest."""
        late = [self._event(mark) for mark in self._marks]
        self._marks.clear()
        return (*self._reached(None), *late)

    def _reached(self, sample: int | None) -> Events:
        """Take what is due at a sample or before it; None takes everything."""
        found = []
        while self._due and (sample is None or self._due[0][0] <= sample):
            found.append(self._due.popleft()[1])
        return tuple(found) or NOTHING

    def _estimate(self, until: int) -> None:
        length = len(self._segment.text)
        while not self._told and self._marks and length:
            sample = self._marks[0].position * self._expected // length
            if sample >= until:
                break
            self._due.append((max(sample, self._position), self._event(self._marks.popleft())))

    def _event(self, mark: Mark) -> SpeechEvent:
        origin = self._segment.origin
        place = origin[min(mark.position, len(origin) - 1)] if origin else self._segment.start
        return SpeechEvent(EventKind.MARK, place, place, mark.name)
