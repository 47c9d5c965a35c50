"""A resident model over a scripted worker, in this process, and what it has told."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np

from chatttsd.engine.api import ModelSettings, Synthesiser, SynthesisRequest
from chatttsd.engine.model import ModelState, ResidentModel
from support.engine_clients import LIMIT_SECONDS, QUICK
from support.scripted_worker import ModelFolder, Script, scripted_command
from support.tone_decoder import decode

WORKER: Final = replace(QUICK, hang_seconds=20.0)


class Residence:
    """A model, its folder, and the states it went through."""

    def __init__(self, folder: Path, script: Script, settings: ModelSettings) -> None:
        self.folder = ModelFolder(folder, script)
        self.states: list[ModelState] = []
        self.restarts = 0
        self._news = asyncio.Event()
        self.model = ResidentModel(
            replace(settings, model_dir=str(folder)),
            WORKER,
            on_change=self._changed,
            on_restart=self._restarted,
            command=scripted_command,
        )

    def _changed(self) -> None:
        if not self.states or self.states[-1] is not self.model.state:
            self.states.append(self.model.state)
        self._news.set()

    def _restarted(self) -> None:
        self.restarts += 1

    async def until(self, condition: Callable[[], object]) -> None:
        """Wait for a change after which `condition` holds."""
        async with asyncio.timeout(LIMIT_SECONDS):
            while not condition():
                self._news.clear()
                await self._news.wait()

    async def reach(self, state: ModelState) -> None:
        """Wait for a state."""
        await self.until(lambda: self.model.state is state)


@asynccontextmanager
async def residence(
    folder: Path, script: Script | None = None, settings: ModelSettings | None = None
) -> AsyncIterator[Residence]:
    """A residence for a `with` block."""
    made = Residence(folder, script or Script(), settings or ModelSettings())
    try:
        yield made
    finally:
        await made.model.stop()


async def spoken(
    synthesiser: Synthesiser, text: str, *, background: bool = False, **options: object
) -> list[str]:
    """Synthesise to the end and return what the sound spells."""
    request = SynthesisRequest(text, **options)  # type: ignore[arg-type] # options differ in type
    async with asyncio.timeout(LIMIT_SECONDS):
        stream = synthesiser.synthesise(request, expected_seconds=1.0, background=background)
        pcm = b"".join([chunk async for chunk in stream])
    return [segment.text for segment in decode(np.frombuffer(pcm, np.int16))]
