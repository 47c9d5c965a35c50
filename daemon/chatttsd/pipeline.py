"""One utterance's way: segments -> engine, ahead of what is heard -> sound output or a file."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing
from dataclasses import dataclass, replace
from threading import Event, Lock
from time import monotonic, thread_time
from typing import Final

from chatttsd.audio.api import AudioOutput
from chatttsd.constants import SAMPLE_BYTES, SAMPLE_RATE
from chatttsd.engine.api import Synthesiser, SynthesisRequest
from chatttsd.speech.events import SpeechEvent
from chatttsd.speech.expected import expected_seconds
from chatttsd.speech.icon import icon
from chatttsd.speech.segment import Segment
from chatttsd.speech.timeline import NOTHING, Events, Timeline

_BYTES_A_SECOND: Final = SAMPLE_RATE * SAMPLE_BYTES
_AHEAD_BYTES: Final = 10 * _BYTES_A_SECOND
_PIECE_BYTES: Final = 1000
"""What a piece without any sound costs."""
_ASIDE_SECONDS: Final = 0.01
_HEAD_BYTES: Final = _BYTES_A_SECOND // 100
"""What must have been heard of a segment before its Progress is told: 10 ms."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Some PCM of a segment; `begins` marks the segment's first piece."""

    index: int
    segment: Segment
    pcm: bytes
    begins: bool
    events: Events = NOTHING
    """What is reached with the first sample of it."""


class SegmentPlan:
    """The segments of a text, cut only as far as they are asked for; `aside` cuts them beside the loop."""

    def __init__(self, segments: Iterator[Segment], *, aside: bool = False) -> None:
        self._rest = segments
        self._known: list[Segment] = []
        self._aside = aside
        self._lock = Lock()
        """A reading that was skipped may still be cutting when the next one begins."""

    async def reach(self, index: int) -> Segment | None:
        """Return a segment by number, None behind the last; however long that takes, the loop goes on."""
        if self._aside and index >= len(self._known):
            return await asyncio.to_thread(self._get_several, index)
        return self.get(index)

    def _get_several(self, index: int) -> Segment | None:
        """Return a segment and cut those behind it for a while, since a thread for each would cost more.

        Its own time counts: where others hold the interpreter, little would be cut in a while.
        """
        until = thread_time() + _ASIDE_SECONDS
        found = self.get(index)
        while thread_time() < until and self.get(len(self._known)) is not None:
            pass
        return found

    def get(self, index: int) -> Segment | None:
        """Return a segment by number, None behind the last."""
        with self._lock:
            while len(self._known) <= index:
                segment = next(self._rest, None)
                if segment is None:
                    return None
                self._known.append(segment)
            return self._known[index]


