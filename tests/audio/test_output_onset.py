"""What the output does with sound that begins: no device is needed, since none is asked for anything."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from chatttsd.audio.api import AudioSettings
from chatttsd.audio.output import PortAudioOutput

PIECE = bytes(2 * 48)
"""2 ms, less than any device takes."""


@pytest.fixture
async def output() -> AsyncIterator[PortAudioOutput]:
    """Return an output whose device is open, as far as it knows."""
    made = PortAudioOutput(
        AudioSettings(), on_reason=lambda _reason: None, on_underrun=lambda: None, clock=lambda: 0.0
    )
    made._keeper._works = True
    yield made
    await made.close()


async def test_a_piece_that_more_will_follow_is_held(output: PortAudioOutput) -> None:
    await output.write(PIECE)
    assert output._keeper.feed.held
    assert not output.complete()


async def test_a_text_that_is_complete_is_not_held(output: PortAudioOutput) -> None:
    await output.write(PIECE)
    draining = asyncio.ensure_future(output.drain())
    await asyncio.sleep(0)
    assert not output._keeper.feed.held
    assert output.complete()
    output.flush()
    await draining


async def test_a_mark_within_a_text_does_not_make_it_complete(output: PortAudioOutput) -> None:
    await output.write(PIECE)
    output.mark(lambda: None)
    assert output._keeper.feed.held
    assert not output.complete()


async def test_what_is_dropped_is_not_held(output: PortAudioOutput) -> None:
    await output.write(PIECE)
    output.flush()
    assert not output._keeper.feed.held
    assert output.complete()


async def test_what_nothing_follows_for_now_is_not_held(output: PortAudioOutput) -> None:
    await output.write(PIECE)
    output.release()
    assert not output._keeper.feed.held
    assert output.complete()
