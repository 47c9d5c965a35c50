"""Which parts of a segment are said in English and which in Chinese."""

from collections.abc import Iterator
from typing import Final

from .chinese import CHINESE
from .english import ENGLISH
from .patterns import compiled
from .speller import Speller, word_list

_HAN: Final = compiled(r"[\u4e00-\u9fff]")
_CHINESE_SIGN: Final = compiled(r"[\u4e00-\u9fff，。、；：《》「」『』]")
_WORD: Final = compiled(r"[A-Za-z]+(?:'[A-Za-z]+)?")
_STRETCH: Final = compiled(r"[^\u4e00-\u9fff，。、；：《》「」『』]+")
_GLUED_FIRST: Final = compiled(r"-?[0-9][0-9.,:/%°-]*+(?![A-Za-z])")
_GLUED_LAST: Final = compiled(r"(?<![A-Za-z0-9._/-])[0-9][0-9.,:]*+$")
_FUNCTION_WORDS: Final = word_list("""
    an and are as at be been but by can could did do does don't doesn't for from had has have he her his
    how i'm i've if in is isn't it it's its let's may me my need no not of on or our said she should so
    than that the their them then there they this to us was we we're were what when where which who why
    will with would you your
""")
_FEWEST_WORDS: Final = 2
"""Of a stretch between Chinese characters that is read as English."""

_CHINESE_LANGUAGES: Final = frozenset(("zh", "cmn", "yue", "wuu"))


def is_chinese(language: str) -> bool:
    """Tell whether a BCP 47 language is written in Chinese."""
    return language.partition("-")[0].lower() in _CHINESE_LANGUAGES


def main_speller(text: str, language: str) -> Speller:
    """Return the language that most of a segment is in; `language` decides where there are no words."""
    han, words = len(_HAN.findall(text)), len(_WORD.findall(text))
    if han or words > 1:
        return CHINESE if han > words else ENGLISH
    return CHINESE if is_chinese(language) else ENGLISH


def runs(text: str, language: str) -> Iterator[tuple[str, Speller]]:
    """Split a segment into runs that make it up again, each with its speller.

    A stretch of Latin letters inside Chinese is English only if it is a phrase of it: `RTX 3060` and
    `Python 3.11` take Chinese numbers, unless most of the segment is English. A number right beside a
    Chinese character is Chinese.
    """
    if not _CHINESE_SIGN.search(text):
        chinese = is_chinese(language) and not _is_phrase(text)
        yield text, CHINESE if chinese else ENGLISH
        return
    start, english = 0, main_speller(text, language) is ENGLISH and _is_phrase(text)
    for found in _STRETCH.finditer(text):
        if english or _is_phrase(found[0]):
            first, last = _phrase(text, found.start(), found.end())
            yield text[start:first], CHINESE
            yield text[first:last], ENGLISH
            start = last
    yield text[start:], CHINESE


def _is_phrase(stretch: str) -> bool:
    words = _WORD.findall(stretch)
    return len(words) >= _FEWEST_WORDS and any(
        word.casefold() in _FUNCTION_WORDS and not word.isupper() for word in words
    )


def _phrase(text: str, start: int, end: int) -> tuple[int, int]:
    """Leave the numbers that touch a Chinese character outside of an English stretch."""
    if _HAN.match(text, max(0, start - 1)) and (glued := _GLUED_FIRST.match(text, start, end)):
        start = glued.end()
    if _HAN.match(text, end) and (glued := _GLUED_LAST.search(text, start, end)):
        end = glued.start()
    return start, end
