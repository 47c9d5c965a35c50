import asyncio
import threading

import pytest

from chatttsd.audio.device_thread import DeviceThread


async def test_calls_run_one_after_another_on_one_thread_that_is_not_the_loops() -> None:
    thread = DeviceThread("device")
    names = [await thread.call(lambda: threading.current_thread().name) for _ in range(3)]
    assert names == ["device"] * 3
    assert threading.current_thread().name != "device"
    thread.stop()


async def test_an_error_reaches_the_one_who_called() -> None:
    thread = DeviceThread("device")

    def fail() -> None:
        raise OSError("no sound today")

    with pytest.raises(OSError, match="no sound today"):
        await thread.call(fail)
    assert await thread.call(lambda: 7) == 7
    thread.stop()


async def test_a_call_that_blocks_holds_up_neither_the_loop_nor_its_cancellation() -> None:
    thread, release = DeviceThread("device"), threading.Event()
    blocked = thread.call(release.wait)
    failing = thread.call(lambda: 1 // 0)
    await asyncio.wait({blocked}, timeout=0.01)
    blocked.cancel()
    failing.cancel()
    release.set()
    assert await thread.call(lambda: "next") == "next"
    thread.stop()


async def test_no_thread_exists_before_the_first_call_and_none_after_stop() -> None:
    before = threading.active_count()
    thread = DeviceThread("device")
    assert threading.active_count() == before
    running: threading.Thread = await thread.call(threading.current_thread)
    assert running.daemon
    thread.stop()
    await asyncio.to_thread(running.join, 5)
    assert not running.is_alive()


async def test_the_last_call_comes_after_all_others_and_ends_the_thread() -> None:
    thread, release, done = DeviceThread("device"), threading.Event(), list[str]()
    running: threading.Thread = await thread.call(threading.current_thread)

    def work() -> None:
        release.wait()
        done.append("call")

    thread.call(work).cancel()
    thread.stop(lambda: done.append("last"))
    assert done == []
    release.set()
    await asyncio.to_thread(running.join, 5)
    assert done == ["call", "last"]
    assert not running.is_alive()


def test_the_last_call_is_made_even_if_there_was_no_other() -> None:
    done = threading.Event()
    DeviceThread("device").stop(done.set)
    assert done.wait(5)


async def test_a_thread_that_the_system_refused_is_started_by_the_next_call(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    thread = DeviceThread("device")
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        with pytest.raises(RuntimeError):
            thread.call(lambda: 1)
    assert await thread.call(lambda: 2) == 2
    thread.stop()


def test_a_result_that_comes_after_the_loop_has_gone_is_dropped() -> None:
    thread, release = DeviceThread("device"), threading.Event()
    seen: list[threading.Thread] = []

    async def leave() -> None:
        seen.append(await thread.call(threading.current_thread))
        thread.call(release.wait)

    asyncio.run(leave())
    release.set()
    thread.stop()
    seen[0].join(5)
    assert not seen[0].is_alive()
