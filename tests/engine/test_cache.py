"""The cache of finished sound against a plain model of what it may hold, and its bounds."""

from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatttsd.engine.api import Word
from chatttsd.engine.cache import (
    ENTRY_BYTES,
    LARGEST_SHARE,
    MEGABYTE,
    PINNED_SHARE,
    WORD_BYTES,
    Entry,
    PcmCache,
)
from chatttsd.speech.statistics import CacheFigures

LARGEST = MEGABYTE // LARGEST_SHARE
PINNED = MEGABYTE // PINNED_SHARE
KEYS = st.integers(0, 30).map(lambda number: bytes([number]))
SIZES = st.integers(1, LARGEST + 2000)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("put"), KEYS, SIZES),
        st.tuples(st.just("pin"), KEYS, SIZES),
        st.tuples(st.just("get"), KEYS, st.just(0)),
        st.tuples(st.just("unpin"), st.just(b""), st.just(0)),
        st.tuples(st.just("resize"), st.just(b""), st.integers(0, 2)),
    ),
    max_size=120,
)


def entry(size: int) -> Entry:
    """An entry that takes so many bytes, at least what every one takes."""
    return Entry(bytes(max(0, size - ENTRY_BYTES)))


@dataclass
class Plain:
    """What the cache should hold: a list, oldest first, searched from end to end."""

    budget: int = MEGABYTE
    recent: list[tuple[bytes, Entry]] = field(default_factory=list)
    pinned: list[tuple[bytes, Entry]] = field(default_factory=list)

    def step(self, name: str, key: bytes, size: int) -> object:
        """Do what the cache is told to do."""
        match name:
            case "put":
                return self.put(key, entry(size))
            case "pin":
                return self.pin(key, entry(size))
            case "get":
                return self.get(key)
            case "unpin":
                self.recent, self.pinned = self.pinned + self.recent, []
            case "resize":
                self.budget = size * MEGABYTE
                if total(self.pinned) > self.budget // PINNED_SHARE:
                    self.step("unpin", b"", 0)
                self.shrink()
        return None

    def put(self, key: bytes, new: Entry) -> bool:
        if new.size > self.budget // LARGEST_SHARE:
            return False
        if key not in dict(self.pinned):
            self.recent = [item for item in self.recent if item[0] != key] + [(key, new)]
            self.shrink()
        return True

    def pin(self, key: bytes, new: Entry) -> bool:
        others = [item for item in self.pinned if item[0] != key]
        fits = new.size <= self.budget // LARGEST_SHARE
        if not fits or total(others) + new.size > self.budget // PINNED_SHARE:
            return False
        self.recent = [item for item in self.recent if item[0] != key]
        self.pinned = [*others, (key, new)]
        self.shrink()
        return True

    def get(self, key: bytes) -> Entry | None:
        found = dict(self.recent).get(key)
        if found is not None:
            self.recent = [item for item in self.recent if item[0] != key] + [(key, found)]
        return found or dict(self.pinned).get(key)

    def shrink(self) -> None:
        while self.recent and total(self.recent) + total(self.pinned) > self.budget:
            del self.recent[0]


def total(items: list[tuple[bytes, Entry]]) -> int:
    return sum(item.size for _, item in items)


def act(cache: PcmCache, name: str, key: bytes, size: int) -> object:
    """Do one step with the real cache."""
    if name in ("put", "pin"):
        return getattr(cache, name)(key, entry(size))
    if name == "get":
        return cache.get(key)
    if name == "unpin":
        cache.unpin()
    else:
        cache.resize(size)
    return None


@given(STEPS)
def test_it_holds_what_a_plain_list_would_and_never_more_than_its_budget(
    steps: list[tuple[str, bytes, int]],
) -> None:
    cache, plain = PcmCache(1, CacheFigures()), Plain()
    for step in steps:
        assert act(cache, *step) == plain.step(*step)
        held = plain.recent + plain.pinned
        assert [key for number in range(31) if (key := bytes([number])) in cache] == sorted(dict(held))
        assert (cache.figures.bytes, cache.figures.entries) == (total(held), len(held))
        assert cache.figures.bytes <= plain.budget
        assert total(plain.pinned) <= max(0, plain.budget // PINNED_SHARE)


def test_what_was_used_longest_ago_goes_first() -> None:
    cache = PcmCache(1, CacheFigures())
    keys = [bytes([number]) for number in range(LARGEST_SHARE)]
    for key in keys:
        assert cache.put(key, entry(LARGEST))
    assert cache.get(keys[0])
    cache.put(b"new", entry(LARGEST))
    assert keys[0] in cache
    assert keys[1] not in cache


def test_an_entry_that_is_too_large_is_not_kept_and_pushes_nothing_out() -> None:
    cache = PcmCache(1, CacheFigures())
    cache.put(b"a", entry(1000))
    assert cache.put(b"b", entry(LARGEST))
    assert not cache.put(b"c", entry(LARGEST + 1))
    assert not cache.pin(b"c", entry(LARGEST + 1))
    assert cache.figures.entries == 2


def test_what_is_pinned_stays_whatever_comes_and_is_bounded() -> None:
    cache = PcmCache(1, CacheFigures())
    assert cache.pin(b"letter", entry(LARGEST))
    assert cache.pin(b"digit", entry(LARGEST))
    assert not cache.pin(b"sign", entry(ENTRY_BYTES)), "a quarter of the budget is pinned"
    assert cache.pin(b"digit", entry(1000)), "in its own place there is room"
    for number in range(50):
        cache.put(bytes([number]), entry(LARGEST))
    assert cache.put(b"letter", entry(5000))
    assert len((cache.get(b"letter") or entry(0)).pcm) == LARGEST - ENTRY_BYTES, "the pinned one is kept"
    cache.unpin()
    cache.put(b"last", entry(LARGEST))
    assert b"letter" not in cache


@pytest.mark.parametrize("megabytes", [0, -1])
def test_without_a_budget_nothing_is_kept(megabytes: int) -> None:
    cache = PcmCache(max(0, megabytes), CacheFigures())
    assert cache.largest == 0
    assert not cache.put(b"a", Entry(b""))
    assert not cache.pin(b"a", Entry(b""))
    assert cache.get(b"a") is None


def test_words_are_counted_and_neither_sound_nor_words_are_shown() -> None:
    plain, worded = Entry(b"xy" * 50), Entry(b"xy" * 50, (Word(0, 5, 0), Word(6, 9, 40)))
    assert worded.size == plain.size + 2 * WORD_BYTES
    assert repr(worded) == "Entry()"
