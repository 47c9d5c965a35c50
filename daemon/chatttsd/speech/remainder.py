"""What is left of a text when the voice breaks off in the middle: another voice goes on there."""

from typing import Final

import regex

from chatttsd.speech.expected import spoken_seconds

_UNIT: Final = regex.compile(
    r"(?V1)[\p{Han}\p{Hiragana}\p{Katakana}\p{Hangul}]\p{M}*+"
    r"|[^\s\p{Han}\p{Hiragana}\p{Katakana}\p{Hangul}]++"
)
"""What is never cut: a Chinese character, or a word with the marks at it."""


def remainder(text: str, heard: float, rate: float = 1.0) -> str:
    """Return the text that `heard` seconds of it at `rate` leave unspoken, by its expected length.

    Rounded back to the start of a word or Chinese character, so that none is lost: one that was cut off is
    said again. Nothing heard leaves the whole text, all of the expected length or more leaves nothing.
    """
    if heard <= 0:
        return text
    spent = 0.0
    for unit in _UNIT.finditer(text):
        spent += spoken_seconds(unit[0]) / rate
        if spent > heard:
            return text[unit.start() :]
    return ""
