"""Key echo: while all is quiet, ChatTTS says characters and keys, so that their sound is there at once."""

import asyncio
import contextlib
import sys
import time
from array import array
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import Final

from chatttsd.constants import SAMPLE_BYTES, SAMPLE_RATE
from chatttsd.engine.api import EngineDiedError, EngineError, Synthesiser, SynthesisRequest
from chatttsd.engine.cache import Entry
from chatttsd.engine.cached import Shelf
from chatttsd.engine.fallback import is_for_model
from chatttsd.speech.expected import expected_seconds
from chatttsd.speech.names import character_name, echo_characters, echo_keys, key_name
from chatttsd.speech.options import SpeakOptions

QUIET_SECONDS: Final = 2.0
"""So long must nothing be spoken and nobody wait before anything is prepared."""
LANGUAGES: Final = 3
"""How many languages are prepared for, those that were asked for last."""
THRESHOLD: Final = 32
"""1/1024 of full scale: what is not louder at the head and the tail is silence."""
MARGIN_SAMPLES: Final = SAMPLE_RATE * 5 // 1000
"""So much of the silence is kept: 5 ms."""
_BYTES_A_SECOND: Final = SAMPLE_RATE * SAMPLE_BYTES
_ECHOED: Final = (("char", echo_characters), ("key", echo_keys))
_KINDS: Final = tuple(kind for kind, _ in _ECHOED)


SaidIn = tuple[str, str]
"""What is said, and its language: a letter sounds the same in both cases."""
Purpose = tuple["EchoManner", tuple[object, ...] | None]
"""A manner, and what the engine and the voice are."""


@dataclass(frozen=True, slots=True)
class EchoManner:
    """How characters and keys are said: what a request of a client says beside its text."""

    voice: str = ""
    rate: float = 1.0
    pitch: float = 1.0
    volume: float = 1.0
    parameters: tuple[tuple[str, str], ...] = ()
    languages: tuple[str, ...] = field(default=("en",))
    """BCP 47, the most wanted first."""

    @classmethod
    def of(cls, options: SpeakOptions, default_language: str) -> "EchoManner":
        """Return the manner of a client that chooses nothing."""
        languages = dict.fromkeys((options.language, default_language))
        languages.pop("auto", None)
        parameters = tuple(sorted(options.parameters.items()))
        return cls(options.voice, options.rate, options.pitch, options.volume, parameters, tuple(languages))

    def requests(self) -> Iterator[SynthesisRequest]:
        """Yield the requests of clients that are prepared for, those that are typed most first."""
        usual = SynthesisRequest(
            "",
            voice=self.voice,
            rate=self.rate,
            pitch=self.pitch,
            volume=self.volume,
            parameters=dict(self.parameters),
        )
        for kind, names in _ECHOED:
            for language in self.languages:
                asked = (replace(usual, text=name, language=language, kind=kind) for name in names(language))
                yield from filter(is_for_model, asked)

    def after(self, request: SynthesisRequest) -> "EchoManner":
        """Return the manner of a client that has just typed."""
        others = (language for language in self.languages if language != request.language)
        return EchoManner(
            request.voice,
            request.rate,
            request.pitch,
            request.volume,
            tuple(sorted(request.parameters.items())),
            (request.language, *others)[:LANGUAGES],
        )


