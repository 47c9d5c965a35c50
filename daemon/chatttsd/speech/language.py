"""Which language a text is in, and which parts of it another voice should say."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import regex

AUTO: Final = "auto"
LATIN_DEFAULT: Final = "en"
"""The language of Latin words inside a text of another script."""

_KANA: Final = regex.compile(r"[\p{Hiragana}\p{Katakana}]")
_HANGUL: Final = regex.compile(r"\p{Hangul}")
_HAN: Final = regex.compile(r"\p{Han}")
_LATIN: Final = regex.compile(r"\p{Latin}")
_UKRAINIAN: Final = regex.compile(r"[іїєґІЇЄҐ]")
_PERSIAN: Final = regex.compile(r"[پچژگ]")
_SCRIPTS: Final = {
    script: regex.compile(rf"\p{{{script}}}")
    for script in ("Cyrillic", "Greek", "Arabic", "Hebrew", "Devanagari", "Thai")
}
_LANGUAGES: Final = {
    "Cyrillic": "ru",
    "Greek": "el",
    "Arabic": "ar",
    "Hebrew": "he",
    "Devanagari": "hi",
    "Thai": "th",
}
_KANA_SHARE: Final = 0.2
"""Of Han and kana: Japanese has more kana than this, Chinese that quotes `の` less."""

_EAST_ASIAN: Final = frozenset(("zh", "cmn", "yue", "wuu", "ja", "ko"))

_WORD: Final = r"\p{Latin}[\p{Latin}\p{M}\p{N}_]*+(?:[.'’\-‐‑@/\\&+:_]{1,3}[\p{Latin}\p{N}]+)*+(?:\+\+|#)?"
_MEASURE: Final = r"\s?[年月日号时點点分秒个個块塊台条條次章节節页頁张張位人元倍岁歲天周週度%％]"
_FOREIGN: Final = regex.compile(
    rf"(?V1)(?P<latin>{_WORD}(?:[ \-]\d[\d.]*+\p{{Latin}}*+(?!{_MEASURE}))?[,.;:!?，。；：！？…”’\"')）]*+)"
    r"|(?P<wide>[\p{Han}\p{Hiragana}\p{Katakana}\p{Hangul}ー][\p{M}\p{Han}\p{Hiragana}\p{Katakana}\p{Hangul}ー]*+)"
)


@dataclass(frozen=True, slots=True)
class LanguageRun:
    """The characters start..end of a text and the BCP 47 language that they are in."""

    start: int
    end: int
    language: str


def resolve(text: str, wanted: str, default: str = LATIN_DEFAULT) -> str:
    """Return `wanted`, or for `auto` what the script of the text tells; `default` for Latin script."""
    if wanted != AUTO:
        return wanted
    return _east_asian(text) or _other_script(text) or default


def runs(text: str, language: str) -> list[LanguageRun]:
    """Split a segment of resolved `language` into runs, one a voice, that follow each other to `len(text)`.

    Latin words in Chinese, with the digits that belong to them (`GPT-4o`, `RTX 3060`), are English; digits
    and marks between the two are Chinese.
    """
    east = language if _primary(language) in _EAST_ASIAN else _east_asian(text)
    if not text or not east:
        return [LanguageRun(0, len(text), language)] if text else []
    latin = LATIN_DEFAULT if east == language else language
    return list(_joined(_parts(text, east, latin, language), len(text)))


def _parts(text: str, east: str, latin: str, language: str) -> Iterator[LanguageRun]:
    """Yield every stretch of words and of what is between them."""
    position, before = 0, ""
    for found in _FOREIGN.finditer(text):
        here = latin if found.lastgroup == "latin" else east
        if found.start() > position:
            yield LanguageRun(position, found.start(), here if before in ("", here) else east)
        yield LanguageRun(found.start(), found.end(), here)
        position, before = found.end(), here
    if position < len(text):
        yield LanguageRun(position, len(text), before or language)


def _joined(parts: Iterator[LanguageRun], length: int) -> Iterator[LanguageRun]:
    """Join neighbours of one language."""
    start, language = 0, ""
    for part in parts:
        if language and part.language != language:
            yield LanguageRun(start, part.start, language)
            start = part.start
        language = part.language
    yield LanguageRun(start, length, language)


def _east_asian(text: str) -> str:
    han, kana, hangul = (len(script.findall(text)) for script in (_HAN, _KANA, _HANGUL))
    if kana and kana >= _KANA_SHARE * (han + kana):
        return "ja"
    if hangul > han:
        return "ko"
    return "zh" if han else ""


def _other_script(text: str) -> str:
    counts = {script: len(found.findall(text)) for script, found in _SCRIPTS.items()}
    script = max(counts, key=lambda name: counts[name])
    if counts[script] <= len(_LATIN.findall(text)):
        return ""
    if script == "Cyrillic" and _UKRAINIAN.search(text):
        return "uk"
    return "fa" if script == "Arabic" and _PERSIAN.search(text) else _LANGUAGES[script]


def _primary(language: str) -> str:
    return language.partition("-")[0].lower()
