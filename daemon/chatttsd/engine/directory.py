"""Which engine speaks: the worker clients by engine name, their voices, and why it is a fallback."""

import logging
from collections.abc import Callable

from chatttsd.engine.api import EngineDiedError, Voice, WorkerSettings
from chatttsd.engine.client import EngineClient, WorkerState, worker_command

_LOGGER = logging.getLogger(__name__)
NO_CHATTTS = "this version has no ChatTTS engine yet, so espeak-ng speaks"


class EngineDirectory:
    """Owns the worker of the chosen engine; `on_change` is called when anything it tells has changed."""

    def __init__(
        self,
        engine: str,
        settings: WorkerSettings,
        *,
        on_change: Callable[[], None],
        on_restart: Callable[[], None],
    ) -> None:
        self.configured = engine
        self.engine = "espeak-ng" if engine == "auto" else engine
        self._fallback_reason = NO_CHATTTS if engine == "auto" else ""
        self._on_change = on_change
        self._on_restart = on_restart
        self._trouble = ""
        self.client = EngineClient(worker_command(self.engine), settings, on_state=self._changed)

    @property
    def model_state(self) -> str:
        """The state of the ChatTTS model."""
        return "absent"

    @property
    def reason(self) -> str:
        """Why nothing or another engine speaks; empty when all is well."""
        return self._trouble or self._fallback_reason

    @property
    def voices(self) -> tuple[Voice, ...]:
        """Every voice that can be asked for; empty until the worker has said hello."""
        return self.client.voices

    def knows_voice(self, voice: str) -> bool:
        """Tell whether a voice can be asked for; an empty one always, any before the worker said hello."""
        return not voice or not self.voices or any(voice == item.id for item in self.voices)

    def knows_language(self, tag: str) -> bool:
        """Tell whether a voice speaks the language of a BCP 47 tag; its region is the engine's to choose."""
        wanted = tag.split("-")[0].lower()
        spoken = (language for voice in self.voices for language in voice.languages)
        return not self.voices or any(language.split("-")[0].lower() == wanted for language in spoken)

    def configure(self, settings: WorkerSettings) -> None:
        """Use other deadlines from the next request on."""
        self.client.settings = settings

    async def start(self) -> None:
        """Start the worker; a failure is kept as `reason`."""
        try:
            await self.client.start()
        except EngineDiedError as error:
            _LOGGER.error("%s", error)  # noqa: TRY400 - the message says it all, the traceback nothing

    async def stop(self) -> None:
        """End the worker."""
        await self.client.stop()

    def _changed(self, state: WorkerState, reason: str) -> None:
        if state is WorkerState.STARTING and self._trouble:
            self._on_restart()
        if state is WorkerState.READY:
            self._trouble = ""
        elif reason:
            self._trouble = reason
        self._on_change()
