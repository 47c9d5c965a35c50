"""English numbers."""

import pytest

from chatttsd.engine.chattts.text.english import ENGLISH, ordinal, pair, plural

CARDINALS = {
    "0": "zero",
    "7": "seven",
    "13": "thirteen",
    "20": "twenty",
    "21": "twenty one",
    "100": "one hundred",
    "101": "one hundred and one",
    "110": "one hundred and ten",
    "999": "nine hundred and ninety nine",
    "1000": "one thousand",
    "1001": "one thousand and one",
    "1100": "one thousand one hundred",
    "12345": "twelve thousand three hundred and forty five",
    "100000": "one hundred thousand",
    "1000000": "one million",
    "1000005": "one million and five",
    "2000000000": "two billion",
    "1234567890123": "one two three four five six seven eight nine zero one two three",
}


@pytest.mark.parametrize(("digits", "said"), CARDINALS.items())
def test_a_whole_number_is_said(digits: str, said: str) -> None:
    assert ENGLISH.cardinal(digits) == said


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("0.5", "zero point five"),
        ("1,234.50", "one thousand two hundred and thirty four point five zero"),
        ("007", "zero zero seven"),
        ("3.14", "three point one four"),
        ("00.1", "zero zero point one"),
    ],
)
def test_a_decimal_number_is_said(written: str, said: str) -> None:
    assert ENGLISH.number(written) == said


@pytest.mark.parametrize(
    ("digits", "said"),
    [
        ("1", "first"),
        ("2", "second"),
        ("3", "third"),
        ("4", "fourth"),
        ("5", "fifth"),
        ("8", "eighth"),
        ("9", "ninth"),
        ("12", "twelfth"),
        ("20", "twentieth"),
        ("23", "twenty third"),
        ("100", "one hundredth"),
        ("101", "one hundred and first"),
        ("1000", "one thousandth"),
    ],
)
def test_an_ordinal_is_said(digits: str, said: str) -> None:
    assert ordinal(digits) == said


@pytest.mark.parametrize(
    ("digits", "said"),
    [
        ("4090", "forty ninety"),
        ("3060", "thirty sixty"),
        ("200", "two hundred"),
        ("264", "two sixty four"),
        ("404", "four oh four"),
        ("8080", "eighty eighty"),
        ("1000", "one thousand"),
        ("1500", "fifteen hundred"),
        ("12700", "one two seven zero zero"),
        ("05", "zero five"),
        ("0", "zero"),
        ("86", "eighty six"),
    ],
)
def test_a_code_is_said_in_pairs(digits: str, said: str) -> None:
    assert ENGLISH.code(digits) == said


@pytest.mark.parametrize(
    ("digits", "said"),
    [
        ("1984", "nineteen eighty four"),
        ("1900", "nineteen hundred"),
        ("1905", "nineteen oh five"),
        ("2000", "two thousand"),
        ("2005", "two thousand five"),
        ("2010", "twenty ten"),
        ("2026", "twenty twenty six"),
    ],
)
def test_a_year_is_said(digits: str, said: str) -> None:
    assert ENGLISH.year(digits) == said


def test_numbers_without_a_place_are_said_digit_by_digit() -> None:
    assert ENGLISH.digits("1203") == "one two zero three"
    assert ENGLISH.phone("911") == "nine one one"
    assert pair("05") == "oh five"
    assert pair("30") == "thirty"


@pytest.mark.parametrize(("one", "many"), [("eighty", "eighties"), ("third", "thirds"), ("six", "sixes")])
def test_number_words_have_a_plural(one: str, many: str) -> None:
    assert plural(one) == many
