"""Emoji by name, or dropped."""

import unicodedata
from enum import StrEnum
from typing import Final

from .emoji_names import CHINESE, COUNTRIES, ENGLISH, SUBDIVISIONS
from .patterns import Match, compiled
from .speller import Speller


class EmojiStyle(StrEnum):
    """What becomes of emoji."""

    NAME = "name"
    DROP = "drop"


_NO_EMOJI: Final = r"[©®™ℹ‼⁉〰〽㊗㊙←-⇿⤀-⥿⬀-⬏Ⓜ0-9#*]"
_PART: Final = (
    rf"(?:(?!{_NO_EMOJI})(?:\p{{Emoji_Presentation}}|\p{{Extended_Pictographic}}))"
    r"[\ufe0e\ufe0f]?[\U0001F3FB-\U0001F3FF]?"
)
_EMOJI: Final = compiled(
    rf"(?P<flag>[\U0001F1E6-\U0001F1FF]{{2}})|(?P<lone>[\U0001F1E6-\U0001F1FF])|(?P<region>\U0001F3F4[\U000E0061-\U000E007A]{{2,6}}\U000E007F)"
    rf"|(?P<emoji>{_PART}(?:\u200d{_PART})*+)"
)
_RUN: Final = compiled(rf"(?:(?:{_EMOJI.pattern})[ ]*)+")
_KEYCAP: Final = compiled(r"[\ufe0e\ufe0f]?\u20e3")
_STYLING: Final = compiled(r"[\ufe0e\ufe0f\U0001F3FB-\U0001F3FF]")
_JOINER: Final = "\u200d"
_PEOPLE: Final = frozenset("👨👩👦👧🧑🧒👶👵👴")
_SIGNS: Final = frozenset("♀♂⚧")
_FEWEST_RELATIVES: Final = 2
_FLAG_LETTER: Final = 0x1F1E6
_TAG_LETTER: Final = 0xE0000


def name_emoji(text: str, speller: Speller, style: EmojiStyle) -> str:
    """Put the name of each emoji in brackets in its place, once for a row of equal ones, or drop them all."""
    text = _KEYCAP.sub("", text)
    if style is EmojiStyle.DROP:
        return _RUN.sub(" ", text)
    return _RUN.sub(lambda found: f" ({_names(found[0], speller)}) ", text)


def _names(row: str, speller: Speller) -> str:
    names = [_name(found, speller) for found in _EMOJI.finditer(row)]
    return ")(".join(dict.fromkeys(name for name in names if name))


def _name(found: Match, speller: Speller) -> str:
    if found["flag"]:
        return _flag(found["flag"], speller)
    if found["lone"]:
        return ""
    if found["region"]:
        code = "".join(chr(ord(tag) - _TAG_LETTER) for tag in found["region"][1:-1])
        return _of_country(SUBDIVISIONS.get(code, ("", "")), code, speller)
    return _of_sequence(_STYLING.sub("", found["emoji"]), speller)


def _flag(flag: str, speller: Speller) -> str:
    code = "".join(chr(ord(letter) - _FLAG_LETTER + ord("A")) for letter in flag)
    return _of_country(COUNTRIES.get(code, ("", "")), " ".join(code), speller)


def _of_country(names: tuple[str, str], code: str, speller: Speller) -> str:
    if speller.language == "zh":
        return f"{names[1] or code}国旗"
    return f"flag of {names[0] or code}"


def _of_sequence(emoji: str, speller: Speller) -> str:
    """Name a sequence as a whole where it has a name, else by its parts."""
    table = CHINESE if speller.language == "zh" else ENGLISH
    if emoji in table:
        return table[emoji]
    parts = [part for part in emoji.split(_JOINER) if part and part not in _SIGNS]
    if sum(part in _PEOPLE for part in parts) >= _FEWEST_RELATIVES:
        return {"zh": "一家人", "en": "family"}[speller.language]
    return " ".join(dict.fromkeys(_of_one(part, speller) for part in parts))


def _of_one(emoji: str, speller: Speller) -> str:
    if speller.language == "zh":
        return CHINESE.get(emoji, "表情")
    if emoji in ENGLISH:
        return ENGLISH[emoji]
    name = unicodedata.name(emoji[0], "emoji").lower().replace("-", " ")
    return name.removesuffix(" sign").removesuffix(" symbol").removeprefix("black ").removeprefix("white ")
