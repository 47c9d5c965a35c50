"""A synthesiser that outlives its worker: what was cut off is made again, nothing is said twice."""

import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace

from chatttsd.engine.api import EngineDiedError, EngineHungError, Synthesiser, SynthesisRequest

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
        for last_try in (False, True):
            # What follows was only a hint, and may be what killed the worker.
            given = replace(request, following=()) if last_try else request
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


async def _after(skip: int, stream: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
    """Yield what comes after the first `skip` bytes."""
    async with aclosing(stream) as chunks:
        async for pcm in chunks:
            fresh = pcm[skip:]
            skip -= len(pcm) - len(fresh)
            if fresh:
                yield fresh
