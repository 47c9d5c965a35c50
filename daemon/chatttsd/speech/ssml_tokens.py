"""SSML as a stream of tags and text, read in one pass; what is no markup for certain is an error.

No library: expat refuses the stray `&` and `<` that clients do send, html.parser accepts what hides text.
"""

import re
from array import array
from collections.abc import Iterator, Mapping
from enum import Enum, auto
from html.entities import html5
from typing import Final, NamedTuple

from chatttsd.speech.traced import Traced

_PART: Final = r"[^\W\d][\w.\-]*+"
"""Of a name: XML allows the letters of all scripts."""
_NAME: Final = rf"{_PART}(?::{_PART})?"
_VALUE: Final = r"(?:\"[^\"<]*+\"|'[^'<]*+'|(?:[^\s\"'<>=/]++|/(?!>))+)"
_ATTRIBUTE: Final = re.compile(rf"\s++({_NAME})\s*+=\s*+({_VALUE})")
_TAG: Final = re.compile(rf"<({_NAME})((?:\s++{_NAME}\s*+=\s*+{_VALUE})*)\s*+(/?)>")
_END_TAG: Final = re.compile(rf"</({_NAME})\s*+>")
_CERTAIN: Final = rf"{_NAME}(?:(?:\s++{_NAME}\s*+=\s*+{_VALUE})+\s*+/?|\s*+/)>"
_MARKUP: Final = re.compile(rf"<(?=[A-Za-z_/]|!--|!\[|![A-Za-z]|\?[A-Za-z]|{_CERTAIN})")
"""A `<` before anything else is the sign itself: `a < b`, `<3`, `<-`, and `<说明>`, which people write; a tag
of another script than Latin has an attribute or a slash."""
_LOCAL: Final = rf"(?:{_PART}:)?({_PART})"
_TAGS: Final = re.compile(
    rf"(?:[^<]++|<(?![A-Za-z_/!?]|{_CERTAIN})|<!(?!--|\[|[A-Za-z])|<\?(?![A-Za-z])"
    r"|<!--.*?-->|<!\[CDATA\[.*?\]\]>|<\?.*?\?>)*"
    rf"(?:</{_LOCAL}\s*+>|<{_LOCAL}(?:\s++{_NAME}\s*+=\s*+{_VALUE})*\s*+(/)?>|(<)|\Z)",
    re.DOTALL,
)
"""The next tag behind everything that is none: what `_markup` reads, without its attributes."""
_ENTITY: Final = re.compile(r"&(?:#(\d++)|#[xX]([0-9A-Fa-f]++)|([A-Za-z][A-Za-z0-9]*+));", re.ASCII)
_SKIPPED: Final = {"<!--": "-->", "<?": "?>"}
_CDATA: Final = "<![CDATA["
_CDATA_END: Final = "]]>"
_LONGEST_NUMBER: Final = 8
"""Digits of a character's number with zeros before it."""


END, START, EMPTY, _BAD = 1, 2, 3, 4
"""The groups of `_TAGS`; the last one that has matched tells what a tag is."""


class SsmlError(ValueError):
    """What is wrong with the markup, where, and what is allowed; never the text."""


class TokenKind(Enum):
    """What a token is."""

    TEXT = auto()
    CDATA = auto()
    START = auto()
    END = auto()
    EMPTY = auto()


class Token(NamedTuple):
    """The characters start..end of the client's text; of a CDATA section only its content."""

    kind: TokenKind
    start: int
    end: int
    name: str = ""
    """Of a tag, in small letters, without a prefix."""
    attributes: Mapping[str, str] = {}
    """By their names in small letters, prefix included; entities are resolved."""


def tokens(text: str) -> Iterator[Token]:
    """Yield the tags and texts in order, comments and instructions left out; raises SsmlError."""
    position = 0
    while found := _MARKUP.search(text, position):
        start = found.start()
        if start > position:
            yield Token(TokenKind.TEXT, position, start)
        token, position = _markup(text, start)
        if token:
            yield token
    if position < len(text):
        yield Token(TokenKind.TEXT, position, len(text))


