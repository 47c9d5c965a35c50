"""A stream is exchanged for one of another latency between utterances: soon, nothing is lost or repeated."""

import asyncio
import itertools
import math
import time
from dataclasses import dataclass, field

import pytest

from chatttsd.audio.api import AudioSettings
from chatttsd.audio.keeper import CALM_SECONDS, STRAIN_SECONDS, Changed, DeviceKeeper
from chatttsd.audio.ring import PcmRing
from support.audio_child import audio_child
from support.hearing import until_heard, until_silent
from support.pulse import PulseServer, Recorder
from support.ramp import glide, without_glides

pytestmark = pytest.mark.system

CALM = 100
"""ms of latency where a test is not about it: a busy machine must not add a gap of its own."""


@pytest.mark.parametrize("echo", [True, False])
async def test_a_stream_is_exchanged_when_another_latency_is_needed_and_all_is_heard(
    pulse: PulseServer, recorder: Recorder, *, echo: bool
) -> None:
    async with audio_child(pulse.child_environment(), latency_ms=CALM, echo_latency_ms=CALM // 2) as child:
        await child.call("open", echo=not echo)
        await child.call("write", start=0, count=4000)
        await child.call("drain")
        before = await child.call("look")
        await child.call("open", echo=echo)
        await child.call("write", start=10_000, count=4000)
        await child.call("drain")
        await until_silent(recorder)
        after = await child.call("look")
        assert {before["latency_ms"], after["latency_ms"]} == {CALM, CALM // 2}
        assert after["statistics"]["opens"] == before["statistics"]["opens"] + 1
        assert without_glides(recorder.sounding()) == [(1, 4000), (10_001, 4000)]


@pytest.mark.parametrize("echo", [True, False])
async def test_a_stream_is_exchanged_at_once_after_a_flush_and_what_follows_is_complete(
    pulse: PulseServer, recorder: Recorder, *, echo: bool
) -> None:
    async with audio_child(pulse.child_environment(), latency_ms=CALM, echo_latency_ms=CALM // 2) as child:
        for _ in range(3):
            start = recorder.position
            await child.call("open", echo=not echo)
            writing = child.send("write", start=0, count=9000)
            await until_heard(recorder, start)
            await child.call("flush")
            await child.call("open", echo=echo)
            await child.call("write", start=20_000, count=3000)
            await child.call("drain")
            await writing
            await until_silent(recorder)
            assert without_glides(recorder.sounding(start))[-1] == (20_001, 3000)
            assert (await child.call("look"))["latency_ms"] == (CALM // 2 if echo else CALM)


async def test_strokes_that_follow_each_other_keep_their_stream(pulse: PulseServer) -> None:
    async with audio_child(pulse.child_environment()) as child:
        for _ in range(5):
            await child.call("open", echo=True)
            await child.call("write", start=0, count=2000)
            await child.call("flush")
        await child.call("write", start=0, count=2000)
        await child.call("drain")
        look = await child.call("look")
        assert (look["latency_ms"], look["statistics"]["opens"]) == (15, 1)


async def test_a_stroke_never_buffers_more_than_a_reading(pulse: PulseServer) -> None:
    async with audio_child(pulse.child_environment(), latency_ms=10) as child:
        await child.call("open", echo=True)
        await child.call("write", start=0, count=2000)
        await child.call("drain")
        assert (await child.call("look"))["latency_ms"] == 10


async def test_a_machine_too_busy_for_little_latency_gets_the_usual_one(pulse: PulseServer) -> None:
    async with audio_child(pulse.child_environment(), latency_ms=CALM, echo_latency_ms=CALM // 2) as child:
        latencies = []
        for _ in range(3):
            await child.call("open", echo=True)
            await child.call("write", start=0, count=6000)
            await child.call("xrun")
            await child.call("write", start=6000, count=6000)
            await child.call("drain")
            latencies.append((await child.call("look"))["latency_ms"])
        assert latencies == [CALM // 2, CALM // 2, CALM]


async def test_a_stream_that_is_exchanged_without_a_flush_fades_out_first(
    pulse: PulseServer, recorder: Recorder
) -> None:
    async with audio_child(pulse.child_environment(), latency_ms=60, echo_latency_ms=15) as child:
        for count in range(4000, 4480, 60):
            start = recorder.position
            await child.call("open", echo=False)
            await child.call("write", start=5000, count=count)
            await child.call("drain")
            await child.call("open", echo=True)
            await child.call("write", start=20_000, count=3000)
            await child.call("drain")
            await until_silent(recorder)
            samples = recorder.samples(start)
            end = samples.index(5000 + count) + 1
            fade = glide(5000 + count, 0)
            assert samples[end : end + len(fade)].tolist() == fade


async def test_an_xrun_counts_for_the_stream_in_which_it_was(pulse: PulseServer) -> None:
    async with audio_child(pulse.child_environment(), latency_ms=CALM, echo_latency_ms=CALM // 2) as child:
        for _ in range(2):
            await child.call("open", echo=False)
            writing = child.send("write", start=0, count=9000)
            await asyncio.sleep(0.3)
            child.send("xrun")
            child.send("flush")
            await child.call("open", echo=True)
            await child.call("write", start=0, count=3000)
            await child.call("drain")
            await writing
        await child.call("open", echo=True)
        await child.call("write", start=0, count=3000)
        await child.call("drain")
        assert (await child.call("look"))["latency_ms"] == CALM // 2


async def test_a_text_that_follows_an_interrupted_key_fades_and_does_not_click(
    pulse: PulseServer, recorder: Recorder
) -> None:
    async with audio_child(pulse.child_environment(), latency_ms=CALM, echo_latency_ms=25) as child:
        await child.call("open", echo=True)
        writing = child.send("write", start=8000, count=9000)
        await until_heard(recorder)
        await child.call("flush")
        await child.call("open", echo=False)
        await child.call("write", start=20_000, count=3000)
        await child.call("drain")
        await writing
        await until_silent(recorder)
        assert max(abs(a - b) for a, b in itertools.pairwise(recorder.samples())) < 32768 * 0.02


async def test_a_key_does_not_wait_until_the_text_that_it_interrupts_is_out(
    pulse: PulseServer, recorder: Recorder
) -> None:
    times = []
    async with audio_child(pulse.child_environment(), latency_ms=400, echo_latency_ms=15) as child:
        for _ in range(5):
            start = recorder.position
            await child.call("open", echo=False)
            writing = child.send("write", start=0, count=15_000)
            await until_heard(recorder, start)
            pressed, at = time.monotonic(), recorder.position
            await child.call("flush")
            await child.call("open", echo=True)
            await child.call("write", start=20_000, count=3000)
            await child.call("drain")
            await writing
            await until_silent(recorder)
            times.append(recorder.arrived(at + recorder.samples(at).index(20_002)) - pressed)
    print("from the key to its sound [ms]:", [round(1000 * seconds) for seconds in times])
    assert min(times) < 0.2


async def test_a_text_that_is_paused_at_once_waits_without_a_device(
    pulse: PulseServer, recorder: Recorder
) -> None:
    async with audio_child(pulse.child_environment(), wait_seconds=0.5) as child:
        await child.call("pause")
        await child.call("open")
        writing = child.send("write", start=0, count=3000)
        await asyncio.sleep(1.0)
        await child.call("resume")
        await writing
        await child.call("drain")
        await until_silent(recorder)
        assert without_glides(recorder.sounding()) == [(1, 3000)]


@dataclass
class Quiet:
    """An owner that wants nothing, and the clock."""

    now: float = 1000.0
    reasons: list[str] = field(default_factory=list)

    def idle_in(self) -> float:
        return 0.0

    def complete(self) -> bool:
        return True

    def opened(self, absent_seconds: float) -> None:
        del absent_seconds

    def started(self) -> None:
        pass

    def new_reason(self, reason: str) -> None:
        self.reasons.append(reason)


class Strained:
    """A keeper whose stream of low latency is late when a test says so."""

    def __init__(self, *, lowered: bool = True) -> None:
        self.owner = Quiet()
        settings = AudioSettings()
        self.keeper = DeviceKeeper(settings, PcmRing(), lambda: self.owner.now, self.owner, Changed())
        self.keeper.fit(echo=True)
        self.keeper._lowered = lowered

    def late(self, after: float) -> None:
        self.owner.now += after
        self.keeper.feed.xruns += 1
        self.keeper._note_strain()

    @property
    def latency_ms(self) -> int:
        return self.keeper._wanted_latency()


def test_two_late_moments_within_ten_seconds_ask_for_the_usual_latency_for_a_minute(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO")
    strained = Strained()
    strained.late(0.0)
    assert strained.latency_ms == 15
    strained.late(STRAIN_SECONDS - 1)
    assert strained.latency_ms == 25
    strained.late(1.0)
    strained.owner.now += CALM_SECONDS - 1
    assert strained.latency_ms == 25
    strained.owner.now += 1.5
    assert strained.latency_ms == 15
    assert len(caplog.messages) == 1


def test_late_moments_that_are_far_apart_do_not_matter() -> None:
    strained = Strained()
    for _ in range(5):
        strained.late(STRAIN_SECONDS + 1)
    assert strained.latency_ms == 15


def test_late_moments_of_a_stream_of_the_usual_latency_do_not_matter() -> None:
    strained = Strained(lowered=False)
    for _ in range(5):
        strained.late(0.1)
    assert strained.latency_ms == 15


def test_without_late_moments_time_alone_changes_nothing() -> None:
    strained = Strained()
    strained.owner.now = math.inf
    strained.keeper._note_strain()
    assert strained.latency_ms == 15
