"""What is to be said of an utterance: passages of plain text, how each is said, and where it stood."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from chatttsd.speech.options import Kind


@dataclass(frozen=True, slots=True)
class Manner:
    """How a passage is said, relative to the options of its utterance."""

    language: str = ""
    """BCP 47; empty is the utterance's."""
    voice: str = ""
    """A voice id; empty is the utterance's."""
    rate: float = 1.0
    """A factor on the utterance's rate; so are pitch and volume on theirs."""
    pitch: float = 1.0
    volume: float = 1.0
    kind: Kind = Kind.TEXT
    """`text`; `char` for graphemes whose names are said, each one by itself; `key` for the name of a key."""


PLAIN = Manner()


class Natural(float):
    """Seconds of a rest as speech of rate 1 has it: shorter the faster it is said, unlike one asked for."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A name that is told when the character at `position` of its passage begins to be heard."""

    position: int
    name: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Passage:
    """Plain text said in one manner; sound is cut between passages, never joined."""

    text: str = field(repr=False)
    """May be empty: then it is only its marks and its rest."""
    origin: Sequence[int] = field(repr=False)
    """For each character of `text` and for its end (one more): its index in what the client sent, rising."""
    manner: Manner = PLAIN
    marks: tuple[Mark, ...] = ()
    """In order of their positions, 0..len(text)."""
    rest: float | None = None
    """Seconds of silence after it, `Natural` ones or as they are; None is what its punctuation asks for."""
    icon: str = ""
    """A short sound instead of the text: `capital`."""


def as_key(passage: Passage, name: str) -> Passage:
    """Return a passage as a key of this name, which its text holds; every mark stays."""
    start = passage.text.index(name)
    return replace(
        passage,
        text=name,
        origin=passage.origin[start : start + len(name) + 1],
        manner=replace(passage.manner, kind=Kind.KEY),
        marks=tuple(Mark(min(max(mark.position - start, 0), len(name)), mark.name) for mark in passage.marks),
    )


Script = Sequence[Passage]


def plain(text: str) -> Script:
    """Return the script of a text without markup."""
    return (Passage(text, range(len(text) + 1)),)
