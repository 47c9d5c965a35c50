"""Streams to clients' descriptors: who waits for room, who is dropped, and what ends when a reader leaves."""

import asyncio
import logging
import os
import resource
from collections.abc import AsyncGenerator, AsyncIterator, Iterator

import pytest

from chatttsd.bus.errors import BusError
from chatttsd.config import Config
from chatttsd.engine.api import SynthesisRequest
from chatttsd.speech.limits import Limits
from chatttsd.speech.options import SpeakOptions
from chatttsd.speech.queue import LimitError
from support.engine_clients import open_files
from support.fakes import FakeEngine, pcm_of, settle
from support.machine import Machine

STALLS = "This is so long that it does not fit into a pipe. " * 100
HEADER = b"0.01"


class Silent(FakeEngine):
    """An engine that takes every request and never comes to its first sample."""

    async def synthesise(
        self, request: SynthesisRequest, *, expected_seconds: float, background: bool = False
    ) -> AsyncGenerator[bytes, None]:
        self.requests.append(request)
        await asyncio.Event().wait()
        yield bytes(int(expected_seconds * background))


class Client:
    """One name on the bus that asks for streams and may read them."""

    def __init__(self, machine: Machine, name: str) -> None:
        self.machine, self.name = machine, name
        self.readers: list[int] = []

    def ask(self, text: str, container: str = "raw") -> int:
        """Ask as Spiel's clients do; returns the reading end."""
        reader, writer = os.pipe()
        self.readers.append(reader)
        options = SpeakOptions(container=container)
        self.machine.service.synthesize_in_turn(self.name, writer, text, options)
        return reader

    async def read(self, reader: int) -> bytes:
        """Read one of them to its end, and close it."""
        data = await asyncio.wait_for(asyncio.to_thread(_read_all, reader), 10)
        self.leave(reader)
        return data

    def leave(self, reader: int) -> None:
        """Close a reading end."""
        self.readers.remove(reader)
        os.close(reader)


def _read_all(reader: int) -> bytes:
    parts = []
    while part := os.read(reader, 1 << 16):
        parts.append(part)
    return b"".join(parts)


def waits(reader: int) -> bool:
    """Tell whether nothing has come and the writing end is open."""
    os.set_blocking(reader, False)
    try:
        return not isinstance(os.read(reader, 1), bytes)
    except BlockingIOError:
        return True
    finally:
        os.set_blocking(reader, True)


@pytest.fixture(autouse=True)
def open_files_limit() -> Iterator[None]:
    """Allow both ends of all the pipes here, more than the 1024 files of most machines."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(4096, hard), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.fixture
async def machine() -> AsyncIterator[Machine]:
    before = open_files()
    machine = Machine(Config(limits=Limits(queued_per_sender=2, queued_total=5)))
    await machine.start()
    yield machine
    await machine.stop()
    assert open_files() == before


@pytest.fixture
def client(machine: Machine) -> Iterator[Client]:
    client = Client(machine, ":1")
    yield client
    for reader in client.readers:
        os.close(reader)


@pytest.fixture
def other(machine: Machine) -> Iterator[Client]:
    client = Client(machine, ":2")
    yield client
    for reader in client.readers:
        os.close(reader)


@pytest.fixture
def few_files() -> Iterator[None]:
    """Allow so few open files that three requests may wait beside two that stall."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (405, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


async def test_what_finds_no_room_waits_and_comes_in_its_order(machine: Machine, client: Client) -> None:
    stalled = [client.ask(STALLS) for _ in range(2)]
    waiting = [client.ask(text) for text in ("One.", "Two.", "Three.")]
    await settle()
    assert all(waits(reader) for reader in waiting)
    client.leave(stalled[0])
    assert [await client.read(reader) for reader in waiting] == [
        pcm_of(t) for t in ("One.", "Two.", "Three.")
    ]
    began = [entry[1] for entry in machine.log if entry[0] == "started"]
    assert began == sorted(began)


async def test_a_request_does_not_overtake_what_its_client_has_waiting(
    machine: Machine, client: Client, other: Client
) -> None:
    stalled = [client.ask(STALLS) for _ in range(2)]
    first, second = client.ask("One."), client.ask("Two.")
    quick = other.ask("Other.")
    assert await other.read(quick) == pcm_of("Other.")
    client.leave(stalled[0])
    assert await client.read(first) == pcm_of("One.")
    assert await client.read(second) == pcm_of("Two.")
    spoken = [request.text for request in machine.engines.client.requests]
    assert spoken.index("One.") < spoken.index("Two.")


async def test_clients_with_waiting_requests_take_turns(
    machine: Machine, client: Client, other: Client
) -> None:
    for asking in (client, other):
        for _ in range(2):
            asking.ask(STALLS)
    await settle()
    machine.engines.client.requests.clear()
    for number in range(2):
        client.ask(f"Client {number}.")
    for number in range(2):
        other.ask(f"Other {number}.")
    for asking in (client, other):
        asking.leave(asking.readers[0])
    for asking in (client, other):
        for reader in asking.readers[1:]:
            assert await asking.read(reader)
    spoken = [r.text for r in machine.engines.client.requests if r.text.startswith(("Client", "Other"))]
    assert sorted(spoken[:2]) == ["Client 0.", "Other 0."]


