"""SSML made into a script: a useful part of it, read leniently where its meaning is clear.

Tags that are not known are skipped and their text is said; markup is never read aloud, but `<说明>` without
an attribute or a slash is text, as people write it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from itertools import chain, pairwise
from typing import Final, NoReturn

from chatttsd.speech.language import AUTO, resolve
from chatttsd.speech.names import may_be_key
from chatttsd.speech.options import LONGEST_NAME, Kind, OptionError, language_tag
from chatttsd.speech.script import PLAIN, Manner, Script
from chatttsd.speech.ssml_sayas import CHARACTERS, KEY, Reading, read_as
from chatttsd.speech.ssml_script import ScriptBuilder
from chatttsd.speech.ssml_tokens import (
    END,
    START,
    SsmlError,
    Token,
    TokenKind,
    decoded,
    error_at,
    tags,
    tokens,
)
from chatttsd.speech.ssml_values import (
    PITCHES,
    RATES,
    VOLUMES,
    break_seconds,
    emphasis_factors,
    pitch_factor,
    rate_factor,
    volume_factor,
)
from chatttsd.speech.traced import Traced, spread

__all__ = ["DEEPEST", "SsmlError", "check_ssml", "parse_ssml"]

DEEPEST: Final = 64
"""How many elements may be open at once."""
LONGEST_MARK: Final = 256
"""Characters of a mark's name; a mark with a longer or unprintable one is skipped."""

_VOID: Final = frozenset({"mark", "break", "meta", "lexicon", "br", "hr", "img"})
"""They hold nothing, whether or not they are closed."""
_UNSPOKEN: Final = frozenset({"metadata", "desc"})
_SENTENCES: Final = frozenset({"s", "sentence", "li", "tr", "td", "th", "br"})
_PARAGRAPHS: Final = frozenset({"p", "paragraph", "div", "hr", "h1", "h2", "h3", "h4", "h5", "h6"})
"""Those of HTML among them part words that would run into each other."""
_REPEATED: Final = frozenset({"p", "s", "li"})
"""Never inside themselves: a second one ends the first one, as in HTML."""

Attributes = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class _Element:
    """An element that is open, and what its text inherits."""

    name: str = ""
    manner: Manner = PLAIN
    silent: bool = False
    reading: Reading | None = None
    alias: str = field(default="", repr=False)
    start: int = 0
    """Where its content begins."""


def parse_ssml(text: str) -> Script:
    """Return the script of SSML, with or without its `speak`; raises SsmlError."""
    return _Reader(text).read()


def check_ssml(text: str) -> None:
    """Raise the SsmlError that `parse_ssml` would raise, in a fifth of its time."""
    names = [""]
    for tag in tags(text):
        if tag.lastindex == END:
            _leave(names, tag[END].lower())
            continue
        name = tag[START].lower()
        if name == names[-1] and name in _REPEATED:
            names.pop()
        if name in _VOID:
            continue
        if len(names) > DEEPEST:
            _refuse_depth(text, text.rindex("<", 0, tag.start(START)))
        if tag.lastindex == START:
            names.append(name)


def _leave(names: list[str], name: str) -> None:
    """Drop the innermost open element of a name and those in it, if there is one."""
    if names[-1] == name:
        names.pop()
    elif name in names:
        while names.pop() != name:
            pass


def _refuse_depth(source: str, position: int) -> NoReturn:
    raise error_at(source, position, "elements are nested too deep", f"{DEEPEST} inside each other")


