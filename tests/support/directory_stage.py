"""A directory of engines over scripted workers, as a test starts it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from chatttsd.engine.api import ModelSettings
from chatttsd.engine.cache import CacheSettings
from chatttsd.engine.directory import EngineDirectory
from chatttsd.speech.statistics import CacheFigures
from support.engine_clients import LIMIT_SECONDS
from support.residence import WORKER
from support.scripted_worker import ModelFolder, Script, scripted_command


class Stage:
    """A directory, the folder of its model, and a way to wait for what it tells."""

    def __init__(
        self, directory: EngineDirectory, folder: ModelFolder, figures: CacheFigures, news: asyncio.Event
    ) -> None:
        self.directory = directory
        self.figures = figures
        self.folder = folder
        self._news = news

    async def until(self, condition: Callable[[], object]) -> None:
        async with asyncio.timeout(LIMIT_SECONDS):
            while not condition():
                self._news.clear()
                await self._news.wait()

    async def ready(self) -> None:
        await self.until(lambda: self.directory.model_state == "ready")


def empty_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a home with an empty folder of voices."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "data/chatttsd/voices").mkdir(parents=True)
    return tmp_path


@asynccontextmanager
async def stage(
    home: Path,
    engine: str = "auto",
    script: Script | None = None,
    *,
    model: bool = True,
    while_loading: str = "fallback",
    cache: CacheSettings | None = None,
    **settings: float,
) -> AsyncIterator[Stage]:
    """A directory that has been started."""
    news = asyncio.Event()
    folder = ModelFolder(home / "model", script)
    if not model:
        (home / "model" / "asset").rename(home / "model" / "elsewhere")
    figures = CacheFigures()
    chosen = ModelSettings(model_dir=str(home / "model"), while_loading=while_loading)
    directory = EngineDirectory(
        engine,
        WORKER,
        replace(chosen, **settings),  # type: ignore[arg-type] # one of its figures
        cache,
        on_change=news.set,
        on_restart=lambda: None,
        figures=figures,
        command=scripted_command,
    )
    try:
        await directory.start()
        yield Stage(directory, folder, figures, news)
    finally:
        await directory.stop()
