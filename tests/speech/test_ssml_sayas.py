"""`say-as` in words that every engine reads alike."""

import pytest

from chatttsd.speech.ssml_sayas import CHARACTERS, KEY, Reading, read_as
from chatttsd.speech.traced import Traced


def said(text: str, kind: str, language: str, layout: str = "") -> str:
    reading = Reading.of(kind, layout)
    assert reading is not None
    return read_as(Traced(text, range(len(text) + 1)), reading, language).text


@pytest.mark.parametrize(
    "name", ["characters", "spell-out", "SPELL-OUT", "tts:char", "vxml:characters", "glyphs"]
)
def test_names_for_letter_by_letter(name: str) -> None:
    assert Reading.of(name, "") == Reading(CHARACTERS)


def test_other_readings_by_name() -> None:
    assert Reading.of("tts:key", "") == Reading(KEY)
    assert Reading.of("number", "ordinal") == Reading("ordinal", "ordinal")
    assert Reading.of("vxml:date", "DMY") == Reading("date", "dmy")
    assert [Reading.of(name, "") for name in ("cardinal", "currency", "number", "", "what")] == [None] * 5


@pytest.mark.parametrize(
    ("text", "kind", "layout", "english", "chinese"),
    [
        ("2024", "digits", "", "2 0 2 4", "二零二四"),
        ("A12", "digits", "", "A1 2", "A一二"),
        ("+86 138-1234", "telephone", "", "plus 8 6, 1 3 8, 1 2 3 4", "加八六，幺三八，幺二三四"),
        ("(010) 12", "telephone", "", "0 1 0, 1 2", "零幺零，幺二"),
        ("1", "ordinal", "", "1st", "第1"),
        ("12", "ordinal", "", "12th", "第12"),
        ("103", "ordinal", "", "103rd", "第103"),
        ("first", "ordinal", "", "first", "first"),
        ("2024-05-01", "date", "", "May 1st, 2024", "2024年5月1日"),
        ("5/1/2024", "date", "mdy", "May 1st, 2024", "2024年5月1日"),
        ("1.5.2024", "date", "dmy", "May 1st, 2024", "2024年5月1日"),
        ("12/2024", "date", "my", "December, 2024", "2024年12月"),
        ("3", "date", "d", "3rd", "3日"),
        ("2024", "date", "y", "2024", "2024年"),
        ("5/1/2024", "date", "", "5/1/2024", "5/1/2024"),
        ("13/1", "date", "md", "13/1", "13/1"),
        ("1/2", "date", "mm", "1/2", "1/2"),
        ("1/2", "date", "mdy", "1/2", "1/2"),
        ("today", "date", "mdy", "today", "today"),
        ("14:30", "time", "", "14:30", "14点30分"),
        ("9:00", "time", "hms24", "9:00", "9点整"),
        ("2:05:09 p.m.", "time", "hms12", "2:05:09 p.m.", "下午2点5分9秒"),
        ("11:00am", "time", "", "11:00am", "上午11点整"),
        ("noon", "time", "", "noon", "noon"),
        ("  ", "digits", "", "  ", "  "),
    ],
)
def test_readings(text: str, kind: str, layout: str, english: str, chinese: str) -> None:
    assert said(text, kind, "en-GB", layout) == english
    assert said(text, kind, "zh-CN", layout) == chinese


def test_what_is_read_is_spread_over_what_was_written() -> None:
    reading = Reading("digits")
    found = read_as(Traced("12", [7, 9, 11]), reading, "en")
    assert (found.text, list(found.origin)) == ("1 2", [7, 8, 9, 11])
