import asyncio
import contextlib
import os
import signal
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest

from chatttsd.engine.api import (
    EngineDiedError,
    EngineFaultError,
    EngineHungError,
    SynthesisRequest,
    WorkerSettings,
)
from chatttsd.engine.client import EngineClient, WorkerState
from chatttsd.engine.persistent import Persistent
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
PATIENT = WorkerSettings(hang_seconds=60.0, backoff_first_seconds=0.01, backoff_max_seconds=0.05)


def text_of(pcm: bytes) -> list[str]:
    return [segment.text for segment in decode(np.frombuffer(pcm, np.int16))]


async def drain(stream: AsyncIterator[bytes]) -> None:
    """Read to the end."""
    async with asyncio.timeout(LIMIT_SECONDS):
        async for _ in stream:
            pass


async def error_of(client: EngineClient, text: str, expected_seconds: float = 0.0) -> Exception:
    """Synthesise what must fail, and return how."""
    try:
        await drain(client.synthesise(SynthesisRequest(text), expected_seconds=expected_seconds))
    except (EngineDiedError, EngineHungError) as error:
        return error
    raise AssertionError("the request ended well")


async def test_a_killed_worker_fails_its_request_at_once_and_the_next_one_succeeds() -> None:
    async with running("tone", PATIENT) as (client, states):
        stream = client.synthesise(SynthesisRequest("x" * 500, parameters=SLOW))
        await anext(stream)
        killed = time.monotonic()
        os.kill(pid_of(client), signal.SIGKILL)
        with pytest.raises(EngineDiedError, match=r"^tone worker was killed by signal 9$"):
            await drain(stream)
        # Far below the hang deadline: the death itself was seen.
        assert time.monotonic() - killed < 10
        assert text_of(await say(client, "next")) == ["next"]
        assert states.names() == [
            WorkerState.STARTING,
            WorkerState.READY,
            WorkerState.FAILED,
            WorkerState.STARTING,
            WorkerState.READY,
        ]
        assert states.told[2][1] == "tone worker was killed by signal 9"


async def test_an_idle_worker_that_dies_is_started_again_by_itself() -> None:
    async with running("tone") as (client, states):
        first = pid_of(client)
        os.kill(first, signal.SIGKILL)
        await states.wait_for(WorkerState.READY, 2)
        assert pid_of(client) != first
        assert first not in children()


async def test_a_segmentation_fault_costs_one_request() -> None:
    async with running(fake_command("faulty")) as (client, _):
        assert str(await error_of(client, "segv")) == "faulty worker was killed by signal 11"
        assert text_of(await say(client, "next")) == ["next"]


async def test_a_worker_that_exits_tells_its_status() -> None:
    async with running(fake_command("faulty")) as (client, _):
        assert str(await error_of(client, "exit")) == "faulty worker ended with status 3"


async def test_requests_that_wait_survive_the_death_of_the_one_before() -> None:
    async with running(fake_command("faulty")) as (client, _):
        first = asyncio.create_task(error_of(client, "segv"))
        await asyncio.sleep(0)
        second = asyncio.create_task(say(client, "second"))
        assert isinstance(await first, EngineDiedError)
        assert text_of(await second) == ["second"]


@pytest.mark.parametrize(
    "answer",
    [
        *("garbage", "huge", "other request", "half a sample", "second hello", "bad error", "twice"),
        *("word outside", "many words", "half a level", "no level", "level of another"),
    ],
)
async def test_garbage_in_an_answer_kills_the_worker_and_the_next_one_works(answer: str) -> None:
    async with running(fake_command("answers")) as (client, states):
        first = pid_of(client)
        if answer == "twice":
            assert await say(client, answer) == b""
        else:
            assert "worker sent garbage" in str(await error_of(client, answer))
        await states.wait_for(WorkerState.READY, 2)
        assert first not in children()
        assert await say(client, "status") == b""


