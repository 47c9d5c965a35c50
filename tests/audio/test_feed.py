import math
from array import array

import pytest

from chatttsd.audio.feed import GLIDE_SAMPLES, QUIET_STEP, RingFeed
from chatttsd.audio.ring import PcmRing
from support.ramp import glide, ramp


class Now:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.time = 100.0

    def __call__(self) -> float:
        return self.time


def ask(feed: RingFeed, count: int, *, delay: float = 0.0, underflow: bool = False) -> list[int]:
    """Do one callback and return the samples that the device got."""
    out = memoryview(bytearray(b"\xaa" * 2 * count))
    feed.asked(out, feed.fill, delay, underflow=underflow)
    return out.cast("h").tolist()


def feed_of(samples: list[int]) -> tuple[RingFeed, PcmRing, Now]:
    ring, now = PcmRing(), Now()
    ring.write(memoryview(array("h", samples).tobytes()))
    return RingFeed(ring, now), ring, now


def test_an_empty_ring_gives_silence() -> None:
    feed, _, _ = feed_of([])
    assert ask(feed, 50) == [0] * 50
    assert feed.dried_at == 0


def test_a_block_that_is_filled_only_in_part_ran_dry() -> None:
    feed, ring, _ = feed_of([100] * 30)
    assert ask(feed, 20) == [100] * 20
    assert feed.dried_at == -1
    ask(feed, 20)
    assert feed.dried_at == ring.end == 30


def test_what_is_held_is_not_played_and_is_not_dry() -> None:
    feed, ring, _ = feed_of([100] * 30)
    feed.held = True
    assert ask(feed, 20) == [0] * 20
    assert (ring.level, feed.dried_at, feed.silent) == (30, -1, True)
    feed.held = False
    assert ask(feed, 20) == [100] * 20
    assert not feed.silent
    assert feed.block_seconds == 20 / 24_000


def test_samples_go_through_unchanged_whatever_the_block_size() -> None:
    samples = array("h", ramp(0, 700)).tolist()
    feed, _, _ = feed_of(samples)
    heard = [value for size in (64, 1, 2, 240, 393) for value in ask(feed, size)]
    assert heard == samples


def test_where_sound_stops_it_glides_to_zero_within_five_milliseconds() -> None:
    samples = array("h", ramp(0, 20_000)).tolist()
    feed, _, _ = feed_of(samples)
    assert ask(feed, 20_000) == samples
    assert ask(feed, 300) == [*glide(20_000, 0), *[0] * (300 - GLIDE_SAMPLES)]


def test_where_sound_starts_with_a_jump_it_glides_up_and_keeps_every_sample() -> None:
    feed, _, _ = feed_of([-30_000, -29_999, -29_998])
    sound = ask(feed, GLIDE_SAMPLES + 3)
    assert sound == [*glide(0, -30_000), -30_000, -29_999, -29_998]


def test_a_glide_goes_on_over_small_blocks() -> None:
    feed, _, _ = feed_of([25_000])
    sound = [value for _ in range(40) for value in ask(feed, 10)]
    assert sound == [*glide(0, 25_000), 25_000, *glide(25_000, 0), *[0] * (399 - 2 * GLIDE_SAMPLES)]


def test_a_small_step_is_left_alone() -> None:
    feed, _, _ = feed_of([QUIET_STEP])
    assert ask(feed, 4) == [QUIET_STEP, 0, 0, 0]


def test_a_pause_takes_nothing_and_resuming_starts_with_the_very_next_sample() -> None:
    feed, ring, _ = feed_of([100, 200, 300, 400])
    assert ask(feed, 2) == [100, 200]
    feed.paused = True
    assert ask(feed, 3) == [0, 0, 0]
    assert ring.level == 2
    assert feed.dried_at == -1
    feed.paused = False
    assert ask(feed, 2) == [300, 400]


def test_a_device_that_is_being_given_up_gets_nothing_until_the_next_one_starts() -> None:
    feed, ring, _ = feed_of([100, 200])
    feed.cut_off = True
    assert ask(feed, 2) == [0, 0]
    assert ring.level == 2
    feed.restart()
    assert ask(feed, 2) == [100, 200]


def test_underflows_count_only_while_there_is_sound() -> None:
    feed, _, _ = feed_of([1] * 10)
    ask(feed, 5, underflow=True)
    assert feed.xruns == 0
    ask(feed, 5, underflow=True)
    ask(feed, 5, underflow=True)
    ask(feed, 5, underflow=True)
    assert feed.xruns == 2
    assert feed.callbacks == 4


@pytest.mark.parametrize(("reported", "believed"), [(0.025, 0.025), (-3.0, 0.0), (1e9, 2.0), (math.nan, 0.0)])
def test_a_device_that_reports_nonsense_is_not_believed(reported: float, believed: float) -> None:
    feed, _, _ = feed_of([])
    ask(feed, 1, delay=reported)
    assert feed.delay == believed


def test_a_sample_is_heard_when_the_device_has_played_what_it_buffers() -> None:
    feed, ring, now = feed_of(array("h", ramp(0, 4800)).tolist())
    ask(feed, 2400, delay=0.05)
    assert feed.heard(now.time) < 0
    assert feed.heard(now.time + 0.05) == 0
    assert feed.heard(now.time + 0.1) == 1200
    assert feed.heard(now.time + 9) == ring.position == 2400
    assert feed.heard_in(1200, now.time) == pytest.approx(0.1)
    assert feed.heard_in(4800, now.time) == pytest.approx(0.05 + 0.1)


def test_where_a_sound_began_after_a_silence_is_known() -> None:
    feed, ring, now = feed_of([100, 200, 300])
    assert ask(feed, 5) == [100, 200, 300, 0, 0]
    assert feed.began == 0
    ring.write(memoryview(array("h", [400, 500]).tobytes()))
    now.time += 1.0
    assert ask(feed, 1) == [400]
    assert (feed.began, ring.position) == (3, 4)
    ask(feed, 1)
    assert feed.began == 3


def test_it_is_known_when_the_last_sample_has_been_heard() -> None:
    feed, _, now = feed_of(array("h", ramp(0, 2400)).tolist())
    ask(feed, 4800, delay=0.05)
    now.time += 0.2
    ask(feed, 4800, delay=0.3)
    assert feed.heard_at == pytest.approx(100.0 + 0.05 + 0.1)


def test_what_was_flushed_is_not_waited_for() -> None:
    feed, ring, now = feed_of(array("h", ramp(0, 4800)).tolist())
    ask(feed, 2400, delay=1.0)
    ring.flush()
    assert feed.heard(now.time) == 4800
