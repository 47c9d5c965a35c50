import asyncio
import os
import random
import sys

import numpy as np
import pytest

from chatttsd.constants import SAMPLE_BYTES, SAMPLE_RATE
from chatttsd.engine.api import EngineDiedError, EngineError, SynthesisRequest, WorkerSettings
from chatttsd.engine.client import WorkerState, worker_command
from chatttsd.engine.tone import PACE
from support.engine_clients import (
    LIMIT_SECONDS,
    QUICK,
    States,
    children,
    make_client,
    open_files,
    pid_of,
    running,
    say,
)
from support.fake_worker import fake_command
from support.tone_decoder import decode

SLOW = {PACE: "1"}


def text_of(pcm: bytes) -> list[str]:
    return [segment.text for segment in decode(np.frombuffer(pcm, np.int16))]


async def test_a_request_comes_back_as_the_sound_that_was_asked_for() -> None:
    async with running("tone") as (client, _):
        assert text_of(await say(client, "你好, world")) == ["你好, world"]


async def test_the_states_of_a_life_are_told_in_order() -> None:
    async with running("tone") as (client, states):
        assert states.told == [(WorkerState.STARTING, ""), (WorkerState.READY, "")]
        assert client.pid is not None
    assert states.told[2:] == [(WorkerState.STOPPED, "")]
    assert client.pid is None


async def test_the_voices_are_those_of_the_hello() -> None:
    states = States()
    client = make_client("tone", states)
    assert list(client.voices) == []
    await client.start()
    assert [voice.id for voice in client.voices] == ["tone/tone"]
    await client.stop()


async def test_chunks_come_before_the_end_of_the_synthesis() -> None:
    async with running("tone") as (client, _):
        request = SynthesisRequest("hello" * 100, parameters=SLOW)
        stream = client.synthesise(request)
        first = await anext(stream)
        assert 0 < len(first) <= 960
        await stream.aclose()


async def test_closing_the_stream_cancels_and_the_next_request_goes_at_once() -> None:
    async with running("tone", WorkerSettings()) as (client, _):
        stream = client.synthesise(SynthesisRequest("hello" * 1000, parameters=SLOW))
        await anext(stream)
        await stream.aclose()
        async with asyncio.timeout(10):
            assert text_of(await say(client, "next")) == ["next"]


async def test_a_stream_that_was_never_read_asks_for_nothing() -> None:
    async with running("tone") as (client, _):
        client.synthesise(SynthesisRequest("never"))
        assert text_of(await say(client, "next")) == ["next"]


async def test_a_waiting_request_can_be_cancelled() -> None:
    async with running("tone") as (client, _):
        busy = client.synthesise(SynthesisRequest("hello" * 1000, parameters=SLOW))
        await anext(busy)
        waiting = asyncio.create_task(say(client, "waiting"))
        last = asyncio.create_task(say(client, "last"))
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.wait({waiting})
        await busy.aclose()
        assert text_of(await last) == ["last"]


async def test_foreground_goes_before_waiting_background_in_order_of_arrival() -> None:
    async with running("tone") as (client, _):
        order: list[str] = []

        async def note(text: str, *, background: bool) -> None:
            await say(client, text, background=background)
            order.append(text)

        busy = client.synthesise(SynthesisRequest("hello" * 1000, parameters=SLOW))
        await anext(busy)
        tasks = []
        for text, background in (("b1", True), ("f1", False), ("b2", True), ("f2", False)):
            tasks.append(asyncio.create_task(note(text, background=background)))
            await asyncio.sleep(0)
        await busy.aclose()
        await asyncio.gather(*tasks)
        assert order == ["f1", "f2", "b1", "b2"]


