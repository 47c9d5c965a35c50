"""What one worker process has been asked and what it has answered, watched by a deadline."""

import asyncio
import contextlib
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from chatttsd.engine.api import EngineDiedError, EngineError, EngineHungError, WorkerSettings
from chatttsd.engine.pending import PendingRequest
from chatttsd.engine.process import WorkerProcess
from chatttsd.engine.wire import (
    NO_REQUEST,
    Frame,
    FrameType,
    Hello,
    ProtocolError,
    check_audio,
    decode_level,
    decode_text,
    decode_word,
    encode_request,
)

_EXPECTED_FACTOR: Final = 3


class WorkerSession:
    """One worker from its spawn to its end; `on_free` tells when it can take the next request.

    A request must bring something within `hang_seconds`, the first sound within 3 x the expected audio more.
    """

    def __init__(
        self,
        name: str,
        settings: WorkerSettings,
        *,
        on_free: Callable[[PendingRequest], None],
        on_status: Callable[[str], None],
        clock: Callable[[], float],
    ) -> None:
        self.hello: Hello | None = None
        self.faulty = False
        """Whether the worker said that another one would not start either."""
        self._name = name
        self._settings = settings
        self._on_free = on_free
        self._on_status = on_status
        self._clock = clock
        self._process = WorkerProcess(self._take)
        self._end: asyncio.Task[str] | None = None
        self._news = asyncio.Event()
        self._current: PendingRequest | None = None
        self._unanswered: set[int] = set()
        self._paused = False
        self._heard_at = clock()
        self._timer: asyncio.TimerHandle | None = None

    @property
    def pid(self) -> int | None:
        """The worker's process id."""
        return self._process.pid

    @property
    def free(self) -> bool:
        """Whether a request can be handed over now."""
        return self.hello is not None and self._current is None and self._process.usable

    async def open(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        """Spawn the worker and wait for its hello; raises EngineDiedError with the reason."""
        try:
            await self._process.spawn(command, environment)
        except OSError as error:
            raise EngineDiedError(
                f"{self._name} worker cannot be started: {error.strerror}: {command[0]}"
            ) from None
        self._end = asyncio.ensure_future(self._process.ended())
        self._end.add_done_callback(lambda _end: self._news.set())
        self._heard_at = self._clock()
        while self.hello is None:
            if self._end.done():
                raise EngineDiedError(self._sentence(self._end.result()))
            await self._wait_for_news()

    async def ended(self) -> str:
        """Wait for the end of the worker; the current request has failed by then. Returns the reason."""
        if self._end is None:
            raise RuntimeError("the session was never opened")
        reason = self._sentence(await self._end)
        self.fail(EngineDiedError(reason))
        return reason

    def submit(self, pending: PendingRequest, settings: WorkerSettings) -> None:
        """Hand a request to the worker; raises ProtocolError when it is too long for the wire."""
        frame = Frame(FrameType.SYNTHESISE, pending.number, encode_request(pending.request))
        self._process.send(frame)
        self._settings = settings
        self._current = pending
        if not self._unanswered:
            self._heard_at = self._clock()
        self._unanswered.add(pending.number)
        self._watch()

    def release(self, pending: PendingRequest) -> None:
        """Forget a request, if it has not ended; what the worker still sends for it is dropped."""
        if self._current is not pending:
            return
        self._withdraw(pending)
        self.relax()
        self._on_free(pending)

    def give_back(self) -> PendingRequest | None:
        """Stop working on a background request, so that it can be submitted again; None if there is none."""
        current = self._current
        if current is None or not current.may_wait:
            return None
        self._withdraw(current)
        return current

    def _withdraw(self, pending: PendingRequest) -> None:
        self._current = None
        # One that owes the end of an earlier request gets no more time: else whoever types fast keeps a
        # worker alive that hangs.
        if self._unanswered <= {pending.number}:
            self._heard_at = self._clock()
        self._process.send(Frame(FrameType.CANCEL, pending.number))

    def relax(self) -> None:
        """Listen to the worker again once the reader has caught up."""
        if self._paused and not (self._current is not None and self._current.full):
            self._paused = False
            self._heard_at = self._clock()
            self._process.listen(wanted=True)

    def fail(self, error: EngineError) -> None:
        """End the current request with `error`."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        current, self._current = self._current, None
        if current is not None:
            current.fail(error)

    def shut_down(self) -> None:
        """Ask the worker to end by itself."""
        self.relax()
        self._process.send(Frame(FrameType.SHUTDOWN))

    def kill(self, reason: str) -> None:
        """Kill the worker now."""
        self._process.kill(reason)

    async def _wait_for_news(self) -> None:
        """Wait for a frame or the end; kills a worker that is silent for `start_seconds`."""
        self._news.clear()
        limit = self._settings.start_seconds
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(limit):
                await self._news.wait()
        if not self._news.is_set() and self._end is not None:
            self._process.kill(f"did not say hello within {limit:g} s")
            await self._end

    def _take(self, frame: Frame) -> None:
        """Handle one frame; raises ProtocolError for one that does not belong here."""
        self._news.set()
        if frame.type is FrameType.STATUS:
            self._heard_at = self._clock()
            self._on_status(decode_text(frame.payload))
        elif self.hello is None:
            self._take_start(frame)
        elif frame.request not in self._unanswered:
            raise ProtocolError(f"{frame.type.name} for a request that is not open")
        elif frame.type is FrameType.AUDIO:
            self._take_audio(frame)
        elif frame.type is FrameType.WORD:
            self._take_word(frame)
        elif frame.type is FrameType.LEVEL:
            self._take_level(frame)
        elif frame.type in {FrameType.DONE, FrameType.ERROR}:
            self._take_answer(frame)
        else:
            raise ProtocolError(f"{frame.type.name} does not come from a worker")

    def _take_start(self, frame: Frame) -> None:
        if frame.type is FrameType.HELLO:
            self.hello = Hello.decode(frame.payload)
            self._name = self.hello.engine
        elif frame.type in {FrameType.ERROR, FrameType.FAULT} and frame.request == NO_REQUEST:
            self.faulty = frame.type is FrameType.FAULT
            self._process.blame(f"cannot start: {decode_text(frame.payload)}")
        else:
            raise ProtocolError(f"{frame.type.name} before HELLO")

    def _take_audio(self, frame: Frame) -> None:
        chunk = check_audio(frame.payload)
        current = self._current
        if current is None or current.number != frame.request:
            return
        # Only sound that somebody waits for counts: a worker that ignores a cancel must be found out.
        self._heard_at = self._clock()
        current.add(chunk)
        if current.full and not self._paused:
            self._paused = True
            self._process.listen(wanted=False)

    def _take_word(self, frame: Frame) -> None:
        current = self._current
        if current is None or current.number != frame.request:
            return
        current.add_word(decode_word(frame.payload, current.request.text))

    def _take_level(self, frame: Frame) -> None:
        current = self._current
        if current is None or current.number != frame.request:
            return
        # At once, and not when its reader is there: that the sound was made whole is known by now.
        current.request.tell_level(decode_level(frame.payload))

    def _take_answer(self, frame: Frame) -> None:
        error = EngineError(decode_text(frame.payload)) if frame.type is FrameType.ERROR else None
        self._unanswered.discard(frame.request)
        self._heard_at = self._clock()
        current = self._current
        if current is None or current.number != frame.request:
            return
        self._current = None
        if error is None:
            current.finish()
        else:
            current.fail(error)
        self.relax()
        self._on_free(current)

    def _allowance(self) -> float:
        """Return how long the worker may be silent now, in seconds."""
        current = self._current
        if current is None or current.sounded:
            return self._settings.hang_seconds
        return self._settings.hang_seconds + _EXPECTED_FACTOR * current.expected_seconds

    def _watch(self) -> None:
        """Look at the deadline, kill a worker that let it pass, come back while anything is unanswered."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if not self._unanswered:
            return
        if self._paused:
            self._heard_at = self._clock()
        left = self._heard_at + self._allowance() - self._clock()
        if left > 0:
            self._timer = asyncio.get_running_loop().call_later(left, self._watch)
            return
        reason = f"did not answer within {self._allowance():g} s and was killed"
        current = self._current
        # It works in order: a request behind one that hangs had no turn yet, and may be given again.
        hung = current is None or min(self._unanswered) == current.number
        self.fail((EngineHungError if hung else EngineDiedError)(self._sentence(reason)))
        self._process.kill(reason)

    def _sentence(self, reason: str) -> str:
        return f"{self._name} worker {reason}"
