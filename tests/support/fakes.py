"""A sound output and an engine in virtual time, which check that the protocol of their contracts is kept."""

import asyncio
import re
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, field

from chatttsd.audio.api import AudioUnavailableError
from chatttsd.constants import SAMPLE_BYTES
from chatttsd.engine.api import EngineError, SynthesisRequest, Voice, Word

BYTES_A_CHARACTER = 960  # 20 ms


@dataclass
class FakeOutput:
    """An `AudioOutput` whose sound card plays only when `hear` is called."""

    capacity: int = 12_000
    reason: str = ""
    xruns: int = 0
    unavailable: bool = False
    paused: bool = False
    closed: bool = False
    released: int = 0
    echo: bool = False
    heard: bytearray = field(default_factory=bytearray)
    queued: bytearray = field(default_factory=bytearray)
    _marks: list[tuple[int, Callable[[], None]]] = field(default_factory=list)
    _position: int = 0
    _flushes: int = 0
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    async def open(self, *, echo: bool = False) -> None:
        self.echo = echo
        assert not self.closed, "open after close"
        if self.unavailable:
            raise AudioUnavailableError("there is no sound device")

    async def write(self, pcm: bytes) -> None:
        await self.open(echo=self.echo)
        while len(self.queued) >= self.capacity:
            self._changed.clear()
            await self._changed.wait()
        self.queued += pcm

    async def drain(self) -> None:
        done: list[bool] = []
        flushes = self._flushes
        self.mark(lambda: done.append(True))
        while not done and flushes == self._flushes:
            await self.open(echo=self.echo)
            self._changed.clear()
            await self._changed.wait()

    def mark(self, heard: Callable[[], None]) -> None:
        self._marks.append((self._position + len(self.queued), heard))

    def flush(self) -> None:
        self._flushes += 1
        self.queued.clear()
        self._marks.clear()
        self._changed.set()

    def pause(self) -> None:
        assert not self.paused, "paused twice"
        self.paused = True

    def resume(self) -> None:
        assert self.paused, "resume without pause"
        self.paused = False

    def release(self) -> None:
        assert not self.queued, "released with samples queued"
        self.released += 1

    async def close(self) -> None:
        self.closed = True
        self.flush()

    def hear(self, size: int) -> None:
        """Let the sound card play up to `size` bytes and report what was heard."""
        if self.paused:
            return
        played = bytes(self.queued[:size])
        del self.queued[: len(played)]
        self.heard += played
        self._position += len(played)
        due = [heard for position, heard in self._marks if position <= self._position]
        self._marks = [mark for mark in self._marks if mark[0] > self._position]
        for heard in due:
            heard()
        self._changed.set()


@dataclass
class FakeEngine:
    """A synthesiser that answers with 20 ms of a constant for each character; the constant tells which."""

    chunk: int = 4 * BYTES_A_CHARACTER
    failures: list[EngineError] = field(default_factory=list)
    requests: list[SynthesisRequest] = field(default_factory=list)
    voices: tuple[Voice, ...] = (Voice("fake/en", "Fake", "fake", ("en",)),)
    tells_words: bool = False

    async def synthesise(
        self, request: SynthesisRequest, *, expected_seconds: float, background: bool = False
    ) -> AsyncGenerator[bytes, None]:
        assert request.text, "an empty segment is no request"
        assert expected_seconds > 0
        self.requests.append(request)
        if self.tells_words:
            for word in re.finditer(r"\S+", request.text):
                sample = word.start() * BYTES_A_CHARACTER // SAMPLE_BYTES
                request.tell_word(Word(word.start(), word.end(), sample))
        pcm = pcm_of(request.text)
        for offset in range(0, len(pcm), self.chunk):
            await asyncio.sleep(0)
            if self.failures and offset:
                raise self.failures.pop(0)
            yield pcm[offset : offset + self.chunk]


def pcm_of(text: str) -> bytes:
    """Return what FakeEngine says for a text."""
    return b"".join((ord(c) % 251 + 1).to_bytes(1, "little") * BYTES_A_CHARACTER for c in text)


async def settle(turns: int = 30) -> None:
    """Give every task that can run the turns of the loop that it needs."""
    for _ in range(turns):
        await asyncio.sleep(0)
