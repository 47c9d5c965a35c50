"""A client of speech-dispatcher that speaks SSIP over its socket and keeps every event with its time."""

import contextlib
import queue
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

_EVENTS: Final = {
    "700": "mark",
    "701": "begin",
    "702": "end",
    "703": "cancel",
    "704": "pause",
    "705": "resume",
}
ENDS: Final = frozenset({"end", "cancel"})
"""Events after which nothing comes of a message (a paused one comes back)."""


class SsipError(Exception):
    """The server refused a command: its reply lines."""

    def __init__(self, reply: list[str]) -> None:
        super().__init__("; ".join(reply))
        self.code = int(reply[-1][:3])


@dataclass(frozen=True, slots=True)
class SsipEvent:
    """What happened to a message; `at` is the `time.monotonic()` at which the line came."""

    kind: str
    message: int
    name: str = ""
    at: float = 0.0


class SsipClient:
    """One connection; `events` holds all of its events in the order in which they came."""

    def __init__(self, path: Path, name: str = "tester:ssip:main", module: str = "") -> None:
        self.events: list[SsipEvent] = []
        self._replies: queue.SimpleQueue[list[str]] = queue.SimpleQueue()
        self._arrived = threading.Condition()
        self._socket = socket.socket(socket.AF_UNIX)
        try:
            self._socket.connect(str(path))
        except OSError:
            self._socket.close()
            raise
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()
        self.command(f"SET SELF CLIENT_NAME {name}")
        self.command("SET SELF NOTIFICATION ALL on")
        if module:
            self.command(f"SET SELF OUTPUT_MODULE {module}")

    def command(self, line: str, timeout: float = 20) -> list[str]:
        """Send one command and return the lines of its reply without the codes; raises SsipError."""
        self._socket.sendall(f"{line}\r\n".encode())
        reply = self._replies.get(timeout=timeout)
        if not reply[-1].startswith("2"):
            raise SsipError(reply)
        return [part[4:] for part in reply]

    def set(self, name: str, value: str | int) -> None:
        """Set a parameter of this client, such as PRIORITY, RATE, PUNCTUATION or SSML_MODE."""
        self.command(f"SET SELF {name} {value}")

    def speak(self, text: str, priority: str = "") -> int:
        """Queue a text and return its message id."""
        if priority:
            self.set("PRIORITY", priority)
        self.command("SPEAK")
        lines = text.split("\n")
        body = "\r\n".join(f".{line}" if line.startswith(".") else line for line in lines)
        return int(self.command(f"{body}\r\n.")[0])

    def char(self, character: str) -> int:
        """Queue one character and return its message id."""
        return int(self.command(f"CHAR {character}")[0])

    def key(self, name: str) -> int:
        """Queue the name of a key and return its message id."""
        return int(self.command(f"KEY {name}")[0])

    def sound_icon(self, name: str) -> int:
        """Queue a sound icon and return its message id."""
        return int(self.command(f"SOUND_ICON {name}")[0])

    def stop(self) -> None:
        """Stop the message that is being said."""
        self.command("STOP self")

    def cancel(self) -> None:
        """Stop the message that is being said and forget all others of this client."""
        self.command("CANCEL self")

    def pause(self) -> None:
        """Pause what this client is saying."""
        self.command("PAUSE self")

    def resume(self) -> None:
        """Go on after `pause`."""
        self.command("RESUME self")

    def of(self, message: int) -> list[str]:
        """Return the kinds of the events of a message so far, marks left out."""
        return [event.kind for event in self.events if event.message == message and event.kind != "mark"]

    def whole(self, message: int) -> list[SsipEvent]:
        """Return all events of a message so far, in the order in which they came."""
        return [event for event in self.events if event.message == message]

    def wait(self, kind: str, message: int, count: int = 1, timeout: float = 30) -> SsipEvent:
        """Return the `count`-th event of this kind of a message, waiting for it; raises TimeoutError."""

        def found() -> list[SsipEvent]:
            return [event for event in self.events if (event.kind, event.message) == (kind, message)]

        self._await(lambda: len(found()) >= count, f"'{kind}' of message {message}", timeout)
        return found()[count - 1]

    def wait_over(self, message: int, timeout: float = 60) -> str:
        """Return how a message ended (`end` or `cancel`), waiting for it; raises TimeoutError."""
        self._await(lambda: not ENDS.isdisjoint(self.of(message)), f"the end of message {message}", timeout)
        return next(kind for kind in self.of(message) if kind in ENDS)

    def _await(self, wanted: Callable[[], bool], what: str, timeout: float) -> None:
        with self._arrived:
            if not self._arrived.wait_for(wanted, timeout):
                raise TimeoutError(f"no {what} within {timeout} s; came: {self.events[-8:]}")

    def _read(self) -> None:
        """Sort the blocks of lines `NNN-…` that end with `NNN …` into replies and events."""
        block: list[str] = []
        with (
            contextlib.suppress(OSError),
            self._socket.makefile("r", encoding="utf-8", newline="\n") as lines,
        ):
            for line in lines:
                block.append(line.rstrip("\r\n"))
                if line[3:4] != "-":
                    self._take(block)
                    block = []

    def _take(self, block: list[str]) -> None:
        kind = _EVENTS.get(block[0][:3])
        if kind is None:
            self._replies.put(block)
            return
        name = block[2][4:] if kind == "mark" else ""
        with self._arrived:
            self.events.append(SsipEvent(kind, int(block[0][4:]), name, time.monotonic()))
            self._arrived.notify_all()

    def close(self) -> None:
        """Leave the server."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join(10)
        self._socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
