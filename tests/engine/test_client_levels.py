"""How loud a request was by itself, over a real worker: told once it is whole, to its own request."""

import asyncio

import pytest

from chatttsd.engine.api import Level, SynthesisRequest
from support.engine_clients import LIMIT_SECONDS, running
from support.fake_worker import WORD_LEVEL, fake_command
from support.residence import WORKER


class Listener:
    """Hears the level of one request."""

    def __init__(self, text: str = "one two", **parameters: str) -> None:
        self.levels: list[Level] = []
        self.request = SynthesisRequest(text, parameters=parameters, tell_level=self.levels.append)


async def test_the_level_comes_with_the_end_of_a_request() -> None:
    listener = Listener()
    async with running(fake_command("wordy"), WORKER) as (client, _), asyncio.timeout(LIMIT_SECONDS):
        async for _ in client.synthesise(listener.request):
            assert listener.levels in ([], [WORD_LEVEL])
    assert listener.levels == [WORD_LEVEL]


async def test_a_closed_request_has_no_level_and_the_next_has_its_own() -> None:
    closed, listener = Listener("one two three", nap="0.02"), Listener()
    async with running(fake_command("wordy"), WORKER) as (client, _), asyncio.timeout(LIMIT_SECONDS):
        stream = client.synthesise(closed.request)
        await anext(stream)
        await stream.aclose()
        async for _ in client.synthesise(listener.request):
            pass
    assert (closed.levels, listener.levels) == ([], [WORD_LEVEL])


@pytest.mark.parametrize("gain", [0.0, -7.5])
async def test_an_interrupted_request_is_given_again_as_it_was_and_has_one_level(gain: float) -> None:
    long, urgent = Listener("a b c d", nap="0.1", gain="told"), Listener("now")
    asked = SynthesisRequest(
        long.request.text, gain=gain, parameters=long.request.parameters, tell_level=long.levels.append
    )
    sound = bytearray()
    async with running(fake_command("wordy"), WORKER) as (client, _), asyncio.timeout(LIMIT_SECONDS):
        async for chunk in client.synthesise(asked, background=True):
            if not sound:
                async for _ in client.synthesise(urgent.request):
                    pass
            sound += chunk
    assert (long.levels, urgent.levels) == ([WORD_LEVEL], [WORD_LEVEL])
    heights = sorted(set(memoryview(sound).cast("h")))
    assert heights == [round(number + 100 * gain) for number in range(1, 5)], "the same gain both times"
