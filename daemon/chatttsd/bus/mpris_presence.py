"""When the media player is on the bus: its name comes with a long text and goes a little after its end."""

import asyncio
import logging
from collections.abc import Callable
from typing import Final

from dbus_next import DBusError

from chatttsd.bus.mpris import MPRIS_NAME, MPRIS_PATH, MediaPlayer2, Player
from chatttsd.bus.notifier import PropertyNotifier
from chatttsd.bus.server import ObjectServer
from chatttsd.bus.service import SpeechService
from chatttsd.bus.transport import Connection, NameTakenError

_LOGGER = logging.getLogger(__name__)
_WATCHED: Final = ("PlaybackStatus", "Metadata", "CanGoNext", "CanPlay", "CanPause", "Volume")
LINGER_SECONDS: Final = 2.0
"""Between two long texts the player stays: a widget that goes and comes would take the focus with it."""


class NameHolder:
    """Owns a bus name while it is wanted; what it asks of the bus goes out in order, one after another."""

    def __init__(self, connection: Connection, name: str) -> None:
        self._connection = connection
        self._name = name
        self._wanted = False
        self._held = False
        self._told = False
        self._work: asyncio.Task[None] | None = None

    def want(self, *, wanted: bool) -> None:
        """Own the name, or give it back; a name that cannot be had is told in the journal once."""
        self._wanted = wanted
        if wanted != self._held and (self._work is None or self._work.done()):
            self._work = asyncio.create_task(self._follow())

    def close(self) -> None:
        """Ask nothing more of the bus."""
        if self._work is not None:
            self._work.cancel()

    async def _follow(self) -> None:
        try:
            while self._wanted != self._held:
                await (self._take() if self._wanted else self._give_back())
        except (NameTakenError, DBusError) as error:
            if not self._told:
                _LOGGER.warning("media keys do not reach the voice: %s", error)
            self._told = True

    async def _take(self) -> None:
        await self._connection.own_name(self._name)
        self._held = True

    async def _give_back(self) -> None:
        self._held = False
        await self._connection.call_bus("ReleaseName", "s", [self._name])


class MediaControls:
    """The MPRIS player of the session; until `export` it does nothing (the system bus has no media keys)."""

    def __init__(
        self,
        service: SpeechService,
        server: ObjectServer,
        min_characters: int,
        clock: Callable[[], float],
        linger_seconds: float = LINGER_SECONDS,
    ) -> None:
        self._server = server
        self._linger_seconds = linger_seconds
        self._player = Player(service, min_characters, clock)
        self._notifier = PropertyNotifier(self._player.get, self._emit)
        self._name = NameHolder(server.connection, MPRIS_NAME)
        self._exported = False
        self._shown = False
        self._track = 0
        self._audible = False
        self._linger: asyncio.TimerHandle | None = None

    def export(self) -> None:
        """Make the player callable; its name comes with the first long text."""
        self._server.export(MPRIS_PATH, MediaPlayer2())
        self._server.export(MPRIS_PATH, self._player)
        self._notifier.start_from(*_WATCHED)
        self._exported = True

    def configure(self, min_characters: int) -> None:
        """Take another least length, which holds for what is being read too."""
        self._player.min_characters = min_characters
        self.changed()

    def changed(self) -> None:
        """Look at the service again: anything of it may have changed."""
        if not self._exported:
            return
        if self._player.track != self._track:
            self._begin(self._player.track)
        self._run_watch()
        if self._shown:
            self._notifier.touch(*_WATCHED)

    def started(self, utterance_id: int) -> None:
        """Hear that the first sample of an utterance is heard."""
        self._audible = self._audible or utterance_id == self._track != 0
        self._run_watch()

    def close(self) -> None:
        """Forget what was to come; the name goes with the connection."""
        self._exported = False
        self._stay()
        self._name.close()

    def _begin(self, track: int) -> None:
        self._track = track
        self._audible = False
        self._player.heard.reset()
        self._stay()
        if track:
            self._shown = True
            self._name.want(wanted=True)
        else:
            self._linger = asyncio.get_running_loop().call_later(self._linger_seconds, self._leave)

    def _run_watch(self) -> None:
        running = self._audible and self._player.playback_status() == "Playing"
        self._player.heard.run(running=running)

    def _stay(self) -> None:
        if self._linger is not None:
            self._linger.cancel()
            self._linger = None

    def _leave(self) -> None:
        self._shown = False
        self._name.want(wanted=False)

    def _emit(self, *names: str) -> None:
        self._server.properties_changed(MPRIS_PATH, self._player, *names)
