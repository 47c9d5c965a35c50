"""The book of outcomes remembers the latest and tells those who wait."""

import asyncio

import pytest

from chatttsd.outcomes import OutcomeBook
from chatttsd.speech.utterance import Outcome


async def test_who_waits_is_told() -> None:
    book = OutcomeBook()
    first, second = book.wait(":1", 1), book.wait(":2", 1)
    assert book.waiting(":1") == 1
    book.record(1, Outcome.DROPPED)
    assert (await first, await second) == ("dropped", "dropped")
    assert book.waiting(":1") == 0


async def test_who_asks_later_is_told_at_once() -> None:
    book = OutcomeBook()
    book.record(1, Outcome.FINISHED)
    assert 1 in book
    assert book.wait(":1", 1).result() == "finished"


async def test_the_waits_of_a_client_that_left_are_dropped() -> None:
    book = OutcomeBook()
    gone, stays = book.wait(":1", 1), book.wait(":2", 1)
    book.wait(":1", 2)
    book.forget(":1")
    assert gone.cancelled()
    assert book.waiting(":1") == 0
    book.record(1, Outcome.FINISHED)
    assert stays.result() == "finished"


async def test_a_wait_that_was_given_up_does_not_disturb() -> None:
    book = OutcomeBook()
    given_up = book.wait(":1", 1)
    given_up.cancel()
    book.record(1, Outcome.FAILED)
    with pytest.raises(asyncio.CancelledError):
        await given_up


async def test_memory_is_bounded() -> None:
    book = OutcomeBook()
    for number in range(5000):
        book.record(number, Outcome.FINISHED)
    assert 0 not in book
    assert 4999 in book
    assert len(book._outcomes) == 4096