class _Reader:
    """Reads one document."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._open = [_Element()]
        self._script = ScriptBuilder()
        self._language = ""

    def read(self) -> Script:
        before: Token | None = None
        for token, after in pairwise(chain(tokens(self._source), (None,))):
            if token is not None:
                self._take(token, before, after)
            before = token
        self._close(1, len(self._source))
        return self._script.finish()

    def _take(self, token: Token, before: Token | None, after: Token | None) -> None:
        if token.kind is TokenKind.CDATA:
            self._text(Traced(self._source[token.start : token.end], range(token.start, token.end + 1)))
        elif token.kind is TokenKind.TEXT:
            piece = decoded(self._source, token.start, token.end)
            self._text(_unindented(piece, _indents(before), _indents(after)))
        elif token.kind is TokenKind.END:
            self._end(token)
        else:
            self._start(token)

    def _text(self, piece: Traced) -> None:
        element = self._open[-1]
        if element.silent:
            return
        if element.reading is None:
            self._script.add(piece, element.manner)
        elif element.reading.kind is CHARACTERS:
            self._script.spell(piece, element.manner)
        elif element.reading.kind is KEY and may_be_key(piece.text):
            self._script.say(piece, replace(element.manner, kind=Kind.KEY))
        else:
            self._script.add(read_as(piece, element.reading, self._language_of(element)), element.manner)

    def _language_of(self, element: _Element) -> str:
        self._language = self._language or resolve(self._source, AUTO)
        return element.manner.language or self._language

    def _start(self, token: Token) -> None:
        if token.name in _REPEATED and self._open[-1].name == token.name:
            self._close(len(self._open) - 1, token.start)
        parent = self._open[-1]
        if not parent.silent or (token.name == "mark" and not self._is_unspoken):
            self._empty(token)
        if token.name in _VOID:
            return
        if len(self._open) > DEEPEST:
            _refuse_depth(self._source, token.start)
        alias = token.attributes.get("alias", "").strip() if token.name == "sub" else ""
        self._open.append(
            _Element(
                token.name,
                _manner(token, parent.manner),
                parent.silent or token.name in _UNSPOKEN or bool(alias),
                _reading(token) or parent.reading,
                "" if parent.silent else alias,
                token.end,
            )
        )
        if token.kind is TokenKind.EMPTY:
            self._close(len(self._open) - 1, token.end)

    @property
    def _is_unspoken(self) -> bool:
        """Whether nothing is said here, not even by another name."""
        return any(element.name in _UNSPOKEN for element in self._open)

    def _empty(self, token: Token) -> None:
        """Do what a tag does by itself."""
        if token.name == "mark":
            name = token.attributes.get("name", "")
            if 0 < len(name) <= LONGEST_MARK and name.isprintable():
                self._script.mark(name, token.start)
        elif token.name == "break":
            seconds = break_seconds(token.attributes.get("time"), token.attributes.get("strength"))
            self._script.rest(seconds, token.start)
        else:
            self._bound(token.name, token.start)

    def _bound(self, name: str, position: int) -> None:
        if name in _SENTENCES:
            self._script.end_sentence(position)
        elif name in _PARAGRAPHS:
            self._script.end_paragraph(position)

    def _end(self, token: Token) -> None:
        """Close the innermost element of this name and those in it; an end without a start is skipped."""
        for depth in range(len(self._open) - 1, 0, -1):
            if self._open[depth].name == token.name:
                self._close(depth, token.start)
                return

    def _close(self, depth: int, position: int) -> None:
        """Close all elements from `depth` on, where their content ends."""
        while len(self._open) > depth:
            element = self._open.pop()
            if element.alias:
                self._script.add(spread(element.alias, element.start, position), element.manner)
            if not self._open[-1].silent:
                self._bound(element.name, position)


def _indents(neighbour: Token | None) -> bool:
    """Tell whether line breaks beside a token only lay the markup out: marks stand inside the text."""
    tags = (TokenKind.START, TokenKind.END, TokenKind.EMPTY)
    return neighbour is not None and neighbour.kind in tags and neighbour.name not in ("mark", "w", "token")


def _unindented(piece: Traced, at_start: bool, at_end: bool) -> Traced:
    """Make blanks of the line breaks beside tags."""
    said = piece.text
    body = said.strip()
    first = len(said) - len(said.lstrip()) if body else len(said)
    head, tail = said[:first], said[first + len(body) :]
    if at_start or (at_end and not body):
        head = _blanks(head)
    if at_end:
        tail = _blanks(tail)
    return Traced(head + body + tail, piece.origin)


def _blanks(blanks: str) -> str:
    return " " * len(blanks) if "\n" in blanks else blanks


def _manner(token: Token, parent: Manner) -> Manner:
    """Return the manner inside an element."""
    change = _MANNERS.get(token.name)
    manner = change(token.attributes, parent) if change else parent
    language = _language(token.attributes)
    return replace(manner, language=language) if language else manner


def _prosody(attributes: Attributes, manner: Manner) -> Manner:
    rate = _scaled(manner.rate, attributes.get("rate"), rate_factor, RATES)
    pitch = _scaled(manner.pitch, attributes.get("pitch"), pitch_factor, PITCHES)
    volume = _scaled(manner.volume, attributes.get("volume"), volume_factor, VOLUMES)
    return replace(manner, rate=rate, pitch=pitch, volume=volume)


def _scaled(
    now: float, value: str | None, factor_of: Callable[[str], float | None], limits: tuple[float, float]
) -> float:
    """Multiply by the factor that a value means, within limits; `default` is 1 again."""
    value = (value or "").strip().lower()
    factor = factor_of(value)
    wanted = 1.0 if value == "default" else now * (1.0 if factor is None else factor)
    return min(max(wanted, limits[0]), limits[1])


def _emphasis(attributes: Attributes, manner: Manner) -> Manner:
    rate, pitch, volume = emphasis_factors(attributes.get("level"))
    return replace(
        manner,
        rate=min(max(manner.rate * rate, RATES[0]), RATES[1]),
        pitch=min(max(manner.pitch * pitch, PITCHES[0]), PITCHES[1]),
        volume=min(manner.volume * volume, VOLUMES[1]),
    )


def _voice(attributes: Attributes, manner: Manner) -> Manner:
    """Take a voice's name; a voice that is asked for by its language alone is whichever speaks it."""
    name = attributes.get("name", "").strip()
    if 0 < len(name) <= LONGEST_NAME and name.isprintable():
        manner = replace(manner, voice=name)
    elif _language(attributes):
        manner = replace(manner, voice="")
    return manner


_MANNERS: Final = {"prosody": _prosody, "emphasis": _emphasis, "voice": _voice}


def _language(attributes: Attributes) -> str:
    """Return a BCP 47 tag, or nothing where there is none or no good one."""
    value = attributes.get("xml:lang") or attributes.get("lang") or attributes.get("languages", "")
    first = (value.split() or [""])[0].replace("_", "-")
    try:
        return "" if first.lower() in (AUTO, "und") else language_tag(first)
    except OptionError:
        return ""


def _reading(token: Token) -> Reading | None:
    if token.name != "say-as":
        return None
    return Reading.of(token.attributes.get("interpret-as", ""), token.attributes.get("format", ""))
