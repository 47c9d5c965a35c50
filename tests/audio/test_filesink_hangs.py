"""What hangs: terminals that nobody reads and devices that only a thread can write to."""

import asyncio
import os
import pty
import sys
import threading
import tty
from collections.abc import Iterator
from pathlib import Path

import pytest

from chatttsd.audio.filesink import FileSink
from support.engine_clients import open_files
from support.ramp import ramp

BIG = 1 << 20


class Terminal:
    """A terminal that passes bytes on as they are."""

    def __init__(self) -> None:
        self.master, self.slave = pty.openpty()
        tty.setraw(self.slave)

    def close(self) -> None:
        os.close(self.master)
        os.close(self.slave)


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    made = Terminal()
    yield made
    made.close()


def read_exactly(fd: int, size: int) -> bytes:
    data = b""
    while len(data) < size:
        data += os.read(fd, size - len(data))
    return data


def threads_of_sinks() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "file-sink"]


async def all_ended(threads: list[threading.Thread]) -> None:
    for thread in threads:
        await asyncio.to_thread(thread.join, 20)
        assert not thread.is_alive()


def default_executor_threads() -> int:
    return min(32, (os.cpu_count() or 1) + 4)


async def write_a_file(path: Path) -> None:
    async with asyncio.timeout(20), FileSink(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "wav") as sink:
        await sink.write(ramp(0, 1000))
        await sink.finish()
    assert len(await asyncio.to_thread(path.read_bytes)) == 2044


async def test_a_terminal_gets_exactly_the_samples(terminal: Terminal) -> None:
    reading = asyncio.ensure_future(asyncio.to_thread(read_exactly, terminal.master, 200_000))
    async with FileSink(os.dup(terminal.slave)) as sink:
        for start in range(0, 100_000, 10_000):
            await sink.write(ramp(start, 10_000))
        assert await reading == ramp(0, 100_000)
        assert threads_of_sinks() == []


async def test_the_clients_own_terminal_keeps_blocking(terminal: Terminal) -> None:
    for fd in (terminal.slave, terminal.master):
        async with FileSink(os.dup(fd)) as sink:
            await sink.write(b"ab")
            assert os.get_blocking(fd)


async def test_a_terminal_that_is_another_one_when_it_is_opened_again_is_written_itself(
    terminal: Terminal,
) -> None:
    async with FileSink(os.dup(terminal.master)) as sink:
        await sink.write(ramp(0, 10))
        assert await asyncio.to_thread(read_exactly, terminal.slave, 20) == ramp(0, 10)
        await sink.finish()


async def test_terminals_that_nobody_reads_hold_up_no_other_sink_and_leave_nothing(tmp_path: Path) -> None:
    before = open_files()
    terminals = [Terminal() for _ in range(2 * default_executor_threads())]
    sinks = [FileSink(os.dup(terminal.slave)) for terminal in terminals]
    writing = [asyncio.ensure_future(sink.write(bytes(BIG))) for sink in sinks]
    await asyncio.sleep(0)
    await write_a_file(tmp_path / "other.wav")
    for sink, task in zip(sinks, writing, strict=True):
        assert not task.done()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        sink.close()
    for terminal in terminals:
        terminal.close()
    await all_ended(threads_of_sinks())
    assert open_files() == before


async def test_devices_that_hang_hold_up_no_other_sink_and_leave_nothing_once_they_go_on(
    tmp_path: Path,
) -> None:
    before = open_files()
    terminals = [Terminal() for _ in range(2 * default_executor_threads())]
    # Nothing but a thread can write to the other end of a terminal: a stand-in for a disk that hangs.
    sinks = [FileSink(os.dup(terminal.master)) for terminal in terminals]
    writing = [asyncio.ensure_future(sink.write(bytes(BIG))) for sink in sinks]
    await asyncio.sleep(0)
    await write_a_file(tmp_path / "other.wav")
    for sink, task in zip(sinks, writing, strict=True):
        assert not task.done()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        sink.close()
    hanging = [thread for thread in threads_of_sinks() if thread.is_alive()]
    assert len(hanging) >= len(sinks)
    for terminal in terminals:
        await asyncio.to_thread(read_exactly, terminal.slave, BIG)
        terminal.close()
    await all_ended(hanging)
    assert open_files() == before


HANGING = """
import asyncio, os, pty, tty
from chatttsd.audio.filesink import FileSink

async def main():
    master, slave = pty.openpty()
    tty.setraw(slave)
    async with FileSink(master) as sink:
        await asyncio.wait_for(sink.write(bytes(1 << 20)), 0.1)

try:
    asyncio.run(main())
except TimeoutError:
    print("ended")
"""


async def test_a_device_that_hangs_does_not_keep_the_process_from_ending() -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", HANGING, stdout=asyncio.subprocess.PIPE
    )
    try:
        async with asyncio.timeout(20):
            assert (await process.communicate())[0] == b"ended\n"
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()
    assert process.returncode == 0
