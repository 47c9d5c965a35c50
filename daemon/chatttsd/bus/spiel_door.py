"""Puts the Spiel provider on the bus: its second name, its object, and what changes of it."""

import logging

from chatttsd.bus.notifier import PropertyNotifier
from chatttsd.bus.server import ObjectServer
from chatttsd.bus.service import SpeechService
from chatttsd.bus.spiel import SpielProvider
from chatttsd.bus.transport import NameTakenError
from chatttsd.constants import SPIEL_NAME, SPIEL_PATH

_LOGGER = logging.getLogger(__name__)


class SpielDoor:
    """The provider on a server's connection; until `open` nobody can reach it."""

    def __init__(self, service: SpeechService, server: ObjectServer, text_limit: int) -> None:
        self._provider = SpielProvider(service, text_limit)
        self._server = server
        self._notifier = PropertyNotifier(self._provider.get, self._changed)
        self._open = False

    async def open(self) -> None:
        """Own the name; who has it already keeps it, and the daemon does without."""
        self._server.export(SPIEL_PATH, self._provider)
        self._notifier.start_from("Voices")
        self._open = True
        try:
            await self._server.connection.own_name(SPIEL_NAME)
        except NameTakenError as error:
            _LOGGER.warning("%s: Spiel's clients do not reach this daemon", error)

    def voices_changed(self) -> None:
        """Tell the clients, if the voices are other ones."""
        if self._open:
            self._notifier.touch("Voices")

    def configure(self, text_limit: int) -> None:
        """Take texts of at most so many characters from now on."""
        self._provider.text_limit = text_limit

    def _changed(self, *names: str) -> None:
        self._server.properties_changed(SPIEL_PATH, self._provider, *names)
