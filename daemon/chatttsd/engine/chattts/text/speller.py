"""What every rule asks of a language: how it says numbers, codes and signs."""

from collections.abc import Callable, Mapping
from typing import Protocol


class Speller(Protocol):
    """The numbers and signs of one language; digits are strings of ASCII digits, leading zeros matter."""

    language: str
    """`en` or `zh`."""
    signs: Mapping[str, str]
    """What each sign of an address, a path or a formula is called."""

    def cardinal(self, digits: str) -> str:
        """Say a whole number; one too long for a number is said digit by digit."""

    def number(self, written: str) -> str:
        """Say digits with an optional decimal point and thousands commas."""

    def digits(self, digits: str) -> str:
        """Say one digit after the other."""

    def code(self, digits: str) -> str:
        """Say the digits of a model name or an address: `RTX 4090`, `H200`, `:8080`."""

    def phone(self, digits: str) -> str:
        """Say one group of a phone number."""

    def year(self, digits: str) -> str:
        """Say a year of four digits."""


Say = Callable[[str], str]
"""Says digits."""
Rule = Callable[[str, Speller], str]
"""Rewrites one run of one language; what it writes, later rules leave alone."""

NUMBER = r"[0-9]+(?:,[0-9]{3})*+(?:\.[0-9]+)?"
"""A number without a sign, thousands separated or not."""

ALONE = r"(?<![A-Za-z0-9_.])"
"""In front of something that does not continue a word or a number."""


def said_parts(written: str, cardinal: Say, spelt: Say) -> tuple[str, str]:
    """Return how a number's whole part and its decimals are said, the latter empty where there are none."""
    whole, _, decimals = plain(written).partition(".")
    said = spelt(whole) if len(whole) > 1 and whole[0] == "0" else cardinal(whole)
    return said, spelt(decimals)


def aside(words: str) -> str:
    """Set words apart from what is written directly beside them."""
    return f" {words} "


def is_one(written: str) -> bool:
    """Tell whether a number takes the singular."""
    return written == "1"


def plain(written: str) -> str:
    """Return a number without its thousands commas."""
    return written.replace(",", "")


def word_list(listed: str) -> frozenset[str]:
    """Return the words of a list in a string."""
    return frozenset(listed.split())


def in_order(listed: str) -> tuple[str, ...]:
    """Return the words of a list in a string in their order."""
    return tuple(listed.split())
