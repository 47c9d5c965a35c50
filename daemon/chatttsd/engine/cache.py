"""Finished sound in memory: a byte-bounded LRU, so that what was said once is heard again at once.

Nothing is written to a disk, and no text is kept: a key is a digest under a secret of this process.
"""

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Final

from chatttsd.engine.api import Word
from chatttsd.speech.statistics import CacheFigures

Key = bytes
"""What makes two requests the same sound; see `cached.Shelf.key`."""

MEGABYTE: Final = 1 << 20
LARGEST_SHARE: Final = 8
"""An entry over 1/8 of the budget is not kept: it would push out too many others."""
PINNED_SHARE: Final = 4
"""At most 1/4 of the budget is pinned."""
ENTRY_BYTES: Final = 512
"""What an entry costs beside its sound."""
WORD_BYTES: Final = 128
"""What a word costs."""


@dataclass(frozen=True, slots=True)
class CacheSettings:
    """The configuration's `[cache]`."""

    megabytes: int = 64
    """How much finished sound is kept in memory, for sentences that come again and for key echo; 0: none."""
    echo: bool = True
    """Have ChatTTS say letters, digits, signs and keys while nothing is spoken, for key echo."""


@dataclass(frozen=True, slots=True)
class Entry:
    """The whole sound of one request, and the words that were told with it."""

    pcm: bytes = field(repr=False)
    words: tuple[Word, ...] = field(default=(), repr=False)

    @property
    def size(self) -> int:
        """What it takes of the budget, in bytes."""
        return len(self.pcm) + ENTRY_BYTES + WORD_BYTES * len(self.words)


class PcmCache:
    """Keeps at most `megabytes` of entries; what was used longest ago goes first, what is pinned stays.

    `figures` tells bytes and entries at any time; hits and misses are counted by those who look.
    """

    def __init__(self, megabytes: int, figures: CacheFigures) -> None:
        self.figures = figures
        self._budget = megabytes * MEGABYTE
        self._recent: OrderedDict[Key, Entry] = OrderedDict()
        self._pinned: dict[Key, Entry] = {}
        self._bytes = 0
        self._pinned_bytes = 0

    @property
    def largest(self) -> int:
        """The size of the largest entry that is kept; 0 when nothing is."""
        return self._budget // LARGEST_SHARE

    def resize(self, megabytes: int) -> None:
        """Use another budget; what does not fit it goes."""
        self._budget = megabytes * MEGABYTE
        if self._pinned_bytes > self._budget // PINNED_SHARE:
            self.unpin()
        self._shrink()

    def __contains__(self, key: Key) -> bool:
        return key in self._pinned or key in self._recent

    def get(self, key: Key) -> Entry | None:
        """Return an entry, which counts as its use."""
        if key in self._pinned:
            return self._pinned[key]
        if key in self._recent:
            self._recent.move_to_end(key)
        return self._recent.get(key)

    def put(self, key: Key, entry: Entry) -> bool:
        """Keep an entry in place of one with its key; False when it is too large."""
        if entry.size > self.largest:
            return False
        if key in self._pinned:
            return True
        self._remove(key)
        self._recent[key] = entry
        self._bytes += entry.size
        self._shrink()
        return True

    def pin(self, key: Key, entry: Entry) -> bool:
        """Keep an entry until `unpin`; False when no more can be pinned, or it is too large."""
        before = self._pinned[key].size if key in self._pinned else 0
        pinned = self._pinned_bytes - before + entry.size
        if entry.size > self.largest or pinned > self._budget // PINNED_SHARE:
            return False
        self._remove(key)
        self._pinned[key] = entry
        self._pinned_bytes += entry.size
        self._bytes += entry.size
        self._shrink()
        return True

    def unpin(self) -> None:
        """Let go of what was pinned: it counts as used longest ago."""
        for key, entry in reversed(self._pinned.items()):
            self._recent[key] = entry
            self._recent.move_to_end(key, last=False)
        self._pinned.clear()
        self._pinned_bytes = 0

    def _remove(self, key: Key) -> None:
        if (pinned := self._pinned.pop(key, None)) is not None:
            self._pinned_bytes -= pinned.size
            self._bytes -= pinned.size
        if (recent := self._recent.pop(key, None)) is not None:
            self._bytes -= recent.size

    def _shrink(self) -> None:
        while self._recent and (self._bytes > self._budget):
            _, oldest = self._recent.popitem(last=False)
            self._bytes -= oldest.size
        self.figures.bytes = self._bytes
        self.figures.entries = len(self._recent) + len(self._pinned)
