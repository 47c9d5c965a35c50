"""Remembers what was paused, and recognises it in what speech-dispatcher sends when it is to go on.

There is no command to resume: the server takes the body that it sent last for a new text of its client. Told
of RESTART_MARK it leaves its own marks out and begins where the message began, so that never only a part of
it comes: SSML gets one more `<speak>` in front, plain text loses `</speak>` and is wrapped,
`<speak> speak …</speak>` where symbol tables make words or blanks of every tag, else
`<speak>&lt;speak&gt;…</speak>`. Without that mark plain text is wrapped with `</speak>` and all marks in it.
Each pause adds such a layer, and no other text comes in one: what is compared is the body as it arrived last.
0.11.4 and 0.12 do the same.
"""

import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Final

from chatttsd.doors.speechd.markup import SERVER_MARK, Markup, words_in

_KEPT: Final = 8
"""Paused messages of different clients."""
_OPEN: Final = "<speak>"
_CLOSE: Final = "</speak>"
_ESCAPED_TWICE: Final = re.compile(r"&amp;(?=(?:lt|gt|amp|quot|apos);)")
_SERVER_MARK: Final = re.compile(rf"<mark name=\"{SERVER_MARK}[^<>]*>")
_TAG: Final = re.compile(r"<[^<>]*>")
_WRAPPED: Final = re.compile(r"[\s<]+speak[\s>]")
"""How the text of a wrapped message begins; no client's text does that by chance."""


@dataclass(frozen=True, slots=True)
class Resumed:
    """Say `markup` from `position` on, and keep quiet about these marks: the server no longer has them."""

    markup: Markup = field(repr=False)
    position: int
    untold: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class _Paused:
    body: str = field(repr=False)
    """As it arrived; what was said of it may be what an earlier one had."""
    markup: Markup = field(repr=False)
    position: int


class PauseMemory:
    """The messages that were paused last."""

    def __init__(self) -> None:
        self._paused: deque[_Paused] = deque(maxlen=_KEPT)

    def remember(self, markup: Markup, position: int, body: str | None = None) -> None:
        """Keep where a message stopped, an index into its source; `body` is what arrived if that differs."""
        # Not `markup` itself, which may have found its words by now.
        kept = Markup(markup.source)
        self._paused.append(_Paused(kept.source if body is None else body, kept, position))

    def recall(self, arrived: Markup) -> Resumed | None:
        """Return how to go on when this is a paused message that came back; it is forgotten then."""
        for paused in reversed(self._paused):
            resumed = _whole(paused, arrived) or _rest(paused, arrived)
            if resumed is not None:
                self._paused.remove(paused)
                return resumed
        return None


def _whole(paused: _Paused, arrived: Markup) -> Resumed | None:
    if not (
        _is_wrapped(paused.body, arrived)
        or _is_behind_a_root(paused.body, arrived.source)
        or _is_marked_twice(paused.body, arrived.source)
    ):
        return None
    gone = {name for name in paused.markup.marks if name.startswith(SERVER_MARK)} - arrived.marks.keys()
    return Resumed(paused.markup, paused.position, frozenset(gone))


def _is_wrapped(body: str, arrived: Markup) -> bool:
    """Tell whether a message is that body taken for plain text: its words, its tags' names among them."""
    if not _WRAPPED.match(arrived.plain):
        return False
    bare = _SERVER_MARK.sub("", body)
    # The last is that of a client which has turned to SSML since.
    shapes = (bare.partition(_CLOSE)[0], body, _OPEN + bare)
    return any(_same(words_in(shape), words_in(arrived.plain)) for shape in shapes)


def _is_behind_a_root(body: str, source: str) -> bool:
    """Tell whether a message is that SSML with `<speak>` in front, the server's marks aside.

    SSML that comes again unchanged is a new message.
    """
    if not source.startswith(_OPEN):
        return False
    before, after = (_SERVER_MARK.sub("", text) for text in (body, source[len(_OPEN) :]))
    return _TAG.findall(before) == _TAG.findall(after) and _same(words_in(before), words_in(after))


def _same(some: Iterator[str], others: Iterator[str]) -> bool:
    return all(one == other for one, other in zip_longest(some, others))


def _is_marked_twice(body: str, source: str) -> bool:
    """Tell whether a message is that SSML with the server's marks doubled, as without RESTART_MARK."""
    if _SERVER_MARK.sub("", body) != _SERVER_MARK.sub("", source):
        return False
    before, after = (len(_SERVER_MARK.findall(text)) for text in (body, source))
    return after > before


def _rest(paused: _Paused, arrived: Markup) -> Resumed | None:
    """Recognise the rest of a message that was escaped twice on its way, which must be undone."""
    if not _ESCAPED_TWICE.search(arrived.source):
        return None
    mended = Markup(_ESCAPED_TWICE.sub("&", arrived.source))
    old, new = ([word.text for word in markup.words] for markup in (Markup(paused.markup.source), mended))
    return Resumed(mended, 0) if new and old[-len(new) :] == new else None
