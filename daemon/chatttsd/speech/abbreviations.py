"""Whether a full stop behind a word ends a sentence: English abbreviations, initials and numbering."""

from typing import Final

import regex


def _words(listed: str) -> frozenset[str]:
    return frozenset(listed.split())


_TITLES: Final = _words("""
    dr mr mrs ms mx prof rev hon st sgt cpl col gen lt capt cmdr gov sen rep pres supt messrs mme mlle fr mt
    ft vs cf viz approx e.g i.e eg ie al ca dept univ
""")
"""Always followed by more of the sentence."""

_NUMBERED: Final = _words("no nos nr fig figs p pp vol vols ch chap sec eq eqs ex art par ver")
"""Followed by more of the sentence when a number comes next; `No.` is a sentence of its own otherwise."""

_CALENDAR: Final = _words("""
    Jan Feb Mar Apr Jun Jul Aug Sep Sept Oct Nov Dec Mon Tue Tues Wed Thu Thur Thurs Fri Sat Sun
""")
"""With a capital (`sat.` ends a sentence); more of it follows when a number or a small letter comes next."""

_TAILS: Final = _words("""
    etc inc ltd co corp jr sr bros a.m p.m am pm esq est ave blvd rd b.c a.d ph.d m.d b.a m.a
""")
"""May end a sentence: a capital letter behind them tells."""

_STARTERS: Final = _words("""
    a all an and are as at but by can did do does for from had has have he her here his how i if in is it
    its let my no not now of on or our she so some that the their then there these they this those to we were
    what when where which while who why will with would yes you your
""")
_DOTTED: Final = regex.compile(r"(?:\p{L}\.)+\p{L}")


def dot_ends_sentence(word: str, following: str) -> bool:
    """Tell whether the stop between `word` and the word `following` ends a sentence; at the end it does."""
    lower, initial = word.casefold(), following[:1]
    if not following:
        return True
    if lower in _TITLES:
        return False
    if lower in _NUMBERED:
        return not initial.isdigit()
    if word in _CALENDAR or lower in _TAILS:
        return not (initial.islower() or initial.isdigit())
    if _DOTTED.fullmatch(word) or (len(word) == 1 and word.isupper()):
        return following.casefold() in _STARTERS and not initial.islower()
    return True
