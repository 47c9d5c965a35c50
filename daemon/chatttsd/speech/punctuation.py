"""Which punctuation is said by its name at each level, and how it is put into a text."""

from typing import Final

import regex

from chatttsd.speech.abbreviations import dot_ends_sentence
from chatttsd.speech.names import character_name, is_chinese
from chatttsd.speech.options import Punctuation
from chatttsd.speech.rewriting import Rewriter
from chatttsd.speech.script import Passage

_SOME: Final = "#$%&*+/<=>@\\^_|~`€£¥￥‰°×÷±≈≠≤≥←→↑↓•■§¶©®™"
_MOST: Final = _SOME + '()[]{}":;-–—（）【】《》〈〉「」『』“”：；·'
_ALL: Final = _MOST + ",.!?'‘’，。、！？…"
"""The levels of screen readers: signs; then brackets, quotes and dashes; then everything."""
_ENDINGS: Final = frozenset(".!?。！？…,;:，；：、")
"""Kept behind their names where they end something: they decide how the sentence sounds."""
_WORD_BEFORE: Final = regex.compile(r"[\p{L}\p{M}\p{N}.'’\-]*\Z")
_WORD_BEHIND: Final = regex.compile(r"\s*([\p{L}\p{M}\p{N}'’]*)")
_LONGEST_WORD: Final = 32
_RUN: Final = 4
"""From so many of one character on, their count is said."""
_ENGLISH: Final = "en"

_WITHIN_WORDS: Final = r"(?<=\p{L})['’](?=\p{L})|(?<=\d)[.,](?=\d)"
_AS_SAID: Final = r"(?<=\d)[%‰°]|[$€£¥￥](?=\d)|(?<![^\s(（])[-+−±](?=\d)"
"""Engines say these by themselves, in their places: 50%, $5, -3."""


def _pattern(characters: str) -> "regex.Pattern[str]":
    named = regex.escape(characters, special_only=False)
    return regex.compile(rf"(?:{_WITHIN_WORDS}|{_AS_SAID})(*SKIP)(*FAIL)|([{named}])\1*+")


_NAMED: Final = {
    Punctuation.SOME: _pattern(_SOME),
    Punctuation.MOST: _pattern(_MOST),
    Punctuation.ALL: _pattern(_ALL),
}


def named(passage: Passage, level: Punctuation, language: str) -> Passage:
    """Return the passage with the names of the punctuation that the level names, in Chinese or else English.

    Marks that end a clause or sentence stay behind their names, others give way to them.
    """
    pattern = _NAMED.get(level)
    if pattern is None or not pattern.search(passage.text):
        return passage
    rewriter = Rewriter(passage)
    blank_at = 0
    for found in pattern.finditer(passage.text):
        rewriter.keep(found.start())
        ending = found[1] if _ends(passage.text, found.start(), found.end()) else ""
        before = "" if blank_at == found.start() or passage.text[found.start() - 1].isspace() else " "
        after = "" if ending or passage.text[found.end() : found.end() + 1].isspace() else " "
        blank_at = found.end() if after else -1
        rewriter.say(f"{before}{_names(found[0], language)}{ending}{after}", found.end())
    return rewriter.result()


def _ends(text: str, start: int, end: int) -> bool:
    """Tell whether the marks from `start` to `end` end a clause or sentence, as `e.g.` and `a.org` do not."""
    mark, behind = text[start], text[end : end + _LONGEST_WORD]
    if mark not in _ENDINGS or not mark.isascii():
        return mark in _ENDINGS
    if behind[:1].isascii() and behind[:1].isalnum():
        return False
    if mark != "." or end - start > 1 or not behind:
        return True
    before = _WORD_BEFORE.search(text[max(0, start - _LONGEST_WORD) : start])
    following = _WORD_BEHIND.match(behind)
    return not (before and before[0] and following) or dot_ends_sentence(before[0], following[1])


def _names(run: str, language: str) -> str:
    chinese = is_chinese(language)
    name = character_name(run[0], language) or character_name(run[0], _ENGLISH) or run[0]
    if len(run) >= _RUN:
        return f"{len(run)}个{name}" if chinese else f"{len(run)} {name}"
    return " ".join([name] * len(run))
