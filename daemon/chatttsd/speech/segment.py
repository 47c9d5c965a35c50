"""Cut a text into the segments that are synthesised one after the other, the first one short."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

import regex

from chatttsd.speech.boundaries import LONGEST, Atom, atoms
from chatttsd.speech.sanitise import sanitised_slice, spoken
from chatttsd.speech.script import PLAIN, Manner, Mark
from chatttsd.speech.seams import Level

LONGEST_GRAPHEME: Final = 64
"""Characters; a longer pile of combining marks is cut like a run of letters."""
_EARLIEST: Final = 0.25
"""Of the limit: a clause or space before this part leaves too much behind it."""

_GRAPHEME: Final = regex.compile(r"\X")


@dataclass(frozen=True, slots=True)
class SegmentSettings:
    """The configuration's `[segments]`: lengths in Chinese characters, a Latin letter is 0.4 of one."""

    first_max: float = 30.0
    """About 70 Latin characters: sound starts early."""
    later_max: float = 80.0
    """No segment is longer than 200 characters, whatever is set here."""
    short: float = 6.0
    """A sentence below this is said together with the next one where both fit."""
    tiny: float = 2.0
    """Below this also across the end of a paragraph: `1.`, `Hi.`."""

    def __post_init__(self) -> None:
        if not 0 <= self.tiny <= self.short <= self.first_max <= self.later_max or self.first_max < 1:
            raise ValueError(
                f"segments: got tiny={self.tiny:g}, short={self.short:g}, first_max={self.first_max:g}, "
                f"later_max={self.later_max:g}; allowed: 0 <= tiny <= short <= first_max <= later_max, "
                "1 <= first_max"
            )


@dataclass(frozen=True, slots=True)
class Segment:
    """The characters start..end of the text, and what is said for them; an empty `text` is silent."""

    start: int
    end: int
    text: str = field(repr=False)
    manner: Manner = PLAIN
    marks: tuple[Mark, ...] = ()
    """At positions of `text`, rising."""
    origin: Sequence[int] = field(default=(), repr=False)
    """For each character of `text` and its end: its index in what the client sent; empty if not asked for."""
    rest: float = 0.0
    """Seconds of silence between it and the next one."""
    rests_last: bool = False
    """Whether it rests at the end of the text, too: `rest` was asked for in seconds."""
    icon: str = ""
    """A short sound instead of the text, see `speech/icon.py`."""


DEFAULTS: Final = SegmentSettings()


def segment(text: str, settings: SegmentSettings = DEFAULTS) -> list[Segment]:
    """Return all segments: their ranges follow each other from 0 to `len(text)`."""
    return list(segments(text, settings))


def segments(text: str, settings: SegmentSettings = DEFAULTS) -> Iterator[Segment]:
    """Yield the segments in order, reading no more of the text than the next one needs.

    A segment ends at the end of a sentence, else of a clause, else at a space, else between two graphemes.
    `text` is as the client sent it: every segment is sanitised here.
    """
    cutter = _Cutter(text, settings)
    start = 0
    while (end := cutter.next_end()) is not None:
        end = _grapheme_end(text, start, end)
        if end <= start:
            continue
        piece = Segment(start, end, spoken(sanitised_slice(text, start, end)))
        yield piece
        start = end
        if piece.text:
            cutter.limit = settings.later_max


def _grapheme_end(text: str, start: int, end: int) -> int:
    """Move a cut behind the grapheme that it is in; graphemes longer than `LONGEST_GRAPHEME` are cut."""
    around = text[start : end + LONGEST_GRAPHEME]
    for grapheme in _GRAPHEME.finditer(around):
        if start + grapheme.end() >= end:
            cut_off = grapheme.end() == len(around) and start + len(around) < len(text)
            return end if cut_off else start + int(grapheme.end())
    return end


def _last_grapheme_start(text: str, start: int, end: int) -> int:
    """Move a cut before the grapheme that it is in, but not back to `start`."""
    boundary = start
    for grapheme in _GRAPHEME.finditer(text[start : end + 1]):
        if start + grapheme.end() > end:
            break
        boundary = start + int(grapheme.end())
    return boundary if boundary > start else end


class _Cutter:
    """Takes atoms until a segment is full and says where it ends; what was taken too much is put back."""

    def __init__(self, text: str, settings: SegmentSettings) -> None:
        self._text = text
        self._settings = settings
        self._atoms = atoms(text)
        self._returned: list[Atom] = []
        self.limit = settings.first_max

    def next_end(self) -> int | None:
        """Return where the next segment ends, or None behind the last one."""
        taken: list[Atom] = []
        weight, length = 0.0, 0
        while (atom := self._next()) is not None:
            size = atom.body - atom.start
            if weight + atom.weight > self.limit or length + size > LONGEST:
                return self._cut_before(taken, atom, self.limit - weight)
            taken.append(atom)
            weight, length = weight + atom.weight, length + size
            if self._is_end(atom.level, weight):
                return atom.end
        return taken[-1].end if taken else None

    def _next(self) -> Atom | None:
        return self._returned.pop() if self._returned else next(self._atoms, None)

    def _is_end(self, level: Level, weight: float) -> bool:
        enough = self._settings.tiny if level is Level.PARAGRAPH else self._settings.short
        return level >= Level.SENTENCE and weight >= enough

    def _cut_before(self, taken: list[Atom], atom: Atom, room: float) -> int:
        """Find the end of a segment for which `atom` is too much; there is `room` left before it."""
        keep = self._best_cut(taken)
        if keep is None and atom.elastic and room > self.limit / 2:
            return self._split(atom, room)
        if keep is None and not any(before.body > before.start for before in taken):
            return atom.end
        keep = len(taken) if keep is None else keep
        self._returned += [atom, *reversed(taken[keep:])]
        return taken[keep - 1].end

    def _best_cut(self, taken: list[Atom]) -> int | None:
        """Return how many atoms to keep so that the segment ends well, or None where no end is good."""
        enough = {
            Level.SENTENCE: self._settings.tiny,
            Level.CLAUSE: self.limit * _EARLIEST,
            Level.SPACE: self.limit * _EARLIEST,
        }
        best: dict[Level, int] = {}
        weight = 0.0
        for count, atom in enumerate(taken, 1):
            weight += atom.weight
            best |= {
                level: count for level, least in enough.items() if atom.level >= level and weight >= least
            }
        return next((best[level] for level in enough if level in best), None)

    def _split(self, atom: Atom, room: float) -> int:
        """Cut inside an atom at the last grapheme that fits, and put the rest of it back."""
        each = atom.weight / max(1, atom.body - atom.start)
        end = min(atom.start + max(1, min(int(room / each), LONGEST)), atom.body)
        end = _last_grapheme_start(self._text, atom.start, end)
        self._returned.append(atom._replace(start=end, weight=each * (atom.body - end)))
        return end
