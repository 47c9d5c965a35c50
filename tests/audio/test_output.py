"""The sound output on a healthy PulseAudio: what is recorded is what was written, when it was asked for."""

import asyncio
import itertools
import statistics
import time
from array import array
from pathlib import Path

import pytest

from support.audio_child import AudioChild, audio_child
from support.hearing import until_heard, until_heard_for, until_silent
from support.pulse import PulseServer, Recorder
from support.ramp import glide, ramp, without_glides

pytestmark = pytest.mark.system

SECOND = 24_000
CALM = 100
"""ms of latency where a test is not about it: a busy machine must not add a gap of its own."""


def heard_between(recorder: Recorder, start: int) -> "array[int]":
    """Return the recording from `start` on without the silence before and after."""
    samples = recorder.samples(start)
    sounding = [index for index, value in enumerate(samples) if value]
    return samples[sounding[0] : sounding[-1] + 1]


async def test_the_recording_is_bit_for_bit_what_was_written(pulse: PulseServer, recorder: Recorder) -> None:
    async with audio_child(pulse.child_environment(), latency_ms=CALM) as child:
        await child.call("write", start=0, count=2 * SECOND)
        await child.call("drain")
        await until_silent(recorder)
        last = 2 * SECOND - 30_000
        assert heard_between(recorder, 0) == array("h", ramp(0, 2 * SECOND)) + array("h", glide(last, 0))


