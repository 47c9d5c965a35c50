"""The numbers that no other rule has said: read by wetext, or by our own spellers where it fails."""

import logging
from collections.abc import Callable
from functools import lru_cache
from typing import Final

from .chinese import CHINESE
from .chinese_counts import in_context
from .english import ENGLISH
from .patterns import Match, compiled
from .speller import Speller, aside

_log: Final = logging.getLogger(__name__)

Normalise = Callable[[str], str]

_CLAUSE: Final = compiled(r"(?:[^,.;!?\n，。、；()（）:\"|]|(?<=[0-9])[.](?=[0-9]))+")
_NUMBER: Final = compiled(r"[0-9]+(?:\.[0-9]+)?")
_DIGIT: Final = compiled(r"[0-9]")
_LONGEST_CLAUSE: Final = 200
"""Characters; a longer clause is read without its context, so that time stays bounded."""
_REMEMBERED: Final = 512
"""Clauses."""

_WORD: Final = compiled(r"[A-Za-z]+|[\u4e00-\u9fff]")
_GARBAGE: Final = compiled(r"[^A-Za-z\u4e00-\u9fff\s'\-]")


class NumberReader:
    """Says the digits that are left in a run.

    `english` and `chinese` normalise one clause: wetext's unless given. A clause for which they raise, lose
    a word or leave something else than words is said by our own spellers.
    """

    def __init__(self, english: Normalise | None = None, chinese: Normalise | None = None) -> None:
        english = english or wetext("en")
        chinese = chinese or wetext("zh")
        self._read = {
            language: lru_cache(_REMEMBERED)(
                lambda clause, one=normalise, speller=speller: _said(clause, one, speller)
            )
            for language, normalise, speller in (("en", english, ENGLISH), ("zh", chinese, CHINESE))
        }

    def __call__(self, text: str, speller: Speller) -> str:
        """Return the run without a digit."""
        if not _DIGIT.search(text):
            return text
        if speller.language == "zh":
            text = in_context(text, speller)
        return _CLAUSE.sub(lambda found: self._clause(found, speller), text)

    def _clause(self, found: Match, speller: Speller) -> str:
        clause = found[0]
        if not _DIGIT.search(clause):
            return str(clause)
        if len(clause) > _LONGEST_CLAUSE:
            return spelt(clause, speller)
        return self._read[speller.language](clause)


def wetext(language: str) -> Normalise:
    """Return wetext's normaliser for `en` or `zh`; loading both takes half a second.

    Where wetext cannot be loaded this is logged, and the result leaves every digit to our own spellers.
    """
    try:
        from wetext import Normalizer
    except (ImportError, OSError) as error:
        _log.warning("wetext cannot be loaded, numbers are read without their context: %s", error)
        return str
    normaliser = Normalizer(lang=language, operator="tn", fix_contractions=False)
    return lambda clause: str(normaliser.normalize(clause))


def spelt(text: str, speller: Speller) -> str:
    """Say every number with our own speller."""
    return _NUMBER.sub(lambda found: aside(_one(found[0], speller)), text)


def _one(written: str, speller: Speller) -> str:
    looks_like_year = len(written) == 4 and written[:2] in ("18", "19", "20") and speller.language == "en"
    return speller.year(written) if looks_like_year else speller.number(written)


def _said(clause: str, normalise: Normalise, speller: Speller) -> str:
    try:
        said = normalise(clause)
    except Exception:
        return spelt(clause, speller)
    words = _kept(clause, said)
    if words is None or _GARBAGE.search(said):
        return spelt(clause, speller)
    return f" {words} "


def _kept(clause: str, said: str) -> str | None:
    """Return `said` with its words written as in the clause, or None where one of them is missing."""
    wanted = _WORD.findall(clause)
    pieces, position, index = [], 0, 0
    for found in _WORD.finditer(said):
        if index < len(wanted) and found[0].casefold() == wanted[index].casefold():
            pieces += [said[position : found.start()], wanted[index]]
            position, index = found.end(), index + 1
    return "".join([*pieces, said[position:]]) if index == len(wanted) else None
