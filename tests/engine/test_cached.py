"""What is said again out of the cache is the same sample for sample, and nothing else ever is."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace

import pytest

from chatttsd.engine.api import EngineError, Level, SynthesisRequest, Word
from chatttsd.engine.cache import LARGEST_SHARE, MEGABYTE, Entry, PcmCache
from chatttsd.engine.cached import PIECE, Cached, Shelf, replay
from chatttsd.engine.voice_levels import Levelled, VoiceLevels
from chatttsd.speech.options import Kind
from chatttsd.speech.statistics import CacheFigures

REQUEST = SynthesisRequest("hello there", voice="chattts/alder", parameters={"seed": "1"})
PIECES = (b"\x01\x00" * 480, b"\x02\x00" * 960, b"\x03\x00" * 5)
WORDS = (Word(0, 5, 0), Word(6, 11, 700))


class Scripted:
    """An engine that says PIECES and tells WORDS, counts what it is asked, and fails when told to."""

    def __init__(self) -> None:
        self.asked: list[SynthesisRequest] = []
        self.fails = False
        self.pieces: tuple[bytes, ...] = PIECES
        self.level: Level | None = None

    async def synthesise(
        self, request: SynthesisRequest, *, expected_seconds: float, background: bool = False
    ) -> AsyncGenerator[bytes, None]:
        assert expected_seconds == 1.0
        self.asked.append(asked := request)
        for piece in self.pieces:
            for word in WORDS:
                request.tell_word(word)
            request = replace(request, tell_word=lambda _word: None)
            yield piece
            await asyncio.sleep(0)
        if self.level is not None:
            asked.tell_level(self.level)
        if self.fails:
            raise EngineError("the model broke off")


class Stage:
    """A shelf before a scripted engine whose identity a test can change."""

    def __init__(self, megabytes: int = 1) -> None:
        self.identity: tuple[object, ...] | None = ("engine", "cpu", "voice 1")
        self.cache = PcmCache(megabytes, CacheFigures())
        self.shelf = Shelf(self.cache, lambda _voice: self.identity)
        self.engine = Scripted()
        self.cached = Cached(self.engine, self.shelf)

    @property
    def counts(self) -> tuple[int, int]:
        return self.cache.figures.hits, self.cache.figures.misses

    async def say(self, request: SynthesisRequest = REQUEST) -> tuple[bytes, list[Word]]:
        """Say a request to its end; returns its sound and its words."""
        words: list[Word] = []
        given = replace(request, tell_word=words.append)
        stream = self.cached.synthesise(given, expected_seconds=1.0)
        return b"".join([pcm async for pcm in stream]), words

    async def is_made(self, request: SynthesisRequest) -> bool:
        """Tell whether the engine has to make a request."""
        before = len(self.engine.asked)
        await self.say(request)
        return len(self.engine.asked) > before


async def test_what_was_said_once_is_said_again_with_its_words() -> None:
    stage = Stage()
    first = await stage.say()
    assert await stage.say() == first == (b"".join(PIECES), list(WORDS))
    assert len(stage.engine.asked) == 1
    assert stage.counts == (1, 1)
    assert stage.cache.figures.hit_rate == 0.5
    assert (stage.cache.figures.entries, stage.cache.figures.bytes > len(first[0])) == (1, True)


@pytest.mark.parametrize(
    "other",
    [
        {"text": "hello There"},
        {"language": "zh"},
        {"voice": "chattts/birch"},
        {"kind": "char"},
        {"rate": 1.01},
        {"pitch": 0.9},
        {"volume": 0.5},
        {"gain": -0.1},
        {"parameters": {"seed": "2"}},
        {"parameters": {}},
    ],
    ids=lambda other: next(iter(other)),
)
async def test_whatever_changes_the_sound_is_a_miss(other: dict[str, object]) -> None:
    stage = Stage()
    await stage.say()
    assert await stage.is_made(replace(REQUEST, **other))  # type: ignore[arg-type] # values differ in type
    assert not await stage.is_made(REQUEST)


@pytest.mark.parametrize(
    "same",
    [{"first": True}, {"following": (SynthesisRequest("next"),)}, {"rate": 1}, {"kind": Kind.TEXT}],
    ids=lambda same: next(iter(same)),
)
async def test_what_does_not_change_the_sound_is_a_hit(same: dict[str, object]) -> None:
    stage = Stage()
    await stage.say()
    assert not await stage.is_made(replace(REQUEST, **same))  # type: ignore[arg-type] # values differ in type


async def test_another_engine_or_voice_content_is_a_miss_and_its_return_a_hit() -> None:
    stage = Stage()
    await stage.say()
    stage.identity = ("engine", "cpu", "voice 2")
    assert await stage.is_made(REQUEST)
    stage.identity = ("engine", "cpu", "voice 1")
    assert not await stage.is_made(REQUEST)
    stage.identity = None
    assert await stage.is_made(REQUEST)
    assert stage.cache.figures.entries == 2


async def test_two_shelves_of_one_cache_never_answer_for_each_other() -> None:
    stage = Stage()
    await stage.say()
    other = Shelf(stage.cache, lambda _voice: stage.identity)
    assert other.recall(REQUEST) is None


async def test_what_breaks_off_is_not_kept() -> None:
    stage = Stage()
    stage.engine.fails = True
    with pytest.raises(EngineError):
        await stage.say()
    stage.engine.fails = False
    assert stage.cache.figures.entries == 0
    assert await stage.is_made(REQUEST)


async def test_what_is_cancelled_is_not_kept_even_if_all_of_it_was_heard() -> None:
    stage = Stage()
    async with aclosing(stage.cached.synthesise(REQUEST, expected_seconds=1.0)) as chunks:
        for _ in PIECES:
            await anext(chunks)
    assert stage.cache.figures.entries == 0
    assert await stage.is_made(REQUEST)


async def test_what_was_made_while_the_engine_or_the_voice_became_another_is_not_kept() -> None:
    stage = Stage()
    async with aclosing(stage.cached.synthesise(REQUEST, expected_seconds=1.0)) as chunks:
        await anext(chunks)
        stage.identity = ("engine", "cpu", "voice 2")
        assert len([pcm async for pcm in chunks]) == len(PIECES) - 1
    assert stage.cache.figures.entries == 0


async def test_a_gain_that_becomes_known_meanwhile_leaves_an_entry_true() -> None:
    stage = Stage()
    unseeded = replace(REQUEST, parameters={})
    levels = VoiceLevels(lambda _voice: stage.identity)
    stage.engine.level = Level(-26.0, 100)
    for _ in range(2):
        stream = Levelled(stage.cached, levels).synthesise(unseeded, expected_seconds=1.0)
        assert b"".join([pcm async for pcm in stream]) == b"".join(PIECES)
        if len(stage.engine.asked) == 1:
            assert stage.shelf.holds(unseeded), "it began at none"
            assert not stage.shelf.holds(replace(unseeded, gain=6.0))
    assert stage.shelf.holds(replace(unseeded, gain=6.0))
    assert [request.gain for request in stage.engine.asked] == [0.0, 6.0]


async def test_what_follows_is_announced_unless_it_is_there_with_its_gain() -> None:
    stage = Stage()
    following = replace(REQUEST, text="next", gain=3.0)
    await stage.say(replace(following, gain=0.0))
    await stage.say(replace(REQUEST, following=(following,)))
    assert [item.gain for item in stage.engine.asked[-1].following] == [3.0]
    await stage.say(following)
    await stage.say(replace(REQUEST, text="third", following=(following,)))
    assert not stage.engine.asked[-1].following


async def test_of_what_is_too_long_nothing_is_held_or_kept() -> None:
    stage = Stage()
    stage.engine.pieces = (bytes(MEGABYTE // LARGEST_SHARE), b"\x01\x00")
    sound, _ = await stage.say()
    assert len(sound) == MEGABYTE // LARGEST_SHARE + 2
    assert stage.cache.figures.entries == 0
    assert await stage.is_made(REQUEST)


async def test_without_a_budget_every_request_goes_to_the_engine() -> None:
    stage = Stage(megabytes=0)
    await stage.say()
    assert await stage.is_made(REQUEST)
    assert stage.shelf.key(REQUEST) is None


async def test_what_is_there_is_not_announced_to_the_engine() -> None:
    stage = Stage()
    await stage.say()
    unknown = replace(REQUEST, text="unknown")
    await stage.say(replace(REQUEST, text="now", following=(REQUEST, unknown)))
    assert stage.engine.asked[-1].following == (unknown,)


async def test_several_who_want_the_same_at_once_all_get_it() -> None:
    stage = Stage()
    found = await asyncio.gather(*(stage.say() for _ in range(5)))
    assert {sound for sound, _ in found} == {b"".join(PIECES)}
    assert all(words == list(WORDS) for _, words in found)
    assert not await stage.is_made(REQUEST)


def test_every_word_is_told_before_the_piece_that_begins_it() -> None:
    samples = PIECE // 2
    spoken = (Word(0, 1, 0), Word(2, 3, samples - 1), Word(4, 5, samples), Word(6, 7, 2 * samples + 10))
    entry = Entry(bytes(2 * PIECE + 20), spoken)
    heard: list[Word] = []
    request = replace(REQUEST, tell_word=heard.append)
    told = [(len(pcm), len(heard)) for pcm in replay(entry, request)]
    assert told == [(PIECE, 2), (PIECE, 3), (20, 4)]
    assert tuple(heard) == spoken


def test_a_key_tells_nothing_of_the_text() -> None:
    stage = Stage()
    key = stage.shelf.key(replace(REQUEST, text="secret \ud800"))
    assert key is not None
    assert len(key) == 16
    assert "secret" not in repr(stage.shelf) + repr(stage.cache) + repr(stage.cache.figures)
    assert Stage().shelf.key(REQUEST) != Stage().shelf.key(REQUEST), "nor does its digest elsewhere"


async def test_a_larger_budget_in_the_middle_of_a_sound_does_not_make_its_end_the_whole() -> None:
    stage = Stage()
    stage.engine.pieces = (bytes(MEGABYTE // LARGEST_SHARE + 2), *PIECES)
    stream = stage.cached.synthesise(REQUEST, expected_seconds=1.0)
    async with aclosing(stream) as chunks:
        await anext(chunks)
        stage.cache.resize(64)
        async for _ in chunks:
            pass
    assert (await stage.say())[0] == b"".join(stage.engine.pieces)
