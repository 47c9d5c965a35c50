"""A foreground request does not wait for a background one, and the background one loses nothing by it."""

import asyncio

import numpy as np

from chatttsd.engine.api import EngineError, SynthesisRequest, WorkerSettings
from chatttsd.engine.client import EngineClient
from chatttsd.engine.tone import PACE
from support.engine_clients import LIMIT_SECONDS, running, say
from support.fake_worker import fake_command
from support.tone_decoder import decode

SLOW = {PACE: "1"}
PATIENT = WorkerSettings()
LONG = "a text of the background, which takes a while"


def text_of(pcm: bytes) -> list[str]:
    return [segment.text for segment in decode(np.frombuffer(pcm, np.int16))]


class Background:
    """A background request that is read all the time; `sounded` is set by its first sound."""

    def __init__(self, client: EngineClient, text: str, **parameters: str) -> None:
        self.sounded = asyncio.Event()
        self.pcm = b""
        request = SynthesisRequest(text, parameters=parameters)
        self._stream = client.synthesise(request, background=True)
        self.task = asyncio.create_task(self._read())

    async def _read(self) -> bytes:
        async for chunk in self._stream:
            self.pcm += chunk
            self.sounded.set()
        return self.pcm


async def test_a_foreground_request_interrupts_a_background_one_which_goes_on_afterwards() -> None:
    async with running("tone", PATIENT) as (client, states):
        background = Background(client, LONG, **SLOW)
        await background.sounded.wait()
        assert text_of(await say(client, "at once")) == ["at once"]
        assert not background.task.done(), "the foreground did not wait for it"
        assert len(background.pcm) < 24_000
        async with asyncio.timeout(LIMIT_SECONDS):
            assert text_of(await background.task) == [LONG]
        assert len(states.told) == 2, "no worker was lost"


async def test_many_interruptions_lose_nothing_and_the_background_ends_all_the_same() -> None:
    async with running("tone", PATIENT) as (client, _):
        background = Background(client, "short", **{PACE: "0.3"})
        for number in range(1000):
            if background.task.done():
                break
            assert text_of(await say(client, f"call {number}")) == [f"call {number}"]
        async with asyncio.timeout(LIMIT_SECONDS):
            assert text_of(await background.task) == ["short"]


async def test_background_requests_keep_their_order_through_an_interruption() -> None:
    async with running("tone", PATIENT) as (client, _):
        ended: list[str] = []
        first = Background(client, "first of them", **{PACE: "0.5"})
        await first.sounded.wait()
        second = Background(client, "second")
        for background, name in ((first, "first"), (second, "second")):
            background.task.add_done_callback(lambda _, name=name: ended.append(name))  # type: ignore[misc]  # mypy does not take a default
        assert text_of(await say(client, "urgent")) == ["urgent"]
        await asyncio.gather(first.task, second.task)
        assert ended == ["first", "second"]


async def test_an_interrupted_request_can_be_closed_while_it_waits() -> None:
    async with running("tone", PATIENT) as (client, _):
        background = Background(client, LONG, **SLOW)
        await background.sounded.wait()
        urgent = client.synthesise(SynthesisRequest("urgent", parameters=SLOW))
        await anext(urgent)
        background.task.cancel()
        await asyncio.wait({background.task})
        pcm = b"".join([chunk async for chunk in urgent])
        assert text_of(pcm + await say(client, "next"))[-1] == "next"


async def test_an_engine_that_is_deaf_to_the_interruption_is_found_out() -> None:
    quick = WorkerSettings(hang_seconds=0.5, backoff_first_seconds=0.01)
    async with running(fake_command("faulty"), quick) as (client, _):
        background = Background(client, "endless")
        await background.sounded.wait()
        try:
            await say(client, "urgent")
        except EngineError as error:
            assert "did not answer within 0.5 s" in str(error)  # noqa: PT017 - it may also win the race
        assert text_of(await say(client, "next")) == ["next"]
        background.task.cancel()
        await asyncio.wait({background.task})