async def test_a_worker_that_hangs_is_killed_at_the_deadline() -> None:
    async with running(fake_command("faulty")) as (client, _):
        began = time.monotonic()
        error = await error_of(client, "sleep", expected_seconds=0.1)
        assert isinstance(error, EngineHungError)
        assert str(error) == "faulty worker did not answer within 0.8 s and was killed"
        assert time.monotonic() - began >= 0.8
        assert text_of(await say(client, "next")) == ["next"]


async def test_a_stopped_process_is_noticed_in_the_middle_of_its_sound() -> None:
    async with running("tone") as (client, _):
        stream = client.synthesise(SynthesisRequest("x" * 500, parameters=SLOW))
        await anext(stream)
        os.kill(pid_of(client), signal.SIGSTOP)
        with pytest.raises(EngineHungError):
            await drain(stream)
        assert text_of(await say(client, "next")) == ["next"]


async def test_a_worker_deaf_to_cancel_is_killed_at_the_deadline() -> None:
    async with running(fake_command("faulty")) as (client, states):
        stream = client.synthesise(SynthesisRequest("endless"))
        await anext(stream)
        await stream.aclose()
        reason = await states.wait_for(WorkerState.FAILED)
        assert reason == "faulty worker did not answer within 0.5 s and was killed"
        assert text_of(await say(client, "next")) == ["next"]


async def test_an_idle_worker_is_never_killed_for_its_silence() -> None:
    async with running("tone") as (client, states):
        await say(client, "hello")
        await asyncio.sleep(3 * QUICK.hang_seconds)
        assert states.names() == [WorkerState.STARTING, WorkerState.READY]
        assert text_of(await say(client, "still")) == ["still"]


@pytest.mark.parametrize(
    ("mode", "reason"),
    [
        ("exit", "fake_worker.py worker ended with status 7"),
        ("silent", "fake_worker.py worker did not say hello within 0.6 s"),
        ("garbage", "fake_worker.py worker sent garbage (bad magic)"),
        (
            "huge",
            "fake_worker.py worker sent garbage (frame announces 4294967295 bytes, allowed are 1048576)",
        ),
        ("early audio", "fake_worker.py worker sent garbage (AUDIO before HELLO)"),
        ("old version", "fake_worker.py worker sent garbage (worker speaks protocol 0, this is 5)"),
        ("bad hello", "fake_worker.py worker sent garbage (payload must be an object with exactly"),
        ("broken", "fake_worker.py worker cannot start: the weights are missing"),
        ("unimportable", "fake_worker.py worker cannot start: ModuleNotFoundError: No module named 'torch'"),
        ("buggy", "fake_worker.py worker cannot start: ValueError at __main__:"),
    ],
)
async def test_a_worker_that_cannot_start_says_why(mode: str, reason: str) -> None:
    # Wide enough for an interpreter to come up, narrow enough for the silent one.
    limit = 0.6 if mode == "silent" else 20.0
    settings = WorkerSettings(start_seconds=limit, backoff_first_seconds=60.0, backoff_max_seconds=60.0)
    states = States()
    client = make_client(fake_command(mode), states, settings)
    with pytest.raises(EngineDiedError) as caught:
        await client.start()
    told = states.told[1]
    # Before anything can fail: a loop that ends while a process is being started waits for it for ever.
    await client.stop()
    assert str(caught.value).startswith(reason.replace("fake_worker.py", Path(sys.executable).name))
    assert told == (WorkerState.FAILED, str(caught.value))
    assert not children()


async def test_an_engine_that_says_it_cannot_start_is_not_tried_again_until_it_is_asked() -> None:
    states = States()
    client = make_client(fake_command("hopeless"), states)
    for count in (1, 2):
        with pytest.raises(EngineFaultError, match="a file is cut short"):
            await client.start()
        assert client.given_up
        assert states.names() == [WorkerState.STARTING, WorkerState.FAILED] * count
        assert "a file is cut short" in str(await error_of(client, "hello"))
    await client.stop()
    assert not children()


