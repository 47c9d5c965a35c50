"""Whether a reader's leaving is told: without a write, once, and of the right descriptor."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from chatttsd.audio.descriptor import Descriptor
from chatttsd.audio.filesink import FileSink
from chatttsd.audio.hangups import HangUps
from chatttsd.audio.spielsink import SpielSink
from support.engine_clients import open_files
from support.fakes import settle


@pytest.fixture
async def hangups() -> AsyncIterator[HangUps]:
    before = open_files()
    hangups = HangUps()
    yield hangups
    assert open_files() == before, "nothing is watched any more"
    hangups.close()
    assert open_files() == before


async def told(event: asyncio.Event) -> None:
    async with asyncio.timeout(10):
        await event.wait()


@pytest.mark.parametrize("kind", [SpielSink, FileSink])
async def test_a_reader_that_closes_a_pipe_is_told_of_before_anything_is_written(
    hangups: HangUps, kind: type[SpielSink] | type[FileSink]
) -> None:
    reader, writer = os.pipe()
    with_reader = kind(writer)
    gone = asyncio.Event()
    with_reader.watch(hangups, gone.set)
    await settle()
    assert not gone.is_set()
    os.close(reader)
    await told(gone)
    with_reader.close()


async def test_a_full_pipe_is_no_reason_to_think_that_its_reader_left(hangups: HangUps) -> None:
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    while True:
        try:
            os.write(writer, bytes(4096))
        except BlockingIOError:
            break
    descriptor = Descriptor(writer)
    gone = asyncio.Event()
    descriptor.watch(hangups, gone.set)
    await settle()
    assert not gone.is_set()
    os.close(reader)
    await told(gone)
    descriptor.close()


async def test_a_socket_that_only_stops_sending_is_still_a_reader(hangups: HangUps) -> None:
    near, far = socket.socketpair()
    descriptor = Descriptor(near.detach())
    gone = asyncio.Event()
    descriptor.watch(hangups, gone.set)
    far.shutdown(socket.SHUT_WR)
    await settle()
    assert not gone.is_set()
    far.close()
    await told(gone)
    descriptor.close()


async def test_a_file_has_no_reader_to_leave(hangups: HangUps, tmp_path: Path) -> None:
    descriptor = Descriptor(os.open(tmp_path / "speech", os.O_WRONLY | os.O_CREAT, 0o600))
    descriptor.watch(hangups, lambda: pytest.fail("told of a file"))
    await descriptor.write(b"abc")
    await descriptor.finish()
    null = Descriptor(os.open(os.devnull, os.O_WRONLY))
    null.watch(hangups, lambda: pytest.fail("told of a device"))
    await null.finish()


async def test_the_latest_to_watch_is_told_and_only_once(hangups: HangUps) -> None:
    reader, writer = os.pipe()
    calls: list[str] = []
    hangups.watch(writer, lambda: calls.append("first"))
    hangups.watch(writer, lambda: calls.append("second"))
    os.close(reader)
    for _ in range(5):
        await settle()
    assert calls == ["second"]
    os.close(writer)


async def test_a_closed_descriptors_number_tells_nothing_of_the_file_that_was_there(hangups: HangUps) -> None:
    near, far = socket.socketpair()  # a socket cannot be opened again: the client's and ours are one file
    shared = os.dup(near.fileno())
    descriptor = Descriptor(shared)
    descriptor.watch(hangups, lambda: pytest.fail("told of a descriptor that is closed"))
    descriptor.close()
    reader, writer = os.pipe()
    assert shared in (reader, writer)
    hangups.watch(shared, lambda: pytest.fail("told of another file's end"))
    far.close()
    for _ in range(5):
        await settle()
    hangups.forget(shared)
    os.close(reader)
    os.close(writer)
    near.close()


async def test_what_one_teller_forgets_is_not_told(hangups: HangUps) -> None:
    pipes = [os.pipe() for _ in range(2)]
    calls: list[int] = []

    def gone(number: int) -> None:
        calls.append(number)
        hangups.forget(pipes[1 - number][1])

    hangups.watch(pipes[0][1], lambda: gone(0))
    hangups.watch(pipes[1][1], lambda: gone(1))
    for reader, _ in pipes:
        os.close(reader)
    for _ in range(5):
        await settle()
    assert len(calls) == 1
    for _, writer in pipes:
        os.close(writer)
