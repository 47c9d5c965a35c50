"""The output module as speech-dispatcher sees it: a child process, commands in, replies and events out."""

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Self

from support.fake_speech import FakeSpeech


class ModuleProcess:
    """`python -m chatttsd.doors.speechd`; `lines` holds everything that it has written. A context manager."""

    def __init__(
        self,
        environment: Mapping[str, str],
        folder: Path,
        configuration: str = "",
        *,
        shake_hands: bool = True,
    ) -> None:
        path = folder / "chattts.conf"
        if configuration:
            path.write_text(configuration)
        self.lines: list[str] = []
        self.times: list[float] = []
        self._shake_hands = shake_hands
        self._stderr = folder / "module.log"
        self._arrived = threading.Condition()
        home = {"HOME": str(folder), "XDG_CACHE_HOME": str(folder / "cache")}
        with self._stderr.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "chatttsd.doors.speechd", str(path)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env={**environment, **home},
                cwd=folder,
            )
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    @property
    def log(self) -> str:
        """What it printed to stderr."""
        return self._stderr.read_text()

    def send(self, *lines: str) -> None:
        """Write command lines."""
        assert self.process.stdin is not None
        self.process.stdin.write("".join(f"{line}\n" for line in lines).encode())
        self.process.stdin.flush()

    def ask(self, *lines: str) -> list[str]:
        """Write command lines and return the reply to the last of them, with the line that ends it."""
        start = len(self.lines)
        self.send(*lines)
        commands = 2 if lines[-1] == "." else 1
        return self._replies(start, commands)

    def _replies(self, start: int, count: int) -> list[str]:
        def blocks() -> list[list[str]]:
            found: list[list[str]] = [[]]
            for line in self.lines[start:]:
                found[-1].append(line)
                if line[3:4] == " ":
                    found.append([])
            return [block for block in found[:-1] if block[-1][0] != "7"]

        self._await(lambda: len(blocks()) >= count, f"{count} replies")
        return blocks()[count - 1]

    def speak(self, text: str, kind: str = "SPEAK") -> None:
        """Send a message as the server does, and see it accepted."""
        stuffed = [f".{line}" if line.startswith(".") else line for line in text.split("\n")]
        assert self.ask(kind, *stuffed, ".") == ["200 OK SPEAKING"]

    def set(self, **settings: str | int) -> None:
        """Send settings."""
        lines = [f"{name}={value}" for name, value in settings.items()]
        assert self.ask("SET", *lines, ".") == ["203 OK SETTINGS RECEIVED"]

    @property
    def events(self) -> list[str]:
        """The events so far, marks as their names."""
        found = [line for line in self.lines if line.startswith("7") and line != "700 INDEX MARK"]
        return [line[4:] if line.startswith("700-") else line for line in found]

    def wait_events(self, count: int, timeout: float = 20) -> list[str]:
        """Return the first `count` events, waiting for them."""
        self._await(lambda: len(self.events) >= count, f"{count} events", timeout)
        return self.events[:count]

    def wait_log(self, part: str) -> None:
        """Wait until stderr holds something."""
        deadline = time.monotonic() + 20
        while part not in self.log:
            assert time.monotonic() < deadline, f"{part!r} is not in {self.log!r}"
            time.sleep(0.005)

    def arrived(self, line: str) -> float:
        """Return the `time.monotonic()` at which a line came last."""
        return next(
            at for found, at in zip(self.lines[::-1], self.times[::-1], strict=False) if found == line
        )

    def _await(self, wanted: Callable[[], bool], what: str, timeout: float = 20) -> None:
        with self._arrived:
            if not self._arrived.wait_for(wanted, timeout):
                raise TimeoutError(f"no {what} within {timeout} s; came: {self.lines[-8:]}; {self.log}")

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            with self._arrived:
                self.lines.append(line.decode().removesuffix("\n"))
                self.times.append(time.monotonic())
                self._arrived.notify_all()

    def __enter__(self) -> Self:
        if self._shake_hands:
            for command in HANDSHAKE:
                self.ask(*command)
        return self

    def __exit__(self, *_: object) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self._thread.join(10)
        assert self.process.stdout is not None
        self.process.stdout.close()


HANDSHAKE: Sequence[Sequence[str]] = (
    ("INIT",),
    ("AUDIO", "audio_output_method=server", "."),
    ("AUDIO", "audio_output_method=pulse", "."),
    ("LOGLEVEL", "log_level=3", "."),
)

MakeModule = Callable[..., ModuleProcess]
"""Of the fixture: takes the text of chattts.conf and an environment."""
MakeDaemon = Callable[..., FakeSpeech]
"""Of the fixture: takes answers by member."""


def say(daemon: FakeSpeech, utterance: int, *events: tuple[str, str, tuple[object, ...]]) -> None:
    """Let a scripted daemon tell that an utterance is heard, with these events, to its end."""
    daemon.emit("Started", "u", (utterance,))
    for member, signature, rest in events:
        daemon.emit(member, f"u{signature}", (utterance, *rest))
    finish(daemon, utterance)


def finish(daemon: FakeSpeech, utterance: int, outcome: str = "finished") -> None:
    """Let a scripted daemon tell an outcome."""
    daemon.emit("Finished", "us", (utterance, outcome))
