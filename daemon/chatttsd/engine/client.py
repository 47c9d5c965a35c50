"""The daemon's side of an engine: a worker process that is started, fed, watched and started again."""

import asyncio
import contextlib
import itertools
import math
import os
import sys
import time
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Final

from chatttsd.engine.api import (
    EngineDiedError,
    EngineError,
    EngineFaultError,
    SynthesisRequest,
    Voice,
    WorkerSettings,
)
from chatttsd.engine.pending import PendingRequest, RequestQueue
from chatttsd.engine.session import WorkerSession
from chatttsd.engine.wire import ProtocolError

STOP_SECONDS: Final = 0.5
"""How long a worker may take to end after it was asked to."""
PATIENCE_SECONDS: Final = 2.0
"""A request waits for a restart that is due within this time; a later one fails it at once."""
HEALTHY_SECONDS: Final = 60.0
"""A worker that lived this long starts the back-off afresh."""


class WorkerState(StrEnum):
    """What the worker of an engine is doing."""

    STARTING = "starting"
    READY = "ready"
    FAILED = "failed"
    STOPPED = "stopped"


OnState = Callable[[WorkerState, str], None]
"""Takes a state and, for people, why it came or how far it is."""


def worker_command(engine: str, settings: str = "") -> tuple[str, ...]:
    """Return the command of the worker for an engine; `-P` keeps the current folder off its import path.

    `settings` is a JSON object for an engine that takes one.
    """
    command = (sys.executable, "-P", "-m", "chatttsd.engine.worker", "--engine", engine)
    return (*command, "--settings", settings) if settings else command


