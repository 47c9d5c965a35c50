"""What begins in an open stream is played without a hole behind its first piece."""

import asyncio
from array import array
from collections.abc import Callable

import pytest

from chatttsd.audio.feed import RingFeed
from chatttsd.audio.onset import MARGIN_SECONDS, Onset
from chatttsd.audio.ring import PcmRing
from chatttsd.constants import SAMPLE_RATE

BLOCK = 900
"""Samples of a device's block: 37.5 ms, as with a latency of 150 ms."""
ENOUGH = BLOCK + round(MARGIN_SECONDS * SAMPLE_RATE)


class Stage:
    """A stream that is open and silent; what is written are ones."""

    def __init__(self) -> None:
        self.ring = PcmRing()
        self.feed = RingFeed(self.ring, lambda: 0.0)
        self.onset = Onset(self.ring, self.feed)
        self.ask()

    def write(self, samples: int) -> None:
        """Write as the output does."""
        self.onset.begin()
        self.ring.write(memoryview(array("h", [1] * samples).tobytes()))
        self.onset.grown()

    def ask(self) -> int:
        """Have the device ask for a block; return how many samples of the ring it got."""
        out = memoryview(bytearray(2 * BLOCK))
        self.feed.asked(out, self.feed.fill, 0.0, underflow=False)
        return sum(out.cast("h"))


@pytest.fixture
async def timers(monkeypatch: pytest.MonkeyPatch) -> list[asyncio.TimerHandle]:
    """Return what is called later on this loop, as it comes."""
    loop = asyncio.get_running_loop()
    call_later, found = loop.call_later, list[asyncio.TimerHandle]()

    def spy(delay: float, call: Callable[[], object]) -> asyncio.TimerHandle:
        found.append(call_later(delay, call))
        return found[-1]

    monkeypatch.setattr(loop, "call_later", spy)
    return found


async def test_a_first_piece_that_is_shorter_than_a_block_waits_for_the_second() -> None:
    stage = Stage()
    stage.write(480)
    assert stage.ask() == 0
    stage.write(ENOUGH - 480 - 1)
    assert stage.ask() == 0
    stage.write(1)
    assert [stage.ask(), stage.ask()] == [BLOCK, ENOUGH - BLOCK]


async def test_a_first_piece_that_is_long_enough_waits_for_nothing() -> None:
    stage = Stage()
    stage.write(ENOUGH)
    assert stage.ask() == BLOCK


async def test_a_second_piece_that_does_not_come_is_waited_for_as_long_as_both_would_last(
    timers: list[asyncio.TimerHandle],
) -> None:
    stage = Stage()
    now = asyncio.get_running_loop().time()
    stage.write(480)
    assert timers[0].when() - now == pytest.approx(ENOUGH / SAMPLE_RATE, abs=0.01)
    assert stage.ask() == 0
    timers[0]._run()
    assert stage.ask() == 480


async def test_a_sound_that_is_complete_waits_for_nothing() -> None:
    stage = Stage()
    stage.write(480)
    stage.onset.end()
    assert stage.ask() == 480


async def test_a_sound_that_goes_on_is_never_held() -> None:
    stage = Stage()
    stage.write(2 * BLOCK)
    assert [stage.ask(), stage.ask()] == [BLOCK, BLOCK]
    assert stage.ring.level == 0
    stage.write(1)
    assert stage.ask() == 1, "the device had not run dry yet"


async def test_what_comes_after_the_ring_ran_dry_is_held_like_a_beginning() -> None:
    stage = Stage()
    stage.write(ENOUGH)
    stage.ask()
    stage.ask()
    stage.write(480)
    assert stage.ask() == 0
    stage.write(ENOUGH)
    assert stage.ask() == BLOCK


async def test_the_next_stream_holds_nothing() -> None:
    stage = Stage()
    stage.write(480)
    stage.feed.restart()
    assert stage.ask() == 480


async def test_the_time_of_an_earlier_beginning_does_not_end_a_later_one(
    timers: list[asyncio.TimerHandle],
) -> None:
    stage = Stage()
    stage.write(480)
    stage.onset.end()
    stage.ask()
    stage.write(480)
    assert [timer.cancelled() for timer in timers] == [True, False]
