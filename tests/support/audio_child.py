"""The test's side of `audio_driver`: starts it, sends commands, keeps its replies and events."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

Event = dict[str, Any]
_PATHS = [str(Path(__file__).parents[1]), str(Path(__file__).parents[2] / "daemon")]


class AudioChild:
    """A PortAudioOutput in a child process."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._replies: dict[int, asyncio.Future[Event]] = {}
        self._changed = asyncio.Event()
        self._reader = asyncio.get_running_loop().create_task(self._read())
        self.events: list[Event] = []

    @property
    def pid(self) -> int:
        return self._process.pid

    def send(self, do: str, **arguments: object) -> "asyncio.Future[Event]":
        """Send a command and return the future of its reply."""
        number = len(self._replies)
        self._replies[number] = asyncio.get_running_loop().create_future()
        line = json.dumps({"id": number, "do": do} | arguments) + "\n"
        if self._process.stdin is None:
            raise RuntimeError("the driver was started without a pipe")
        self._process.stdin.write(line.encode())
        return self._replies[number]

    async def call(self, do: str, **arguments: object) -> Any:  # noqa: ANN401  # whatever JSON the command answers
        """Send a command and return its result; raises RuntimeError when there is no sound."""
        reply = await asyncio.wait_for(self.send(do, **arguments), 20)
        if "unavailable" in reply:
            raise RuntimeError(reply["unavailable"])
        return reply["result"]

    async def event(self, wanted: Callable[[Event], bool]) -> Event:
        """Wait until an event came that is `wanted`, and return the first such."""
        async with asyncio.timeout(20):
            while True:
                for event in self.events:
                    if wanted(event):
                        return event
                self._changed.clear()
                await self._changed.wait()

    async def heard(self, name: str) -> Event:
        """Wait for a mark."""
        return await self.event(lambda event: event.get("name") == name)

    async def _read(self) -> None:
        if self._process.stdout is None:
            raise RuntimeError("the driver was started without a pipe")
        while line := await self._process.stdout.readline():
            message = json.loads(line)
            if "id" in message:
                self._replies[message["id"]].set_result(message)
            else:
                self.events.append(message)
                self._changed.set()

    async def end(self) -> int:
        """Close the output and the process; returns its exit status."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        async with asyncio.timeout(10):
            await self._reader
            return await self._process.wait()

    async def kill(self) -> None:
        """End the process without asking, if it still runs."""
        if self._process.returncode is None:
            self._process.kill()
        await self._process.wait()
        await self._reader
        if self._process.stdin is not None:
            self._process.stdin.close()


@asynccontextmanager
async def audio_child(environment: Mapping[str, str], **settings: object) -> AsyncIterator[AudioChild]:
    """Start a child with these AudioSettings in this environment, and kill it at the end."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "support.audio_driver",
        json.dumps(settings),
        env=dict(environment) | {"PYTHONPATH": ":".join(_PATHS)},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    child = AudioChild(process)
    try:
        yield child
    finally:
        await child.kill()
