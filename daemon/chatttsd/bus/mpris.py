"""MPRIS 2.2: what media keys and desktop widgets see of the long text that is being read aloud.

Only the utterance that is heard is controlled, and only while it is long; nothing here tells its text.
"""

from collections.abc import Callable
from dataclasses import replace
from math import isnan
from typing import Final

from dbus_next import Variant

from chatttsd.bus import errors
from chatttsd.bus.interface import Call, Interface, Signal, method, readable
from chatttsd.bus.service import SpeechService

MPRIS_NAME: Final = "org.mpris.MediaPlayer2.chatttsd"
MPRIS_PATH: Final = "/org/mpris/MediaPlayer2"
NEVER: Final = 0
"""The least length of a text that stands for none at all."""

_TRACKS: Final = "/org/chattts/Speech1/utterance"
_STATUS: Final = {"idle": "Stopped", "speaking": "Playing", "paused": "Paused"}
_MICROSECONDS: Final = 1_000_000
_ONLY_RATE: Final = 1.0


class Stopwatch:
    """Adds up the seconds in which it runs."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._sum = 0.0
        self._since: float | None = None

    def reset(self) -> None:
        """Stop, and begin again at 0."""
        self._sum, self._since = 0.0, None

    def run(self, *, running: bool) -> None:
        """Run or stand still; saying so again changes nothing."""
        if running and self._since is None:
            self._since = self._clock()
        elif not running and self._since is not None:
            self._sum, self._since = self.seconds, None

    @property
    def seconds(self) -> float:
        """The sum so far."""
        return self._sum + (self._clock() - self._since if self._since is not None else 0.0)


class MediaPlayer2(Interface):
    """The media player itself: a voice that can neither be quit nor raised and opens no files."""

    name = "org.mpris.MediaPlayer2"

    @method()
    def raise_(self, _call: Call) -> None:
        """Do nothing: there is no window."""

    @method()
    def quit(self, _call: Call) -> None:
        """Do nothing: the voice stays."""

    @readable("b")
    def can_quit(self) -> bool:
        """Whether Quit does anything: no."""
        return False

    @readable("b")
    def can_raise(self) -> bool:
        """Whether Raise does anything: no."""
        return False

    @readable("b")
    def has_track_list(self) -> bool:
        """Whether there is a list of tracks: no."""
        return False

    @readable("s")
    def identity(self) -> str:
        """The name that a desktop shows."""
        return "chatttsd"

    @readable("as")
    def supported_uri_schemes(self) -> list[str]:
        """The kinds of address that OpenUri takes: none."""
        return []

    @readable("as")
    def supported_mime_types(self) -> list[str]:
        """The kinds of file that OpenUri takes: none."""
        return []


class Player(Interface):
    """Controls the utterance being heard if its text has at least `min_characters` (0: never)."""

    name = "org.mpris.MediaPlayer2.Player"
    signals = (Signal("Seeked", (("Position", "x"),), "The position jumped: it never does."),)

    def __init__(self, service: SpeechService, min_characters: int, clock: Callable[[], float]) -> None:
        super().__init__()
        self._service = service
        self.min_characters = min_characters
        self.heard = Stopwatch(clock)

    @property
    def track(self) -> int:
        """The id of the utterance that is controlled, 0 for none."""
        long_enough = self._service.current_characters >= self.min_characters != NEVER
        return self._service.current if long_enough else 0

    @method(free=True)
    def play(self, _call: Call) -> None:
        """Go on at the sample where Pause stopped; does nothing unless paused."""
        if self.track:
            self._service.resume()

    @method(free=True)
    def pause(self, _call: Call) -> None:
        """Stop at the present sample; does nothing when nothing long is read."""
        if self.track:
            self._service.pause()

    @method(free=True)
    def play_pause(self, call: Call) -> None:
        """Pause, or go on after a pause; an error when nothing long is read."""
        if not self.track:
            raise errors.not_supported("PlayPause: nothing long is being read")
        if self._service.state == "paused":
            self.play(call)
        else:
            self.pause(call)

    @method(free=True)
    def stop(self, _call: Call) -> None:
        """Cancel the utterance that is heard and nothing else; what waits behind it is spoken next."""
        if track := self.track:
            self._service.cancel(track)

    @method(free=True)
    def next(self, _call: Call) -> None:
        """Go on with the next segment, behind the last one end; what is paused stays paused."""
        if self.track:
            self._service.skip()

    @method(free=True)
    def previous(self, _call: Call) -> None:
        """Do nothing: what was heard is forgotten."""

    @method("Offset x")
    def seek(self, _call: Call, _offset: int) -> None:
        """Do nothing: speech is made as it is read."""

    @method("TrackId o, Position x")
    def set_position(self, _call: Call, _track: str, _position: int) -> None:
        """Do nothing, as Seek."""

    @method("Uri s")
    def open_uri(self, _call: Call, _uri: str) -> None:
        """Answer with an error: texts come by org.chattts.Speech1."""
        raise errors.not_supported("OpenUri: addresses cannot be read, allowed: Speak of org.chattts.Speech1")

    @readable("s")
    def playback_status(self) -> str:
        """Playing, Paused, or Stopped when nothing long is read."""
        return _STATUS[self._service.state] if self.track else _STATUS["idle"]

    @readable("a{sv}")
    def metadata(self) -> dict[str, Variant]:
        """Which utterance is read, never its text and no length: that is known only at the end."""
        track = self.track
        if not track:
            return {}
        return {
            "mpris:trackid": Variant("o", f"{_TRACKS}/{track}"),
            "xesam:title": Variant("s", "Reading aloud"),
        }

    @readable("x", emits="false")
    def position(self) -> int:
        """Microseconds since the first sample was heard, pauses left out."""
        return round(self.heard.seconds * _MICROSECONDS) if self.track else 0

    @readable("d", setter="_set_volume")
    def volume(self) -> float:
        """The volume of utterances that choose none, 0 to 1; a new one holds from the next utterance on."""
        return self._service.options.volume

    @readable("d", setter="_set_rate")
    def rate(self) -> float:
        """Always 1: a text that is being read keeps its rate. Setting 0 pauses, other values do nothing."""
        return _ONLY_RATE

    @readable("d")
    def minimum_rate(self) -> float:
        """The lowest Rate: 1."""
        return _ONLY_RATE

    @readable("d")
    def maximum_rate(self) -> float:
        """The highest Rate: 1."""
        return _ONLY_RATE

    @readable("b")
    def can_go_next(self) -> bool:
        """Whether Next does anything: while something long is read."""
        return self.track != 0

    @readable("b")
    def can_go_previous(self) -> bool:
        """Whether Previous does anything: no."""
        return False

    @readable("b")
    def can_play(self) -> bool:
        """Whether there is something to play: while something long is read."""
        return self.track != 0

    @readable("b")
    def can_pause(self) -> bool:
        """Whether there is something to pause: while something long is read."""
        return self.track != 0

    @readable("b")
    def can_seek(self) -> bool:
        """Whether Seek does anything: no."""
        return False

    @readable("b", emits="false")
    def can_control(self) -> bool:
        """Whether the player can be controlled: yes."""
        return True

    def _set_volume(self, value: float) -> None:
        if isnan(value):
            raise errors.invalid_args("Volume: got nan, allowed: a number from 0 to 1")
        volume = min(1.0, max(0.0, value))
        self._service.set_options(replace(self._service.options, volume=volume))

    def _set_rate(self, value: float) -> None:
        if value == 0 and self.track:
            self._service.pause()
