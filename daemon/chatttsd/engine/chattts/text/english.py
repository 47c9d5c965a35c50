"""English numbers: cardinals, ordinals, years, fractions, codes."""

from collections.abc import Mapping
from typing import Final

from .speller import in_order, said_parts

_ONES: Final = in_order("""
    zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen
    sixteen seventeen eighteen nineteen
""")
_TENS: Final = in_order("""
    . . twenty thirty forty fifty sixty seventy eighty ninety
""")
_SCALES: Final = ["", " thousand", " million", " billion", " trillion", " quadrillion"]
_LONGEST: Final = 12
"""Digits; longer ones are identifiers rather than amounts."""

_IRREGULAR: Final = {
    "one": "first",
    "two": "second",
    "three": "third",
    "five": "fifth",
    "eight": "eighth",
    "nine": "ninth",
    "twelve": "twelfth",
}
_CODE_GROUP: Final = 4
"""Digits; longer codes are said digit by digit."""

_SIGNS: Final = {
    ".": "dot",
    "/": "slash",
    "\\": "backslash",
    "-": "dash",
    "_": "underscore",
    "?": "question mark",
    "=": "equals",
    "&": "and",
    "#": "hash",
    "@": "at",
    ":": "colon",
    "~": "tilde",
    "%": "percent",
    "+": "plus",
    "*": "star",
    "version": "version",
    "to": "to",
    "about": "about",
    "minus": "minus",
    "point": "point",
    "and": "and",
}


def ordinal(digits: str) -> str:
    """Say `23` as `twenty third`."""
    head, space, last = cardinal(digits).rpartition(" ")
    if last in _IRREGULAR:
        return head + space + _IRREGULAR[last]
    return head + space + (last[:-1] + "ieth" if last.endswith("y") else last + "th")


def plural(word: str) -> str:
    """Return the plural of a number word: `twenties`, `sixths`."""
    if word.endswith("y"):
        return word[:-1] + "ies"
    return word + ("es" if word.endswith("x") else "s")


def cardinal(digits: str) -> str:
    """Say a whole number of up to `_LONGEST` digits, British style: `one hundred and five`."""
    if len(digits) > _LONGEST:
        return spelt(digits)
    value = int(digits)
    if value == 0:
        return "zero"
    parts = []
    for scale in _SCALES:
        value, group = divmod(value, 1000)
        if group:
            parts.append(_below_thousand(group) + scale)
    if len(parts) > 1 and int(digits[-3:]) and int(digits[-3:]) < 100:
        parts[0] = f"and {parts[0]}"
    return " ".join(reversed(parts))


def _below_thousand(value: int) -> str:
    hundreds, rest = divmod(value, 100)
    words = [f"{_ONES[hundreds]} hundred"] if hundreds else []
    if rest:
        words.append(_below_hundred(rest))
    return " and ".join(words)


def _below_hundred(value: int) -> str:
    if value < len(_ONES):
        return _ONES[value]
    tens, ones = divmod(value, 10)
    return _TENS[tens] + (f" {_ONES[ones]}" if ones else "")


def spelt(digits: str) -> str:
    """Say one digit after the other."""
    return " ".join(_ONES[int(digit)] for digit in digits)


def pair(digits: str) -> str:
    """Say two digits of a year or a time: `05` is `oh five`."""
    return f"oh {_ONES[int(digits)]}" if digits[0] == "0" else cardinal(digits)


class English:
    """English as a `Speller`."""

    language = "en"
    signs: Mapping[str, str] = _SIGNS

    def cardinal(self, digits: str) -> str:
        """Say a whole number."""
        return cardinal(digits)

    def number(self, written: str) -> str:
        """Say digits with an optional decimal point and thousands commas."""
        said, decimals = said_parts(written, cardinal, spelt)
        return f"{said} point {decimals}" if decimals else said

    def digits(self, digits: str) -> str:
        """Say one digit after the other."""
        return spelt(digits)

    def code(self, digits: str) -> str:
        """Say `4090` as `forty ninety`, `264` as `two sixty four`, `12700` digit by digit."""
        if len(digits) > _CODE_GROUP or (len(digits) > 1 and digits[0] == "0"):
            return spelt(digits)
        if len(digits) < 3 or digits.endswith("000"):
            return cardinal(digits)
        head, tail = digits[:-2], digits[-2:]
        return f"{cardinal(head)} hundred" if tail == "00" else f"{cardinal(head)} {pair(tail)}"

    def phone(self, digits: str) -> str:
        """Say one group of a phone number."""
        return spelt(digits)

    def year(self, digits: str) -> str:
        """Say `1984` as `nineteen eighty four`, `2005` as `two thousand five`."""
        if digits[1:3] == "00":
            ones = f" {_ONES[int(digits[3])]}" if digits[3] != "0" else ""
            return f"{_ONES[int(digits[0])]} thousand{ones}"
        return self.code(digits)


ENGLISH: Final = English()
