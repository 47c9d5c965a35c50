"""The life of the ChatTTS model: one worker that is loaded, watched, unloaded when idle, and loaded again."""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import replace
from enum import StrEnum
from typing import Any, Final

from chatttsd.engine.api import EngineDiedError, EngineFaultError, ModelSettings, WorkerSettings
from chatttsd.engine.client import EngineClient, WorkerState, worker_command
from chatttsd.engine.model_setup import Command, absence, fingerprint, model_command, model_environment

_LOGGER = logging.getLogger(__name__)

START_SECONDS: Final = 60.0
"""At least so long may a load be silent: a disk that has the model cold reads a gigabyte meanwhile."""
MOST_FAILED_STARTS: Final = 3
"""Loads that may be killed one after the other; each costs seconds of every core."""
SETTLE_SECONDS: Final = 0.5
"""Between two segments of an utterance nobody uses the model either, but only for a moment."""
_OF_THE_WORKER: Final = "chattts worker cannot start: "
"""What the client says before the worker's own words: a person who listens needs only those."""
_WARMING: Final = "warming"
_LOADING: Final = "loading"


class ModelState(StrEnum):
    """What is told as `ModelState`."""

    ABSENT = "absent"
    UNLOADED = "unloaded"
    LOADING = "loading"
    WARMING = "warming"
    READY = "ready"
    FAILED = "failed"


