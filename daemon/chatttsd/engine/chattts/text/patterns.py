"""Patterns of the `regex` library, typed as those of `re`."""

import re

import regex

Match = re.Match[str]


def compiled(expression: str, *, ignore_case: bool = False) -> re.Pattern[str]:
    """Compile a pattern with Unicode properties, possessive repeats and open lookbehinds.

    Searching one with a start behind 0 still looks back beyond it.
    """
    pattern: re.Pattern[str] = regex.compile(expression, regex.IGNORECASE if ignore_case else 0)
    return pattern