class EngineClient:
    """One engine in its own process, for the event loop that `start` is called on.

    `command` gets `--fd N` appended and inherits the environment with `environment` on top; both and
    `settings` may be replaced at any time and are read at the next start, `settings` at the next request too.
    It gives up, until it is started again, when the engine says that it cannot start, and after
    `most_failed_starts` workers in a row that died before they said hello.
    """

    def __init__(
        self,
        command: Sequence[str],
        settings: WorkerSettings,
        *,
        on_state: OnState,
        environment: Mapping[str, str] | None = None,
        most_failed_starts: float = math.inf,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.settings = settings
        self.command = tuple(command)
        self.environment = dict(environment or {})
        self.detail = ""
        """What the engine says about itself, from its hello on."""
        self._on_state = on_state
        self._most_failed_starts = most_failed_starts
        self._clock = clock
        self._name = _name_in(self.command)
        self._state = WorkerState.STOPPED
        self._hopeless = f"{self._name} worker is stopped"
        self._voices: tuple[Voice, ...] = ()
        self._numbers = itertools.count(1)
        self._queue = RequestQueue()
        self._session: WorkerSession | None = None
        self._supervisor: asyncio.Task[None] | None = None
        self._stopping = asyncio.Event()
        self._deaths = 0
        self._failed_starts = 0
        self._faulty = False

    @property
    def given_up(self) -> bool:
        """Whether no worker will be started until `start` is called again."""
        return self._faulty

    @property
    def resting(self) -> bool:
        """Whether a request would fail at once: the next worker is not due soon, or never."""
        return bool(self._hopeless)

    @property
    def voices(self) -> tuple[Voice, ...]:
        """The voices of the engine; empty until its worker has said hello once."""
        return self._voices

    @property
    def pid(self) -> int | None:
        """The worker's process id, or None while there is none."""
        return None if self._session is None else self._session.pid

    async def start(self) -> None:
        """Start the worker and wait until it is ready.

        Raises EngineDiedError, but goes on trying, and EngineFaultError when it gave up.
        """
        if self._supervisor is not None and not self._supervisor.done():
            raise RuntimeError("the engine client is already started")
        first: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._stopping.clear()
        self._deaths = self._failed_starts = 0
        self._hopeless = ""
        self._faulty = False
        self._supervisor = asyncio.create_task(self._supervise(first), name="engine-supervisor")
        if reason := await first:
            raise (EngineFaultError if self._faulty else EngineDiedError)(reason)

    async def stop(self) -> None:
        """End the worker, gently and then by force; every open request gets EngineDiedError."""
        task = self._supervisor
        if task is None:
            return
        self._stopping.set()
        self._give_up(f"{self._name} worker was stopped")
        if self._session is not None:
            self._session.shut_down()
        ended, _ = await asyncio.wait({task}, timeout=STOP_SECONDS)
        while not ended:
            if self._session is not None:
                self._session.kill("was stopped")
            ended, _ = await asyncio.wait({task}, timeout=STOP_SECONDS)
        self._supervisor = None
        self._tell(WorkerState.STOPPED, "")

    async def synthesise(
        self, request: SynthesisRequest, *, background: bool = False, expected_seconds: float = 0.0
    ) -> AsyncGenerator[bytes, None]:
        """Yield S16LE samples as they come; closing the generator cancels the request in the worker.

        Foreground requests go before background ones; one that the worker is at is given again afterwards.
        Raises EngineError; EngineDiedError or EngineHungError when the worker was lost.
        """
        if self._hopeless:
            raise EngineDiedError(self._hopeless)
        pending = PendingRequest(next(self._numbers), request, expected_seconds)
        self._queue.add(pending, background=background)
        self._pump()
        try:
            async for chunk in pending.chunks():
                yield chunk
                if self._session is not None:
                    self._session.relax()
        finally:
            self._queue.discard(pending)
            if self._session is not None:
                self._session.release(pending)

    def _pump(self) -> None:
        """Hand the next waiting request to a free worker."""
        session = self._session
        if session is not None and self._queue.urgent and (interrupted := session.give_back()) is not None:
            interrupted.restart(next(self._numbers))
            self._queue.put_back(interrupted)
        while session is not None and session.free and (pending := self._queue.take()) is not None:
            try:
                session.submit(pending, self.settings)
            except ProtocolError as error:
                pending.fail(EngineError(f"a segment does not fit: {error}"))

    def _freed(self, pending: PendingRequest) -> None:
        if pending.ended:
            self._deaths = 0
        self._pump()

    async def _supervise(self, first: asyncio.Future[str]) -> None:
        """Keep a worker alive until `stop`; `first` gets the outcome of the first start."""
        reason = ""
        try:
            while not self._stopping.is_set():
                self._tell(WorkerState.STARTING, reason)
                reason = await self._live(first)
                if self._stopping.is_set():
                    break
                if self._faulty:
                    self._give_up(reason)
                self._tell(WorkerState.FAILED, reason)
                if self._faulty:
                    break
                await self._rest(reason)
        finally:
            _settle(first, reason or f"{self._name} worker was stopped")

    async def _live(self, first: asyncio.Future[str]) -> str:
        """Run one worker from its start to its end; returns why it ended."""
        session = WorkerSession(
            self._name, self.settings, on_free=self._freed, on_status=self._status, clock=self._clock
        )
        self._session = session
        born = self._clock()
        try:
            await session.open(self.command, self._child_environment())
            self._failed_starts = 0
            self._ready(session)
            _settle(first, "")
            reason = await session.ended()
        except EngineDiedError as error:
            reason = str(error)
            self._failed_starts += 1
            self._faulty = session.faulty or self._failed_starts >= self._most_failed_starts
            _settle(first, reason)
            self._queue.fail_all(error)
        finally:
            session.kill("was abandoned")
            self._session = None
        if self._clock() - born >= HEALTHY_SECONDS:
            self._deaths = 0
        return reason

    def _ready(self, session: WorkerSession) -> None:
        if session.hello is not None:
            self._voices = session.hello.voices
            self._name = session.hello.engine
            self.detail = session.hello.detail
        if self._stopping.is_set():
            session.shut_down()
            return
        self._tell(WorkerState.READY, "")
        self._pump()

    async def _rest(self, reason: str) -> None:
        """Wait before the next start: not after a first death, then longer each time."""
        delay = 0.0
        if self._deaths:
            doubled = self.settings.backoff_first_seconds * 2.0 ** min(self._deaths - 1, 30)
            delay = min(doubled, self.settings.backoff_max_seconds)
        self._deaths += 1
        if delay > PATIENCE_SECONDS:
            self._give_up(reason)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(delay):
                await self._stopping.wait()
        if not self._stopping.is_set():
            self._hopeless = ""

    def _give_up(self, reason: str) -> None:
        """Fail every open request, and every one to come until the next start."""
        self._hopeless = reason
        self._queue.fail_all(EngineDiedError(reason))
        if self._session is not None:
            self._session.fail(EngineDiedError(reason))

    def _status(self, text: str) -> None:
        self._on_state(self._state, text)

    def _tell(self, state: WorkerState, reason: str) -> None:
        self._state = state
        self._on_state(state, reason)

    def _child_environment(self) -> dict[str, str]:
        # The samples of a voice are no matrix: OpenBLAS would only start threads that never work.
        return {"OPENBLAS_NUM_THREADS": "1"} | dict(os.environ) | self.environment


def _settle(future: "asyncio.Future[str]", result: str) -> None:
    if not future.done():
        future.set_result(result)


def _name_in(command: Sequence[str]) -> str:
    """Return the engine that a worker command names, or else the program."""
    for option, value in itertools.pairwise(command):
        if option == "--engine":
            return value
    return Path(command[0]).name
