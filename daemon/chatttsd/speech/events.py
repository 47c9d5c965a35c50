"""What clients are told while a text is heard."""

from dataclasses import dataclass, field
from enum import StrEnum


class EventKind(StrEnum):
    """What begins to be heard."""

    SENTENCE = "sentence"
    """A segment: a sentence or a part of one."""
    WORD = "word"
    MARK = "mark"


@dataclass(frozen=True, slots=True)
class SpeechEvent:
    """Characters start..end of what the client sent begin to be heard, or a mark at `start` is reached."""

    kind: EventKind
    start: int
    end: int
    name: str = field(default="", repr=False)
    """Of a mark."""