async def test_who_wants_the_answer_now_is_still_refused(machine: Machine, client: Client) -> None:
    for _ in range(2):
        client.ask(STALLS)
    reader, writer = os.pipe()
    with pytest.raises(LimitError, match="2 utterances"):
        machine.service.synthesize(":1", writer, "x", SpeakOptions())
    assert os.read(reader, 1) == b""
    os.close(reader)


async def test_what_waits_is_given_up_when_its_reader_leaves(machine: Machine, client: Client) -> None:
    stalled = [client.ask(STALLS) for _ in range(2)]
    unwanted, wanted = client.ask("Unwanted."), client.ask("Wanted.")
    before = open_files()
    client.leave(unwanted)
    await settle()
    assert open_files() == before - 2
    client.leave(stalled[0])
    assert await client.read(wanted) == pcm_of("Wanted.")
    assert "Unwanted." not in [request.text for request in machine.engines.client.requests]


async def test_what_waits_is_given_up_when_its_client_leaves_the_bus(
    machine: Machine, client: Client
) -> None:
    for _ in range(2):
        client.ask(STALLS)
    waiting = client.ask("One.", "spiel")
    machine.service.sender_left(":1")
    assert await client.read(waiting) == HEADER


async def test_cancelling_everything_starts_nothing_that_waited(machine: Machine, client: Client) -> None:
    stalled = [client.ask(STALLS) for _ in range(2)]
    waiting = client.ask("One.")
    machine.service.cancel_all()
    assert await client.read(waiting) == b""
    for reader in stalled:
        await client.read(reader)
    assert "One." not in [request.text for request in machine.engines.client.requests]
    assert set(machine.outcomes().values()) == {"cancelled"}


async def test_a_bad_descriptor_is_refused_even_where_there_is_no_room(
    machine: Machine, client: Client
) -> None:
    for _ in range(2):
        client.ask(STALLS)
    reader, writer = os.pipe()
    os.close(writer)
    with pytest.raises(BusError, match="open for reading only"):
        machine.service.synthesize_in_turn(":1", reader, "x", SpeakOptions())


async def test_over_512_waiting_the_newest_ends_without_a_sound_and_the_journal_says_so_once(
    machine: Machine, client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    stalled = [client.ask(STALLS) for _ in range(2)]
    with caplog.at_level(logging.WARNING):
        waiting = [client.ask("x", "spiel") for _ in range(515)]
    assert [await client.read(reader) for reader in waiting[512:]] == [HEADER] * 3
    assert all(waits(reader) for reader in (waiting[0], waiting[511]))
    assert [record.getMessage() for record in caplog.records] == [
        "more streams are asked for than can be held: 512; some are dropped"
    ]
    client.leave(stalled[0])
    assert len(await client.read(waiting[511])) > len(HEADER)
    assert machine.outcomes()[2 + 512] == "finished"


async def test_long_texts_count_for_more(machine: Machine, client: Client) -> None:
    for _ in range(2):
        client.ask(STALLS)
    long = [client.ask("x" * 4096 * 255) for _ in range(3)]
    assert await client.read(long[2]) == b""
    assert all(waits(reader) for reader in long[:2])
    machine.service.cancel_all()


async def test_who_holds_most_loses_and_a_small_client_is_served(
    machine: Machine, client: Client, other: Client
) -> None:
    for asking in (client, other):
        for _ in range(2):
            asking.ask(STALLS)
    many = [client.ask("x") for _ in range(512)]
    one = other.ask("Mine.")
    assert await client.read(many[-1]) == b""
    assert waits(one)
    other.leave(other.readers[0])
    assert await other.read(one) == pcm_of("Mine.")


async def test_no_limit_of_open_files_is_no_limit_of_waiting(
    machine: Machine, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    unlimited = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
    monkeypatch.setattr(resource, "getrlimit", lambda _: unlimited)
    for _ in range(2):
        client.ask(STALLS)
    assert waits(client.ask("x"))
    machine.service.cancel_all()


@pytest.mark.usefixtures("few_files")
async def test_waiting_requests_leave_descriptors_to_everything_else(
    machine: Machine, client: Client
) -> None:
    for _ in range(2):
        client.ask(STALLS)
    waiting = [client.ask("x") for _ in range(4)]
    assert await client.read(waiting[3]) == b""
    assert all(waits(reader) for reader in waiting[:3])
    reader, writer = os.pipe()
    machine.service.synthesize(":3", writer, STALLS, SpeakOptions())
    assert await client.read(waiting[2]) == b""
    machine.service.cancel_all()
    os.close(reader)


async def test_a_reader_that_leaves_before_the_first_sample_ends_the_decode(
    machine: Machine, client: Client
) -> None:
    machine.engines.client = Silent()
    reader = client.ask("Slow.")
    await settle()
    assert [request.text for request in machine.engines.client.requests] == ["Slow."]
    client.leave(reader)
    await settle()
    assert machine.outcomes() == {1: "cancelled"}
