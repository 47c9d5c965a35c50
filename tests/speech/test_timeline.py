"""When words and marks are reached: by the words that an engine tells or an estimate, each exactly once."""

from hypothesis import given
from hypothesis import strategies as st

from chatttsd.speech.events import EventKind, SpeechEvent
from chatttsd.speech.script import Mark
from chatttsd.speech.segment import Segment
from chatttsd.speech.timeline import Timeline

TEXT = "one two three"
ORIGIN = list(range(100, 100 + len(TEXT) + 1))


def segment(*marks: Mark) -> Segment:
    return Segment(100, 113, TEXT, marks=marks, origin=ORIGIN)


def mark(place: int, name: str) -> SpeechEvent:
    return SpeechEvent(EventKind.MARK, place, place, name)


def word(start: int, end: int) -> SpeechEvent:
    return SpeechEvent(EventKind.WORD, start, end)


def test_sound_without_anything_reached_is_not_cut() -> None:
    timeline = Timeline(segment(), 1000)
    assert list(timeline.parts(500)) == [(0, 500, ())]
    assert timeline.rest() == ()


def test_a_word_cuts_the_sound_where_it_begins_in_the_clients_positions() -> None:
    timeline = Timeline(segment(), 1000)
    timeline.word(0, 3, 0)
    timeline.word(4, 7, 300)
    assert list(timeline.parts(500)) == [(0, 300, (word(100, 103),)), (300, 500, (word(104, 107),))]


def test_a_word_of_a_later_chunk_waits_for_it() -> None:
    timeline = Timeline(segment(), 1000)
    timeline.word(4, 7, 700)
    assert list(timeline.parts(500)) == [(0, 500, ())]
    assert list(timeline.parts(500)) == [(0, 200, ()), (200, 500, (word(104, 107),))]


def test_a_word_told_late_is_reached_at_once() -> None:
    timeline = Timeline(segment(), 1000)
    list(timeline.parts(500))
    timeline.word(4, 7, 100)
    assert list(timeline.parts(10)) == [(0, 10, (word(104, 107),))]


def test_a_mark_at_the_start_is_reached_with_the_first_sample() -> None:
    timeline = Timeline(segment(Mark(0, "a")), 1000)
    timeline.word(0, 3, 50)
    assert list(timeline.parts(100)) == [(0, 50, (mark(100, "a"),)), (50, 100, (word(100, 103),))]


def test_a_mark_is_reached_with_the_word_behind_it() -> None:
    timeline = Timeline(segment(Mark(3, "gap"), Mark(4, "two"), Mark(5, "inside")), 1000)
    timeline.word(0, 3, 0)
    timeline.word(4, 7, 400)
    timeline.word(8, 13, 700)
    assert list(timeline.parts(1000)) == [
        (0, 400, (word(100, 103),)),
        (400, 700, (mark(103, "gap"), mark(104, "two"), word(104, 107))),
        (700, 1000, (mark(105, "inside"), word(108, 113))),
    ]


def test_a_mark_behind_the_last_word_is_reached_with_the_end() -> None:
    timeline = Timeline(segment(Mark(13, "end")), 1000)
    timeline.word(0, 3, 0)
    list(timeline.parts(1000))
    assert timeline.rest() == (mark(113, "end"),)
    assert timeline.rest() == ()


def test_without_words_a_mark_is_where_the_share_of_the_text_before_it_ends() -> None:
    timeline = Timeline(segment(Mark(4, "two"), Mark(8, "three")), 1300)
    assert list(timeline.parts(1300)) == [
        (0, 400, ()),
        (400, 800, (mark(104, "two"),)),
        (800, 1300, (mark(108, "three"),)),
    ]


def test_sound_shorter_than_expected_loses_no_mark() -> None:
    timeline = Timeline(segment(Mark(8, "three")), 10_000)
    list(timeline.parts(100))
    assert timeline.rest() == (mark(108, "three"),)


def test_a_range_outside_of_the_text_is_no_word_but_still_passes_marks() -> None:
    timeline = Timeline(segment(Mark(4, "two")), 1000)
    timeline.word(90, 95, 10)
    assert list(timeline.parts(100)) == [(0, 10, ()), (10, 100, (mark(104, "two"),))]


def test_a_silent_segment_gives_its_marks() -> None:
    silent = Segment(5, 5, "", marks=(Mark(0, "a"), Mark(0, "b")))
    assert Timeline(silent, 0).rest() == (mark(5, "a"), mark(5, "b"))


@given(
    st.lists(st.integers(0, 13), max_size=6).map(sorted),
    st.lists(st.tuples(st.integers(0, 12), st.integers(0, 2000)), max_size=6),
    st.lists(st.integers(0, 700), max_size=8),
)
def test_every_mark_comes_once_in_order_and_every_sample_once(
    places: list[int], words: list[tuple[int, int]], chunks: list[int]
) -> None:
    timeline = Timeline(segment(*(Mark(place, str(n)) for n, place in enumerate(places))), 1000)
    samples = sorted(sample for _, sample in words)
    for (start, _), sample in zip(sorted(words), samples, strict=True):
        timeline.word(start, start + 1, sample)
    told: list[str] = []
    for chunk in chunks:
        at = 0
        for begin, end, events in timeline.parts(chunk):
            assert begin == at <= end
            at = end
            told += [event.name for event in events if event.kind is EventKind.MARK]
        assert at == chunk
    told += [event.name for event in timeline.rest() if event.kind is EventKind.MARK]
    assert told == [str(n) for n in range(len(places))]