async def test_workers_that_die_before_their_hello_are_given_up_where_a_start_is_dear() -> None:
    states = States()
    client = EngineClient(fake_command("exit"), QUICK, on_state=states, most_failed_starts=3)
    with contextlib.suppress(EngineDiedError):
        await client.start()
    await states.wait_for(WorkerState.FAILED, 3)
    assert client.given_up
    assert "ended with status 7" in str(await error_of(client, "hello"))
    await client.stop()
    assert states.names().count(WorkerState.STARTING) == 3


async def test_a_missing_program_is_named() -> None:
    client = make_client(("/nonexistent/python", "--engine", "chattts"), States())
    with pytest.raises(EngineDiedError) as caught:
        await client.start()
    assert str(caught.value) == (
        "chattts worker cannot be started: No such file or directory: /nonexistent/python"
    )
    await client.stop()


async def test_a_worker_that_cannot_start_is_not_tried_in_a_busy_loop() -> None:
    states = States()
    settings = WorkerSettings(backoff_first_seconds=0.05, backoff_max_seconds=60.0)
    client = make_client(("/nonexistent/python",), states, settings)
    with contextlib.suppress(EngineDiedError):
        await client.start()
    began = time.monotonic()
    await states.wait_for(WorkerState.STARTING, 5)
    assert time.monotonic() - began >= 0.05 + 0.1 + 0.2
    await client.stop()


async def test_while_the_next_start_is_far_away_requests_fail_at_once_with_the_reason() -> None:
    states = States()
    settings = WorkerSettings(backoff_first_seconds=60.0, backoff_max_seconds=60.0)
    client = make_client(fake_command("exit"), states, settings)
    with contextlib.suppress(EngineDiedError):
        await client.start()
    await states.wait_for(WorkerState.FAILED, 2)
    for _ in range(3):
        assert str(await error_of(client, "hello")).endswith("worker ended with status 7")
    async with asyncio.timeout(LIMIT_SECONDS):
        await client.stop()


async def test_a_request_during_a_restart_waits_for_it() -> None:
    settings = WorkerSettings(backoff_first_seconds=0.3, backoff_max_seconds=0.3)
    async with running("tone", settings) as (client, states):
        for count in (1, 2):
            os.kill(pid_of(client), signal.SIGKILL)
            await states.wait_for(WorkerState.FAILED, count)
            assert text_of(await say(client, "patient")) == ["patient"]


async def test_a_request_that_waits_for_a_start_that_fails_is_told(tmp_path: Path) -> None:
    program = tmp_path / "python"
    program.symlink_to(sys.executable)
    states = States()
    # A link to the interpreter loses the virtual environment: the path of this one is passed on.
    client = EngineClient(
        (str(program), *fake_command("faulty")[1:]),
        QUICK,
        on_state=states,
        environment={"PYTHONPATH": os.pathsep.join(sys.path)},
    )
    await client.start()
    program.unlink()
    os.kill(pid_of(client), signal.SIGKILL)
    await states.wait_for(WorkerState.FAILED)
    assert "cannot be started: No such file or directory" in str(await error_of(client, "hello"))
    await client.stop()


async def test_50_kills_in_a_row_leave_no_zombie_no_descriptor_and_a_working_engine() -> None:
    async with running("tone") as (client, states):
        await say(client, "warm up")
        before = open_files()
        for count in range(2, 52):
            os.kill(pid_of(client), signal.SIGKILL)
            await states.wait_for(WorkerState.READY, count)
        assert children() == {pid_of(client)}
        assert open_files() == before
        assert text_of(await say(client, "alive")) == ["alive"]


async def test_kills_at_random_moments_end_every_request_exactly_once() -> None:
    async with running("tone") as (client, states):
        for count in range(2, 17):
            tasks = [asyncio.create_task(say(client, f"request {n}")) for n in range(4)]
            for _ in range(count % 5):
                await asyncio.sleep(0)
            os.kill(pid_of(client), signal.SIGKILL)
            for result in await asyncio.gather(*tasks, return_exceptions=True):
                assert isinstance(result, bytes | EngineDiedError)
            await states.wait_for(WorkerState.READY, count)


