"""What the engine is asked for, and when: one segment after the other, the next ones announced."""

import asyncio
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing

import pytest

from chatttsd.engine.api import SynthesisRequest
from chatttsd.pipeline import Piece, Recipe, SegmentPlan, ahead
from chatttsd.speech.segment import Segment
from support.fakes import FakeEngine, settle

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


async def test_the_next_segment_is_asked_for_as_soon_as_one_is_complete_and_nobody_has_listened() -> None:
    engine = FakeEngine()

    async def first(source: AsyncGenerator[Piece, None]) -> None:
        async with aclosing(source) as pieces:
            await anext(pieces)
            await settle(200)

    await asyncio.wait_for(first(ahead(recipe(engine).pieces(0), 10**6)), 10)
    assert [request.text for request in engine.requests] == ["one", "two", "three", "four", "five"]
