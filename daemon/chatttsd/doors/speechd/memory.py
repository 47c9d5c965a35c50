"""Remembers what was paused, and recognises it in what speech-dispatcher sends when it is to go on.

There is no command to resume: the server sends the message anew. Behind an index mark that it was told of it
sends the rest; without one (Chinese never has marks) it wraps the whole message once more:
`<speak> speak … speak </speak>` where its symbol tables are used, every tag become words or blanks, else
`<speak>&lt;speak&gt;…&lt;/speak&gt;</speak>`; a second pause wraps it again. 0.11.4 and 0.12 do the same.
"""

import re
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

from chatttsd.doors.speechd.markup import SERVER_MARK, Markup

_KEPT: Final = 8
"""Paused messages of different clients."""
_LAYERS: Final = 4
_WRAPPER: Final = "speak"
_WORDS_OF_MARK: Final = 8
_SPARE_WORDS: Final = 16
_ESCAPED_TWICE: Final = re.compile(r"&amp;(?=(?:lt|gt|amp|quot|apos);)")
_SERVER_MARK: Final = re.compile(rf"<mark name=\"{SERVER_MARK}\d+\"/>")
_CLIENT_TAG: Final = re.compile(r"<(?!/?speak>)[^<>]*>")


@dataclass(frozen=True, slots=True)
class Resumed:
    """Say `markup` from `position` on, and keep quiet about these marks: the server no longer has them."""

    markup: Markup = field(repr=False)
    position: int
    untold: frozenset[str] = frozenset()


class PauseMemory:
    """The messages that were paused last."""

    def __init__(self) -> None:
        self._paused: deque[Resumed] = deque(maxlen=_KEPT)

    def remember(self, markup: Markup, position: int) -> None:
        """Keep where a message stopped: an index into its source."""
        # Not `markup` itself, which may have found its words by now.
        self._paused.append(Resumed(Markup(markup.source), position))

    def recall(self, arrived: Markup) -> Resumed | None:
        """Return how to go on when this is a paused message that came back; it is forgotten then."""
        for paused in reversed(self._paused):
            resumed = _whole(paused, arrived) or _rest(paused, arrived)
            if resumed is not None:
                self._paused.remove(paused)
                return resumed
        return None


def _whole(paused: Resumed, arrived: Markup) -> Resumed | None:
    if not (_is_wrapped(paused.markup, arrived) or _is_repeated(paused.markup, arrived)):
        return None
    gone = {name for name in paused.markup.marks if name.startswith(SERVER_MARK)} - arrived.marks.keys()
    return Resumed(paused.markup, paused.position, frozenset(gone))


def _is_wrapped(paused: Markup, arrived: Markup) -> bool:
    """Tell whether a message is the paused one in a wrapper, its words in order and little between them."""
    layers = _layers(arrived)
    old, new = Markup(paused.source), layers[-1]
    if len(layers) == 1 and next(_texts(new), "") != _WRAPPER:
        return False
    after = sum(1 for _ in _texts(new))
    before = sum(1 for _ in islice(_texts(old), after + 1))
    if not 0 < before <= after:
        return False
    spare = _SPARE_WORDS + _WORDS_OF_MARK * len(old.marks) + before // 2
    return after - before <= spare and _in_order(_texts(old), _texts(new))


def _texts(markup: Markup) -> Iterator[str]:
    return (word.text for word in markup.each_word())


def _layers(arrived: Markup) -> list[Markup]:
    """Return a message, and what is found inside when its text is itself a message."""
    layers = [arrived]
    while len(layers) <= _LAYERS and layers[-1].plain.lstrip().startswith(f"<{_WRAPPER}>"):
        layers.append(Markup(layers[-1].plain))
    return layers


def _in_order(wanted: Iterable[str], among: Iterator[str]) -> bool:
    return all(word in among for word in wanted)


def _is_repeated(paused: Markup, arrived: Markup) -> bool:
    """Tell whether a client's own SSML came again: its marks doubled, or with nothing to count at all.

    Plain text that comes again unchanged is a new message: that of a resumed one is wrapped.
    """
    if not _CLIENT_TAG.search(arrived.source):
        return False
    before, after = (_SERVER_MARK.sub("", markup.source) for markup in (paused, arrived))
    if before != after:
        return False
    counts = [len(_SERVER_MARK.findall(markup.source)) for markup in (paused, arrived)]
    return counts[1] > counts[0] or bool(_CLIENT_TAG.search(after))


def _rest(paused: Resumed, arrived: Markup) -> Resumed | None:
    """Recognise the rest of a message that was escaped twice on its way, which must be undone."""
    if not _ESCAPED_TWICE.search(arrived.source):
        return None
    mended = Markup(_ESCAPED_TWICE.sub("&", arrived.source))
    old, new = ([word.text for word in markup.words] for markup in (Markup(paused.markup.source), mended))
    return Resumed(mended, 0) if new and old[-len(new) :] == new else None
