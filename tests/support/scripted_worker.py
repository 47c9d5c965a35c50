"""Workers whose model does what a script in its folder says; both engines spell their text in tones.

The folder of the model holds `asset/` and, when a test wants it, `script.json` (see `Script`). What the model
says begins with MODEL_MARK, so that a recording tells who spoke.
"""

import argparse
import json
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Final

from chatttsd.engine.api import (
    Cancelled,
    Emit,
    Engine,
    EngineError,
    EngineFaultError,
    Level,
    SynthesisRequest,
    Voice,
)
from chatttsd.engine.tone import PACE, ToneEngine
from chatttsd.engine.worker import Report, Worker

MODEL_MARK: Final = "§"
HALF: Final = "half"
"""A text with this word: half of its sound, then an error."""
REFUSED: Final = "refused"
"""A text with this word is an error at once."""
CHATTY: Final = "chatty"
"""A text with this word makes no sound, and has something to say when it is cancelled."""
POISON: Final = "poison"
"""A text with this word kills the worker."""
MODEL_TENTHS: Final = 7
"""So much speech is told of with the level of a text."""
_NAP_SECONDS: Final = 0.01
_PATIENCE_SECONDS: Final = 60.0


@dataclass(frozen=True, slots=True)
class Script:
    """What the model does; read at each start and each request."""

    fault: str = ""
    """Why it cannot be loaded."""
    dies_loading: bool = False
    waits: bool = False
    """It reports `loading 62 %` and stays there until there is a file `go` in the folder."""
    pace: float = 0.0
    """Seconds of work for a second of sound."""
    lufs: float | None = None
    """How loud it says that each text is by itself, which it says in the end."""


def scripted_command(engine: str, settings: str) -> tuple[str, ...]:
    """Return the command of a scripted worker."""
    return (sys.executable, str(Path(__file__)), "--engine", engine, "--settings", settings)


class ModelFolder:
    """The folder of a scripted model, as a test sees it."""

    def __init__(self, folder: Path, script: Script | None = None) -> None:
        self.folder = folder
        (folder / "asset").mkdir(parents=True, exist_ok=True)
        self.write(script or Script())

    def write(self, script: Script) -> None:
        """Replace the script; a file of the model changes with it."""
        (self.folder / "asset" / "weights").write_text(str(time.monotonic_ns()))
        (self.folder / "script.json").write_text(json.dumps(asdict(script)))

    def go(self) -> None:
        """Let a load that waits go on."""
        (self.folder / "go").touch()

    @property
    def starts(self) -> int:
        """How many workers have begun to load."""
        return len(self._lines("starts"))

    @property
    def asked(self) -> list[tuple[str, list[str]]]:
        """Every request so far: its text, and the texts of those that it announced."""
        return [tuple(json.loads(line)[:2]) for line in self._lines("asked")]

    @property
    def gains(self) -> list[list[float]]:
        """The gain of every request so far, and those of the requests that it announced."""
        return [json.loads(line)[2] for line in self._lines("asked")]

    @property
    def wholes(self) -> list[list[bool]]:
        """Of every request so far, and of those that it announced, whether no word may be left out."""
        return [json.loads(line)[3] for line in self._lines("asked")]

    def _lines(self, name: str) -> list[str]:
        file = self.folder / name
        return file.read_text().splitlines() if file.exists() else []


class ScriptedModel(ToneEngine):
    """Speaks like the tone engine, with MODEL_MARK before each text."""

    name = "chattts"
    detail = "scripted, for tests"

    def __init__(self, folder: Path, report: Report) -> None:
        super().__init__()
        self._folder = folder
        self._report = report
        with (folder / "starts").open("a") as file:
            file.write("started\n")
        self._load(self._script(), report)

    def voices(self) -> Sequence[Voice]:
        """List none: the daemon knows them by itself."""
        return ()

    def synthesise(self, request: SynthesisRequest, emit: Emit, cancelled: Cancelled) -> None:
        """Say the text, or do what its words ask for."""
        with (self._folder / "asked").open("a") as file:
            every = (request, *request.following)
            gains, wholes = [item.gain for item in every], [item.whole for item in every]
            line = request.text, [item.text for item in request.following], gains, wholes
            file.write(json.dumps(line) + "\n")
        if REFUSED in request.text:
            raise EngineError("the model's speech was silent, in 3 attempts")
        if POISON in request.text:
            os.kill(os.getpid(), signal.SIGKILL)
        if CHATTY in request.text:
            self._wait_for_cancel(cancelled)
            return
        marked = replace(request, text=MODEL_MARK + request.text, parameters={PACE: str(self._script().pace)})
        if HALF in request.text:
            self._say_half(marked, emit, cancelled)
        else:
            super().synthesise(marked, emit, cancelled)
            if (lufs := self._script().lufs) is not None:
                request.tell_level(Level(lufs, MODEL_TENTHS))

    def _wait_for_cancel(self, cancelled: Cancelled) -> None:
        self._report("a chatty text is waited for")
        while not cancelled():
            time.sleep(_NAP_SECONDS)
        self._report("a chatty text was cancelled")

    def _say_half(self, request: SynthesisRequest, emit: Emit, cancelled: Cancelled) -> None:
        half = replace(request, text=request.text[: len(request.text) // 2])
        super().synthesise(half, emit, cancelled)
        raise EngineError("the model broke off")

    def _script(self) -> Script:
        return Script(**json.loads((self._folder / "script.json").read_text()))

    def _load(self, script: Script, report: Report) -> None:
        if script.fault:
            raise EngineFaultError(script.fault)
        report("loading 62 %")
        if script.dies_loading:
            os.kill(os.getpid(), signal.SIGKILL)
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while script.waits and not (self._folder / "go").exists() and time.monotonic() < deadline:
            time.sleep(_NAP_SECONDS)
        report("warming")


class ScriptedEspeak(ToneEngine):
    """Speaks like the tone engine under the name of espeak-ng."""

    name = "espeak-ng"

    def voices(self) -> Sequence[Voice]:
        """List a voice for each language of the tests."""
        return [Voice(f"espeak-ng/{tag}", tag, self.name, (tag,)) for tag in ("en", "zh", "fr")]


def _model(settings: str, report: Report) -> Engine:
    return ScriptedModel(Path(json.loads(settings)["model"]["model_dir"]), report)


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--engine", required=True)
    parser.add_argument("--settings", default="")
    parser.add_argument("--fd", type=int, required=True)
    options = parser.parse_args()
    make: Callable[[Report], Engine] = lambda _report: ScriptedEspeak()  # noqa: E731 - one of two
    if options.engine == ScriptedModel.name:
        make = partial(_model, options.settings)
    return Worker(socket.socket(fileno=options.fd), lambda: os._exit(0)).run(make)


if __name__ == "__main__":
    sys.exit(main())
