"""The reader of numbers: wetext where it is right, our own spellers where it is not."""

import sys

import pytest

from chatttsd.engine.chattts.text.chinese import CHINESE
from chatttsd.engine.chattts.text.english import ENGLISH
from chatttsd.engine.chattts.text.numbers import NumberReader, spelt, wetext


def broken(clause: str) -> str:
    raise RuntimeError(f"no path for {len(clause)} characters")


def reader(answer: str) -> NumberReader:
    return NumberReader(english=lambda _: answer, chinese=lambda _: answer)


def read(numbers: NumberReader, text: str) -> str:
    return " ".join(numbers(text, ENGLISH).split())


def test_a_normaliser_that_raises_loses_no_word() -> None:
    numbers = NumberReader(english=broken, chinese=broken)
    assert read(numbers, "the 3 dogs of 1984") == "the three dogs of nineteen eighty four"
    assert numbers("共有12个，2026年", CHINESE).replace(" ", "") == "共有十二个，二零二六年"


@pytest.mark.parametrize(
    "answer", ["", "three", "the three", "dogs the three", "the 3 dogs", "the three dogs\x00", "the → dogs"]
)
def test_an_answer_without_the_words_is_not_used(answer: str) -> None:
    assert read(reader(answer), "the 3 dogs") == "the three dogs"


def test_words_keep_the_case_that_they_were_written_in() -> None:
    assert read(reader("on the fifth of july, john"), "on 5 July John") == "on five July John"
    assert read(reader("five of july john"), "5 July John") == "five of July John"


def test_a_clause_is_asked_for_once() -> None:
    asked: list[str] = []

    def answer(clause: str) -> str:
        asked.append(clause)
        return "the three dogs"

    numbers = NumberReader(english=answer, chinese=broken)
    for _ in range(3):
        numbers("the 3 dogs", ENGLISH)
    assert asked == ["the 3 dogs"]


def test_a_text_without_digits_is_not_asked_for() -> None:
    assert NumberReader(english=broken, chinese=broken)("no digit, here", ENGLISH) == "no digit, here"


def test_a_long_clause_is_read_without_the_normaliser() -> None:
    text = "word " * 60 + "5"
    assert read(reader("nothing"), text).endswith("word five")


def test_clauses_are_cut_at_marks_but_not_inside_a_number() -> None:
    asked: list[str] = []
    numbers = NumberReader(english=lambda clause: asked.append(clause) or "", chinese=broken)  # type: ignore[func-returns-value] # a lambda that notes
    numbers("one 1.5, two 2; three 3. four 4", ENGLISH)
    assert [clause.strip() for clause in asked] == ["one 1.5", "two 2", "three 3", "four 4"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("2个", "两个"),
        ("一共2次", "一共两次"),
        ("2年级", "二年级"),
        ("12个", "十二个"),
        ("第2个", "第二个"),
        ("2位数", "两位数"),
        ("2.2米", "二点二米"),
    ],
)
def test_two_of_something_is_another_word(text: str, said: str) -> None:
    numbers = NumberReader(english=broken, chinese=broken)
    assert numbers(text, CHINESE).replace(" ", "") == said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("第2个", "第二个"),
        ("前2个", "前两个"),
        ("今天是2日", "今天是二日"),
        ("停留2日", "停留两日"),
        ("下午2点", "下午两点"),
        ("2点5", "二点五"),
        ("收于11.23", "收于十一点二三"),
    ],
)
def test_wetext_does_not_decide_what_two_and_a_decimal_are(text: str, said: str) -> None:
    assert NumberReader()(text, CHINESE).replace(" ", "") == said


def test_wetext_reads_both_languages() -> None:
    assert wetext("en")("in 1984") == "in nineteen eighty four"
    assert wetext("zh")("共12个") == "共十二个"


def test_without_wetext_numbers_are_still_said(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(sys.modules, "wetext", None)
    numbers = NumberReader()
    assert read(numbers, "the 3 dogs of 1984") == "the three dogs of nineteen eighty four"
    assert {record.message[:27] for record in caplog.records} == {"wetext cannot be loaded, nu"}


def test_our_own_spellers_read_every_number() -> None:
    assert " ".join(spelt("1 and 2.5", ENGLISH).split()) == "one and two point five"
