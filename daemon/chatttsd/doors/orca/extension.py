# chatttsd: a resident ChatTTS voice for Linux desktops
# SPDX-License-Identifier: AGPL-3.0-or-later
#
# This program is free software: you can redistribute it and/or modify it under the terms of the GNU Affero
# General Public License as published by the Free Software Foundation, either version 3 of the License, or (at
# your option) any later version. This program is distributed in the hope that it will be useful, but WITHOUT
# ANY WARRANTY; without even the implied warranty of MERCHANTABILITY or FITNESS FOR A PARTICULAR PURPOSE. See
# the GNU Affero General Public License for more details: <https://www.gnu.org/licenses/>.
"""An extension of the screen reader Orca (51 or later) that reads long texts through chatttsd.

It runs inside Orca, on Orca's main thread and in Orca's Python, and so needs nothing of chatttsd but its bus.
`chatttsctl orca install` puts it into ~/.local/share/orca/extensions/; Orca loads it after
`orca --approve-extension chatttsd.py`. Nothing in it waits: every call on the bus is asynchronous.

Orca does not tell a consumer of its speech when a person interrupts. So what is being read here ends with the
next thing that Orca is about to say, and by the command "Stop reading", which can be bound to a key.
"""

import sys
import unicodedata
from typing import TYPE_CHECKING, Any, Final

from gi.repository import Gio, GLib
from orca.command import KeyboardCommand
from orca.extension import Extension, ExtensionPreference, SpeechOutput, SpeechOutputResult

if TYPE_CHECKING:
    from types import FrameType

_NAME: Final = "org.chattts.Speech1"
_PATH: Final = "/org/chattts/Speech1"
_NO_TIMEOUT: Final = GLib.MAXINT
"""A text is Orca's again when the daemon refuses it or dies; one that is only slow would say it again."""
_LENGTH: Final = 80
_SHORTEST: Final = 2
_LONGEST: Final = 10_000
_WIDE: Final = "WF"
"""East Asian widths of characters that count twice: a Chinese one takes as long as a few letters."""
_NORMAL_RATE: Final = 50
_RATE_RANGE: Final = 3.0
_RATE_LIMITS: Final = (0.25, 4.0)
_SAY_ALL: Final = "say_all"
_FRAMES: Final = 12


def length(text: str) -> int:
    """Count characters, wide ones (Chinese, Japanese, Korean) twice."""
    return sum(2 if unicodedata.east_asian_width(character) in _WIDE else 1 for character in text)


def portable(text: str) -> str:
    """Replace what D-Bus cannot carry: a NUL would end the text, half a surrogate pair is an error."""
    return text.replace("\0", " ").encode(errors="replace").decode()


def rate_factor(rate: float) -> float:
    """Return chatttsd's rate for Orca's 0..100, 50 being normal: as its speech-dispatcher module has it."""
    factor = _RATE_RANGE ** ((rate - _NORMAL_RATE) / _NORMAL_RATE)
    return float(max(_RATE_LIMITS[0], min(_RATE_LIMITS[1], factor)))


def in_say_all() -> bool:
    """Tell whether Orca is in the middle of Say All.

    It takes a consumed sentence for one that was read to its end: all of a document would be queued at once,
    with the caret at its end. Nothing that extensions may use tells, so the calling functions are looked at.
    """
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001 - the way to the callers, cheaper than inspect
    for _ in range(_FRAMES):
        if frame is None:
            return False
        if _SAY_ALL in frame.f_code.co_name:
            return True
        frame = frame.f_back
    return False


