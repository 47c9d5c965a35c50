"""The module: what the server asks for, done with settings, voices and the speaker."""

import contextlib
import os
import sys
import threading
import time
from collections.abc import Callable, Sequence
from typing import Final, TextIO

from chatttsd.doors.speechd.message import END, PAUSE, STOP, Message
from chatttsd.doors.speechd.settings import Settings
from chatttsd.doors.speechd.speaker import Speaker
from chatttsd.doors.speechd.voices import VoiceList

_STDOUT: Final = 1
_BLANKS: Final = str.maketrans("-_", "  ")


class Output:
    """Writes replies and events to a descriptor, those of one call together; safe in every thread."""

    def __init__(self, descriptor: int = _STDOUT, watch: Callable[[str], None] = lambda _: None) -> None:
        self._descriptor = descriptor
        self._watch = watch
        self._lock = threading.Lock()

    def send(self, *lines: str) -> None:
        """Write whole lines; a server that is gone reads none of them."""
        data = "".join(f"{line}\n" for line in lines).encode()
        with self._lock:
            for line in lines:
                self._watch(line)
            with contextlib.suppress(BrokenPipeError):
                while data:
                    data = data[os.write(self._descriptor, data) :]


class Journal:
    """Tells reasons on stderr, each once, and everything but texts in the log that DEBUG ON names."""

    def __init__(self) -> None:
        self._told: set[str] = set()
        self._debug: TextIO | None = None

    def tell(self, reason: str) -> None:
        """Print a reason unless it has been printed before."""
        if reason not in self._told:
            self._told.add(reason)
            print(f"chattts: {reason}", file=sys.stderr, flush=True)
        self.note(reason)

    def note(self, line: str) -> None:
        """Write a line to the debug log, if there is one."""
        if self._debug is not None:
            print(f"{time.time():.3f} {line}", file=self._debug, flush=True)

    def debug(self, path: str | None) -> bool:
        """Open a debug log or close it; False when it cannot be opened."""
        before, self._debug = self._debug, None
        if before is not None:
            before.close()
        if path is None:
            return True
        try:
            self._debug = open(path, "a", encoding="utf-8")  # noqa: SIM115, PTH123 - kept open; no pathlib
        except OSError:
            return False
        return True


class Module:
    """Does what the server asks for; one message at a time is said, as the server sends them."""

    def __init__(
        self,
        settings: Settings,
        voices: VoiceList,
        speaker: Speaker,
        journal: Journal,
        send: Callable[..., None],
    ) -> None:
        self._settings = settings
        self._voices = voices
        self._speaker = speaker
        self._journal = journal
        self._send = send
        self._open: list[Message] = []

    def set(self, lines: Sequence[str]) -> None:
        """Take changed settings."""
        self._settings.update(lines)

    def log_level(self, lines: Sequence[str]) -> None:
        """Note the level of the log, which changes nothing: only faults are told, and no texts."""
        self._journal.note(" ".join(lines))

    def speak(self, kind: str, text: str, accepted: Callable[[], None]) -> None:
        """Take a message; of a sound icon its name is said, as by espeak-ng's module without its sounds."""
        accepted()
        self._journal.note(f"{kind}, {len(text)} characters")
        icon = kind == "SOUND_ICON"
        if icon:
            kind, text = "SPEAK", _icon(text)
        if not text or (kind != "CHAR" and not text.strip()):
            Message(kind, text, {}, self._send).end(END)
            return
        message = Message(kind, text, self._settings.options(kind), self._send, rewritten=not icon)
        self._open = [message, *(other for other in self._open if not other.ended)]
        self._speaker.say(message)

    def stop(self) -> None:
        """End what is being said."""
        for message in self._take_open():
            if message.end(STOP):
                self._speaker.stop(message)

    def pause(self) -> None:
        """End what is being said and remember where."""
        for message in self._take_open():
            # The server had not read that it was over: it will send it again.
            if message.end(PAUSE) or message.heard_out:
                self._speaker.pause(message)

    def voices(self, language: str, variant: str) -> Sequence[tuple[str, str, str]]:
        """List the voices as they were told last, and have them read again."""
        self._speaker.refresh_voices()
        return self._voices.listed(language, variant)

    def debug(self, path: str | None) -> bool:
        """Open or close the debug log."""
        return self._journal.debug(path)

    def _take_open(self) -> list[Message]:
        taken, self._open = self._open, []
        return taken


def _icon(name: str) -> str:
    """Return the name of a sound icon as a message, empty for none."""
    from chatttsd.doors.speechd.markup import escaped  # here: INIT is answered before it is needed

    return escaped(name.translate(_BLANKS)) if name.strip() else ""
