"""An engine that is part of the program, espeak-ng or the test tone: its worker and its troubles."""

import logging
from collections.abc import Callable

from chatttsd.engine.api import EngineDiedError, EngineFaultError, Voice, WorkerSettings
from chatttsd.engine.client import EngineClient, WorkerState, worker_command
from chatttsd.engine.model_setup import Command

_LOGGER = logging.getLogger(__name__)


class EmbeddedEngine:
    """Owns the worker of one engine; `on_change` is called when anything it tells has changed."""

    def __init__(
        self,
        name: str,
        settings: WorkerSettings,
        *,
        on_change: Callable[[], None],
        on_restart: Callable[[], None],
        command: Command = worker_command,
    ) -> None:
        self.name = name
        self.reason = ""
        """Why it does not speak; empty when all is well."""
        self._on_change = on_change
        self._on_restart = on_restart
        self.client = EngineClient(command(name, ""), settings, on_state=self._changed)

    @property
    def voices(self) -> tuple[Voice, ...]:
        """Its voices; empty until its worker has said hello."""
        return self.client.voices

    async def start(self) -> None:
        """Start the worker; a failure is kept as `reason`."""
        try:
            await self.client.start()
        except (EngineDiedError, EngineFaultError) as error:
            _LOGGER.error("%s", error)  # noqa: TRY400 - the message says it all, the traceback nothing

    async def stop(self) -> None:
        """End the worker."""
        await self.client.stop()

    def _changed(self, state: WorkerState, reason: str) -> None:
        if state is WorkerState.STARTING and self.reason:
            self._on_restart()
        if state is WorkerState.READY:
            self.reason = ""
        elif reason:
            self.reason = reason
        self._on_change()
