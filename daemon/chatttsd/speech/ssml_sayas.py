"""What `say-as` asks for: text in words that any engine reads as it is meant, in Chinese and English."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from chatttsd.speech.names import is_chinese
from chatttsd.speech.traced import Traced, spread

CHARACTERS: Final = "characters"
KEY: Final = "key"
_ALIASES: Final = {
    "character": CHARACTERS, "characters": CHARACTERS, "char": CHARACTERS, "spell-out": CHARACTERS,
    "spell": CHARACTERS, "letters": CHARACTERS, "glyphs": CHARACTERS, "verbatim": CHARACTERS,
    "acronym": CHARACTERS, "key": KEY, "digits": "digits", "number:digits": "digits",
    "telephone": "telephone", "phone": "telephone", "ordinal": "ordinal", "number:ordinal": "ordinal",
    "date": "date", "time": "time",
}  # fmt: skip
"""Whatever is not here (`cardinal`, `currency`, ...) is read as the engines read it by themselves."""

_DIGITS_ZH: Final = dict(zip("0123456789", "零一二三四五六七八九", strict=True))
_ONE_ON_THE_PHONE: Final = "幺"
_MONTHS: Final = (
    "January", "February", "March", "April", "May", "June", "July",
    "August", "September", "October", "November", "December",
)  # fmt: skip
_SUFFIXES: Final = {1: "st", 2: "nd", 3: "rd"}
_TEENS: Final = range(10, 20)

_INTEGER: Final = re.compile(r"\d{1,15}", re.ASCII)
_DATE: Final = re.compile(r"(\d{1,4})(?:[-/. 年](\d{1,4})(?:[-/. 月](\d{1,4})日?)?)?", re.ASCII)
_TIME: Final = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2}))?\s?([AaPp])?\.?(?(4)[Mm]\.?)", re.ASCII)
_ISO: Final = re.compile(r"\d{4}-\d{1,2}(?:-\d{1,2})?", re.ASCII)
_MOST_MONTHS: Final = 12
_MOST_DAYS: Final = 31


@dataclass(frozen=True, slots=True)
class Reading:
    """How the text of a `say-as` is read."""

    kind: str
    layout: str = ""
    """Of a date: `dmy`, `ymd`, ..."""

    @classmethod
    def of(cls, interpret_as: str, layout: str) -> "Reading | None":
        """Return the reading that attributes ask for, None for the usual one."""
        wanted = interpret_as.strip().lower().removeprefix("vxml:").removeprefix("tts:")
        if wanted in ("number", "digits") and layout:
            wanted = f"number:{layout.strip().lower()}"
        kind = _ALIASES.get(wanted)
        return cls(kind, layout.strip().lower()) if kind else None


def read_as(piece: Traced, reading: Reading, language: str) -> Traced:
    """Return the text as it is read; what it does not understand is left as it is."""
    body = piece.text.strip()
    say = _READERS.get(reading.kind)
    said = say(body, reading.layout, is_chinese(language)) if say and body else ""
    return spread(said, piece.origin[0], piece.origin[-1]) if said else piece


def _digits(body: str, _layout: str, chinese: bool) -> str:
    if chinese:
        return "".join(_DIGITS_ZH.get(character, character) for character in body)
    return re.sub(r"(?<=\d)(?=\d)", " ", body, flags=re.ASCII)


def _telephone(body: str, layout: str, chinese: bool) -> str:
    comma = "，" if chinese else ", "
    grouped = re.sub(r"\s*[-–()/.\s]+\s*", comma, body.strip("() ")).strip(", ，")
    if chinese:
        said = _digits(grouped.replace("+", "加"), layout, chinese)
        return said.replace(_DIGITS_ZH["1"], _ONE_ON_THE_PHONE)
    return _digits(grouped.replace("+", "plus "), layout, chinese)


def _ordinal(body: str, _layout: str, chinese: bool) -> str:
    if not _INTEGER.fullmatch(body):
        return ""
    if chinese:
        return f"第{body}"
    number = int(body)
    return f"{number}{'th' if number % 100 in _TEENS else _SUFFIXES.get(number % 10, 'th')}"


def _date(body: str, layout: str, chinese: bool) -> str:
    found = _DATE.fullmatch(body)
    fields = [int(part) for part in found.groups() if part] if found else []
    order = layout if layout and set(layout) <= set("dmy") else "ymd" if _ISO.fullmatch(body) else ""
    if not fields or len(set(order)) != len(fields) or len(order) != len(fields):
        return ""
    parts = dict(zip(order, fields, strict=True))
    if not 1 <= parts.get("m", 1) <= _MOST_MONTHS or not 1 <= parts.get("d", 1) <= _MOST_DAYS:
        return ""
    return _date_zh(parts) if chinese else _date_en(parts)


def _date_zh(parts: Mapping[str, int]) -> str:
    return "".join(f"{parts[key]}{unit}" for key, unit in zip("ymd", "年月日", strict=True) if key in parts)


def _date_en(parts: Mapping[str, int]) -> str:
    month = _MONTHS[parts["m"] - 1] if "m" in parts else ""
    day = _ordinal(str(parts["d"]), "", chinese=False) if "d" in parts else ""
    monthly = " ".join(part for part in (month, day) if part)
    return ", ".join(part for part in (monthly, str(parts.get("y", ""))) if part)


def _time(body: str, _layout: str, chinese: bool) -> str:
    found = _TIME.fullmatch(body)
    if not chinese or found is None:
        return ""
    hour, minute, second, half = found.groups()
    day_part = {"a": "上午", "p": "下午"}.get((half or "").lower(), "")
    minutes = f"{int(minute)}分" if int(minute) or second else "整"
    return f"{day_part}{int(hour)}点{minutes}" + (f"{int(second)}秒" if second else "")


_READERS: Final[Mapping[str, Callable[[str, str, bool], str]]] = {
    "digits": _digits,
    "telephone": _telephone,
    "ordinal": _ordinal,
    "date": _date,
    "time": _time,
}
