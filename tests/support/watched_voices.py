"""A folder of voices that is watched, and what a test does to it."""

import asyncio
from pathlib import Path
from typing import Any, Final

from inotify_simple import INotify

from chatttsd.voices import codec, sampling
from chatttsd.voices.watch import WatchedVoices

LIMIT: Final = 20.0
CONTENT: Final = [codec.encode_speaker(sampling.sample(seed)) for seed in range(3)]


class Seen:
    """A started WatchedVoices, and every set of the user's voices that it has told of."""

    def __init__(self, directory: Path, **options: Any) -> None:  # noqa: ANN401 - of WatchedVoices
        self.told: asyncio.Queue[list[str]] = asyncio.Queue()
        self.watched = WatchedVoices(directory, lambda: self.told.put_nowait(self.mine()), **options)

    def mine(self) -> list[str]:
        return [voice.id for voice in self.watched.voices if not voice.built_in]

    async def until(self, *expected: str) -> None:
        """Wait until exactly these are the user's voices."""
        async with asyncio.timeout(LIMIT):
            while await self.told.get() != list(expected):
                pass


def made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def put(path: Path, content: int = 0) -> Path:
    path.write_text(CONTENT[content])
    return path


class Counted:
    """A connection maker that counts what the kernel tells."""

    def __init__(self) -> None:
        self.reads = 0

    def __call__(self) -> INotify:
        counted = self

        class Counting(INotify):  # type: ignore[misc]  # the library has no types
            def read(self, *arguments: Any, **options: Any) -> Any:  # noqa: ANN401 - the library's own
                counted.reads += 1
                return super().read(*arguments, **options)

        return Counting()