def tags(text: str) -> "Iterator[re.Match[str]]":
    """Yield the tags alone, several times quicker: the name's group is END or START, `lastindex` the kind.

    Raises the SsmlError that `tokens` raises.
    """
    for found in _TAGS.finditer(text):
        kind = found.lastindex
        if kind is None:
            return
        if kind == _BAD:
            _markup(text, found.start(_BAD))
        yield found


def decoded(text: str, start: int, end: int) -> Traced:
    """Return the characters start..end with entities resolved; unknown ones are text, as a lone `&` is."""
    parts: list[str] = []
    origin = array("I")
    position = start
    for entity in _ENTITY.finditer(text, start, end):
        character = _character(entity)
        if character:
            parts += [text[position : entity.start()], character]
            origin.extend(range(position, entity.start()))
            origin.extend([entity.start()] * len(character))
            position = entity.end()
    if not parts:
        return Traced(text[start:end], range(start, end + 1))
    parts.append(text[position:end])
    origin.extend(range(position, end + 1))
    return Traced("".join(parts), origin)


def error_at(source: str, position: int, wrong: str, allowed: str) -> SsmlError:
    """Return an error about what begins at a position of the text."""
    line = source.count("\n", 0, position) + 1
    column = position - source.rfind("\n", 0, position)
    return SsmlError(f"line {line}, character {column}: {wrong}; allowed: {allowed}")


def _markup(source: str, start: int) -> tuple[Token | None, int]:
    """Read what begins with the `<` at `start`; returns the token, if it is one, and where it ends."""
    if source.startswith(_CDATA, start):
        begin = start + len(_CDATA)
        end = _end_of(source, start, begin, _CDATA_END)
        return Token(TokenKind.CDATA, begin, end - len(_CDATA_END)), end
    for opening, closing in _SKIPPED.items():
        if source.startswith(opening, start):
            return None, _end_of(source, start, start + len(opening), closing)
    if source.startswith("<!", start):
        raise error_at(
            source,
            start,
            "a declaration such as DOCTYPE or ENTITY is refused",
            "elements, comments and CDATA",
        )
    token = _tag(source, start)
    return token, token.end


def _end_of(source: str, start: int, begin: int, closing: str) -> int:
    end = source.find(closing, begin)
    if end < 0:
        raise error_at(
            source, start, "a comment, CDATA section or instruction has no end", f"an end {closing}"
        )
    return end + len(closing)


def _tag(source: str, start: int) -> Token:
    if found := _END_TAG.match(source, start):
        return Token(TokenKind.END, start, found.end(), _local(found[1]))
    found = _TAG.match(source, start)
    if found is None:
        allowed = """<name attribute="value">, </name>, and &lt; for the sign itself"""
        raise error_at(source, start, "a tag is not complete", allowed)
    kind = TokenKind.EMPTY if found[3] else TokenKind.START
    return Token(kind, start, found.end(), _local(found[1]), _attributes(found[2]) if found[2] else {})


def _attributes(written: str) -> Mapping[str, str]:
    pairs = (found.groups() for found in _ATTRIBUTE.finditer(written))
    return {name.lower(): _value(value) for name, value in pairs}


def _value(written: str) -> str:
    bare = written[1:-1] if written[0] in "\"'" else written
    return decoded(bare, 0, len(bare)).text


def _local(name: str) -> str:
    return name.rpartition(":")[2].lower()


def _character(entity: "re.Match[str]") -> str:
    """Return what an entity stands for, a blank for a character that there is none of, or nothing."""
    decimal, hexadecimal, name = entity.groups()
    if name:
        return html5.get(f"{name};", "")
    digits = (decimal or hexadecimal).lstrip("0") or "0"
    code = int(digits, 10 if decimal else 16) if len(digits) <= _LONGEST_NUMBER else 0
    return chr(code) if 0 < code <= 0x10FFFF and not 0xD800 <= code <= 0xDFFF else " "
