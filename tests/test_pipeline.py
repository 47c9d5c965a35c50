"""What the engine is asked for, and when: one segment after the other, the next ones announced."""

import asyncio
import threading
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from dataclasses import replace

import pytest

from chatttsd.constants import SAMPLE_BYTES, SAMPLE_RATE
from chatttsd.engine.api import SynthesisRequest
from chatttsd.engine.cache import PcmCache
from chatttsd.engine.cached import Cached, Shelf
from chatttsd.pipeline import Piece, Reading, Recipe, SegmentPlan, ahead
from chatttsd.speech.events import EventKind
from chatttsd.speech.script import Mark
from chatttsd.speech.segment import Segment
from chatttsd.speech.statistics import CacheFigures
from support.fakes import BYTES_A_CHARACTER, FakeEngine, FakeOutput, pcm_of, settle

TEXTS = ["one", "two", "", "three", "four", "five"]


def plan_of(texts: list[str]) -> Iterator[Segment]:
    for number, text in enumerate(texts):
        yield Segment(number * 10, number * 10 + 10, text)


def recipe(engine: FakeEngine, texts: list[str] | None = None, hints: int = 3) -> Recipe:
    plan = SegmentPlan(plan_of(TEXTS if texts is None else texts))
    return Recipe(
        plan,
        engine,
        lambda segment: SynthesisRequest(segment.text),
        lambda _audio, _seconds: None,
        ahead=hints,
    )


async def test_every_request_announces_the_ones_after_it_silent_segments_left_out() -> None:
    engine = FakeEngine()
    async with aclosing(recipe(engine).pieces(0)) as pieces:
        async for _ in pieces:
            pass
    asked = {request.text: [item.text for item in request.following] for request in engine.requests}
    assert asked == {
        "one": ["two", "three"],
        "two": ["three", "four"],
        "three": ["four", "five"],
        "four": ["five"],
        "five": [],
    }
    assert all(not item.following for request in engine.requests for item in request.following)


@pytest.mark.parametrize("echo", [True, False])
async def test_the_output_is_told_what_answers_a_key_stroke(*, echo: bool) -> None:
    output = FakeOutput(echo=not echo)
    reading = Reading(replace(recipe(FakeEngine()), echo=echo), output, lambda _: None, lambda _: None)
    task = asyncio.ensure_future(reading.run())
    await settle()
    assert output.echo is echo
    task.cancel()
    await asyncio.wait([task])


@pytest.mark.parametrize("start", [0, 2])
async def test_the_first_request_of_a_reading_and_after_a_skip_says_so(start: int) -> None:
    engine = FakeEngine()
    async with aclosing(recipe(engine, ["", "one", "", "two", "three"]).pieces(start)) as pieces:
        async for _ in pieces:
            pass
    assert [request.first for request in engine.requests] == [True] + [False] * (len(engine.requests) - 1)
    assert len(engine.requests) >= 2


@pytest.mark.parametrize("hints", [0, 1])
async def test_no_more_is_announced_than_the_engine_likes_to_know(hints: int) -> None:
    engine = FakeEngine()
    async with aclosing(recipe(engine, hints=hints).pieces(0)) as pieces:
        async for _ in pieces:
            pass
    assert {len(request.following) for request in engine.requests} == set(range(hints + 1))


async def test_a_text_is_cut_no_further_than_the_announcements_need() -> None:
    cut: list[int] = []

    def segments() -> Iterator[Segment]:
        for number in range(1000):
            cut.append(number)
            yield Segment(number, number + 1, "words")

    parts = Recipe(
        SegmentPlan(segments()),
        FakeEngine(),
        lambda segment: SynthesisRequest(segment.text),
        lambda *_: None,
        ahead=3,
    )
    async with aclosing(parts.pieces(0)) as pieces:
        await anext(pieces)
    assert len(cut) <= 4


def slow_plan(goes_on: threading.Event) -> SegmentPlan:
    """Segments that cannot be cut until the loop has had a turn; cutting them gives up after 10 s."""

    def segments() -> Iterator[Segment]:
        for number in range(3):
            yield Segment(number, number + 1, "words" if goes_on.wait(10) else "the loop was held")

    return SegmentPlan(segments(), aside=True)


async def test_the_loop_goes_on_while_a_long_text_is_cut() -> None:
    goes_on = threading.Event()
    asyncio.get_running_loop().call_soon(goes_on.set)
    assert await slow_plan(goes_on).reach(1) == Segment(1, 2, "words")


async def test_a_reading_that_was_skipped_leaves_the_plan_whole_though_it_is_cutting_it() -> None:
    goes_on = threading.Event()
    plan = slow_plan(goes_on)
    skipped = asyncio.ensure_future(plan.reach(1))
    await settle()
    skipped.cancel()
    following = asyncio.ensure_future(plan.reach(2))
    await settle()
    goes_on.set()
    assert await following == Segment(2, 3, "words")
    assert [plan.get(index) for index in range(4)] == [*(Segment(n, n + 1, "words") for n in range(3)), None]


async def test_the_next_segment_is_asked_for_as_soon_as_one_is_complete_and_nobody_has_listened() -> None:
    engine = FakeEngine()

    async def first(source: AsyncGenerator[Piece, None]) -> None:
        async with aclosing(source) as pieces:
            await anext(pieces)
            await settle(200)

    await asyncio.wait_for(first(ahead(recipe(engine).pieces(0), 10**6)), 10)
    assert [request.text for request in engine.requests] == ["one", "two", "three", "four", "five"]


def marked(*marks: Mark, rest: float = 0.0, icon: str = "") -> Segment:
    text = "one two" if not icon else ""
    return Segment(10, 30, text, marks=marks, origin=[10, 11, 12, 13, 20, 21, 22, 30], rest=rest, icon=icon)


