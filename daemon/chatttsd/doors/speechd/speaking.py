"""How messages become utterances of the daemon; everything here runs on one event loop."""

import asyncio
import contextlib
from collections.abc import Callable, Iterable, Sequence
from time import monotonic
from typing import Any, Final

from chatttsd.doors.speechd.concessions import Way, concession
from chatttsd.doors.speechd.connection import UnreachableError
from chatttsd.doors.speechd.link import Link, LinkLostError, RefusedError
from chatttsd.doors.speechd.markup import Markup, Piece, escaped
from chatttsd.doors.speechd.memory import PauseMemory
from chatttsd.doors.speechd.message import END, STOP, Message
from chatttsd.doors.speechd.settings import chosen
from chatttsd.unmarked import unmarked

_STARTED: Final = "Started"
_PROGRESS: Final = "Progress"
_MARK: Final = "Mark"
_FINISHED: Final = "Finished"
_OVER: Final = frozenset({"finished", "failed"})
"""Outcomes after which a client may go on; after the others somebody wanted silence."""
_QUIET_SECONDS: Final = 10.0
"""So long without a sign the daemon is asked whether it is alive."""
_PATIENCE_SECONDS: Final = 0.1
_TRIES: Final = 40
_FEWEST: Final = 100
"""Characters; a text is not cut into shorter parts."""
_FORGET_SECONDS: Final = 30.0
"""So long an option that was refused is not asked for again: the voice may be there by then."""
_VOICE_TRIES: Final = 4
"""So often the voices are asked for after the daemon has appeared, when espeak-ng's are not among them."""
_EARLY: Final = 256
"""Signals kept while the id that they belong to is not known yet."""

LearnVoices = Callable[[Iterable[tuple[str, Sequence[str]]]], None]


class Job:
    """A message on its way through the daemon."""

    def __init__(self, message: Message, markup: Markup | None, start: int, untold: frozenset[str]) -> None:
        self.message = message
        self.markup = markup
        """None for a character or a key, which is sent as it is."""
        self.options = dict(message.options)
        self.heard = start
        """Index into the markup's source: what follows was not heard."""
        self.untold = untold
        self.limit: int | None = None
        self.piece: Piece | None = None
        self.id = 0
        self.over: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def next_text(self) -> str:
        """Return what to send next."""
        if self.markup is None:
            return self.message.text
        self.piece = self.markup.piece(self.heard, self.limit)
        return self.piece.text

    def said(self) -> bool:
        """Note that what was sent last is over; True when nothing is left."""
        if self.piece is None or self.markup is None:
            return True
        self.heard = self.piece.end
        return self.heard >= len(self.markup.source)

    def make_plain(self) -> bool:
        """Go on without markup, every character in its place if that helps; False when none is left."""
        self.options["kind"] = "ssml"
        if self.markup is None:
            self.markup, self.heard = Markup(escaped(self.message.text)), 0
            return True
        before, bare = self.markup.source, escaped(self.markup.plain)
        if before == bare:
            return False
        if (plain := unmarked(before)) != before:
            self.markup = Markup(plain)
        else:
            self.markup, self.heard = Markup(bare), 0
        return True