async def test_200_requests_with_random_cancels_never_mix_their_sound() -> None:
    chance = random.Random(5)  # noqa: S311 - repeatable on purpose
    async with running("tone") as (client, _):
        for number in range(200):
            text = f"request {number} " + "x" * chance.randrange(60)
            stream = client.synthesise(SynthesisRequest(text))
            if chance.random() < 0.5:
                for _ in range(chance.randrange(4)):
                    await anext(stream, None)
                await stream.aclose()
            else:
                assert text_of(b"".join([chunk async for chunk in stream])) == [text]


async def test_40_requests_at_once_with_random_cancels_are_all_answered() -> None:
    chance = random.Random(6)  # noqa: S311 - repeatable on purpose
    async with running("tone") as (client, _):
        tasks = {text: asyncio.create_task(say(client, text)) for text in map(str, range(40))}
        await asyncio.sleep(0)
        cancelled = chance.sample(list(tasks), 15)
        for text in cancelled:
            tasks[text].cancel()
        results = await asyncio.gather(*tasks.values(), return_exceptions=True)
        for text, result in zip(tasks, results, strict=True):
            if isinstance(result, bytes):
                assert text_of(result) == [text]
            else:
                assert text in cancelled


async def test_a_slow_reader_stops_the_worker_and_loses_nothing() -> None:
    async with running(fake_command("faulty")) as (client, _):
        stream = client.synthesise(SynthesisRequest("ten minutes"))
        total = len(await anext(stream))
        # Longer than the hang deadline: waiting for a reader is not hanging.
        await asyncio.sleep(2 * QUICK.hang_seconds)
        async for chunk in stream:
            total += len(chunk)
        assert total == 600 * 48_000


async def test_a_background_request_that_nobody_reads_keeps_no_foreground_request_waiting() -> None:
    async with running("tone") as (client, _):
        text = "unread" * 100
        unread = client.synthesise(SynthesisRequest(text), background=True)
        first = await anext(unread)
        assert text_of(await say(client, "at once")) == ["at once"]
        whole = first + b"".join([chunk async for chunk in unread])
        assert len(whole) > 30 * SAMPLE_RATE * SAMPLE_BYTES
        assert text_of(whole) == [text]


async def test_the_foreground_goes_between_the_segments_of_an_unread_background_utterance() -> None:
    async with running("tone") as (client, _):
        text = "unread" * 100
        streams = [client.synthesise(SynthesisRequest(text), background=True) for _ in range(2)]
        waiting = [asyncio.create_task(anext(stream)) for stream in streams]
        await waiting[0]
        assert text_of(await say(client, "between")) == ["between"]
        for stream, task in zip(streams, waiting, strict=True):
            whole = await task + b"".join([chunk async for chunk in stream])
            assert text_of(whole) == [text]


async def test_a_background_request_that_nobody_reads_can_be_closed() -> None:
    async with running("tone", WorkerSettings()) as (client, _):
        unread = client.synthesise(SynthesisRequest("unread" * 1000, parameters=SLOW), background=True)
        await anext(unread)
        await unread.aclose()
        assert text_of(await say(client, "next")) == ["next"]


async def test_an_engine_error_reaches_the_caller_and_the_worker_lives() -> None:
    async with running(fake_command("faulty")) as (client, states):
        with pytest.raises(EngineError, match=r"^the engine says no$"):
            await say(client, "refuse")
        assert text_of(await say(client, "still here")) == ["still here"]
        assert states.names() == [WorkerState.STARTING, WorkerState.READY]


async def test_a_foreign_exception_is_told_by_type_and_place_without_its_message() -> None:
    async with running(fake_command("faulty")) as (client, _):
        with pytest.raises(EngineError, match=r"^ValueError at __main__:\d+$"):
            await say(client, "raise")


async def test_a_text_over_the_bound_of_the_wire_is_refused_and_nothing_else_disturbed() -> None:
    async with running("tone") as (client, _):
        with pytest.raises(EngineError, match="does not fit"):
            await say(client, "x" * (1 << 20))
        assert text_of(await say(client, "next")) == ["next"]