async def collect(engine: FakeEngine, *segments: Segment) -> list[Piece]:
    parts = Recipe(
        SegmentPlan(iter(segments)),
        engine,
        lambda segment: SynthesisRequest(segment.text),
        lambda *_: None,
    )
    async with aclosing(parts.pieces(0)) as pieces:
        return [piece async for piece in pieces]


async def test_sound_is_cut_where_words_and_marks_begin_and_nothing_of_it_is_lost() -> None:
    engine = FakeEngine(tells_words=True)
    pieces = await collect(engine, marked(Mark(0, "start"), Mark(4, "two"), Mark(7, "end")))
    assert b"".join(piece.pcm for piece in pieces) == pcm_of("one two")
    at, found = 0, []
    for piece in pieces:
        found += [(at // BYTES_A_CHARACTER, event.name or event.start, event.end) for event in piece.events]
        at += len(piece.pcm)
    assert found == [(0, "start", 10), (0, 10, 13), (4, "two", 20), (4, 20, 30), (7, "end", 30)]
    assert [piece.begins for piece in pieces] == [True] + [False] * (len(pieces) - 1)


async def test_an_engine_without_words_still_reaches_every_mark() -> None:
    pieces = await collect(FakeEngine(), marked(Mark(4, "two"), Mark(7, "end")))
    assert [event.name for piece in pieces for event in piece.events] == ["two", "end"]
    assert b"".join(piece.pcm for piece in pieces) == pcm_of("one two")


async def test_an_icon_sounds_without_any_engine() -> None:
    engine = FakeEngine()
    (piece,) = await collect(engine, marked(icon="capital"))
    assert len(piece.pcm) == SAMPLE_RATE * SAMPLE_BYTES // 20
    assert any(piece.pcm)
    assert not engine.requests


async def test_rests_lie_between_segments_and_not_behind_the_last() -> None:
    silent = Segment(5, 5, "", rest=0.2)
    pieces = await collect(FakeEngine(), silent, marked(rest=0.5), marked(rest=0.5))
    rests = [len(piece.pcm) for piece in pieces if piece.pcm and not any(piece.pcm)]
    assert rests == [SAMPLE_BYTES * SAMPLE_RATE // 5, SAMPLE_BYTES * SAMPLE_RATE // 2]


async def test_marks_are_told_when_they_are_heard() -> None:
    told: list[str] = []
    output = FakeOutput()
    recipe_of_one = Recipe(
        SegmentPlan(iter([marked(Mark(0, "start"), Mark(4, "two"), Mark(7, "end"))])),
        FakeEngine(tells_words=True),
        lambda segment: SynthesisRequest(segment.text),
        lambda *_: None,
    )
    reading = Reading(
        recipe_of_one,
        output,
        lambda segment: told.append(f"heard {segment.start}"),
        lambda event: told.append(event.name) if event.kind is EventKind.MARK else None,
    )
    task = asyncio.ensure_future(reading.run())
    await settle(100)
    assert told == []
    output.hear(2 * BYTES_A_CHARACTER)
    assert told == ["heard 10", "start"]
    output.hear(2 * BYTES_A_CHARACTER - 2)
    assert told == ["heard 10", "start"]
    output.hear(2)
    assert told == ["heard 10", "start", "two"]
    output.hear(10**6)
    assert told[-1] == "end"
    await asyncio.wait_for(task, 10)


async def test_what_comes_out_of_the_cache_is_no_work_of_the_engine() -> None:
    made: list[float] = []
    shelf = Shelf(PcmCache(1, CacheFigures()), lambda _voice: ("engine",))
    parts = Recipe(
        SegmentPlan(plan_of(["one", "two", "one"])),
        Cached(FakeEngine(), shelf),
        lambda segment: SynthesisRequest(segment.text),
        lambda audio, _seconds: made.append(audio),
    )
    async with aclosing(parts.pieces(0)) as pieces:
        sound = [piece.pcm async for piece in pieces]
    assert shelf.cache.figures.hits == 1
    assert sum(made) * SAMPLE_RATE * SAMPLE_BYTES == sum(map(len, sound)) - len(pcm_of("one"))


async def test_the_time_in_which_nobody_asks_the_engine_is_not_its_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now, took = 100.0, list[float]()
    monkeypatch.setattr("chatttsd.pipeline.monotonic", lambda: now)

    class Slow(FakeEngine):
        async def synthesise(
            self, request: SynthesisRequest, *, expected_seconds: float, background: bool = False
        ) -> AsyncGenerator[bytes, None]:
            nonlocal now
            for _ in range(3):
                now += 1.0
                yield pcm_of("a")

    parts = Recipe(
        SegmentPlan(plan_of(["one"])),
        Slow(),
        lambda segment: SynthesisRequest(segment.text),
        lambda _audio, seconds: took.append(seconds),
    )
    async with aclosing(parts.pieces(0)) as pieces:
        async for _ in pieces:
            now += 10.0  # a queue is full, or a person has paused
    assert took == [3.0]


@pytest.mark.parametrize(("rests_last", "seconds"), [(True, 0.5), (False, 0.0)])
async def test_the_last_segment_rests_where_it_was_asked_to(rests_last: bool, seconds: float) -> None:
    last = Segment(0, 3, "one", rest=0.5, rests_last=rests_last)
    plan = SegmentPlan(iter([last]))
    made = Recipe(plan, FakeEngine(), lambda part: SynthesisRequest(part.text), lambda _audio, _time: None)
    async with aclosing(made.pieces(0)) as pieces:
        sound = b"".join([piece.pcm async for piece in pieces])
    assert len(sound) == len(pcm_of("one")) + round(seconds * SAMPLE_RATE) * SAMPLE_BYTES
