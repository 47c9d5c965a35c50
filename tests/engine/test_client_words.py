"""Words go from the engine to who reads the sound: in order with it, and once."""

import asyncio
from pathlib import Path

from chatttsd.constants import SAMPLE_BYTES
from chatttsd.engine.api import SynthesisRequest, Word, WorkerSettings
from chatttsd.engine.persistent import Persistent
from support.engine_clients import LIMIT_SECONDS, running
from support.fake_worker import WORDS_PACE_SAMPLES, fake_command

PATIENT = WorkerSettings()
TEXT = "one two three four"
WORDS = [
    Word(begin, end, index * WORDS_PACE_SAMPLES)
    for index, (begin, end) in enumerate([(0, 3), (4, 7), (8, 13), (14, 18)])
]


class Reader:
    """Hears the words and the sound of one request."""

    def __init__(self, text: str = TEXT, **parameters: str) -> None:
        self.words: list[Word] = []
        self.late: list[Word] = []
        self.samples = 0
        self.request = SynthesisRequest(text, parameters=parameters, tell_word=self._tell)

    def take(self, chunk: bytes) -> None:
        self.samples += len(chunk) // SAMPLE_BYTES

    def _tell(self, word: Word) -> None:
        self.words.append(word)
        if word.sample < self.samples:
            self.late.append(word)


async def test_every_word_is_told_once_before_its_sound() -> None:
    reader = Reader()
    async with running(fake_command("wordy"), PATIENT) as (client, _), asyncio.timeout(LIMIT_SECONDS):
        async for chunk in client.synthesise(reader.request):
            reader.take(chunk)
    assert (reader.words, reader.late) == (WORDS, [])
    assert reader.samples == len(WORDS) * WORDS_PACE_SAMPLES


async def test_an_interrupted_request_tells_no_word_twice() -> None:
    reader, urgent = Reader(nap="0.1"), Reader("now")
    async with running(fake_command("wordy"), PATIENT) as (client, _), asyncio.timeout(LIMIT_SECONDS):
        interrupted = False
        async for chunk in client.synthesise(reader.request, background=True):
            reader.take(chunk)
            if len(reader.words) == 2 and not interrupted:
                interrupted = True
                async for other in client.synthesise(urgent.request):
                    urgent.take(other)
    assert interrupted
    assert (urgent.words, urgent.late) == ([Word(0, 3, 0)], [])
    assert (reader.words, reader.late) == (WORDS, [])
    assert reader.samples == len(WORDS) * WORDS_PACE_SAMPLES


async def test_a_worker_that_dies_between_two_words_tells_no_word_twice(tmp_path: Path) -> None:
    reader = Reader("one segv three four", mark=str(tmp_path / "died"))
    async with running(fake_command("wordy"), PATIENT) as (client, _), asyncio.timeout(LIMIT_SECONDS):
        async for chunk in Persistent(client).synthesise(reader.request, expected_seconds=1.0):
            reader.take(chunk)
    assert [reader.request.text[word.start : word.end] for word in reader.words] == TEXT.replace(
        "two", "segv"
    ).split()
    assert (reader.late, reader.samples) == ([], len(WORDS) * WORDS_PACE_SAMPLES)


async def test_the_words_of_a_closed_request_reach_nobody_else() -> None:
    closed, reader = Reader(nap="0.02"), Reader()
    async with running(fake_command("wordy"), PATIENT) as (client, _), asyncio.timeout(LIMIT_SECONDS):
        stream = client.synthesise(closed.request)
        closed.take(await anext(stream))
        await stream.aclose()
        heard = len(closed.words)
        async for chunk in client.synthesise(reader.request):
            reader.take(chunk)
    assert (reader.words, reader.late) == (WORDS, [])
    assert len(closed.words) == heard
