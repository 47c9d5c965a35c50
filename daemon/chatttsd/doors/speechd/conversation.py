"""What speech-dispatcher sends to an output module on its stdin, and what is answered. No I/O.

Documented in speech-dispatcher's "Output Modules" chapter; what versions 0.11.4 and 0.12 really do is kept in
the tests. Every reply is `NNN-text` lines and one `NNN text`; the server looks at the first digit only.
"""

from collections.abc import Callable, Sequence
from typing import Final, Protocol

KINDS: Final = ("SPEAK", "CHAR", "KEY", "SOUND_ICON")
_END: Final = "."
_SPACE: Final = "space"
"""What stands for the blank in the body of a CHAR."""
_OPENINGS: Final = {
    "SET": "203 OK RECEIVING SETTINGS",
    "AUDIO": "207 OK RECEIVING AUDIO SETTINGS",
    "LOGLEVEL": "207 OK RECEIVING LOGLEVEL SETTINGS",
    **dict.fromkeys(KINDS, "202 OK RECEIVING MESSAGE"),
}
_UNKNOWN: Final = "300 ERR UNKNOWN COMMAND"
_SYNTAX: Final = "302 ERROR BAD SYNTAX"

Send = Callable[..., None]
"""Writes whole lines, those of one call together."""


class Actions(Protocol):
    """What the server can ask for."""

    def set(self, lines: Sequence[str]) -> None:
        """Take changed settings, `name=value` each."""

    def log_level(self, lines: Sequence[str]) -> None:
        """Take the level of the log."""

    def speak(self, kind: str, text: str, accepted: Callable[[], None]) -> None:
        """Take a message of one of KINDS; call `accepted` before any event of it is sent."""

    def stop(self) -> None:
        """End what is being said."""

    def pause(self) -> None:
        """End what is being said and remember where."""

    def voices(self, language: str, variant: str) -> Sequence[tuple[str, str, str]]:
        """List name, language and variant of the voices of a language, of all with an empty one."""

    def debug(self, path: str | None) -> bool:
        """Write a debug log to a file, or stop that; False when the file cannot be opened."""


class Conversation:
    """Takes the server's lines one by one; answers through `send`, hands what is asked for to `actions`."""

    def __init__(self, actions: Actions, send: Send) -> None:
        self._actions = actions
        self._send = send
        self._command = ""
        self._body: list[str] = []

    def take(self, line: str) -> bool:
        """Handle one line without its line end; False when the module is to exit."""
        if not self._command:
            return self._begin(line)
        if line != _END:
            self._body.append(line[1:] if line.startswith(_END) else line)
            return True
        command, body = self._command, self._body
        self._command, self._body = "", []
        self._finish(command, body)
        return True

    def _begin(self, line: str) -> bool:
        command, *arguments = line.split() or [""]
        if command in _OPENINGS and not arguments:
            self._command = command
            self._send(_OPENINGS[command])
            return True
        if line == "QUIT":
            self._send("210 OK QUIT")
            return False
        self._simple(command, arguments)
        return True

    def _simple(self, command: str, arguments: list[str]) -> None:
        """Handle a command of one line."""
        if command == "INIT":
            # The whole desktop's speech waits for this answer: nothing may be done before it.
            self._send("299-chattts: a client of chatttsd, ready at once", "299 OK LOADED SUCCESSFULLY")
        elif command == "STOP":
            self._actions.stop()
        elif command == "PAUSE":
            self._actions.pause()
        elif command == "LIST" and arguments[:1] == ["VOICES"]:
            self._list(*arguments[1:3])
        elif command == "DEBUG":
            self._debug(arguments)
        else:
            self._send(_UNKNOWN)

    def _list(self, language: str = "", variant: str = "") -> None:
        rows = self._actions.voices(language, variant)
        lines = [f"200-{name}\t{tag}\t{kind}" for name, tag, kind in rows]
        self._send(*lines, "200 OK VOICE LIST SENT" if rows else "304 CANT LIST VOICES")

    def _debug(self, arguments: list[str]) -> None:
        if arguments == ["OFF"]:
            self._actions.debug(None)
            self._send("200 OK DEBUGGING OFF")
        elif len(arguments) > 1 and arguments[0] == "ON":
            opened = self._actions.debug(" ".join(arguments[1:]))
            self._send("200 OK DEBUGGING ON" if opened else "303 CANT OPEN CUSTOM DEBUG FILE")
        else:
            self._send(_SYNTAX)

    def _finish(self, command: str, body: list[str]) -> None:
        """Handle a command whose body is whole."""
        if command == "SET":
            # A refusal would lose the message that follows: what is not understood is left out.
            self._actions.set(body)
            self._send("203 OK SETTINGS RECEIVED")
        elif command == "LOGLEVEL":
            self._actions.log_level(body)
            self._send("203 OK LOGLEVEL SET")
        elif command == "AUDIO":
            self._audio(body)
        elif command != "SPEAK" and len(body) > 1:
            self._send("305 DATA MORE THAN ONE LINE")
        else:
            self._speak(command, "\n".join(body))

    def _audio(self, body: list[str]) -> None:
        """Refuse to play through the server: the daemon plays, so pausing works without index marks."""
        if "audio_output_method=server" in body:
            self._send("300-the daemon plays", "300 MODULE ERROR")
        else:
            self._send("203 OK AUDIO INITIALIZED")

    def _speak(self, kind: str, text: str) -> None:
        if kind == "CHAR" and text == _SPACE:  # of a KEY it is the name, and a blank would be silence
            text = " "
        # Never 301: the server would tell its client nothing at all, and the client would wait for ever.
        self._actions.speak(kind, text, lambda: self._send("200 OK SPEAKING"))
