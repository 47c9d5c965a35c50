"""How long a text will sound, roughly: the measure for deadlines of an engine that hangs."""

from typing import Final

import regex

SHORTEST: Final = 0.3
"""Seconds; nothing that is said is shorter."""

_SYLLABLE: Final = regex.compile(r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Hangul}]")
_DIGIT: Final = regex.compile(r"\p{N}")
_WORD: Final = regex.compile(r"(?V1)[[\p{L}\p{M}'’]--[\p{Han}\p{Hiragana}\p{Katakana}\p{Hangul}]]++")
_SIGN: Final = regex.compile(r"[\p{S}@#%&*/\\]")

_SYLLABLES_PER_SECOND: Final = 5.0
_WORDS_PER_SECOND: Final = 2.7
_LETTERS_PER_SECOND: Final = 15.0
_SECONDS_PER_DIGIT: Final = 0.35
_SECONDS_PER_SIGN: Final = 0.5


def expected_seconds(text: str, rate: float = 1.0) -> float:
    """Return the rough length of the speech for `text` in seconds at `rate` (above 0), at least `SHORTEST`.

    Chinese has about 5 characters a second, English 2.7 words, each digit takes 0.35 s. Raises ValueError.
    """
    if not rate > 0:
        raise ValueError(f"rate: got {rate}, allowed: a number above 0")
    return max(SHORTEST, spoken_seconds(text) / rate)


def spoken_seconds(text: str) -> float:
    """Return the sum of what each part of `text` takes at rate 1, in seconds; 0 for nothing."""
    seconds = len(_SYLLABLE.findall(text)) / _SYLLABLES_PER_SECOND
    seconds += len(_DIGIT.findall(text)) * _SECONDS_PER_DIGIT + len(_SIGN.findall(text)) * _SECONDS_PER_SIGN
    for word in _WORD.findall(text):
        seconds += max(1 / _WORDS_PER_SECOND, len(word) / _LETTERS_PER_SECOND)
    return seconds