class ResidentModel:
    """Owns the model's worker; `on_change` is called when anything it tells has changed.

    A fault of the model (a file is missing, broken, of another shape) is final until `load`, `configure` or a
    change of the files; a worker that dies is started again.
    """

    def __init__(
        self,
        settings: ModelSettings,
        worker: WorkerSettings,
        *,
        on_change: Callable[[], None],
        on_restart: Callable[[], None],
        command: Command = worker_command,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.settings = settings
        self.progress = ""
        """How far it is, such as `loading 62 %`; empty when there is nothing to tell."""
        self._on_change = on_change
        self._on_restart = on_restart
        self._command = command
        self._clock = clock
        self._absence = absence(settings)
        self._files = fingerprint(settings)
        self._phase: ModelState | None = None
        self._failure = ""
        self._segment_failure = ""
        self._sent_away = False
        self._listening = False
        self._users = 0
        self._used_at = clock()
        self._restart_due = False
        self._idle: asyncio.TimerHandle | None = None
        self._start: asyncio.Task[None] | None = None
        self._stop: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._news = asyncio.Event()
        self.client = EngineClient(
            model_command(settings, command),
            _patient(worker),
            on_state=self._changed,
            environment=model_environment(settings),
            most_failed_starts=MOST_FAILED_STARTS,
            clock=clock,
        )

    @property
    def state(self) -> ModelState:
        """Where it is in its life."""
        return self._phase or (ModelState.ABSENT if self._absence else ModelState.UNLOADED)

    @property
    def unavailable(self) -> str:
        """Why it cannot speak however long one waits; empty when it can or will."""
        if self._phase is None:
            return self._absence
        return self._failure if self._given_up else ""

    @property
    def _given_up(self) -> bool:
        """Whether it failed for good; the client says so of its last life until it begins another one."""
        return self._phase is ModelState.FAILED and self.client.given_up

    @property
    def reason(self) -> str:
        """Why it does not speak, or did not say the latest segment; empty when all is well."""
        sentences = {
            ModelState.ABSENT: self._absence,
            ModelState.UNLOADED: "ChatTTS is unloaded and loads with the next request",
            ModelState.LOADING: "ChatTTS is loading",
            ModelState.WARMING: "ChatTTS is warming up",
            ModelState.READY: self._segment_failure,
            ModelState.FAILED: f"ChatTTS cannot be used: {self._failure.removeprefix(_OF_THE_WORKER)}",
        }
        if self.state is ModelState.UNLOADED and self._sent_away:
            return "ChatTTS was unloaded (chatttsctl load brings it back)"
        return sentences[self.state]

    def load(self) -> None:
        """Begin to load, unless that was done; raises EngineFaultError when there is nothing to load."""
        self._sent_away = False
        if self._phase is not None and not self._given_up:
            return
        self._look()
        if self._absence:
            self._phase = None
            self._tell()
            raise EngineFaultError(self._absence)
        self._failure = self._segment_failure = ""
        self._phase = ModelState.LOADING
        self._start = self._keep(self._load(self._stop))
        self._tell()

    def want(self) -> None:
        """Begin to load if somebody who asks for no engine may; a failure is kept as `reason`."""
        if self._phase is ModelState.READY or self._sent_away:
            return
        self._notice_files()
        if not self.unavailable:
            with contextlib.suppress(EngineFaultError):
                self.load()

    @property
    def identity(self) -> tuple[object, ...] | None:
        """What of it decides a sound: settings, files, and what its worker last said it runs on.

        None while the worker is not the one that the settings ask for.
        """
        if self._restart_due:
            return None
        loaded = self._phase is not None and not self._given_up
        files = self._files if loaded else fingerprint(self.settings)
        return _of_worker(self.settings), files, self.client.detail

    @property
    def welcome(self) -> bool:
        """Whether its voice may be heard, be it out of the cache: nobody sent it away, nothing is wrong."""
        return not self._sent_away and not self.unavailable

    @property
    def speaks(self) -> bool:
        """Whether a request that asks for no engine gets its voice, at once or after the wait it may take."""
        waits = self.settings.while_loading == "wait" and not self._sent_away and not self.unavailable
        return self._phase is ModelState.READY or waits

    def refusal(self) -> str:
        """Return why a request for it would fail, by what lies there now; empty when it may be asked."""
        self._notice_files()
        return self.unavailable

    async def demand(self) -> None:
        """Load it if need be and wait until it can speak; raises EngineError when it cannot, or not soon."""
        self.call()
        await self.ready()

    def call(self) -> None:
        """Begin to load it, whoever sent it away; raises EngineFaultError when it cannot come."""
        if reason := self.refusal():
            raise EngineFaultError(reason)
        self.load()

    @property
    def coming(self) -> bool:
        """Whether it is ready or on its way."""
        return self._phase is not None and not self.unavailable

    async def ready(self) -> None:
        """Wait until it can speak; raises EngineFaultError when it cannot, EngineDiedError when not soon."""
        while self._phase is not ModelState.READY:
            if self._phase is None or self.unavailable:
                raise EngineFaultError(self.unavailable or self.reason)
            if self._phase is ModelState.FAILED and self.client.resting:
                raise EngineDiedError(self._failure)  # its worker dies again and again
            self._news.clear()
            await self._news.wait()

    async def unload(self) -> None:
        """End the worker and give its memory back, until `load` or an explicit request."""
        self._look()
        self._sent_away = not self._absence  # what is not there yet can only be waited for
        await self._end()

    async def stop(self) -> None:
        """End everything."""
        await self._end()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def configure(self, settings: ModelSettings, worker: WorkerSettings) -> None:
        """Take other settings; the worker is started anew for them as soon as nothing of it is speaking."""
        other = _of_worker(settings) != _of_worker(self.settings)
        self.settings = settings
        self.client.settings = _patient(worker)
        self.client.command = model_command(settings, self._command)
        self.client.environment = model_environment(settings)
        if other and self._phase is not None and not self._given_up:
            self._restart_due = True
            self._settle_soon()
        elif self._phase is None or self._given_up:
            self._phase, self._failure = None, ""
            self._look()
            self.begin()
        self._rest()
        self._tell()

    def begin(self) -> None:
        """Load if the settings say that it is loaded with the daemon."""
        if self.settings.load == "start":
            self.want()

    @contextlib.contextmanager
    def in_use(self) -> Iterator[None]:
        """Keep it loaded as it is."""
        self._users += 1
        try:
            yield
        finally:
            self._users -= 1
            self._used_at = self._clock()
            self._settle_soon()
            self._rest()

    def note(self, failure: str) -> None:
        """Keep why a segment was not said by the model; empty: it said the latest one."""
        if failure != self._segment_failure:
            self._segment_failure = failure
            self._tell()

    async def _load(self, stopping: "asyncio.Task[None] | None") -> None:
        if stopping is not None:
            await asyncio.wait({stopping})
        self._listening = True
        with contextlib.suppress(EngineDiedError, EngineFaultError):  # told by the client's state
            await self.client.start()

    async def _end(self) -> None:
        if self._idle is not None:
            self._idle.cancel()
        if self._start is not None:
            self._start.cancel()
        self._start = self._phase = None
        self._listening = False
        self._restart_due = False
        self.progress = ""
        self._look()
        self._stop = self._keep(self.client.stop())
        self._tell()
        await asyncio.wait({self._stop})
        self._tell()

    async def _retire(self) -> None:
        if not self._users:  # somebody may have come since this was decided
            await self._end()

    async def _renew(self) -> None:
        if self._users:
            self._restart_due = True
            return
        await self._end()
        self.want()

    def _settle_soon(self) -> None:
        if self._restart_due and not self._users:
            asyncio.get_running_loop().call_later(SETTLE_SECONDS, self._settle)

    def _settle(self) -> None:
        """Start the worker anew if its settings have changed and nobody hears it."""
        if self._restart_due and not self._users:
            self._restart_due = False
            self._keep(self._renew())

    def _rest(self) -> None:
        """Unload after the idle time."""
        if self._idle is not None:
            self._idle.cancel()
            self._idle = None
        limit = self.settings.idle_unload_seconds
        if self._phase is not ModelState.READY or self._users or not limit:
            return
        left = self._used_at + limit - self._clock()
        if left <= 0:
            self._keep(self._retire())
        else:
            self._idle = asyncio.get_running_loop().call_later(left, self._rest)

    def _changed(self, state: WorkerState, told: str) -> None:
        if not self._listening:
            return  # the last words of a worker that is being ended
        crashed = self._phase is ModelState.FAILED
        if state is WorkerState.STARTING:
            self._phase = ModelState.WARMING if told.startswith(_WARMING) else ModelState.LOADING
            self.progress = told if told.startswith((_WARMING, _LOADING)) else ""
            if crashed:
                self._files = fingerprint(self.settings)
                self._on_restart()
        elif state is WorkerState.READY and told:
            _LOGGER.info("%s", told)  # the guard's, about a segment
            return
        elif state is WorkerState.READY:
            self._used_at = self._clock()
            self._phase = ModelState.READY
            self._failure = self.progress = ""
            self._rest()
        elif state is WorkerState.FAILED:
            self._phase, self._failure, self.progress = ModelState.FAILED, told, ""
        self._tell()

    def _look(self) -> None:
        self._absence = absence(self.settings)
        self._files = fingerprint(self.settings)

    def _notice_files(self) -> None:
        """Forget a fault when the files of the model are no longer those that had it."""
        if self.unavailable and (absence(self.settings), fingerprint(self.settings)) != (
            self._absence,
            self._files,
        ):
            self._phase, self._failure = None, ""
            self._look()

    def _tell(self) -> None:
        self._news.set()
        self._on_change()

    def _keep(self, work: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


def _patient(worker: WorkerSettings) -> WorkerSettings:
    return replace(worker, start_seconds=max(worker.start_seconds, START_SECONDS))


def _of_worker(settings: ModelSettings) -> ModelSettings:
    """Return the settings without those that only the daemon looks at."""
    return replace(settings, load="start", while_loading="fallback", idle_unload_seconds=0.0)
