"""Chinese numbers."""

import pytest

from chatttsd.engine.chattts.text.chinese import CHINESE, counted

CARDINALS = {
    "0": "零",
    "2": "二",
    "10": "十",
    "12": "十二",
    "20": "二十",
    "100": "一百",
    "101": "一百零一",
    "110": "一百一十",
    "112": "一百一十二",
    "200": "两百",
    "1000": "一千",
    "1001": "一千零一",
    "1010": "一千零一十",
    "2200": "两千二百",
    "10000": "一万",
    "10001": "一万零一",
    "10100": "一万零一百",
    "20000": "两万",
    "12345": "一万二千三百四十五",
    "100000": "十万",
    "120000": "十二万",
    "1000000": "一百万",
    "100000000": "一亿",
    "100010000": "一亿零一万",
    "102000000": "一亿零二百万",
    "200000001": "两亿零一",
    "12345678": "一千二百三十四万五千六百七十八",
    "1234567890123": "一二三四五六七八九零一二三",
    "0012": "十二",
}


@pytest.mark.parametrize(("digits", "said"), CARDINALS.items())
def test_a_whole_number_is_said(digits: str, said: str) -> None:
    assert CHINESE.cardinal(digits) == said


def value(said: str) -> int:
    """Read a Chinese number below 10**12: the way back."""
    total = section = digit = 0
    for letter in said.replace("两", "二"):
        if letter in "零一二三四五六七八九":
            digit = "零一二三四五六七八九".index(letter)
        elif letter in "十百千":
            section += (digit or 1) * {"十": 10, "百": 100, "千": 1000}[letter]
            digit = 0
        else:
            total += (section + digit) * {"万": 10**4, "亿": 10**8}[letter]
            section = digit = 0
    return total + section + digit


@pytest.mark.parametrize("step", [1, 7, 97, 1_009, 99_991, 10_000_019, 7_777_777_777])
def test_a_number_can_be_read_back(step: int) -> None:
    for number in range(0, min(10**12, step * 300), step):
        assert value(CHINESE.cardinal(str(number))) == number


@pytest.mark.parametrize(
    ("written", "said"),
    [("0.5", "零点五"), ("1,234.50", "一千二百三十四点五零"), ("007", "零零七"), ("3.14", "三点一四")],
)
def test_a_decimal_number_is_said(written: str, said: str) -> None:
    assert CHINESE.number(written) == said


@pytest.mark.parametrize(
    ("digits", "said"),
    [
        ("4090", "四零九零"),
        ("200", "二百"),
        ("5000", "五千"),
        ("737", "七三七"),
        ("15", "十五"),
        ("05", "零五"),
        ("0", "零"),
        ("10000", "一零零零零"),
    ],
)
def test_a_code_is_said(digits: str, said: str) -> None:
    assert CHINESE.code(digits) == said


def test_one_has_another_name_in_phone_numbers_only() -> None:
    assert CHINESE.phone("110") == "幺幺零"
    assert CHINESE.digits("110") == "一一零"
    assert CHINESE.year("2011") == "二零一一"


def test_two_has_another_name_before_a_measure() -> None:
    assert counted("2", "二") == "两"
    assert counted("12", "十二") == "十二"
