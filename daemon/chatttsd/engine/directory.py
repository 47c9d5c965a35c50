"""Which engine speaks: ChatTTS and the one that is always there, their voices, and why it is a fallback."""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from chatttsd.engine.api import EngineFaultError, ModelSettings, Synthesiser, Voice, WorkerSettings
from chatttsd.engine.cache import CacheSettings, PcmCache
from chatttsd.engine.cached import Shelf
from chatttsd.engine.client import worker_command
from chatttsd.engine.echo import Echo, EchoManner
from chatttsd.engine.embedded import EmbeddedEngine
from chatttsd.engine.fallback import Embedded, ModelByName, ModelSynthesiser, WithFallback
from chatttsd.engine.model import ModelState, ResidentModel
from chatttsd.engine.model_setup import MODEL_ENGINE, MODEL_VOICE, Command
from chatttsd.engine.voice_levels import Levelled, VoiceLevels
from chatttsd.platform.paths import voices_directory
from chatttsd.speech.options import SpeakOptions
from chatttsd.speech.statistics import CacheFigures

if TYPE_CHECKING:
    from chatttsd.voices.store import VoiceStore
    from chatttsd.voices.watch import WatchedVoices

AUTO: Final = "auto"
EMBEDDED: Final = "espeak-ng"
"""The engine beside ChatTTS under `auto`."""