async def test_status_is_told_while_starting_and_keeps_a_slow_start_alive() -> None:
    patience = WorkerSettings(start_seconds=2.0)
    async with running(fake_command("loading"), patience) as (_, states):
        progress = [reason for state, reason in states.told if state is WorkerState.STARTING and reason]
        assert progress == ["loading 20 %", "loading 40 %", "loading 60 %", "loading 80 %"]


async def test_status_is_told_while_ready() -> None:
    async with running(fake_command("answers")) as (client, states):
        assert await say(client, "status") == b""
        assert states.told[-1] == (WorkerState.READY, "warming")


async def test_the_child_inherits_its_socket_and_nothing_else() -> None:
    read, write = os.pipe()
    os.set_inheritable(read, True)
    try:
        async with running(fake_command("mirror"), environment={"CHATTTSD_TEST": "passed on"}) as (client, _):
            descriptors, passed, threads = [item.name for item in client.voices]
            assert len(descriptors.split(",")) == 4
            assert descriptors.startswith("[0, 1, 2, ")
            assert passed == "passed on"
            assert threads == os.environ.get("OPENBLAS_NUM_THREADS", "1")
    finally:
        os.close(read)
        os.close(write)


async def test_stop_while_synthesising_fails_the_open_requests_and_leaves_no_process() -> None:
    async with running("tone") as (client, _):
        pid = pid_of(client)
        busy = client.synthesise(SynthesisRequest("x" * 500, parameters=SLOW))
        await anext(busy)
        tasks = [asyncio.create_task(say(client, "waiting")) for _ in range(3)]
        await asyncio.sleep(0)
        await client.stop()
        for result in await asyncio.gather(*tasks, return_exceptions=True):
            assert isinstance(result, EngineDiedError)
            assert str(result) == "tone worker was stopped"
        with pytest.raises(EngineDiedError, match="was stopped"):
            await anext(busy)
        assert pid not in children()


async def test_a_stopped_client_refuses_requests_and_can_be_started_again() -> None:
    states = States()
    client = make_client("tone", states)
    with pytest.raises(EngineDiedError, match="is stopped"):
        await say(client, "early")
    await client.start()
    await client.stop()
    await client.stop()
    with pytest.raises(EngineDiedError, match="was stopped"):
        await say(client, "late")
    await client.start()
    assert text_of(await say(client, "again")) == ["again"]
    await client.stop()


async def test_starting_twice_is_a_fault() -> None:
    async with running("tone") as (client, _):
        with pytest.raises(RuntimeError, match="already started"):
            await client.start()


async def test_a_worker_that_does_not_end_when_asked_is_killed() -> None:
    async with running(fake_command("stubborn")) as (client, _):
        pid = pid_of(client)
        async with asyncio.timeout(LIMIT_SECONDS):
            await client.stop()
        assert pid not in children()


async def test_stop_during_the_start_ends_both() -> None:
    client = make_client(fake_command("silent"), States())
    start = asyncio.create_task(client.start())
    async with asyncio.timeout(LIMIT_SECONDS):
        while client.pid is None:  # noqa: ASYNC110 - a spawn in progress tells nobody
            await asyncio.sleep(0)
        await client.stop()
        with pytest.raises(EngineDiedError):
            await start
    assert not children()


async def test_starting_and_stopping_leaks_neither_descriptors_nor_processes() -> None:
    async with running("tone") as (client, _):
        await say(client, "warm up")
    before = open_files()
    for _ in range(10):
        async with running("tone") as (client, _):
            await say(client, "hello")
    assert open_files() == before
    assert not children()


async def test_the_daemon_side_imports_no_numpy() -> None:
    probe = "import sys, chatttsd.engine.client; sys.exit('numpy' in sys.modules)"
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", probe)
    assert await process.wait() == 0


def test_the_worker_command_keeps_the_current_folder_off_the_import_path() -> None:
    assert worker_command("tone")[1:] == ("-P", "-m", "chatttsd.engine.worker", "--engine", "tone")
