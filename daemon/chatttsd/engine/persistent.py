"""A synthesiser that outlives its worker: what was cut off is made again, nothing is said twice."""

import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace

from chatttsd.engine.api import (
    EngineDiedError,
    EngineHungError,
    Synthesiser,
    SynthesisRequest,
    TellWord,
    Word,
)

_LOGGER = logging.getLogger(__name__)


class Persistent:
    """Gives a segment once more when the worker dies, and skips what came: engines are deterministic."""

    def __init__(self, inner: Synthesiser) -> None:
        self._inner = inner

    async def synthesise(
        self, request: SynthesisRequest, *, expected_seconds: float, background: bool = False
    ) -> AsyncGenerator[bytes, None]:
        """Yield the PCM of one segment; raises EngineError, EngineDiedError after the second death."""
        delivered = 0
        words = _Words(request.tell_word)
        for last_try in (False, True):
            # What follows was only a hint, and may be what killed the worker.
            following = () if last_try else request.following
            given = replace(request, following=following, tell_word=words.teller())
            stream = self._inner.synthesise(given, expected_seconds=expected_seconds, background=background)
            try:
                async with aclosing(_after(delivered, stream)) as chunks:
                    async for pcm in chunks:
                        delivered += len(pcm)
                        yield pcm
            except EngineHungError:
                raise
            except EngineDiedError:
                if last_try:
                    raise
                _LOGGER.warning("the segment is made again by a new worker")
            else:
                return


class _Words:
    """Tells on the words of several attempts at one request, each once: engines are deterministic."""

    def __init__(self, tell: TellWord) -> None:
        self._tell = tell
        self._told = 0

    def teller(self) -> TellWord:
        """Return who hears the words of the next attempt."""
        skip = self._told

        def tell(word: Word) -> None:
            nonlocal skip
            if skip:
                skip -= 1
                return
            self._told += 1
            self._tell(word)

        return tell


async def _after(skip: int, stream: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
    """Yield what comes after the first `skip` bytes."""
    async with aclosing(stream) as chunks:
        async for pcm in chunks:
            fresh = pcm[skip:]
            skip -= len(pcm) - len(fresh)
            if fresh:
                yield fresh