async def test_sound_comes_soon_after_the_first_samples(pulse: PulseServer, recorder: Recorder) -> None:
    async with audio_child(pulse.child_environment()) as child:
        await child.call("probe")
        asked = time.monotonic()
        await child.call("write", start=0, count=SECOND // 2)
        seconds = await until_heard(recorder) - asked
        print(f"closed device, write to recording: {seconds * 1000:.1f} ms")
        assert seconds < 0.5


async def test_a_producer_faster_than_real_time_leaves_no_gap(pulse: PulseServer, recorder: Recorder) -> None:
    async with audio_child(pulse.child_environment(), latency_ms=CALM) as child:
        await child.call("write", start=0, count=2 * SECOND, pace=0.5)
        await child.call("drain")
        await until_silent(recorder)
        assert 0 not in heard_between(recorder, 0)
        assert without_glides(recorder.sounding()) == [(1, 2 * SECOND)]
        statistics_ = (await child.call("look"))["statistics"]
        assert (statistics_["underruns"], statistics_["xruns"]) == (0, 0)


async def test_a_producer_slower_than_real_time_is_counted_and_nothing_is_lost_or_repeated(
    pulse: PulseServer, recorder: Recorder
) -> None:
    async with audio_child(pulse.child_environment(), latency_ms=CALM) as child:
        await child.call("write", start=0, count=20_000, block=5000, pace=1.5)
        await child.call("drain")
        await until_silent(recorder)
        assert without_glides(recorder.sounding()) == [(1 + at, 5000) for at in range(0, 20_000, 5000)]
        assert (await child.call("look"))["statistics"]["underruns"] == 3
        assert [event["event"] for event in child.events].count("underrun") == 3


async def test_silence_after_a_text_is_no_underrun(pulse: PulseServer) -> None:
    async with audio_child(pulse.child_environment(), idle_close_seconds=5) as child:
        for start in (0, 1000, 2000):
            await child.call("write", start=start, count=1000)
            await child.call("drain")
            await asyncio.sleep(0.1)
        assert (await child.call("look"))["statistics"]["underruns"] == 0


async def test_a_mark_hides_no_underrun(pulse: PulseServer) -> None:
    async with audio_child(pulse.child_environment(), idle_close_seconds=5) as child:
        for start in (0, 1000, 2000):
            await child.call("write", start=start, count=1000)
            await child.call("mark", name=str(start))
            await child.heard(str(start))
            await asyncio.sleep(0.1)
        await child.call("drain")
        assert (await child.call("look"))["statistics"]["underruns"] == 2


async def test_a_text_that_begins_in_an_open_stream_begins_without_a_hole(
    pulse: PulseServer, recorder: Recorder
) -> None:
    async with audio_child(pulse.child_environment(), latency_ms=150, idle_close_seconds=5) as child:
        await child.call("write", start=0, count=1)
        for start in range(0, 20_000, 1000):
            await asyncio.sleep(start / 20_000 * 0.04)  # elsewhere between two blocks of the device
            before = recorder.position
            await child.call("write", start=start, count=1000, block=480, pace=0.6)
            await child.call("drain")
            await until_silent(recorder)
            assert 0 not in heard_between(recorder, before)
        assert (await child.call("look"))["statistics"]["opens"] == 1


async def test_marks_come_in_order_and_not_before_they_are_heard(
    pulse: PulseServer, recorder: Recorder
) -> None:
    async with audio_child(pulse.child_environment()) as child:
        ends = range(4000, 28_001, 4000)
        for end in ends:
            await child.call("write", start=end - 4000, count=4000)
            await child.call("mark", name=str(end))
        await child.heard("28000")
        await until_silent(recorder)
        marks = [event for event in child.events if event["event"] == "heard"]
        assert [event["name"] for event in marks] == [str(end) for end in ends]
        samples = recorder.samples()
        lateness = [event["at"] - recorder.arrived(samples.index(int(event["name"]))) for event in marks]
        print("marks after the recording [ms]:", [round(1000 * late, 1) for late in lateness])
        # The recorder itself is late too: some ms, and more where the machine is busy.
        assert statistics.median(lateness) > -0.02
        assert min(lateness) > -0.15
        assert statistics.median(lateness) < 0.2


async def test_a_mark_after_nothing_comes_at_once(pulse: PulseServer) -> None:
    async with audio_child(pulse.child_environment()) as child:
        await child.call("mark", name="nothing")
        await child.heard("nothing")
        await child.call("drain")


async def test_write_waits_so_that_at_most_a_quarter_of_a_second_is_queued(pulse: PulseServer) -> None:
    async with audio_child(pulse.child_environment()) as child:
        begun = time.monotonic()
        writing = child.send("write", start=0, count=28_000)
        queued = []
        while not writing.done():
            queued.append((await child.call("look"))["queued"])
            await asyncio.sleep(0.02)
        assert max(queued) <= 6000
        assert time.monotonic() - begun > 28_000 / SECOND - 0.4


async def flushed(child: AudioChild, recorder: Recorder) -> float:
    """Write, flush in the middle, and return how many seconds later the last sound was recorded."""
    start = recorder.position
    writing = child.send("write", start=0, count=20_000)
    await until_heard(recorder, start)
    await asyncio.sleep(0.05)
    asked = time.monotonic()
    await child.call("flush")
    await writing
    await until_silent(recorder)
    samples = recorder.samples(start)
    last = max(index for index, value in enumerate(samples) if value)
    return recorder.arrived(start + last) - asked


@pytest.mark.parametrize("latency_ms", [25, 300])
async def test_flush_is_soon_silent_however_much_the_device_buffers(
    pulse: PulseServer, recorder: Recorder, latency_ms: int
) -> None:
    async with audio_child(pulse.child_environment(), latency_ms=latency_ms) as child:
        times = sorted([1000 * await flushed(child, recorder) for _ in range(10)])
        print(f"{latency_ms} ms buffered: silent after {statistics.median(times):.1f}, {times[-1]:.1f} ms")
        assert statistics.median(times) < 100


async def test_flush_fades_instead_of_clicking(pulse: PulseServer, recorder: Recorder) -> None:
    async with audio_child(pulse.child_environment()) as child:
        writing = child.send("write", start=0, count=29_000)
        await until_heard_for(recorder, 12_000)
        await child.call("flush")
        await writing
        await until_silent(recorder)
        first, length = without_glides(recorder.sounding())[-1]
        last = first + length - 1
        assert last < 29_000
        sound = heard_between(recorder, 0)
        assert sound[-len(glide(last, 0)) - 1 :].tolist() == [last, *glide(last, 0)]
        assert max(abs(a - b) for a, b in itertools.pairwise(sound)) < 32768 * 0.2


async def test_flush_drops_marks_and_the_next_utterance_starts_at_its_first_sample(
    pulse: PulseServer, recorder: Recorder
) -> None:
    async with audio_child(pulse.child_environment()) as child:
        await child.call("write", start=0, count=5000)
        await child.call("mark", name="flushed")
        await child.call("flush")
        await child.call("write", start=20_000, count=3000)
        await child.call("mark", name="after")
        await child.heard("after")
        await until_silent(recorder)
        assert without_glides(recorder.sounding())[-1] == (20_001, 3000)
        assert not any(event.get("name") == "flushed" for event in child.events)


@pytest.mark.parametrize("latency_ms", [25, 300])
async def test_what_is_written_right_after_a_flush_is_complete(
    pulse: PulseServer, recorder: Recorder, latency_ms: int
) -> None:
    async with audio_child(pulse.child_environment(), latency_ms=latency_ms) as child:
        for _ in range(5):
            start = recorder.position
            child.send("write", start=0, count=9000)
            await until_heard(recorder, start)
            child.send("flush")
            await child.call("write", start=20_000, count=3000)
            await child.call("drain")
            await until_silent(recorder)
            assert without_glides(recorder.sounding(start))[-1] == (20_001, 3000)


async def test_a_device_that_is_given_back_at_once_still_plays_to_the_end(
    pulse: PulseServer, recorder: Recorder
) -> None:
    async with audio_child(pulse.child_environment(), idle_close_seconds=0, latency_ms=100) as child:
        await child.call("write", start=0, count=5000)
        await child.call("release")
        await child.call("wait_idle")
        await until_silent(recorder)
        assert heard_between(recorder, 0) == array("h", ramp(0, 5000)) + array("h", glide(5000, 0))


async def test_pause_and_resume_lose_and_repeat_not_one_sample(
    pulse: PulseServer, recorder: Recorder
) -> None:
    async with audio_child(pulse.child_environment(), latency_ms=CALM) as child:
        writing = child.send("write", start=0, count=29_000)
        await until_heard_for(recorder, 8000)
        await child.call("pause")
        await until_silent(recorder)
        paused = (await child.call("look"))["queued"]
        assert paused > 0
        await child.call("resume")
        await writing
        await child.call("drain")
        await until_silent(recorder)
        (first, before), (second, after) = without_glides(recorder.sounding())
        assert (first, second, before + after) == (1, before + 1, 29_000)
        sound = heard_between(recorder, 0).tolist()
        assert sound[before : before + 120] == glide(before, 0)
        assert sound[-29_000 - 120 + before - 120 : -29_000 + before - 120] == glide(0, before + 1)


async def test_a_long_pause_gives_the_device_back_and_resumes_at_the_same_sample(
    pulse: PulseServer, recorder: Recorder
) -> None:
    async with audio_child(pulse.child_environment(), latency_ms=CALM, idle_close_seconds=0.2) as child:
        writing = child.send("write", start=0, count=20_000)
        await until_heard_for(recorder, 4000)
        await child.call("pause")
        await child.call("wait_idle")
        assert pulse.sink_inputs() == []
        await child.call("resume")
        await writing
        await child.call("drain")
        await until_silent(recorder)
        (_, before), (second, after) = without_glides(recorder.sounding())
        assert (second, before + after) == (before + 1, 20_000)


async def test_flush_in_a_pause_leaves_nothing_for_resume(pulse: PulseServer, recorder: Recorder) -> None:
    async with audio_child(pulse.child_environment()) as child:
        await child.call("write", start=0, count=6000)
        await child.call("pause")
        await child.call("flush")
        await child.call("resume")
        await child.call("write", start=20_000, count=500)
        await child.call("drain")
        await until_silent(recorder)
        assert without_glides(recorder.sounding())[-1] == (20_001, 500)


async def test_after_release_the_device_is_given_back_and_the_process_sleeps(pulse: PulseServer) -> None:
    async with audio_child(pulse.child_environment(), idle_close_seconds=0.1) as child:
        await child.call("write", start=0, count=4000)
        await child.call("release")
        await child.call("drain")
        await child.call("wait_idle")
        assert pulse.sink_inputs() == []
        before = switches(child.pid)
        await asyncio.sleep(0.5)
        assert switches(child.pid) - before <= 2


def switches(pid: int) -> int:
    """Return how often the threads of a process went to sleep so far."""
    total = 0
    for thread in Path(f"/proc/{pid}/task").iterdir():
        status = (thread / "status").read_text()
        total += int(status.split("\nvoluntary_ctxt_switches:")[1].split()[0])
    return total


async def test_numpy_is_never_imported_and_sounddevice_only_when_there_is_something_to_say(
    pulse: PulseServer,
) -> None:
    async with audio_child(pulse.child_environment()) as child:
        before = await child.call("look")
        await child.call("write", start=0, count=1000)
        await child.call("drain")
        after = await child.call("look")
        assert (before["sounddevice"], after["sounddevice"]) == (False, True)
        assert (before["numpy"], after["numpy"]) == (False, False)
        print(f"sounddevice costs {(after['rss'] - before['rss']) / 2**20:.1f} MiB")


async def test_a_device_that_does_not_exist_is_named_together_with_those_that_do(pulse: PulseServer) -> None:
    async with audio_child(pulse.child_environment(), device="Kopfhörer", wait_seconds=1) as child:
        assert await child.call("probe") == (
            "The sound device of [audio] device in the configuration is not there: "
            "'Kopfhörer' is none of 'pulse', 'default'."
        )
        with pytest.raises(RuntimeError, match="Kopfhörer"):
            await child.call("open")
        assert [event["event"] for event in child.events].count("reason") == 1


async def test_a_part_of_a_device_name_is_enough(pulse: PulseServer, recorder: Recorder) -> None:
    async with audio_child(pulse.child_environment(), device="PULS") as child:
        await child.call("write", start=0, count=500)
        await until_heard(recorder)


async def test_after_close_nothing_is_accepted_any_more(pulse: PulseServer) -> None:
    async with audio_child(pulse.child_environment()) as child:
        writing = child.send("write", start=0, count=28_000)
        await asyncio.sleep(0.1)
        await child.call("close")
        await writing
        with pytest.raises(RuntimeError, match="closed"):
            await child.call("write", start=0, count=500)
        assert pulse.sink_inputs() == []