class Speaking:
    """Says messages through the daemon; `tell` takes reasons for silence, `learn` the list of voices."""

    def __init__(
        self,
        address: str,
        learn: LearnVoices,
        tell: Callable[[str], None],
        quiet_seconds: float = _QUIET_SECONDS,
    ) -> None:
        self._link = Link(address, self)
        self._quiet_seconds = quiet_seconds
        self._learn = learn
        self._tell = tell
        self._memory = PauseMemory()
        self._jobs: dict[Message, Job] = {}
        self._latest: Job | None = None
        self._asking = 0
        self._early: list[tuple[str, Sequence[Any]]] = []
        self._refused: dict[tuple[str, str], float] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._voices_wanted = _VOICE_TRIES

    @property
    def busy(self) -> bool:
        """Whether a message is on its way, or what comes after one."""
        return bool(self._tasks)

    def prepare(self) -> None:
        """Join the bus before the first message needs it; the daemon is not started for this."""
        self._run(self._prepare())

    async def _prepare(self) -> None:
        # Without a bus the first message will tell why.
        with contextlib.suppress(UnreachableError):
            await self._link.prepare()

    def say(self, message: Message) -> None:
        """Say a message; it gets its last event whatever happens."""
        if message.ended:
            return
        job = self._job(message)
        self._jobs[message] = self._latest = job
        self._run(self._see_through(job))

    def stop(self, message: Message) -> None:
        """Silence a message that was ended."""
        job = self._jobs.get(message)
        if job is None:
            return
        if job.id:
            self._link.cancel(job.id)
        if not job.over.done():
            job.over.set_result("cancelled")

    def pause(self, message: Message) -> None:
        """Silence a message that was ended, and remember where."""
        latest = self._latest
        # Without a job it was paused before its turn came, and yet it will come back wrapped.
        job = latest if latest is not None and latest.message is message else self._job(message)
        if job.markup is not None and message.rewritten:
            self._memory.remember(job.markup, job.heard, message.text)
        self.stop(message)

    async def close(self) -> None:
        """Leave the bus; the daemon cancels what is bound to this client."""
        await self._link.close()

    def happened(self, member: str, body: Sequence[Any]) -> None:
        """Hear a signal of the daemon."""
        job = next((job for job in self._jobs.values() if job.id == body[0]), None)
        if job is not None:
            self._follow(job, member, body)
        elif self._asking and len(self._early) < _EARLY:
            self._early.append((member, body))

    def appeared(self) -> None:
        """Hear that the daemon is there: its voices may be others now."""
        self._refused.clear()
        self._voices_wanted = _VOICE_TRIES
        self._run(self._fetch_voices())

    def lost(self) -> None:
        """Hear that the daemon is gone."""
        for job in self._jobs.values():
            if job.id and not job.over.done():
                job.over.set_exception(LinkLostError())

    def refresh_voices(self) -> None:
        """Read the voices again if the daemon is there."""
        self._run(self._fetch_voices())

    def _job(self, message: Message) -> Job:
        if message.kind != "SPEAK":
            return Job(message, None, 0, frozenset())
        markup = Markup(message.text)
        resumed = self._memory.recall(markup) if message.rewritten else None
        if resumed is None:
            return Job(message, markup, 0, frozenset())
        return Job(message, resumed.markup, resumed.position, resumed.untold)

    def _run(self, work: Any) -> None:  # noqa: ANN401 - a coroutine
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _follow(self, job: Job, member: str, body: Sequence[Any]) -> None:
        if member == _STARTED:
            job.message.begin()
        elif member == _PROGRESS:
            self._reach(job, job.piece.origin(body[1]) if job.piece else 0)
        elif member == _MARK:
            name = str(body[1])
            if job.markup is not None:
                self._reach(job, job.markup.marks.get(name, job.heard))
            if name not in job.untold:
                job.message.mark(name)
        elif member == _FINISHED and not job.over.done():
            job.over.set_result(str(body[1]))

    @staticmethod
    def _reach(job: Job, position: int) -> None:
        job.message.begin()
        job.heard = max(job.heard, position)

    async def _see_through(self, job: Job) -> None:
        event = END
        try:
            event = await self._spoken(job)
        except UnreachableError as error:
            self._tell(str(error))
        except LinkLostError:
            self._tell("chatttsd left the bus while it was speaking, or does not answer")
        except RefusedError as error:
            self._tell(f"chatttsd refused a message: {error.name}")
        except Exception as error:  # the server waits for the last event for ever
            self._tell(f"a fault in this module: {type(error).__name__}")
        finally:
            job.message.end(event)
            del self._jobs[job.message]
        if self._voices_wanted:
            await self._fetch_voices()

    async def _spoken(self, job: Job) -> str:
        """Say a message, once more from where it broke off when the daemon leaves; return its last event."""
        if job.markup is not None and job.markup.blank:
            self._tell_marks(job)
            return END
        if job.markup is not None and job.heard >= len(job.markup.source):
            return END  # it was paused when all of it had been heard
        for last in (False, True):
            try:
                return await self._said(job)
            except LinkLostError:
                whole = job.markup is not None or not job.message.begun
                if last or not whole or job.message.ended:
                    raise
                job.id = 0
                job.over = asyncio.get_running_loop().create_future()
        return END

    @staticmethod
    def _tell_marks(job: Job) -> None:
        for name in job.markup.marks if job.markup else ():
            job.message.mark(name)

    async def _said(self, job: Job) -> str:
        while not job.message.ended:
            await self._link.ready()
            if job.message.ended:
                break
            await self._ask(job)
            outcome = await self._outcome(job)
            if outcome not in _OVER:
                return STOP
            if job.said():
                return END
            job.id = 0
            job.over = asyncio.get_running_loop().create_future()
        return STOP

    async def _ask(self, job: Job) -> None:
        """Queue the next part of a message, with fewer wishes where the daemon has objections."""
        for _ in range(_TRIES):
            if job.message.ended:
                return
            options = self._wishes(job)
            self._asking += 1
            try:
                job.id = await self._link.speak(job.next_text(), options)
            except RefusedError as error:
                await self._concede(job, error, options)
            else:
                self._catch_up(job)
                return
            finally:
                self._asking -= 1
                if not self._asking:
                    self._early.clear()
        raise UnreachableError("chatttsd is too busy")

    def _wishes(self, job: Job) -> dict[str, str]:
        now = monotonic()
        refused = [name for name, value in job.options.items() if self._refused.get((name, value), 0) > now]
        return chosen(job.options, *refused)

    def _catch_up(self, job: Job) -> None:
        """Hear what was told before the id was known; silence what was stopped before that."""
        if job.message.ended:
            self._link.cancel(job.id)
            if not job.over.done():
                job.over.set_result("cancelled")
        for member, body in self._early:
            if body[0] == job.id:
                self._follow(job, member, body)

    async def _concede(self, job: Job, error: RefusedError, options: dict[str, str]) -> None:
        way = concession(error.name, error.message, options)
        if isinstance(way, str):
            self._refused[way, options[way]] = monotonic() + _FORGET_SECONDS
        elif way is Way.AGAIN_LATER:
            await asyncio.sleep(_PATIENCE_SECONDS)
        elif way is Way.IN_PARTS and job.markup and (job.limit or len(job.markup.source)) > _FEWEST:
            job.limit = (job.limit or len(job.markup.source)) // 2
        elif way is not Way.AS_PLAIN_TEXT or not job.make_plain():
            raise error

    async def _outcome(self, job: Job) -> str:
        while True:
            await asyncio.wait([job.over], timeout=self._quiet_seconds)
            if job.over.done():
                return job.over.result()
            if not await self._link.busy() and not job.over.done():
                self._link.cancel(job.id)  # a daemon that only slept would go on with it
                raise LinkLostError

    async def _fetch_voices(self) -> None:
        if not self._link.there:
            return
        try:
            voices = await self._link.voices()
        except (LinkLostError, RefusedError):
            return
        self._learn(voices)
        # The embedded engine's come a moment after the daemon: asked for again after a message.
        complete = any(voice.startswith("espeak-ng/") for voice, _ in voices)
        self._voices_wanted = 0 if complete else max(0, self._voices_wanted - 1)
