"""A thread for calls that block as long as a device hangs: PortAudio's, or the writing of a file."""

import asyncio
import queue
import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
Job = Callable[[], None]


class DeviceThread:
    """Runs calls one after another on a daemon thread, which starts with the first call.

    Not an executor: the interpreter waits for an executor's threads at exit, and this one may hang for good.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    def call(self, function: Callable[[], T]) -> "asyncio.Future[T]":
        """Queue a call and return the future of its result; cancelling the future does not stop the call.

        Raises RuntimeError when the system gives no thread.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        self._jobs.put(lambda: _run(function, future, loop))
        self._start()
        return future

    def _start(self) -> None:
        if self._thread is None:
            thread = threading.Thread(target=self._work, name=self._name, daemon=True)
            thread.start()
            self._thread = thread

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            job()

    def stop(self, last: Job | None = None) -> None:
        """End the thread after the calls that are queued and `last`, which must not raise; does not wait."""
        if last is not None:
            self._jobs.put(last)
            self._start()
        self._jobs.put(None)
        self._thread = None


def _run(function: Callable[[], T], future: "asyncio.Future[T]", loop: asyncio.AbstractEventLoop) -> None:
    try:
        result = function()
    except Exception as error:  # whatever it is belongs to the one who called
        _post(loop, _fail, future, error)
    else:
        _post(loop, _succeed, future, result)


def _post(loop: asyncio.AbstractEventLoop, function: Callable[..., None], *arguments: object) -> None:
    try:
        loop.call_soon_threadsafe(function, *arguments)
    except RuntimeError:
        if not loop.is_closed():
            raise


def _succeed(future: "asyncio.Future[T]", result: T) -> None:
    if not future.done():
        future.set_result(result)


def _fail(future: "asyncio.Future[object]", error: Exception) -> None:
    if not future.done():
        future.set_exception(error)