@dataclass(frozen=True, slots=True)
class Recipe:
    """How an utterance's segments become PCM."""

    plan: SegmentPlan
    engine: Synthesiser
    request: Callable[[Segment], SynthesisRequest]
    on_synthesised: Callable[[float, float], None]
    """Hears the seconds of audio and those for which it was waited, a segment that an engine made."""
    background: bool = False
    ahead: int = 0
    """How many segments the engine is told of before their turn."""
    echo: bool = False
    """It answers a key stroke, so that every millisecond to its first sound counts."""

    async def pieces(self, start: int) -> AsyncGenerator[Piece, None]:
        """Yield the PCM of every segment from number `start` on; raises EngineError."""
        index, first = start, True
        while (segment := await self._reach(index)) is not None:
            async with aclosing(self._segment(index, segment, first)) as pieces:
                async for piece in pieces:
                    yield piece
            if not (segment.text or segment.icon):
                await asyncio.sleep(0)  # a text of nothing but silence must not hold the loop
            index += 1
            first = first and not segment.text
            if segment.rest and (segment.rests_last or await self.plan.reach(index) is not None):
                silence = bytes(SAMPLE_BYTES * round(segment.rest * SAMPLE_RATE))
                yield Piece(index - 1, segment, silence, begins=False)

    async def _reach(self, index: int) -> Segment | None:
        """Return a segment once those that are announced with it are known too."""
        await self.plan.reach(index + self.ahead)
        return self.plan.get(index)

    async def _segment(self, index: int, segment: Segment, first: bool) -> AsyncGenerator[Piece, None]:
        """Yield the sound of one segment, cut where a word begins or a mark is reached."""
        begins = True
        request = replace(self.request(segment), following=self._following(index), first=first)
        expected = expected_seconds(segment.text, request.rate)
        timeline = Timeline(segment, round(expected * SAMPLE_RATE))
        request = replace(request, tell_word=lambda word: timeline.word(word.start, word.end, word.sample))
        async with aclosing(self._pcm(segment, request, expected)) as chunks:
            async for pcm in chunks:
                for start, end, events in timeline.parts(len(pcm) // SAMPLE_BYTES):
                    part = pcm[start * SAMPLE_BYTES : end * SAMPLE_BYTES]
                    yield Piece(index, segment, part, begins, events)
                    begins = False
        late = timeline.rest()
        if begins or late:
            yield Piece(index, segment, b"", begins, late)

    async def _pcm(
        self, segment: Segment, request: SynthesisRequest, expected: float
    ) -> AsyncGenerator[bytes, None]:
        if segment.icon:
            yield icon(segment.icon, SAMPLE_RATE, request.volume)
        if not segment.text:
            return
        total, taken, asked = 0, 0.0, monotonic()
        recalled = Event()
        request = replace(request, tell_recalled=recalled.set)
        stream = self.engine.synthesise(request, expected_seconds=expected, background=self.background)
        async with aclosing(stream) as chunks:
            async for pcm in chunks:
                total += len(pcm)
                taken += monotonic() - asked
                yield pcm  # however long that takes: a queue is full, or a person has paused
                asked = monotonic()
        if not recalled.is_set():
            self.on_synthesised(total / _BYTES_A_SECOND, taken + monotonic() - asked)

    def _following(self, index: int) -> tuple[SynthesisRequest, ...]:
        """Return the requests for the next segments, silent ones left out."""
        following = (self.plan.get(index + step) for step in range(1, self.ahead + 1))
        return tuple(self.request(segment) for segment in following if segment and segment.text)


async def ahead(source: AsyncGenerator[Piece, None], limit: int) -> AsyncGenerator[Piece, None]:
    """Yield what `source` yields, run by a task of its own that stays at most `limit` bytes ahead."""
    buffer = _AheadBuffer(limit)
    task = asyncio.ensure_future(buffer.fill(source))
    try:
        while (piece := await buffer.get()) is not None:
            yield piece
        await task
    finally:
        task.cancel()
        await asyncio.wait([task])
        if not task.cancelled():
            task.exception()


class _AheadBuffer:
    """A queue of pieces bounded by bytes; None is its end."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._bytes = 0
        self._pieces: deque[Piece | None] = deque()
        self._changed = asyncio.Event()

    async def fill(self, source: AsyncGenerator[Piece, None]) -> None:
        """Take everything from `source`, waiting while the limit is reached."""
        try:
            async with aclosing(source) as pieces:
                async for piece in pieces:
                    self._put(piece)
                    while self._bytes >= self._limit:
                        await self._next_change()
        finally:
            self._put(None)

    async def get(self) -> Piece | None:
        """Return the next piece, None at the end."""
        while not self._pieces:
            await self._next_change()
        piece = self._pieces.popleft()
        if piece is not None:
            self._bytes -= _PIECE_BYTES + len(piece.pcm)
            self._changed.set()
        return piece

    def _put(self, piece: Piece | None) -> None:
        self._pieces.append(piece)
        self._bytes += _PIECE_BYTES + len(piece.pcm) if piece else 0
        self._changed.set()

    async def _next_change(self) -> None:
        self._changed.clear()
        await self._changed.wait()


class Reading:
    """Reads one utterance aloud; `on_heard` hears each segment as it is heard, `on_event` what is reached."""

    def __init__(
        self,
        recipe: Recipe,
        output: AudioOutput,
        on_heard: Callable[[Segment], None],
        on_event: Callable[[SpeechEvent], None],
    ) -> None:
        self._recipe = recipe
        self._output = output
        self._on_heard = on_heard
        self._on_event = on_event
        self._heard = -1
        self._next = 0
        self._part: asyncio.Future[None] | None = None
        self._skipping = False

    async def run(self) -> None:
        """Read to the end; raises EngineError or AudioUnavailableError. Cancelling it does not flush."""
        await self._output.open(echo=self._recipe.echo)
        done = False
        while not done:
            self._part = asyncio.ensure_future(self._read_from(self._next))
            try:
                await self._part
                done = True
            except asyncio.CancelledError:
                self._part.cancel()
                if not self._skipping or _cancelled_from_outside():
                    raise
                self._skipping = False

    def skip(self) -> None:
        """Go on with the segment after the one that is heard."""
        if self._part is not None and not self._part.done():
            self._next = max(self._heard, self._next) + 1
            self._skipping = True
            self._output.flush()
            self._part.cancel()

    async def _read_from(self, start: int) -> None:
        async with aclosing(ahead(self._recipe.pieces(start), _AHEAD_BYTES)) as pieces:
            async for piece in pieces:
                await self._write(piece)
        await self._output.drain()

    async def _write(self, piece: Piece) -> None:
        head = _HEAD_BYTES if piece.begins else 0
        if piece.begins:
            await self._output.write(piece.pcm[:head])
            self._output.mark(lambda: self._tell(piece))
        if piece.events:
            self._output.mark(lambda: self._tell_events(piece.events))
        await self._output.write(piece.pcm[head:])

    def _tell(self, piece: Piece) -> None:
        self._heard = piece.index
        self._on_heard(piece.segment)

    def _tell_events(self, events: Events) -> None:
        for event in events:
            self._on_event(event)


def _cancelled_from_outside() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
