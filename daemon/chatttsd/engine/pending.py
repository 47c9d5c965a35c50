"""Requests on their way through the client: who is next, and the audio that waits for its reader."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from typing import Final

from chatttsd.engine.api import EngineError, SynthesisRequest, Word
from chatttsd.engine.wire import ProtocolError

HIGH_WATER: Final = 1 << 20
"""Bytes of unread foreground audio (22 s) above which the worker is not listened to any more."""
MOST_INTERRUPTIONS: Final = 5
"""So often is the work on a background request thrown away for a foreground one; then it is finished."""


class PendingRequest:
    """One synthesis as the daemon sees it: chunks come in from the wire, the caller iterates over them."""

    def __init__(self, number: int, request: SynthesisRequest, expected_seconds: float) -> None:
        self.number = number
        self.request = request
        self.expected_seconds = expected_seconds
        self.background = False
        """Nobody may have to wait for its reader: all of its audio (one segment) is kept until it is read."""
        self.sounded = False
        self.ended = False
        self._interruptions = 0
        self._taken = 0
        self._skip = 0
        self._words_taken = 0
        self._words_skip = 0
        self._chunks: deque[bytes | Word] = deque()
        self._bytes = 0
        self._error: EngineError | None = None
        self._news = asyncio.Event()

    @property
    def full(self) -> bool:
        """Whether the reader is so slow that the worker has to wait; never for a background request."""
        return self._bytes > HIGH_WATER and not self.background

    @property
    def may_wait(self) -> bool:
        """Whether a foreground request may go before it although the worker is at it."""
        return self.background and not self.ended and self._interruptions < MOST_INTERRUPTIONS

    def restart(self, number: int) -> None:
        """Make it ready to be submitted again, as `number`; what came already is not taken twice.

        That is right because engines are deterministic. Only an interruption that costs work is counted.
        """
        self._interruptions += self.sounded
        self.number = number
        self.sounded = False
        self._skip = self._taken
        self._words_skip = self._words_taken

    def add(self, chunk: bytes) -> None:
        """Take audio from the worker."""
        self.sounded = True
        fresh = chunk[self._skip :]
        self._skip -= len(chunk) - len(fresh)
        if fresh:
            self._taken += len(fresh)
            self._chunks.append(fresh)
            self._bytes += len(fresh)
            self._news.set()

    def add_word(self, word: Word) -> None:
        """Take a word from the worker, in order with the audio; raises ProtocolError for more than fit."""
        if self._words_skip:
            self._words_skip -= 1
            return
        if self._words_taken >= len(self.request.text):
            raise ProtocolError(f"more words than the {self._words_taken} characters of the text")
        self._words_taken += 1
        self._chunks.append(word)
        self._news.set()

    def finish(self) -> None:
        """End well: the iteration stops after the chunks that are still unread."""
        self.ended = True
        self._news.set()

    def fail(self, error: EngineError) -> None:
        """End badly: unread chunks are dropped, the reader gets `error` at once."""
        if not self.ended:
            self._chunks.clear()
            self._error = error
            self.finish()

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yield the audio as it comes, telling each word first; raises the error that `fail` was given."""
        while True:
            while self._chunks:
                chunk = self._chunks.popleft()
                if isinstance(chunk, Word):
                    self.request.tell_word(chunk)
                    continue
                self._bytes -= len(chunk)
                yield chunk
            if self.ended:
                break
            self._news.clear()
            await self._news.wait()
        if self._error is not None:
            raise self._error


class RequestQueue:
    """Requests that wait for the worker: foreground before background, first come first served in each."""

    def __init__(self) -> None:
        self._foreground: deque[PendingRequest] = deque()
        self._background: deque[PendingRequest] = deque()

    def add(self, pending: PendingRequest, *, background: bool) -> None:
        """Put a request at the end of its line."""
        pending.background = background
        (self._background if background else self._foreground).append(pending)

    def put_back(self, pending: PendingRequest) -> None:
        """Put a background request before all others of its kind."""
        self._background.appendleft(pending)

    @property
    def urgent(self) -> bool:
        """Whether a foreground request waits."""
        return bool(self._foreground)

    def discard(self, pending: PendingRequest) -> None:
        """Take a request out, wherever it waits; nothing happens if it does not."""
        for line in (self._foreground, self._background):
            if pending in line:
                line.remove(pending)

    def take(self) -> PendingRequest | None:
        """Take the next request out, or None."""
        for line in (self._foreground, self._background):
            if line:
                return line.popleft()
        return None

    def fail_all(self, error: EngineError) -> None:
        """End every waiting request with `error`."""
        while (pending := self.take()) is not None:
            pending.fail(error)
