"""Engine clients over real worker processes, and what the tests look at in them."""

import asyncio
import os
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from chatttsd.engine.api import SynthesisRequest, WorkerSettings
from chatttsd.engine.client import EngineClient, WorkerState, worker_command

QUICK = WorkerSettings(
    hang_seconds=0.5, start_seconds=10.0, backoff_first_seconds=0.01, backoff_max_seconds=0.05
)
"""Short deadlines, so that a test of a hang is short too."""
LIMIT_SECONDS = 30.0
"""Nothing here takes this long: a wait this long is a hang."""


class States:
    """Remembers every state that a client told, and can be waited on."""

    def __init__(self) -> None:
        self.told: list[tuple[WorkerState, str]] = []
        self._news = asyncio.Event()

    def __call__(self, state: WorkerState, reason: str) -> None:
        self.told.append((state, reason))
        self._news.set()

    def names(self) -> list[WorkerState]:
        return [state for state, _ in self.told]

    async def wait_for(self, state: WorkerState, count: int = 1) -> str:
        """Wait until `state` has been told `count` times; return the last reason told with it."""
        async with asyncio.timeout(LIMIT_SECONDS):
            while self.names().count(state) < count:
                self._news.clear()
                await self._news.wait()
        return [reason for told, reason in self.told if told is state][-1]


def make_client(
    command: Sequence[str] | str,
    states: States,
    settings: WorkerSettings = QUICK,
    environment: Mapping[str, str] | None = None,
) -> EngineClient:
    """Build a client for a command, or for the worker of an engine by name."""
    argv = worker_command(command) if isinstance(command, str) else command
    return EngineClient(argv, settings, on_state=states, environment=environment)


@asynccontextmanager
async def running(
    command: Sequence[str] | str,
    settings: WorkerSettings = QUICK,
    environment: Mapping[str, str] | None = None,
) -> AsyncIterator[tuple[EngineClient, States]]:
    """Start a client and stop it in the end."""
    states = States()
    client = make_client(command, states, settings, environment)
    try:
        await client.start()
        yield client, states
    finally:
        await client.stop()


async def say(client: EngineClient, text: str, *, background: bool = False, **options: object) -> bytes:
    """Synthesise to the end."""
    request = SynthesisRequest(text, **options)  # type: ignore[arg-type] # options differ in type
    async with asyncio.timeout(LIMIT_SECONDS):
        return b"".join([chunk async for chunk in client.synthesise(request, background=background)])


def pid_of(client: EngineClient) -> int:
    """Return the process id of the client's worker."""
    assert client.pid is not None
    return client.pid


def children() -> set[int]:
    """Return the direct children of this process, zombies included."""
    found = set()
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(fields[1]) == os.getpid():
            found.add(int(stat.parent.name))
    return found


def open_files() -> int:
    """Return how many file descriptors this process has."""
    return len(list(Path("/proc/self/fd").iterdir()))
