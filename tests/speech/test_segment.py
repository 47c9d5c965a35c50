"""Segments: complete, in order, at the ends of sentences, never inside what belongs together."""

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest
import regex
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chatttsd.speech.boundaries import LONGEST, speech_weight
from chatttsd.speech.sanitise import sanitise, sanitised_slice, spoken
from chatttsd.speech.segment import LONGEST_GRAPHEME, Segment, SegmentSettings, segment, segments
from support.segment_cases import SEGMENTS, SENTENCES

UNHURRIED = settings(
    deadline=None, suppress_health_check=[HealthCheck.too_slow]
)  # a busy machine is no fault

TEXTS = Path(__file__).parents[1] / "data" / "texts"
EVERY_SENTENCE = SegmentSettings(first_max=80, later_max=80, short=0, tiny=0)

WORDS = st.sampled_from(
    [
        "Hello",
        "world,",
        "Dr.",
        "Smith.",
        "e.g.",
        "U.S.",
        "3.14",
        "v0.2.5",
        "9:05",
        "https://a.org/b?c=d",
        "x@y.org",
        "GPT-4o!",
        "…",
        "...",
        "\n",
        "\r\n",
        "(",
        ")",
        "“",
        "”",
        '"',
        "'",
        ";",
        "-",
        "你好",
        "世界，",
        "再见。",
        "什么？！",
        "「好」",
        "。”",
        "：",
        "2026年",
        "3.5℃",
        "👍🏽",
        "👨\u200d👩\u200d👧",
        "🇩🇪🇫🇷",
        "é",
        "ก็",
        "한국어",
        "かな",
        "\u200d",
        "[laugh]",
    ]
)
MIXED = st.lists(st.tuples(WORDS, st.sampled_from(["", " ", "  "])), max_size=120).map(
    lambda pairs: "".join(word + gap for word, gap in pairs)
)
ANY = st.text(st.characters(exclude_categories=()), max_size=400)
TEXT = ANY | MIXED

ADVERSARIES = {
    "letter": "a",
    "han": "好",
    "dots": ".",
    "dots and spaces": ". ",
    "round brackets": "(",
    "square brackets": "[",
    "quotes": '"',
    "emoji": "😂",
    "flags": "🇩",
    "family": "👨‍👩‍👧",
    "endless emoji": "👩\u200d",
    "tags": "\U0001f3f4\U000e0067\U000e0062",
    "zalgo": "a" + "\u0301" * 50,
    "marks": "\u0301",
    "blanks": " ",
    "newlines": "\n",
    "short lines": "a\n",
    "controls": "\x01",
    "surrogates": "\ud800",
    "soft hyphens": "a\u00ad",
    "joiners": "\u200d",
    "schemes": "http://",
    "broken urls": "http://....",
    "www": "www.",
    "at signs": "a@",
    "commas": "1,",
    "initials": "a.",
    "abbreviations": "Dr. ",
    "two scripts": "你a",
    "bangs": "x!",
    "opening quotes": "“a",
    "hangul": "한국",
    "thai": "สวัสดี",
    "arabic": "السلام ",
    "long gaps": "a" + " " * 300,
}


def marked(text: str, pieces: list[Segment]) -> str:
    return "¦".join(text[piece.start : piece.end] for piece in pieces)


def assert_partition(text: str, pieces: list[Segment]) -> None:
    edges = [0, *itertools.chain.from_iterable((piece.start, piece.end) for piece in pieces), len(text)]
    assert edges[::2] == edges[1::2]
    assert all(piece.start < piece.end for piece in pieces)


@pytest.mark.parametrize("case", SENTENCES)
def test_a_sentence_is_cut_at_its_end_and_nowhere_else(case: str) -> None:
    text = case.replace("¦", "")
    assert marked(text, segment(text, EVERY_SENTENCE)) == case


@pytest.mark.parametrize("case", SEGMENTS)
def test_segments_of_the_default_lengths(case: str) -> None:
    text = case.replace("¦", "")
    assert marked(text, segment(text)) == case


def test_the_tables_hold_at_least_a_hundred_different_cases() -> None:
    assert len({*SENTENCES, *SEGMENTS}) >= 100


SENTENCE_ENDS = {
    "udhr-zh.txt": ["一律平等。", "精神相对待。", "任何区别。", "人身安全。", "予以禁止。", "或刑罚。"],
    "udhr-en.txt": [
        "and rights.",
        "of brotherhood.",
        "or other status.",
        "security of person.",
        "all their forms.",
        "punishment.",
    ],
    "mixed.txt": [
        "降水概率40%。",
        "下载速度 12MB/s。",
        "(about ¥8,900).",
        "，分机 12。",
        "99.9%……",
        "我没事！",
        "isn't it?",
        "看日志。",
        "10%~60%。”",
        "（真的吗？）",
        "C# 的区别。",
        "Wi-Fi 6E。",
        "太好了!!! 😂",
        "我想想。",
    ],
}


@pytest.mark.parametrize("name", sorted(SENTENCE_ENDS))
def test_whole_texts_are_cut_at_every_sentence_end_and_else_only_at_clauses(name: str) -> None:
    pieces = [piece.text for piece in segment((TEXTS / name).read_text(encoding="utf-8"))]
    ends = [piece for piece in pieces if not piece.endswith((",", "，", "；", ";", "、"))]
    assert len(ends) == len(SENTENCE_ENDS[name])
    assert all(piece.endswith(end) for piece, end in zip(ends, SENTENCE_ENDS[name], strict=True))


@UNHURRIED
@given(TEXT)
def test_ranges_partition_the_text_and_the_spoken_text_is_that_of_the_range(text: str) -> None:
    pieces = segment(text)
    assert_partition(text, pieces)
    clean = sanitise(text)
    assert all(piece.text == spoken(clean[piece.start : piece.end]) for piece in pieces)


