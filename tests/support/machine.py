"""The real service on a fake sound card and a fake engine, on an event loop that a test turns by hand."""

import asyncio
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, cast

from chatttsd.config import Config
from chatttsd.engine.api import EngineFaultError, Synthesiser
from chatttsd.engine.persistent import Persistent
from chatttsd.service import Events, Service
from chatttsd.speech.options import SpeakOptions, parse_options
from chatttsd.speech.statistics import Statistics
from support.fakes import FakeEngine, FakeOutput, settle

if TYPE_CHECKING:
    from chatttsd.engine.directory import EngineDirectory


@dataclass
class FakeDirectory:
    """What the service needs of an `EngineDirectory`."""

    client: FakeEngine = field(default_factory=FakeEngine)
    engine: str = "fake"
    reason: str = ""
    model_state: str = "absent"
    detail: str = ""
    left_out: str = "this is a fake, which does without ChatTTS"
    ahead: int = 0
    refusals: dict[str, str] = field(default_factory=dict)
    deeds: list[str] = field(default_factory=list)

    @property
    def voices(self) -> tuple[Any, ...]:
        return self.client.voices

    @property
    def configured(self) -> str:
        return self.engine

    @property
    def names(self) -> tuple[str, ...]:
        return ("auto", self.engine)

    def speaks(self, _voice: str, _tag: str) -> bool:
        return True

    def refusal(self, engine: str) -> str:
        return self.refusals.get(engine, "")

    def synthesiser(self, _engine: str, *, typed: bool) -> Synthesiser:
        return Persistent(self.client)

    def load(self) -> None:
        if reason := self.refusals.get("load"):
            raise EngineFaultError(reason)
        self.deeds.append("load")

    async def unload(self) -> None:
        self.deeds.append("unload")

    async def rescan(self) -> None:
        self.deeds.append("rescan")

    def prepare_echo(self, _defaults: SpeakOptions, _default_language: str) -> None:
        pass

    def knows_language(self, tag: str, _engine: str = "auto") -> bool:
        return tag in ("en", "zh")

    def knows_voice(self, voice: str, _engine: str = "auto") -> bool:
        return not voice or any(voice == item.id for item in self.client.voices)


class Machine:
    """A running service with a log of its events; `log` holds tuples such as ("finished", 1, "cancelled")."""

    def __init__(self, config: Config | None = None) -> None:
        config = config or Config()
        self.config = replace(config, speech=replace(config.speech, sentence_pause_seconds=0.0))
        self.output = FakeOutput()
        self.engines = FakeDirectory()
        self.statistics = Statistics()
        self.log: list[tuple[Any, ...]] = []
        events = Events(
            started=lambda number: self.log.append(("started", number)),
            progress=lambda number, start, end: self.log.append(("progress", number, start, end)),
            mark=lambda sender, number, name: self.log.append(("mark", sender, number, name)),
            finished=lambda number, outcome: self.log.append(("finished", number, str(outcome))),
        )
        engines = cast("EngineDirectory", self.engines)
        self.service = Service(self.config, None, self.output, engines, self.statistics, events)
        self._running: asyncio.Future[None] | None = None

    async def start(self) -> None:
        self._running = asyncio.ensure_future(self.service.run())
        await settle()

    async def stop(self) -> None:
        await self.service.close()
        assert self._running is not None
        self._running.cancel()
        await asyncio.wait([self._running])

    def say(self, text: str, sender: str = ":1", **options: str) -> int:
        return self.service.speak(sender, text, parse_options(options, self.service.options))

    async def hear(self, size: int = 10**9, rounds: int = 60) -> None:
        """Let everything that can be spoken be spoken, at most `size` bytes a round."""
        for _ in range(rounds):
            await settle()
            self.output.hear(size)
        await settle()

    def outcomes(self) -> dict[int, str]:
        ended = [entry for entry in self.log if entry[0] == "finished"]
        assert len({entry[1] for entry in ended}) == len(ended), "an utterance ended twice"
        return {entry[1]: entry[2] for entry in ended}
