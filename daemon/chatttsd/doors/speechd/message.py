"""One accepted message and the events that the server must get of it, in whatever thread they come."""

import threading
from collections.abc import Callable, Mapping
from typing import Final

END: Final = "702 END"
STOP: Final = "703 STOP"
PAUSE: Final = "704 PAUSE"
RESTART_MARK: Final = "__spd_-1000000"
"""Whatever mark the server was told of last, after this one it sends the whole message when it is resumed.

It adds `DefaultPauseContext` to the number, and below 0 it goes back to the beginning. From an earlier mark
it would send the rest, or look for that mark in a message whose marks were numbered anew since: then the next
part would be left out, or nothing ever sent.
"""
_BEGIN: Final = "701 BEGIN"


class Message:
    """Sends exactly one 701, marks only after it, and exactly one of END, STOP and PAUSE as the last event.

    `text` is the body as it came; `options` are those of `SpeakWith`. `send` takes whole lines. The body of
    what is no text, such as an icon, must not be `rewritten` by the server when it is resumed.
    """

    def __init__(
        self,
        kind: str,
        text: str,
        options: Mapping[str, str],
        send: Callable[..., None],
        *,
        rewritten: bool = True,
    ) -> None:
        self.kind = kind
        self.text = text
        self.options = options
        self.rewritten = rewritten and kind == "SPEAK"
        self._send = send
        self._lock = threading.Lock()
        self._begun = False
        self._ended = False
        self._last = ""

    @property
    def begun(self) -> bool:
        """Whether it began to be heard, or ended."""
        return self._begun

    @property
    def ended(self) -> bool:
        """Whether its last event is sent."""
        return self._ended

    @property
    def heard_out(self) -> bool:
        """Whether its last event was END."""
        return self._last == END

    def begin(self) -> None:
        """Tell that it begins to be heard; does nothing the second time or after the end."""
        with self._lock:
            self._begin()

    def mark(self, name: str) -> None:
        """Tell that an index mark is heard; nothing is told of a name with a line end in it."""
        with self._lock:
            if not self._ended and name and not set(name) & set("\r\n"):
                self._begin()
                self._send(f"700-{name}", "700 INDEX MARK")

    def end(self, event: str) -> bool:
        """Send the last event, after BEGIN if that was not sent; False when it has ended already."""
        with self._lock:
            if self._ended:
                return False
            self._begin()
            self._ended, self._last = True, event
            if event == PAUSE and self.rewritten:
                self._send(f"700-{RESTART_MARK}", "700 INDEX MARK", event)
            else:
                self._send(event)
            return True

    def _begin(self) -> None:
        if not self._begun and not self._ended:
            self._begun = True
            self._send(_BEGIN)
