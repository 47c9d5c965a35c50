"""Passages become segments: manners kept apart, marks placed once, rests where they are asked for."""

from hypothesis import given
from hypothesis import strategies as st

from chatttsd.speech.cutting import cut
from chatttsd.speech.options import Kind
from chatttsd.speech.script import PLAIN, Manner, Mark, Natural, Passage, plain
from chatttsd.speech.segment import Segment, SegmentSettings, segment

SETTINGS = SegmentSettings()
SLOW = Manner(rate=0.5)


def passage(
    text: str, at: int = 0, manner: Manner = PLAIN, marks: tuple[Mark, ...] = (), rest: float | None = None
) -> Passage:
    return Passage(text, range(at, at + len(text) + 1), manner, marks, rest)


def ranges(found: list[Segment]) -> list[tuple[int, int, str]]:
    return [(item.start, item.end, item.text) for item in found]


TEXTS = [
    "Hello there, my dear friends. This is a second sentence, with a clause.\n\nA new paragraph!",
    "你好，世界。这是第二句话，它比第一句话长一些。",
    "=====\n",
    "",
]


def test_a_plain_text_is_cut_as_the_segmenter_cuts_it() -> None:
    for text in TEXTS[:3]:
        assert ranges(list(cut(plain(text), SETTINGS, 0.25))) == ranges(segment(text))


def test_a_sentence_rests_as_its_punctuation_asks_for() -> None:
    assert [item.rest for item in cut(plain(TEXTS[0]), SETTINGS, 0.25)] == [0.25, 0.45, 0.25]
    assert [item.rest for item in cut(plain("=====\n"), SETTINGS, 0.25)] == [0.0]


def test_passages_are_never_joined_and_keep_their_manner() -> None:
    script = (passage("a "), passage("b", 10, SLOW), passage(" c", 20))
    assert [(item.text, item.manner) for item in cut(script, SETTINGS, 0.25)] == [
        ("a", Manner()),
        ("b", SLOW),
        ("c", Manner()),
    ]


def test_only_the_first_audible_segment_is_short() -> None:
    long = "word " * 60
    script = (passage("", rest=0.1), passage(long), passage(long, 500))
    found = [item for item in cut(script, SETTINGS, 0.25) if item.text]
    lengths = {item.start: len(item.text) for item in found}
    assert lengths[0] < lengths[500]
    assert lengths[500] == len(segment(long, SegmentSettings(first_max=80.0))[0].text)


def test_a_rest_that_is_asked_for_follows_the_last_segment_of_its_passage() -> None:
    found = list(cut((passage(TEXTS[0], rest=2.0), passage("after", 200)), SETTINGS, 0.25))
    assert [item.rest for item in found] == [0.25, 0.45, 2.0, 0.0]
    assert [item.rest for item in cut((passage("", rest=1.5),), SETTINGS, 0.25)] == [1.5]


def test_a_character_is_one_segment_whatever_it_is() -> None:
    script = (passage(".", 3, Manner(kind=Kind.CHAR)),)
    assert ranges(list(cut(script, SETTINGS, 0.25))) == [(3, 4, ".")]


def test_an_icon_has_no_text() -> None:
    script = (Passage("A", range(7, 9), icon="capital"),)
    (found,) = cut(script, SETTINGS, 0.25)
    assert (found.start, found.end, found.text, found.icon) == (7, 8, "", "capital")


def test_a_mark_is_placed_in_what_is_said_and_in_what_the_client_sent() -> None:
    text = "one   two"
    origin = [*range(3), 50, 51, 52, *range(60, 64)]
    (found,) = cut((Passage(text, origin, marks=(Mark(6, "m"),)),), SETTINGS, 0.25)
    assert found.text == "one two"
    assert [(mark.position, mark.name) for mark in found.marks] == [(4, "m")]
    assert found.origin[found.marks[0].position] == 60
    assert (found.start, found.end) == (0, 63)


def test_marks_at_the_borders_are_in_one_segment_each() -> None:
    text = TEXTS[0]
    ends = [item.end for item in segment(text)]
    script = (passage(text, marks=tuple(Mark(place, str(place)) for place in (0, *ends))),)
    found = [[mark.name for mark in item.marks] for item in cut(script, SETTINGS, 0.25)]
    assert found == [["0"], [str(ends[0])], [str(ends[1]), str(ends[2])]]


def test_marks_of_a_passage_without_text_are_kept() -> None:
    script = (passage("", 9, marks=(Mark(0, "a"), Mark(0, "b"))),)
    (found,) = cut(script, SETTINGS, 0.25)
    assert [mark.name for mark in found.marks] == ["a", "b"]
    assert (found.start, found.end, found.text) == (9, 9, "")


@given(
    st.text(st.sampled_from("ab. ,!?\n你好。，=A1"), max_size=80),
    st.lists(st.integers(0, 80), max_size=8),
)
def test_no_mark_is_lost_doubled_or_out_of_order(text: str, places: list[int]) -> None:
    marks = tuple(Mark(min(place, len(text)), str(n)) for n, place in enumerate(sorted(places)))
    found = list(cut((passage(text, 5, marks=marks),), SETTINGS, 0.25))
    told = [mark.name for item in found for mark in item.marks]
    assert told == [mark.name for mark in marks]
    for item in found:
        assert all(0 <= mark.position <= len(item.text) for mark in item.marks)
        assert list(item.origin) == sorted(item.origin)
        assert not item.text or len(item.origin) == len(item.text) + 1


def test_only_a_rest_in_seconds_is_kept_at_the_end() -> None:
    asked = {"seconds": 0.5, "natural": Natural(0.5), "punctuation": None}
    for name, rest in asked.items():
        for text in ("One. Two.", ""):
            found = list(cut((passage(text, rest=rest),), SETTINGS, 0.25))
            assert [item.rests_last for item in found[:-1]] == [False] * (len(found) - 1)
            assert found[-1].rests_last is (name == "seconds")