class EngineDirectory:
    """Owns the workers of the chosen engine(s); `on_change` is called when anything it tells has changed."""

    def __init__(
        self,
        engine: str,
        worker: WorkerSettings,
        model: ModelSettings,
        cache: CacheSettings | None = None,
        *,
        on_change: Callable[[], None],
        on_restart: Callable[[], None],
        figures: CacheFigures | None = None,
        command: Command = worker_command,
    ) -> None:
        self.configured = engine
        self._on_change = on_change
        self._cache_settings = cache or CacheSettings()
        self._cache = PcmCache(self._cache_settings.megabytes, figures or CacheFigures())
        self._model_shelf = Shelf(self._cache, self._model_identity)
        self._embedded_shelf = Shelf(self._cache, self._embedded_identity)
        self._levels = VoiceLevels(self._model_identity)
        self._voices: WatchedVoices | None = None
        self._store: VoiceStore | None = None
        self._echo: Echo | None = None
        self.embedded: EmbeddedEngine | None = None
        self.model: ResidentModel | None = None
        if engine != MODEL_ENGINE:
            name = EMBEDDED if engine == AUTO else engine
            self.embedded = EmbeddedEngine(
                name, worker, on_change=on_change, on_restart=on_restart, command=command
            )
        if engine in (AUTO, MODEL_ENGINE):
            self.model = ResidentModel(
                model, worker, on_change=self._model_changed, on_restart=on_restart, command=command
            )
            levelled = Levelled(self.model.client, self._levels)
            self._echo = Echo(levelled, self._model_shelf, self._model_ready)

    @property
    def names(self) -> tuple[str, ...]:
        """What the option `engine` may be."""
        own = (self.model and MODEL_ENGINE, self.embedded and self.embedded.name)
        return (AUTO, *(name for name in own if name))

    @property
    def engine(self) -> str:
        """The engine that a request gets which asks for none."""
        if self.embedded is None or (self.model and self.model.speaks):
            return MODEL_ENGINE
        return self.embedded.name

    @property
    def model_state(self) -> str:
        """The state of the ChatTTS model; `unloaded` where the configuration leaves it out."""
        return str(self.model.state if self.model else ModelState.UNLOADED)

    @property
    def progress(self) -> str:
        """How far the model is, such as `loading 62 %`; empty when there is nothing to tell."""
        return self.model.progress if self.model else ""

    @property
    def detail(self) -> str:
        """What ChatTTS runs on, in which precision, and why; empty before it has been loaded."""
        return self.model.client.detail if self.model else ""

    @property
    def ahead(self) -> int:
        """How many segments an engine here likes to know before their turn."""
        return self.model.settings.batch - 1 if self.model else 0

    @property
    def expected(self) -> bool:
        """Whether the reason is nothing but a model on its way."""
        coming = self.model and self.model.state in (ModelState.LOADING, ModelState.WARMING)
        return bool(coming) and not (self.embedded and self.embedded.reason)

    @property
    def reason(self) -> str:
        """Why nothing or another engine speaks; empty when all is well."""
        trouble = self.embedded.reason if self.embedded else ""
        why = self.model.reason if self.model else ""
        if why and self.model and self.embedded and not self.model.speaks:
            why += f", so {self.embedded.name} speaks"
        return "; ".join(reason for reason in (trouble, why) if reason)

    @property
    def voices(self) -> tuple[Voice, ...]:
        """Every voice that can be asked for: ChatTTS's at once, the others once their worker said hello."""
        return (*self._voices_of(MODEL_ENGINE), *(self.embedded.voices if self.embedded else ()))

    def _voices_of(self, engine: str) -> tuple[Voice, ...]:
        if engine != MODEL_ENGINE:
            return self.embedded.voices if self.embedded else ()
        stored = self._voices.voices if self._voices else ()
        return tuple(
            Voice(f"{MODEL_VOICE}{voice.id}", voice.name, MODEL_ENGINE, voice.languages) for voice in stored
        )

    def _unread(self, engine: str) -> bool:
        """Tell whether voices of an engine are not read yet: who activates the service asks early."""
        beside = engine != MODEL_ENGINE and self.embedded and not self.embedded.voices
        own = engine in (AUTO, MODEL_ENGINE) and self.model and not self._voices_of(MODEL_ENGINE)
        return bool(beside or own)

    def knows_voice(self, voice: str, engine: str = AUTO) -> bool:
        """Tell whether an engine has a voice; an empty one always, any before its voices are known."""
        if not voice or self._unread(engine):
            return True
        offered = self.voices if engine == AUTO else self._voices_of(engine)
        return any(voice == item.id for item in offered)

    def knows_language(self, tag: str, engine: str = AUTO) -> bool:
        """Tell whether a voice speaks the language of a BCP 47 tag; its region is the engine's to choose."""
        wanted = tag.split("-")[0].lower()
        offered = self.voices if engine == AUTO else self._voices_of(engine)
        if self._unread(engine):
            return True
        spoken = (language for voice in offered for language in voice.languages)
        return any(language.split("-")[0].lower() == wanted for language in spoken)

    def speaks(self, voice: str, tag: str) -> bool:
        """Tell whether a voice speaks the language of a BCP 47 tag; the empty one speaks every language."""
        wanted = tag.split("-")[0].lower()
        known = next((item.languages for item in self.voices if item.id == voice), ())
        return not voice or any(language.split("-")[0].lower() == wanted for language in known)

    def refusal(self, engine: str) -> str:
        """Return why an engine cannot speak however long one waits; empty when it may be asked."""
        only_model = engine == MODEL_ENGINE or self.embedded is None
        return self.model.refusal() if self.model and only_model else ""

    def synthesiser(self, engine: str, *, typed: bool = True) -> Synthesiser:
        """Return what says an utterance whose option `engine` this is, one of `names`.

        Of one that is not as a whole what a key is answered with (not `typed`) ChatTTS by name says every
        letter.
        """
        made = self._synthesiser(engine, typed=typed)
        return self._echo.attend(Levelled(made, self._levels)) if self._echo else made

    def _synthesiser(self, engine: str, *, typed: bool) -> Synthesiser:
        if self.model is not None and (self.embedded is None or (engine == MODEL_ENGINE and not typed)):
            return ModelSynthesiser(self.model, self._model_shelf)
        if self.embedded is None:
            raise ValueError(f"engine {engine!r}: allowed are {', '.join(self.names)}")
        if self.model is not None and engine in (AUTO, MODEL_ENGINE):
            chosen = WithFallback if engine == AUTO else ModelByName
            return chosen(self.model, self.embedded.client, self._model_shelf, self._embedded_shelf)
        return Embedded(self.embedded.client, self._embedded_shelf)

    def configure(self, worker: WorkerSettings, model: ModelSettings, cache: CacheSettings) -> None:
        """Use other deadlines from the next request on, and another model once nothing of it is speaking."""
        self._cache_settings = cache
        self._cache.resize(cache.megabytes)
        if self.embedded:
            self.embedded.client.settings = worker
        if self.model:
            self.model.configure(model, worker)
        if self._echo:
            self._echo.configure(self._echo.manner, wanted=cache.echo)

    def prepare_echo(self, defaults: SpeakOptions, default_language: str) -> None:
        """Prepare key echo, if the settings want it, in the manner of the defaults, until a client types."""
        if self._echo:
            self._echo.configure(EchoManner.of(defaults, default_language), wanted=self._cache_settings.echo)

    def _model_changed(self) -> None:
        self._on_change()
        if self._echo:
            self._echo.consider()

    def _model_ready(self) -> bool:
        return self.model is not None and self.model.state is ModelState.READY

    def _model_identity(self, voice: str) -> tuple[object, ...] | None:
        """Return what beside a request decides what ChatTTS makes of it; see `cached.Identity`."""
        if self.model is None or self._store is None or (model := self.model.identity) is None:
            return None
        try:
            stamps = self._store.stamps(voice.removeprefix(MODEL_VOICE)) if voice else ()
        except (OSError, ValueError):
            return None
        return MODEL_ENGINE, model, stamps

    def _embedded_identity(self, _voice: str) -> tuple[object, ...] | None:
        beside = self.embedded
        if beside is None or not beside.voices:
            return None
        return beside.name, beside.client.detail

    async def rescan(self) -> None:
        """Read the folder of voices now."""
        if self._voices:
            await self._voices.rescan()

    async def start(self) -> None:
        """Start what is always there, so that it speaks at once; then load the model if it is wanted."""
        first = [self.embedded.start()] if self.embedded else []
        await asyncio.gather(*first, *([self._start_voices()] if self.model else []))
        if self.model:
            self.model.begin()

    async def _start_voices(self) -> None:
        # Not at the top: whoever activates the service need not wait for the import, 11 of 140 ms.
        from chatttsd.voices.store import VoiceStore
        from chatttsd.voices.watch import WatchedVoices

        self._store = VoiceStore(voices_directory())
        self._voices = WatchedVoices(voices_directory(), self._model_changed)
        await self._voices.start()
        self._model_changed()

    def load(self) -> None:
        """Begin to load the model; raises EngineFaultError with the reason when it cannot be."""
        if self.model is None:
            raise EngineFaultError(self.left_out)
        self.model.load()

    @property
    def left_out(self) -> str:
        """Say that the configuration does without ChatTTS."""
        return f"[speech] engine is '{self.configured}', which does without ChatTTS"

    async def unload(self) -> None:
        """End the model's worker."""
        if self.model:
            await self.model.unload()

    async def stop(self) -> None:
        """End the workers."""
        if self._echo:
            await self._echo.stop()
        if self.model:
            await self.model.stop()
        if self._voices:
            await self._voices.stop()
        if self.embedded:
            await self.embedded.stop()