class ChatttsdReader(Extension):  # type: ignore[misc] # Orca's base class has no types here
    """Reads long texts through chatttsd; everything short, typed or spelled stays with Orca's own speech."""

    GROUP_LABEL = "chatttsd"
    DESCRIPTION = "Reads long texts with the voice of chatttsd; short ones stay with Orca's own voice."
    VERSION = "1"
    AUTHOR = "The chatttsd authors"
    COPYRIGHT = "AGPL-3.0-or-later"

    def __init__(self) -> None:
        super().__init__()
        self._bus: Any = None
        self._watch = 0
        self._there = False
        self._cancellable = Gio.Cancellable()
        self._ids: list[int] = []
        """What chatttsd was given for the present presentation; ids of ended utterances do no harm."""
        self._presentation = 0
        """Counts what Orca presents: everything that it says without returning to its main loop is one."""
        self._open = False
        self._taken = False
        self._own_words = False
        Gio.bus_get(Gio.BusType.SESSION, self._cancellable, self._connected)

    # What Orca calls

    def get_preferences(self) -> list[Any]:
        """Return what can be set in Orca's preferences, on the page of user extensions."""
        return [
            ExtensionPreference.integer(
                "minimum-length", "Shortest text to read, in letters", _LENGTH, _SHORTEST, _LONGEST
            ),
            ExtensionPreference.boolean("follow-rate", "Use the rate of Orca's voice", True),
        ]

    def _get_commands(self) -> list[Any]:
        return [KeyboardCommand("chatttsd_stop", self.stop, self.GROUP_LABEL, "Stop reading")]

    def on_speech_output(self, output: SpeechOutput) -> SpeechOutputResult | None:
        """Take a long text over; None, at once, lets Orca say it."""
        if self._own_words:
            return None
        if not self._open:
            self._begin_presentation()
        if in_say_all() or not self._there or not self._wanted(output.text):
            return None
        self._speak(output.text)
        self._taken = True
        return SpeechOutputResult.consume_output()

    def on_disabled(self) -> None:
        """Fall silent and leave the bus alone."""
        self._close()

    def on_shutdown(self) -> None:
        """Fall silent and leave the bus alone."""
        self._close()

    def stop(self) -> bool:
        """Stop reading: the command that can be bound to a key."""
        self._silence()
        return True

    # What is read

    def _wanted(self, text: str) -> bool:
        # What follows a text that was taken over must follow it, not sound at the same time.
        return self._taken or length(text) >= self.settings.get("minimum-length", default=_LENGTH)

    def _begin_presentation(self) -> None:
        self._silence()
        self._open = True
        self._taken = False
        GLib.idle_add(self._end_presentation, priority=GLib.PRIORITY_HIGH)

    def _end_presentation(self) -> bool:
        self._open = False
        return bool(GLib.SOURCE_REMOVE)

    def _options(self) -> dict[str, str]:
        options = {"bind_to_client": "true"}
        if self.settings.get("follow-rate", default=True):
            rate = self.controller.get_value_internal("SpeechManager", "Rate")
            if isinstance(rate, int | float):
                options["rate"] = f"{rate_factor(float(rate)):.4f}"
        return options

    def _speak(self, text: str) -> None:
        presentation = self._presentation

        def taken(bus: Any, result: Any) -> None:  # noqa: ANN401 - GObject introspection has no types
            try:
                (utterance,) = bus.call_finish(result).unpack()
            except GLib.Error:
                self._give_back(text, presentation)
            else:
                self._keep(utterance, presentation)

        body = GLib.Variant("(sa{ss})", (portable(text), self._options()))
        self._call("SpeakWith", body, taken)

    def _keep(self, utterance: int, presentation: int) -> None:
        if presentation == self._presentation:
            self._ids.append(utterance)
        else:
            self._cancel(utterance)

    def _give_back(self, text: str, presentation: int) -> None:
        """Have Orca say what chatttsd did not take, unless Orca has gone on to something else."""
        if presentation != self._presentation:
            return
        self._own_words = True
        try:
            self.controller.speak_message_internal(text)
        finally:
            self._own_words = False

    def _silence(self) -> None:
        self._presentation += 1
        utterances, self._ids = self._ids, []
        for utterance in utterances:
            self._cancel(utterance)

    def _cancel(self, utterance: int) -> None:
        self._call("Cancel", GLib.Variant("(u)", (utterance,)), None)

    # The bus

    def _call(self, method: str, body: Any, answered: Any) -> None:  # noqa: ANN401 - see `taken`
        # A daemon that somebody has stopped is not started by this: only Orca's own start does that.
        flags = Gio.DBusCallFlags.NO_AUTO_START
        if self._bus is not None:
            self._bus.call(_NAME, _PATH, _NAME, method, body, None, flags, _NO_TIMEOUT, None, answered)

    def _connected(self, _source: Any, result: Any) -> None:  # noqa: ANN401 - see `taken`
        try:
            self._bus = Gio.bus_get_finish(result)
        except GLib.Error:
            return
        flags = Gio.BusNameWatcherFlags.AUTO_START
        self._watch = Gio.bus_watch_name_on_connection(
            self._bus, _NAME, flags, self._appeared, self._vanished
        )

    def _appeared(self, *_: Any) -> None:  # noqa: ANN401 - see `taken`
        self._there = True

    def _vanished(self, *_: Any) -> None:  # noqa: ANN401 - see `taken`
        self._there = False
        self._ids = []

    def _close(self) -> None:
        self._silence()
        self._there = False
        self._cancellable.cancel()
        if self._watch:
            Gio.bus_unwatch_name(self._watch)
            self._watch = 0