@UNHURRIED
@given(TEXT)
def test_graphemes_are_never_cut(text: str) -> None:
    cuts = {piece.end for piece in segment(text)}
    inside = {
        position
        for grapheme in regex.finditer(r"\X", text)
        if len(grapheme[0]) < LONGEST_GRAPHEME
        for position in range(grapheme.start() + 1, grapheme.end())
    }
    assert not cuts & inside


@UNHURRIED
@given(TEXT)
def test_no_segment_is_longer_than_the_hard_limit(text: str) -> None:
    assert all(len(piece.text) <= LONGEST + LONGEST_GRAPHEME for piece in segment(text))


@UNHURRIED
@given(
    st.lists(
        st.sampled_from(["word", "lovely", "好的", "世界", "today,", "，", "。", "end.", "1.5"]), max_size=150
    )
)
def test_no_segment_weighs_more_than_its_limit(words: list[str]) -> None:
    text = " ".join(words)
    pieces = segment(text)
    heard = next((number for number, piece in enumerate(pieces) if piece.text), 0)
    assert all(speech_weight(text[p.start : p.end]) <= 30 + 0.01 for p in pieces[: heard + 1])
    assert all(speech_weight(text[p.start : p.end]) <= 80 + 0.01 for p in pieces)


@UNHURRIED
@given(
    st.lists(
        st.sampled_from(["https://a.org/b?c=d,e", "3.1415926", "1,234.50", "x.y@z.org", "U.S.A", "a.tar.gz"])
    )
)
def test_tokens_are_never_cut(words: list[str]) -> None:
    text = "".join(f"{word} 和 " for word in words)
    spans = [match.span() for match in regex.finditer(r"[!-~]+", text)]
    cuts = [piece.end for piece in segment(text)]
    assert not any(start < cut < end for start, end in spans for cut in cuts)


@pytest.mark.timeout(20)  # a square in the length takes minutes
@pytest.mark.parametrize("unit", ADVERSARIES.values(), ids=ADVERSARIES)
def test_a_hundred_thousand_characters_of_anything_are_segmented(unit: str) -> None:
    text = (unit * (100_000 // len(unit) + 1))[:100_000]
    pieces = segment(text)
    assert_partition(text, pieces)
    assert max(len(piece.text) for piece in pieces) <= LONGEST + LONGEST_GRAPHEME


def characters_read(monkeypatch: pytest.MonkeyPatch, text: str, take: int | None) -> int:
    """Count the characters that are sanitised and classified for the first `take` segments."""
    count = 0

    def counting(text: str, start: int, end: int) -> str:
        nonlocal count
        count += min(end, len(text)) - start
        return sanitised_slice(text, start, end)

    with monkeypatch.context() as patch:
        patch.setattr("chatttsd.speech.boundaries.sanitised_slice", counting)
        list(itertools.islice(segments(text), take))
    return count


@pytest.mark.parametrize("unit", ADVERSARIES.values(), ids=ADVERSARIES)
def test_the_work_grows_with_the_length_of_the_text_not_its_square(
    monkeypatch: pytest.MonkeyPatch, unit: str
) -> None:
    small = (unit * 20_000)[:20_000]
    large = (unit * 80_000)[:80_000]
    assert characters_read(monkeypatch, large, None) <= 5 * characters_read(monkeypatch, small, None)


@pytest.mark.parametrize("unit", ["a", "好", "你好，世界。", "Some words here. ", "😂", "https://a.b/c "])
def test_the_first_segment_does_not_wait_for_the_rest_of_the_text(
    monkeypatch: pytest.MonkeyPatch, unit: str
) -> None:
    assert characters_read(monkeypatch, unit * 100_000, 1) < 4_000


def test_segments_come_lazily_and_are_the_same_as_the_list() -> None:
    text = "One sentence here. Another one there. 第三句话在这里。" * 30
    lazy = segments(text)
    assert isinstance(lazy, Iterator)
    assert [next(lazy), *lazy] == segment(text)


def test_an_empty_text_has_no_segments_and_blanks_have_one_silent_one() -> None:
    assert segment("") == []
    assert segment(" \n ") == [Segment(0, 3, "")]


def test_silent_pieces_do_not_use_up_the_short_first_segment() -> None:
    pieces = segment("-" * 80 + "\n" + "word " * 60)
    first = next(piece for piece in pieces if piece.text)
    assert speech_weight(first.text) <= 30


def test_a_chinese_run_without_any_mark_is_cut_between_characters() -> None:
    assert [piece.end for piece in segment("好世" * 100)] == [30, 110, 190, 200]


def test_control_tokens_of_the_model_reach_no_segment() -> None:
    assert not any(
        "[" in piece.text or "]" in piece.text for piece in segment("[laugh]好[uv_break] ［Stts］[" * 50)
    )


def test_a_segment_does_not_show_its_text() -> None:
    assert "secret" not in repr(segment("secret words"))


@pytest.mark.parametrize(
    "values",
    [
        {"first_max": 0.5, "short": 0, "tiny": 0},
        {"later_max": 10},
        {"short": 31},
        {"tiny": 7},
        {"tiny": -1},
        {"first_max": float("nan")},
    ],
)
def test_settings_that_cannot_work_are_refused_with_what_is_allowed(values: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="allowed: 0 <= tiny <= short <= first_max <= later_max"):
        SegmentSettings(**values)


@pytest.mark.parametrize(
    ("text", "weight"), [("", 0), ("你好", 2), ("hello", 2), ("好 a", 1.8), ("한국", 2), ("👍", 1)]
)
def test_speech_weight_counts_a_chinese_character_as_one(text: str, weight: float) -> None:
    assert speech_weight(text) == pytest.approx(weight)
