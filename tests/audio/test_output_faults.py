"""What the sound output does when the sound server dies, hangs, comes and goes; a real PulseAudio each."""

import asyncio
import time

import pytest

from support.audio_child import AudioChild, audio_child
from support.hearing import until_heard, until_heard_for, until_silent
from support.pulse import PulseServer, Recorder
from support.ramp import without_glides

pytestmark = pytest.mark.system

SECOND = 24_000
OVERLAP = SECOND * 60 // 1000
"""What may be said twice or left out where a device died: 60 ms."""


async def until_reason(child: AudioChild, *, empty: bool) -> str:
    seen = len(child.events)

    def fits(event: dict[str, str]) -> bool:
        return (
            child.events.index(event) >= seen
            and event["event"] == "reason"
            and (event["reason"] == "") == empty
        )

    return str((await child.event(fits))["reason"])


async def test_a_killed_server_costs_nothing_but_the_time_it_is_away(pulse: PulseServer) -> None:
    async with audio_child(pulse.child_environment()) as child:
        with pulse.record() as before:
            writing = child.send("write", start=0, count=29_000)
            await until_heard_for(before, SECOND // 2)
            pulse.kill()
        (_, heard), *rest = without_glides(before.sounding())
        assert not rest
        pulse.start()
        back = time.monotonic()
        with pulse.record() as after:
            assert await until_heard(after) - back < 2
            await writing
            await child.call("drain")
            await until_silent(after)
        (first, length), *rest = without_glides(after.sounding())
        assert not rest
        assert first - 1 == pytest.approx(heard, abs=OVERLAP)
        assert first - 1 + length == 29_000
        assert (await child.call("look"))["statistics"]["losses"] >= 1


async def test_speech_goes_on_by_itself_once_a_server_that_hung_for_four_seconds_answers_again(
    pulse: PulseServer, recorder: Recorder
) -> None:
    async with audio_child(pulse.child_environment()) as child:
        writing = child.send("write", start=0, count=29_000)
        await until_heard_for(recorder, 5000)
        pulse.stop()
        reason = until_reason(child, empty=False)
        stopped = time.monotonic()
        assert "does not answer" in await reason
        assert time.monotonic() - stopped < 3
        await asyncio.sleep(4 - (time.monotonic() - stopped))
        pulse.cont()
        resumed = time.monotonic()
        await writing
        await child.call("drain")
        assert time.monotonic() - resumed < 1.3 + 2
        assert (await child.call("look"))["reason"] == ""
        assert (await child.call("look"))["statistics"]["stalls"] == 1
        await until_silent(recorder)
        runs = without_glides(recorder.sounding())
        assert sum(length for _, length in runs) == pytest.approx(29_000, abs=OVERLAP)


async def test_a_server_that_hangs_while_the_device_is_opened_is_named_and_waited_for(
    pulse: PulseServer,
) -> None:
    async with audio_child(pulse.child_environment(), wait_seconds=1.5) as child:
        assert await child.call("probe") == ""
        pulse.stop()
        with pytest.raises(RuntimeError, match="does not answer"):
            await child.call("write", start=0, count=5000)
        pulse.cont()
        with pulse.record() as recorder:
            await child.call("write", start=0, count=5000)
            await child.call("drain")
            await until_silent(recorder)
            assert without_glides(recorder.sounding()) == [(1, 5000)]


async def test_speech_waits_for_a_server_that_starts_later(absent_pulse: PulseServer) -> None:
    async with audio_child(absent_pulse.child_environment()) as child:
        assert "no sound device" in await child.call("probe")
        writing = child.send("write", start=0, count=1000)
        await asyncio.sleep(1.5)
        absent_pulse.start()
        started = time.monotonic()
        with absent_pulse.record() as recorder:
            assert await until_heard(recorder) - started < 2
            await writing
        assert (await child.call("look"))["reason"] == ""


async def test_without_any_server_write_gives_up_with_a_reason_after_the_waiting_time(
    absent_pulse: PulseServer,
) -> None:
    async with audio_child(absent_pulse.child_environment(), wait_seconds=2) as child:
        with pytest.raises(RuntimeError, match="no sound device"):
            await child.call("write", start=0, count=1000)
        with pytest.raises(RuntimeError, match="no sound device"):
            await child.call("open")


async def test_what_nobody_waits_for_any_more_is_not_said_when_a_device_comes_back(
    pulse: PulseServer,
) -> None:
    async with audio_child(pulse.child_environment(), wait_seconds=0.5) as child:
        await child.call("open")
        await child.call("write", start=0, count=5000)
        pulse.kill()
        with pytest.raises(RuntimeError):
            await child.call("drain")
        await asyncio.sleep(0.3)
        pulse.start()
        with pulse.record() as recorder:
            await child.call("write", start=20_000, count=1000)
            await child.call("drain")
            await until_silent(recorder)
            assert [first for first, _ in without_glides(recorder.sounding())] == [20_001]


async def test_a_server_restarted_between_two_utterances_is_not_noticed(pulse: PulseServer) -> None:
    async with audio_child(pulse.child_environment(), idle_close_seconds=30) as child:
        await child.call("write", start=0, count=2000)
        await child.call("drain")
        await child.call("release")
        pulse.restart()
        with pulse.record() as recorder:
            started = time.monotonic()
            await child.call("write", start=0, count=2000)
            await child.call("drain")
            assert await until_heard(recorder) - started < 2
            await until_silent(recorder)
            assert without_glides(recorder.sounding()) == [(1, 2000)]


async def test_a_sink_that_is_removed_is_replaced_by_the_one_that_is_left(pulse: PulseServer) -> None:
    pulse.add_sink("spare")
    module = pulse.add_sink("doomed")
    pulse.pactl("set-default-sink", "doomed")
    async with audio_child(pulse.child_environment()) as child:
        with pulse.record("doomed") as doomed, pulse.record("spare") as spare, pulse.record() as other:
            writing = child.send("write", start=0, count=28_000)
            await until_heard(doomed)
            pulse.pactl("unload-module", module)
            await writing
            await child.call("drain")
            await asyncio.sleep(0.1)
            heard = [without_glides(each.sounding()) for each in (doomed, spare, other)]
        assert max(length for runs in heard for _, length in runs) == pytest.approx(28_000, abs=OVERLAP)


async def test_speech_goes_on_when_the_only_sink_is_removed_and_comes_back(pulse: PulseServer) -> None:
    async with audio_child(pulse.child_environment()) as child:
        with pulse.record() as before:
            writing = child.send("write", start=0, count=28_000)
            await until_heard_for(before, 5000)
            pulse.pactl("unload-module", "module-null-sink")
        await child.event(lambda event: event["event"] == "reason" and event["reason"] != "")
        pulse.add_sink("later")
        added = time.monotonic()
        with pulse.record("later") as after:
            assert await until_heard(after) - added < 2
            await writing
            await child.call("drain")
            await until_silent(after)
        first, length = without_glides(after.sounding())[-1]
        assert first - 1 + length == 28_000


async def test_speech_follows_when_the_user_moves_it_to_another_sink(
    pulse: PulseServer, recorder: Recorder
) -> None:
    pulse.add_sink("headphones")
    async with audio_child(pulse.child_environment()) as child:
        with pulse.record("headphones") as headphones:
            writing = child.send("write", start=0, count=28_000)
            await until_heard(recorder)
            pulse.pactl("move-sink-input", pulse.sink_inputs()[0].split()[0], "headphones")
            await until_heard(headphones)
            await writing
            await child.call("drain")
        statistics = (await child.call("look"))["statistics"]
        assert (statistics["losses"], statistics["opens"]) == (0, 1)


async def test_the_output_closes_and_the_process_ends_while_the_server_hangs(pulse: PulseServer) -> None:
    async with audio_child(pulse.child_environment()) as child:
        child.send("write", start=0, count=28_000)
        await asyncio.sleep(0.2)
        pulse.stop()
        before = time.monotonic()
        assert await child.end() == 0
        assert time.monotonic() - before < 4


async def test_fifty_openings_leak_neither_descriptors_nor_threads(pulse: PulseServer) -> None:
    async with audio_child(pulse.child_environment(), idle_close_seconds=0) as child:

        async def speak() -> None:
            await child.call("write", start=0, count=240)
            await child.call("drain")
            await child.call("release")
            await child.call("wait_idle")

        await speak()
        before = await child.call("look")
        for _ in range(50):
            await speak()
        after = await child.call("look")
        assert after["statistics"]["opens"] == 51
        assert (after["descriptors"], after["threads"]) == (before["descriptors"], before["threads"])
        assert after["rss"] - before["rss"] < 4 << 20


async def test_a_server_that_dies_within_the_start_of_a_stream_costs_a_second_and_a_thread(
    pulse: PulseServer,
) -> None:
    async with audio_child(pulse.child_environment()) as child:
        await child.call("probe")
        await child.call("kill_before_start", pid=pulse.pid)
        writing = child.send("write", start=0, count=5000)
        reason = await child.event(lambda event: event["event"] == "reason")
        assert "does not answer" in reason["reason"]
        pulse.restart()
        with pulse.record() as recorder:
            await writing
            await child.call("drain")
            await until_silent(recorder)
            assert without_glides(recorder.sounding()) == [(1, 5000)]
        assert await child.end() == 0
