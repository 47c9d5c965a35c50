"""A text as a stream of atoms: the pieces that speech is never cut inside.

An atom is a word, number, URL, abbreviation, run of Han or emoji, with the marks and blanks behind it.
The text is read in blocks, so that the first atoms of a long text cost nothing for the rest of it.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final, NamedTuple

import regex

from chatttsd.speech.sanitise import sanitised_slice
from chatttsd.speech.seams import EMOJI, OPENING, WIDE, Level, Seam

if TYPE_CHECKING:
    from regex import Match

LONGEST: Final = 200
"""Characters; a token of at least this length may be cut inside, and no segment grows beyond it."""
NARROW: Final = 0.4
"""Weight of a character that is neither Han, kana, Hangul nor emoji, those being 1: their speech time."""

_BLOCK: Final = 1024
_AHEAD: Final = 2 * LONGEST
_BEHIND: Final = 64

_UNSPACED: Final = r"\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}\p{Tibetan}"
_INVISIBLE: Final = r"\u00ad\u200c\u200d\u2060\ufeff"
_LETTER: Final = rf"[[\p{{L}}\p{{M}}\p{{N}}_{_INVISIBLE}]--[{WIDE}{_UNSPACED}\p{{Hangul}}]]"
_PREFIX: Final = r"(?:(?<!\S)[-+−±~#@&$€£¥￥/\\.]{1,3}|[-+−±#@&$€£¥￥]{1,2}(?=\p{N}))?"
_CONNECTOR: Final = r"(?:%?[-~–]|[.'’‐‑@/\\&+:=°]|(?<=\p{N})[,．](?=\p{N}))"
_URL: Final = (
    r"(?:[A-Za-z][A-Za-z0-9+.\-]{1,11}://|www\.)[A-Za-z0-9_\-.~:/?#@!$&'()*+,;=%]*[A-Za-z0-9_\-~/#=%&]"
)
_MARK: Final = rf"(?:(?!{EMOJI})(?![$€£¥￥#@\-+−±]\p{{N}})[[\p{{P}}\p{{S}}]--[\p{{Ps}}‘“«‹]])"

_ATOM: Final = regex.compile(
    rf"(?V1){OPENING}{{0,16}}+"
    rf"(?:(?P<url>{_URL})"
    rf"|(?P<wide>[{WIDE}][{WIDE}\p{{M}}]*+)"
    rf"|(?P<unspaced>[{_UNSPACED}][{_UNSPACED}\p{{M}}]*+)"
    rf"|(?P<hangul>\p{{Hangul}}[\p{{Hangul}}\p{{M}}]*+)"
    rf"|(?P<token>{_PREFIX}{_LETTER}++(?:{_CONNECTOR}{_LETTER}++)*+)"
    rf"|(?P<emoji>{EMOJI}{{1,8}}+)"
    rf"|(?P<other>{_MARK}++|\S))?"
    rf"{_MARK}*+\s*+"
)
_AFTER_STOP: Final = regex.compile(r"(?V1)(?<=[[.~…]||\p{STerm}][\"'\p{Pf}\p{Pe}]?[^\S\n]?)")

_UNITS: Final = {"wide": 1.0, "hangul": 1.0, "emoji": 1.0}
_ELASTIC: Final = frozenset(("wide", "unspaced", "hangul", "emoji", "other"))


class Atom(NamedTuple):
    """A piece that is not cut unless `elastic`, and then only between graphemes."""

    start: int
    end: int
    body: int
    """Where its trailing blanks begin."""
    weight: float
    level: Level
    elastic: bool


def atoms(text: str) -> Iterator[Atom]:
    """Yield the atoms of the sanitised text, without a gap; each costs the same however long the text is."""
    position = 0
    while position < len(text):
        base, limit = max(0, position - _BEHIND), position + _BLOCK
        block = sanitised_slice(text, base, limit + _AHEAD)
        for match in _ATOM.finditer(block, position - base):
            if base + match.start() >= limit or match.start() == match.end():
                break
            yield _atom(match, block, base)
            position = base + match.end()


def speech_weight(text: str) -> float:
    """Return how long the text takes to say, in Chinese characters."""
    return sum(atom.weight for atom in atoms(text))


def _atom(match: "Match[str]", block: str, base: int) -> Atom:
    kind, whole = match.lastgroup or "", match[0]
    core = match[kind] if kind else ""
    body = whole.rstrip()
    weight = NARROW * (len(body) + (len(whole) > len(body))) + (_UNITS.get(kind, NARROW) - NARROW) * len(core)
    start = base + match.start()
    elastic = kind in _ELASTIC or len(body) >= LONGEST
    return Atom(start, start + len(whole), start + len(body), weight, _level(match, kind, block), elastic)


def _level(match: "Match[str]", kind: str, block: str) -> Level:
    marked = kind in ("", "other")
    after_core = block[match.start() if marked else match.end(kind) : match.end()]
    marks = after_core.rstrip()
    word = match[kind] if kind in ("token", "url") else ""
    seam = Seam(word, kind == "wide", marks, after_core[len(marks) :], block, match.end())
    level = seam.level()
    if kind == "emoji" and _AFTER_STOP.match(block, match.start()):
        return max(level, Level.SENTENCE)
    return level
