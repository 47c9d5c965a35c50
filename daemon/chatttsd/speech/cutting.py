"""Cut a script into segments, each with its manner, its marks and its rest, in the client's own positions."""

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import replace

from chatttsd.speech.alignment import positions
from chatttsd.speech.options import Kind
from chatttsd.speech.pauses import pause_after
from chatttsd.speech.script import Mark, Passage
from chatttsd.speech.segment import Segment, SegmentSettings, segments


def cut(script: Iterable[Passage], settings: SegmentSettings, sentence_seconds: float) -> Iterator[Segment]:
    """Yield the segments of all passages in order; only the first audible one is kept short.

    Every mark is in exactly one segment. A rest that a passage asks for follows its last segment; elsewhere
    it is what the punctuation asks for, by `sentence_seconds` after a sentence.
    """
    for passage in script:
        for segment in _of_passage(passage, settings, sentence_seconds):
            yield segment
            if segment.text:
                settings = replace(settings, first_max=settings.later_max)


def _of_passage(passage: Passage, settings: SegmentSettings, sentence_seconds: float) -> Iterator[Segment]:
    if passage.icon or not passage.text:
        yield _silent(passage)
        return
    pieces = iter(_pieces(passage, settings))
    piece = next(pieces)
    while True:
        following = next(pieces, None)
        yield _placed(piece, passage, sentence_seconds, last=following is None)
        if following is None:
            break
        piece = following


def _pieces(passage: Passage, settings: SegmentSettings) -> Iterator[Segment]:
    if passage.manner.kind is Kind.TEXT:
        return segments(passage.text, settings)
    return iter([Segment(0, len(passage.text), passage.text)])


def _silent(passage: Passage) -> Segment:
    return Segment(
        passage.origin[0],
        passage.origin[-1],
        "",
        manner=passage.manner,
        marks=tuple(Mark(0, mark.name) for mark in passage.marks),
        rest=passage.rest or 0.0,
        icon=passage.icon,
    )


def _placed(piece: Segment, passage: Passage, sentence_seconds: float, *, last: bool) -> Segment:
    """Return a segment of a passage with everything in its place."""
    source = passage.text[piece.start : piece.end]
    places = positions(source, piece.text)
    if last and passage.rest is not None:
        rest = passage.rest
    else:
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