async def test_the_worker_ends_when_the_daemon_is_killed() -> None:
    program = (
        "import asyncio, sys\n"
        "from chatttsd.engine.client import EngineClient, worker_command\n"
        "from chatttsd.engine.api import SynthesisRequest, WorkerSettings\n"
        "async def main():\n"
        "    client = EngineClient(worker_command('tone'), WorkerSettings(), on_state=lambda s, r: None)\n"
        "    await client.start()\n"
        "    slow = {'tone_seconds_per_second': '1'}\n"
        "    stream = client.synthesise(SynthesisRequest('x' * 999, parameters=slow))\n"
        "    await anext(stream)\n"
        "    print(client.pid, flush=True)\n"
        "    await asyncio.sleep(600)\n"
        "asyncio.run(main())\n"
    )
    daemon = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, stdout=asyncio.subprocess.PIPE
    )
    assert daemon.stdout is not None
    async with asyncio.timeout(LIMIT_SECONDS):
        worker = int(await daemon.stdout.readline())
        gone = os.pidfd_open(worker)
        ended = asyncio.Event()
        asyncio.get_running_loop().add_reader(gone, ended.set)
        daemon.kill()
        await daemon.wait()
        await ended.wait()
    asyncio.get_running_loop().remove_reader(gone)
    os.close(gone)


async def test_ctrl_c_at_the_terminal_does_not_end_the_worker() -> None:
    async with running("tone") as (client, states):
        os.kill(pid_of(client), signal.SIGINT)
        assert text_of(await say(client, "unmoved")) == ["unmoved"]
        assert states.names() == [WorkerState.STARTING, WorkerState.READY]


async def test_a_healthy_life_starts_the_back_off_afresh() -> None:
    now = 0.0
    states = States()
    settings = WorkerSettings(backoff_first_seconds=30.0, backoff_max_seconds=30.0)
    client = EngineClient(
        (*fake_command("faulty"),), settings, on_state=states, environment=None, clock=lambda: now
    )
    await client.start()
    for count in (2, 3):
        now += 61.0
        os.kill(pid_of(client), signal.SIGKILL)
        await states.wait_for(WorkerState.READY, count)
    await client.stop()


async def test_a_worker_that_hangs_is_found_out_although_every_request_is_cancelled_early() -> None:
    async with running(fake_command("faulty")) as (client, states):
        for text in ("sleep", *(["impatient"] * 10)):
            stream = client.synthesise(SynthesisRequest(text))
            with contextlib.suppress(TimeoutError, EngineDiedError):
                async with asyncio.timeout(0.2):
                    await drain(stream)
            await stream.aclose()
        assert WorkerState.FAILED in states.names()
        assert "did not answer" in await states.wait_for(WorkerState.FAILED)


async def test_a_request_behind_one_that_hangs_had_no_turn_and_is_given_again() -> None:
    async with running(fake_command("faulty")) as (client, states):
        stream = client.synthesise(SynthesisRequest("sleep"))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.05):
                await drain(stream)
        await stream.aclose()
        request = SynthesisRequest("the next")
        said = [pcm async for pcm in Persistent(client).synthesise(request, expected_seconds=0.0)]
        assert text_of(b"".join(said)) == ["the next"]
        assert "did not answer" in await states.wait_for(WorkerState.FAILED)


async def test_a_device_that_was_lost_costs_the_worker_and_not_every_request_to_come() -> None:
    async with running(fake_command("faulty")) as (client, states):
        assert isinstance(await error_of(client, "lose device"), EngineDiedError)
        await states.wait_for(WorkerState.READY, 2)
        assert text_of(await say(client, "by the next worker")) == ["by the next worker"]
