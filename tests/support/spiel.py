"""The Spiel client as a process of the system's Python, asked for one thing after another."""

import base64
import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from support.daemon import CallError

SYSTEM_PYTHON: Final = "/usr/bin/python3"
SCRIPT: Final = Path(__file__).with_name("spiel_client.py")

Event = tuple[str, int, int, str, int]
"""Kind, start, end, name of a mark, samples before it."""


@dataclass(frozen=True)
class Heard:
    """What a client has read of a stream."""

    header: str
    pcm: bytes
    events: tuple[Event, ...]
    chunks: tuple[int, ...]
    short: int

    def of(self, kind: str) -> list[Event]:
        """Return the events of one kind."""
        return [event for event in self.events if event[0] == kind]


class Spiel:
    """Asks the client process; errors come as CallError."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def ask(self, do: str, **arguments: object) -> Any:  # noqa: ANN401 - whatever the client answers
        """Let the client do one thing and return its result."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"do": do, **arguments}) + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline())
        if "error" in answer:
            raise CallError(answer["error"], answer["message"])
        return answer["result"]

    def begin(self, text: str, **options: object) -> int:
        """Call Synthesize with a new pipe and return the stream's number."""
        return int(self.ask("begin", text=text, **options))

    def step(self, stream: int, pcm: int) -> Heard:
        """Read until so many bytes of samples were read in all, or to the end."""
        return _heard(self.ask("step", stream=stream, pcm=pcm))

    def finish(self, stream: int) -> Heard:
        """Read to the end."""
        return _heard(self.ask("finish", stream=stream))

    def close(self, stream: int) -> None:
        """Close the reading end."""
        self.ask("close", stream=stream)

    def hear(self, text: str, **options: object) -> Heard:
        """Call Synthesize and read to the end."""
        return self.finish(self.begin(text, **options))

    def voices(self) -> dict[str, tuple[Any, ...]]:
        """Return the offered voices by id, in their order."""
        return {row[1]: tuple(row) for row in self.ask("voices")}


@contextmanager
def spiel_client(address: str) -> Iterator[Spiel]:
    """A client on the bus at an address, for a `with` block."""
    command = [SYSTEM_PYTHON, str(SCRIPT), address]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as process:
        try:
            yield Spiel(process)
        finally:
            process.kill()


def _heard(answer: dict[str, Any]) -> Heard:
    events = tuple((kind, start, end, name, sample) for kind, start, end, name, sample in answer["events"])
    return Heard(
        answer["header"],
        base64.b64decode(answer["pcm"]),
        events,
        tuple(answer["chunks"]),
        answer["short"],
    )