class Echo:
    """Prepares key echo on `engine` whenever it is `ready` and all is quiet; belongs to the event loop.

    What is prepared is pinned in the cache, in the manner of the client that typed last. Every request of a
    client ends the work at once; it is neither a use of the engine nor a reason to load it.
    """

    def __init__(
        self,
        engine: Synthesiser,
        shelf: Shelf,
        ready: Callable[[], bool],
        *,
        clock: Callable[[], float] = time.monotonic,
        quiet_seconds: float = QUIET_SECONDS,
    ) -> None:
        self.manner = EchoManner()
        self._engine = engine
        self._shelf = shelf
        self._ready = ready
        self._clock = clock
        self._quiet_seconds = quiet_seconds
        self._wanted = False
        self._users = 0
        self._quiet_at = clock()
        self._pinned: Purpose | None = None
        self._done: Purpose | None = None
        self._refused: set[SaidIn] = set()
        self._suspected: set[SaidIn] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._work: asyncio.Task[None] | None = None

    def configure(self, manner: EchoManner, *, wanted: bool) -> None:
        """Prepare in this manner until a client types in another one; or nothing."""
        self.manner, self._wanted = manner, wanted
        self._done = None
        self._stop()
        if not wanted:
            self._shelf.cache.unpin()
            self._pinned = None
        self.consider()

    def consider(self) -> None:
        """See whether there is something to do, once it is quiet: the engine may have become ready."""
        busy = self._users or self._timer is not None or self.working
        if busy or not self._wanted or not self._ready():
            return
        purpose = self._purpose()
        if purpose[1] is None or purpose == self._done:
            return
        delay = max(0.0, self._quiet_at - self._clock()) + self._quiet_seconds
        self._timer = asyncio.get_running_loop().call_later(delay, self._begin)

    @property
    def working(self) -> bool:
        """Whether something is being prepared."""
        return self._work is not None and not self._work.done() and not self._work.cancelling()

    def _purpose(self) -> Purpose:
        """Return what a preparation is for: a whole one need not be done twice."""
        return self.manner, self._shelf.identity(self.manner.voice)

    async def stop(self) -> None:
        """End everything."""
        self._wanted = False
        self._stop()
        if self._work is not None:
            await asyncio.wait({self._work})
            self._work = None

    def attend(self, inner: Synthesiser) -> Synthesiser:
        """Return a client's synthesiser that ends the work while it is used, and is learnt from."""
        return _Attended(inner, self)

    def enter(self, request: SynthesisRequest) -> None:
        """Take note of a client's request that begins."""
        self._users += 1
        self._stop()
        if request.kind in _KINDS and is_for_model(request):
            self.manner = self.manner.after(request)

    def deliver(self, seconds: float) -> None:
        """Take note that so much sound is to be heard."""
        self._quiet_at = max(self._quiet_at, self._clock()) + seconds

    def leave(self, *, whole: bool) -> None:
        """Take note of its end; after one that was cancelled nothing is heard any more."""
        self._users -= 1
        if not whole:
            self._quiet_at = self._clock()
        self.consider()

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._work is not None:
            self._work.cancel()

    def _begin(self) -> None:
        self._timer = None
        self._work = asyncio.get_running_loop().create_task(self._prepare(), name="key-echo")

    async def _prepare(self) -> None:
        """Do all there is to do; a worker that dies of it is told by its client."""
        purpose = self._purpose()
        if purpose != self._pinned:
            self._shelf.cache.unpin()
            self._refused.clear()
            self._suspected.clear()
            self._pinned = purpose
        with contextlib.suppress(EngineDiedError):
            if await self._fill(self.manner):
                self._done = purpose

    async def _fill(self, manner: EchoManner) -> bool:
        """Pin what is missing until all is there or no more fits; False when the engine is not to be had."""
        cache = self._shelf.cache
        made: dict[SaidIn, Entry] = {}
        for request in manner.requests():
            said = spoken_name(request), request.language
            key = self._shelf.key(request)
            if key is None or not self._ready():
                return False
            if said in self._refused:
                continue
            entry = cache.get(key) or made.get(said) or await self._made(request, key)
            if entry is None:
                self._refused.add(said)
                continue
            made[said] = entry
            if not cache.pin(key, entry):
                return True
            await asyncio.sleep(0)
        return True

    async def _made(self, request: SynthesisRequest, key: bytes) -> Entry | None:
        """Return the sound of a name, None when the engine cannot say it; raises EngineDiedError."""
        # A character, since that is levelled as a whole: a name is its own name.
        said = replace(request, text=spoken_name(request), kind="char")
        stream = self._engine.synthesise(
            said, expected_seconds=expected_seconds(said.text, said.rate), background=True
        )
        try:
            async with aclosing(stream) as chunks:
                pcm = trimmed(b"".join([chunk async for chunk in chunks]))
        except EngineDiedError:
            self._suspect((said.text, said.language))
            raise
        except EngineError:
            return None
        return Entry(pcm) if pcm and self._shelf.key(request) == key else None

    def _suspect(self, said: SaidIn) -> None:
        """Refuse what was being made when the engine died for the second time; once may be an unload."""
        (self._refused if said in self._suspected else self._suspected).add(said)


class _Attended:
    """A client's requests, seen by the echo."""

    def __init__(self, inner: Synthesiser, echo: Echo) -> None:
        self._inner = inner
        self._echo = echo

    async def synthesise(
        self, request: SynthesisRequest, *, expected_seconds: float, background: bool = False
    ) -> AsyncGenerator[bytes, None]:
        """Yield the PCM of one segment; raises EngineError."""
        self._echo.enter(request)
        whole = False
        try:
            stream = self._inner.synthesise(request, expected_seconds=expected_seconds, background=background)
            async with aclosing(stream) as chunks:
                async for pcm in chunks:
                    if not background:
                        self._echo.deliver(len(pcm) / _BYTES_A_SECOND)
                    yield pcm
            whole = True
        finally:
            self._echo.leave(whole=whole)


def spoken_name(request: SynthesisRequest) -> str:
    """Return what is said for a request of kind `char` or `key`."""
    if request.kind == "key":
        return key_name(request.text, request.language)
    # A small "a" would be read as the article.
    return character_name(request.text, request.language) or request.text.upper()


def trimmed(pcm: bytes) -> bytes:
    """Return S16LE samples without the silence at head and tail, but for a margin of 5 ms each."""
    samples = array("h", pcm)
    if sys.byteorder == "big":
        samples.byteswap()
    loud = [index for index, sample in enumerate(samples) if not -THRESHOLD <= sample <= THRESHOLD]
    if not loud:
        return b""
    start, end = max(0, loud[0] - MARGIN_SAMPLES), loud[-1] + 1 + MARGIN_SAMPLES
    return pcm[start * SAMPLE_BYTES : end * SAMPLE_BYTES]
