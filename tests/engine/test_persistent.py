"""A segment outlives its worker: once more after a death, and nothing twice."""

from collections.abc import AsyncGenerator

import pytest

from chatttsd.engine.api import EngineDiedError, EngineError, EngineHungError, SynthesisRequest, Word
from chatttsd.engine.persistent import Persistent

WHOLE = b"0123456789"


class Mortal:
    """Says WHOLE in pieces of three; each of its lives ends after so many pieces, with an error."""

    def __init__(self, *lives: tuple[int, EngineError]) -> None:
        self._lives = list(lives)
        self.tries = 0
        self.announced: list[int] = []
        self.gains: list[float] = []

    async def synthesise(
        self, request: SynthesisRequest, *, expected_seconds: float, background: bool = False
    ) -> AsyncGenerator[bytes, None]:
        assert (expected_seconds, background) == (1.0, True)
        self.tries += 1
        self.announced.append(len(request.following))
        self.gains.append(request.gain)
        pieces, error = self._lives.pop(0) if self._lives else (len(WHOLE), None)
        for number, start in enumerate(range(0, len(WHOLE), 3)):
            if error is not None and number == pieces:
                raise error
            request.tell_word(Word(0, 1, start))
            yield WHOLE[start : start + 3]


async def say(engine: Mortal) -> tuple[bytes, EngineError | None]:
    """Return what was delivered and how it ended."""
    said = b""
    try:
        request = SynthesisRequest("x", following=(SynthesisRequest("y"),))
        async for pcm in Persistent(engine).synthesise(request, expected_seconds=1.0, background=True):
            said += pcm
    except EngineError as error:
        return said, error
    return said, None


@pytest.mark.parametrize("pieces", range(4))
async def test_one_death_loses_nothing_and_says_nothing_twice(pieces: int) -> None:
    engine = Mortal((pieces, EngineDiedError("died")))
    assert await say(engine) == (WHOLE, None)
    assert engine.tries == 2


async def test_a_segment_is_made_again_at_the_same_gain() -> None:
    engine = Mortal((2, EngineDiedError("died")))
    request = SynthesisRequest("x", gain=-4.5)
    async for _ in Persistent(engine).synthesise(request, expected_seconds=1.0, background=True):
        pass
    assert engine.gains == [-4.5, -4.5]


@pytest.mark.parametrize("pieces", range(4))
async def test_a_death_tells_no_word_twice(pieces: int) -> None:
    heard: list[int] = []
    request = SynthesisRequest("x", tell_word=lambda word: heard.append(word.sample))
    engine = Mortal((pieces, EngineDiedError("died")))
    async for _ in Persistent(engine).synthesise(request, expected_seconds=1.0, background=True):
        pass
    assert heard == [0, 3, 6, 9]


@pytest.mark.parametrize(("first", "second"), [(0, 0), (2, 1), (1, 3)])
async def test_the_second_death_is_told_with_the_most_that_came(first: int, second: int) -> None:
    engine = Mortal((first, EngineDiedError("once")), (second, EngineDiedError("twice")))
    said, error = await say(engine)
    assert (said, str(error)) == (WHOLE[: 3 * max(first, second)], "twice")


@pytest.mark.parametrize("error", [EngineHungError("hung"), EngineError("refused")])
async def test_what_is_no_death_is_not_tried_again(error: EngineError) -> None:
    engine = Mortal((1, error))
    assert await say(engine) == (WHOLE[:3], error)
    assert engine.tries == 1


async def test_what_follows_may_be_what_killed_the_worker_and_is_not_announced_again() -> None:
    engine = Mortal((1, EngineDiedError("died")))
    assert await say(engine) == (WHOLE, None)
    assert engine.announced == [1, 0]
