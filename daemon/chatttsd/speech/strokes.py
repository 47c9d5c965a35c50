"""Tells what a key stroke is answered with from what is read, by the whole text of an utterance."""

import re
from typing import Final

from chatttsd.speech.names import COMMON_KEYS, character_name, key_name

_MOST_WORDS: Final = 5
_BEHIND: Final = ",、，;；()[]{}（）《》〈〉【】「」『』“”‘’€£-–—«»"
"""What speech-dispatcher leaves behind its name, the dashes since 0.12; no mark that ends a sentence."""
_ENDS: Final = "。?"
_ENDS_NAMED: Final = frozenset({" dot dot dot...", " 省略号...", " 點點點...", " 句號。"})
_NAMED: Final = re.compile(
    rf" (?P<name>\w[\w'-]*(?: \w[\w'-]*){{,{_MOST_WORDS - 1}}})(?P<mark>[{re.escape(_ENDS + _BEHIND)}])"
)
_BARE: Final = frozenset({"space", "newline"})
"""How clients of SSIP write two characters; speech-dispatcher hands these words on in any language."""
_SPOKEN_KEYS: Final = frozenset(
    key_name(key, language).casefold() for key in COMMON_KEYS for language in ("en", "zh")
)


def stroke(text: str, language: str) -> str:
    """Return the name of what was typed, if a whole text is what answers a key stroke; else an empty string.

    That is the name of a key, as Orca sends it, if `key_name` leaves it as it is; or that of a character as
    speech-dispatcher sends it: a few words between two blanks, or behind one and before the character.
    """
    name = text.strip()
    if not name or text == f" {name} ":
        return name if len(name.split()) <= _MOST_WORDS else ""
    if text.startswith(" "):
        return _before_mark(text, language)
    spoken = name.casefold()
    as_it_is = spoken in _SPOKEN_KEYS and key_name(name, language).casefold() == spoken
    return name if as_it_is or spoken in _BARE else ""


def _before_mark(text: str, language: str) -> str:
    if text in _ENDS_NAMED:
        return text.strip(" .。")
    named = _NAMED.fullmatch(text)
    if named is None:
        return ""
    # A full stop or a question mark ends many a text, so that its name must be its own.
    sure = named["mark"] in _BEHIND or named["name"] == character_name(named["mark"], language)
    return named["name"] if sure else ""
