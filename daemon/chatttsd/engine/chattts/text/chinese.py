"""Chinese numbers: cardinals with 两, digits, phone digits with 幺, codes."""

from collections.abc import Mapping
from typing import Final

from .speller import said_parts

_DIGITS: Final = "零一二三四五六七八九"
_PHONE_DIGITS: Final = "零幺二三四五六七八九"
_PLACES: Final = ("", "十", "百", "千")
_MYRIADS: Final = ("", "万", "亿", "万亿")
_MYRIAD: Final = 4
"""Digits of one group."""
_LONGEST: Final = 12
"""Digits; longer ones are identifiers rather than amounts."""
_LONGEST_CODE: Final = 2
"""Digits of a code that is said as a number; longer ones only when they are round."""

_SIGNS: Final = {
    ".": "点",
    "/": "斜杠",
    "\\": "反斜杠",
    "-": "杠",
    "_": "下划线",
    "?": "问号",
    "=": "等于",
    "&": "和",
    "#": "井号",
    "@": "at",
    ":": "冒号",
    "~": "波浪号",
    "%": "百分号",
    "+": "加",
    "*": "星号",
    "version": "版本",
    "to": "到",
    "about": "约",
    "minus": "负",
    "point": "点",
    "and": "和",
}


def cardinal(digits: str) -> str:
    """Say a whole number of up to `_LONGEST` digits: 200 is 两百, 12 is 十二."""
    if len(digits) > _LONGEST:
        return spelt(digits)
    trimmed = digits.lstrip("0")
    if not trimmed:
        return _DIGITS[0]
    said, zero = "", False
    for index, group in _groups(trimmed):
        if not int(group):
            zero = True
            continue
        said += "零" if said and (zero or group[0] == "0") else ""
        said += _group(group.lstrip("0")) + _MYRIADS[index]
        zero = False
    said = said.removeprefix("一") if said.startswith("一十") else said
    return "两" + said[1:] if said[0] == "二" and said[1:2] in ("百", "千", "万", "亿") else said


def _groups(digits: str) -> list[tuple[int, str]]:
    """Return groups of four digits from the highest, each with its place."""
    count = -(-len(digits) // _MYRIAD)
    padded = digits.rjust(count * _MYRIAD, "0")
    return [(count - 1 - n, padded[n * _MYRIAD : (n + 1) * _MYRIAD]) for n in range(count)]


def _group(digits: str) -> str:
    said, zero = "", False
    for place, digit in zip(range(len(digits) - 1, -1, -1), digits, strict=True):
        if digit == "0":
            zero = True
            continue
        said += ("零" if zero else "") + _DIGITS[int(digit)] + _PLACES[place]
        zero = False
    return said


def spelt(digits: str) -> str:
    """Say one digit after the other."""
    return "".join(_DIGITS[int(digit)] for digit in digits)


def counted(written: str, number: str) -> str:
    """Return `number` as it stands before a measure word: 2 is 两."""
    return "两" if written == "2" else number


class Chinese:
    """Chinese as a `Speller`."""

    language = "zh"
    signs: Mapping[str, str] = _SIGNS

    def cardinal(self, digits: str) -> str:
        """Say a whole number."""
        return cardinal(digits)

    def number(self, written: str) -> str:
        """Say digits with an optional decimal point and thousands commas."""
        said, decimals = said_parts(written, cardinal, spelt)
        return f"{said}点{decimals}" if decimals else said

    def digits(self, digits: str) -> str:
        """Say one digit after the other."""
        return spelt(digits)

    def code(self, digits: str) -> str:
        """Say 3060 as 三零六零, 200 as 二百, 15 as 十五."""
        if len(digits) > 1 and digits[0] == "0":
            return spelt(digits)
        if len(digits) <= _LONGEST_CODE:
            return cardinal(digits)
        if len(digits) <= _MYRIAD and not int(digits[1:]):
            return _group(digits)
        return spelt(digits)

    def phone(self, digits: str) -> str:
        """Say one group of a phone number, 1 as 幺."""
        return "".join(_PHONE_DIGITS[int(digit)] for digit in digits)

    def year(self, digits: str) -> str:
        """Say a year digit by digit."""
        return spelt(digits)


CHINESE: Final = Chinese()
