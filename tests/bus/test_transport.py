"""The writer keeps what a full socket does not take, and answers overtake refusals."""

import asyncio
import socket
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, cast

import pytest

from chatttsd.bus.transport import _Writer


class Letter:
    """A message as dbus-next's writer sees it."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def _marshall(self, *, negotiate_unix_fd: bool) -> bytes:
        assert not negotiate_unix_fd, "the daemon sends no descriptors"
        return self._content


@pytest.fixture
def sockets() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.setblocking(False)
        theirs.setblocking(False)
        yield ours, theirs


def writer(ours: socket.socket, lost: list[Exception], *, unique_name: str | None = ":1.1") -> _Writer:
    loop = asyncio.get_running_loop()
    bus = SimpleNamespace(unique_name=unique_name, socket=ours, loop=loop, lost=lost.append)
    return _Writer(cast("Any", bus))


async def received(theirs: socket.socket, size: int) -> bytes:
    loop, data = asyncio.get_running_loop(), b""
    while len(data) < size:
        data += await asyncio.wait_for(loop.sock_recv(theirs, 1 << 16), 10)
    return data


async def test_a_full_socket_loses_nothing_and_keeps_the_order(
    sockets: tuple[socket.socket, socket.socket],
) -> None:
    ours, theirs = sockets
    lost: list[Exception] = []
    made = writer(ours, lost)
    letters = [bytes([number % 256]) * 997 for number in range(3000)]
    for letter in letters:
        made.schedule_write(cast("Any", Letter(letter)))
    assert await received(theirs, sum(map(len, letters))) == b"".join(letters)
    assert lost == []


async def test_an_answer_overtakes_the_refusals_that_the_socket_has_not_taken(
    sockets: tuple[socket.socket, socket.socket],
) -> None:
    ours, theirs = sockets
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    made = writer(ours, [])
    refusals = 5000
    for _ in range(refusals):
        made.refuse(b"r" * 100)
    await asyncio.sleep(0)
    made.schedule_write(cast("Any", Letter(b"A" * 100)))
    data = await received(theirs, (refusals + 1) * 100)
    assert data.count(b"r") == refusals * 100
    assert data.index(b"A") < len(data) // 4


async def test_a_sent_future_is_done_at_once(sockets: tuple[socket.socket, socket.socket]) -> None:
    future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    writer(sockets[0], []).schedule_write(cast("Any", Letter(b"x")), future)
    assert future.done()


async def test_nothing_is_written_before_the_bus_has_named_us(
    sockets: tuple[socket.socket, socket.socket],
) -> None:
    writer(sockets[0], [], unique_name=None).schedule_write(cast("Any", Letter(b"early")))
    await asyncio.sleep(0)
    with pytest.raises(BlockingIOError):
        sockets[1].recv(10)


async def test_a_broken_socket_is_told(sockets: tuple[socket.socket, socket.socket]) -> None:
    lost: list[Exception] = []
    made = writer(sockets[0], lost)
    sockets[1].close()
    made.schedule_write(cast("Any", Letter(b"x")))
    await asyncio.sleep(0)
    assert [type(error) for error in lost] == [BrokenPipeError]
