import asyncio

import pytest

from chatttsd.engine.api import EngineDiedError, EngineError, SynthesisRequest, Word
from chatttsd.engine.pending import HIGH_WATER, MOST_INTERRUPTIONS, PendingRequest, RequestQueue
from chatttsd.engine.wire import ProtocolError


def make(number: int = 1) -> PendingRequest:
    return PendingRequest(number, SynthesisRequest("x"), 1.0)


async def read(pending: PendingRequest) -> list[bytes]:
    return [chunk async for chunk in pending.chunks()]


async def test_chunks_come_in_order_and_end() -> None:
    pending = make()
    reader = asyncio.create_task(read(pending))
    for chunk in (b"a", b"b"):
        await asyncio.sleep(0)
        pending.add(chunk)
    pending.finish()
    assert await reader == [b"a", b"b"]


async def test_chunks_that_came_before_the_end_are_still_read() -> None:
    pending = make()
    pending.add(b"a")
    pending.finish()
    assert await read(pending) == [b"a"]


async def test_a_failure_is_told_at_once_even_with_unread_sound() -> None:
    pending = make()
    pending.add(b"a")
    pending.fail(EngineDiedError("gone"))
    with pytest.raises(EngineDiedError, match="gone"):
        await read(pending)


async def test_a_request_ends_once() -> None:
    pending = make()
    pending.finish()
    pending.fail(EngineError("late"))
    assert await read(pending) == []


async def test_full_says_when_the_reader_is_too_slow() -> None:
    pending = make()
    pending.add(bytes(HIGH_WATER))
    assert not pending.full
    pending.add(b"\0\0")
    assert pending.full
    await anext(aiter(pending.chunks()))
    assert not pending.full


async def test_a_background_request_is_never_full() -> None:
    pending = make()
    RequestQueue().add(pending, background=True)
    pending.add(bytes(HIGH_WATER + 2))
    assert not pending.full


async def test_sounded_tells_whether_anything_was_heard_of_it() -> None:
    pending = make()
    assert not pending.sounded
    pending.add(b"a")
    assert pending.sounded


async def test_foreground_is_taken_before_background_in_order() -> None:
    queue = RequestQueue()
    waiting = [make(number) for number in range(4)]
    for pending, background in zip(waiting, (True, False, True, False), strict=True):
        queue.add(pending, background=background)
    taken = [queue.take() for _ in range(5)]
    assert taken == [waiting[1], waiting[3], waiting[0], waiting[2], None]


async def test_a_discarded_request_is_never_taken() -> None:
    queue = RequestQueue()
    kept, gone = make(1), make(2)
    queue.add(gone, background=True)
    queue.add(kept, background=True)
    queue.discard(gone)
    queue.discard(gone)
    assert queue.take() is kept


async def test_failing_all_empties_the_queue_and_tells_everybody() -> None:
    queue = RequestQueue()
    waiting = [make(1), make(2)]
    queue.add(waiting[0], background=False)
    queue.add(waiting[1], background=True)
    queue.fail_all(EngineDiedError("gone"))
    assert queue.take() is None
    for pending in waiting:
        with pytest.raises(EngineDiedError):
            await read(pending)


async def test_a_request_given_again_takes_no_sound_twice() -> None:
    pending = make()
    RequestQueue().add(pending, background=True)
    pending.add(b"abc")
    for number in (2, 3):
        assert pending.may_wait
        pending.restart(number)
        assert (pending.number, pending.sounded) == (number, False)
        pending.add(b"ab")
    pending.add(b"cde")
    pending.finish()
    assert await read(pending) == [b"abc", b"de"]


def words(count: int) -> list[Word]:
    return [Word(index, index + 1, 10 * index) for index in range(count)]


async def test_words_are_told_in_order_with_the_sound() -> None:
    heard: list[object] = []
    pending = PendingRequest(1, SynthesisRequest("xyz", tell_word=heard.append), 1.0)
    first, second, third = words(3)
    for piece in (first, b"a", second, third, b"b"):
        pending.add(piece) if isinstance(piece, bytes) else pending.add_word(piece)
    pending.finish()
    async for chunk in pending.chunks():
        heard += [chunk]
    assert heard == [first, b"a", second, third, b"b"]


async def test_a_request_given_again_tells_no_word_twice() -> None:
    heard: list[object] = []
    pending = PendingRequest(1, SynthesisRequest("xyz", tell_word=heard.append), 1.0)
    RequestQueue().add(pending, background=True)
    first, second, third = words(3)
    pending.add_word(first)
    pending.add(b"a")
    for number, piece in ((2, b""), (3, b"ab")):
        pending.restart(number)
        pending.add_word(first)
        pending.add(piece)
    for word in (second, third):
        pending.add_word(word)
    pending.add(b"c")
    pending.finish()
    async for chunk in pending.chunks():
        heard += [chunk]
    assert heard == [first, b"a", b"b", second, third, b"c"]


async def test_there_are_no_more_words_than_characters() -> None:
    pending = make()
    pending.add_word(words(1)[0])
    with pytest.raises(ProtocolError, match="more words than the 1 characters"):
        pending.add_word(words(1)[0])


async def test_words_that_nobody_read_go_with_a_failed_request() -> None:
    heard: list[Word] = []
    pending = PendingRequest(1, SynthesisRequest("x", tell_word=heard.append), 1.0)
    pending.add_word(words(1)[0])
    pending.fail(EngineDiedError("gone"))
    with pytest.raises(EngineDiedError):
        await read(pending)
    assert heard == []


async def test_work_is_thrown_away_a_few_times_only() -> None:
    pending = make()
    RequestQueue().add(pending, background=True)
    for number in range(100):
        pending.restart(number)
    assert pending.may_wait, "nothing was lost"
    for number in range(MOST_INTERRUPTIONS):
        assert pending.may_wait
        pending.add(b"a")
        pending.restart(number)
    assert not pending.may_wait


async def test_a_foreground_request_never_waits_for_another() -> None:
    pending = make()
    RequestQueue().add(pending, background=False)
    assert not pending.may_wait


async def test_what_is_put_back_is_the_next_of_its_kind() -> None:
    queue = RequestQueue()
    first, second, urgent = make(1), make(2), make(3)
    queue.add(second, background=True)
    queue.put_back(first)
    assert not queue.urgent
    queue.add(urgent, background=False)
    assert queue.urgent
    assert [queue.take() for _ in range(3)] == [urgent, first, second]
