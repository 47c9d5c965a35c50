"""Cut a script into segments, each with its manner, its marks and its rest, in the client's own positions."""

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import replace

from chatttsd.speech.alignment import positions
from chatttsd.speech.options import RATES, Kind
from chatttsd.speech.pauses import pause_after
from chatttsd.speech.script import Mark, Natural, Passage
from chatttsd.speech.segment import Segment, SegmentSettings, segments


def cut(
    script: Iterable[Passage], settings: SegmentSettings, sentence_seconds: float, rate: float = 1.0
) -> Iterator[Segment]:
    """Yield the segments of all passages in order; only the first audible one is kept short.

    Every mark is in exactly one segment. A rest that a passage asks for follows its last segment; elsewhere
    it is what the punctuation asks for, by `sentence_seconds` after a sentence. The faster a passage is said,
    by its own rate and the utterance's, the shorter it rests, but for what was asked for in seconds.
    """
    for passage in script:
        pace = min(max(rate * passage.manner.rate, RATES[0]), RATES[1])
        for segment in _of_passage(passage, settings, sentence_seconds / pace, pace):
            yield segment
            if segment.text:
                settings = replace(settings, first_max=settings.later_max)


def _of_passage(
    passage: Passage, settings: SegmentSettings, sentence_seconds: float, pace: float
) -> Iterator[Segment]:
    natural = passage.rest is None or isinstance(passage.rest, Natural)
    asked = passage.rest / pace if passage.rest and natural else passage.rest
    if passage.icon or not passage.text:
        yield _silent(passage, asked or 0.0, rests_last=not natural)
        return
    pieces = iter(_pieces(passage, settings))
    piece = next(pieces)
    while True:
        following = next(pieces, None)
        last = following is None
        placed = _placed(piece, passage, sentence_seconds, asked if last else None, last=last)
        yield replace(placed, rests_last=last and not natural)
        if following is None:
            break
        piece = following


def _pieces(passage: Passage, settings: SegmentSettings) -> Iterator[Segment]:
    if passage.manner.kind is Kind.TEXT:
        return segments(passage.text, settings)
    return iter([Segment(0, len(passage.text), passage.text)])


def _silent(passage: Passage, rest: float, *, rests_last: bool) -> Segment:
    return Segment(
        passage.origin[0],
        passage.origin[-1],
        "",
        manner=passage.manner,
        marks=tuple(Mark(0, mark.name) for mark in passage.marks),
        rest=rest,
        rests_last=rests_last,
        icon=passage.icon,
    )


def _placed(
    piece: Segment, passage: Passage, sentence_seconds: float, rest: float | None, *, last: bool
) -> Segment:
    """Return a segment of a passage with everything in its place; without `rest` its punctuation decides."""
    source = passage.text[piece.start : piece.end]
    places = positions(source, piece.text)
    if rest is None:
        rest = pause_after(source, sentence_seconds) if piece.text else 0.0
    end = len(passage.text) + 1 if last else piece.end
    marks = (mark for mark in passage.marks if piece.start <= mark.position < end)
    return Segment(
        passage.origin[piece.start],
        passage.origin[piece.end],
        piece.text,
        manner=passage.manner,
        marks=tuple(
            Mark(min(bisect_left(places, mark.position - piece.start), len(piece.text)), mark.name)
            for mark in marks
        ),
        origin=[passage.origin[piece.start + place] for place in places],
        rest=rest,
    )
