"""Utterances that go to clients' descriptors: those under way, and those that wait until there is room."""

import asyncio
import logging
import resource
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

from chatttsd.audio.api import Sink
from chatttsd.audio.hangups import HangUps
from chatttsd.speech.holding import Holding
from chatttsd.speech.options import SpeakOptions
from chatttsd.speech.queue import LimitError, SpeechQueue
from chatttsd.speech.utterance import Outcome, Utterance

_LOGGER = logging.getLogger(__name__)
_HELD: Final = 512
"""Requests that wait, of all clients together; a long text counts as several."""
_CHARACTERS: Final = 4096
"""Characters for which a text counts once more."""
_OTHER_FILES: Final = 400
"""Descriptors left to everything else: one message brings up to 253, the rest are the daemon's own."""


@dataclass(eq=False, slots=True)
class _Request:
    sender: str
    text: str = field(repr=False)
    options: SpeakOptions
    sink: Sink


class Streams:
    """Starts utterances and ends those whose reader has gone; a sink that is given is closed in the end.

    `new` makes an utterance, `run` writes one to its sink.
    """

    def __init__(
        self,
        queue: SpeechQueue,
        new: Callable[[str, str, SpeakOptions], Utterance],
        run: Callable[[Utterance, Sink], Coroutine[Any, Any, None]],
    ) -> None:
        self._queue = queue
        self._new = new
        self._run = run
        self._hangups = HangUps()
        self._held: Holding[_Request] = Holding()
        self._jobs: set[asyncio.Task[None]] = set()
        self._told = False

    def start(self, sender: str, text: str, options: SpeakOptions, sink: Sink) -> int:
        """Begin to write an utterance and return its id; raises LimitError, and then the sink is closed."""
        try:
            self._queue.check_room(sender)
        except LimitError:
            sink.close()
            raise
        utterance = self._start(_Request(sender, text, options, sink))
        self._shed()
        return utterance.id

    def start_in_turn(self, sender: str, text: str, options: SpeakOptions, sink: Sink) -> None:
        """Begin as soon as there is room, behind what the client has asked for already.

        What cannot even be held is dropped, its reader finding no sound: the newest of who holds the most.
        """
        request = _Request(sender, text, options, sink)
        if sender not in self._held and self._has_room(sender):
            self._start(request)
        else:
            self._held.put(sender, request, 1 + len(text) // _CHARACTERS)
            sink.watch(self._hangups, partial(self._give_up, request))
        self._shed()

    def refill(self) -> None:
        """Start what there is room for now."""
        while (request := self._held.take(self._has_room)) is not None:
            self._start(request)
            self._told = self._told and self._held.weight > 0

    def sender_left(self, sender: str) -> None:
        """Drop what a client that is gone still waits for."""
        _close(self._held.forget(sender))

    def drop_held(self) -> None:
        """Drop everything that waits."""
        _close(self._held.clear())

    async def close(self) -> None:
        """Wait for the utterances under way, which must have been ended."""
        self.drop_held()
        if self._jobs:
            await asyncio.wait(list(self._jobs))
        self._hangups.close()

    def _has_room(self, sender: str) -> bool:
        try:
            self._queue.check_room(sender)
        except LimitError:
            return False
        return True

    def _start(self, request: _Request) -> Utterance:
        utterance, sink = self._new(request.sender, request.text, request.options), request.sink
        self._queue.adopt(utterance)
        utterance.start()
        job = asyncio.create_task(self._run(utterance, sink))
        self._jobs.add(job)
        job.add_done_callback(self._jobs.discard)
        # Work that is cancelled before its first step never gets to close it.
        job.add_done_callback(lambda _: sink.close())
        # An engine may take long to its first sample, and before that no write would tell.
        sink.watch(self._hangups, partial(self._queue.end, utterance, Outcome.CANCELLED))
        return utterance

    def _give_up(self, request: _Request) -> None:
        self._held.remove(request.sender, request)
        request.sink.close()

    def _allowed(self) -> int:
        """Return what may be held beside the streams under way."""
        files = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
        if files == resource.RLIM_INFINITY:
            return _HELD
        return max(0, min(_HELD, files - _OTHER_FILES - len(self._jobs)))

    def _shed(self) -> None:
        allowed = self._allowed()
        while self._held.weight > allowed:
            self._held.shed().sink.close()
            if not self._told:
                _LOGGER.warning("more streams are asked for than can be held: %d; some are dropped", allowed)
            self._told = True


def _close(requests: list[_Request]) -> None:
    for request in requests:
        request.sink.close()
