"""`chatttsctl monitor`: the daemon's signals as lines, until Ctrl-C."""

import asyncio
import os
import stat
import sys
from argparse import Namespace
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, Final

from chatttsd.ctl import output, session
from chatttsd.ctl.bus import connect
from chatttsd.ctl.exits import CommandError, Exit
from chatttsd.ctl.target import choose

_FIELDS: Final = {"Started": ("id",), "Progress": ("id", "start", "end"), "Finished": ("id", "outcome")}


def run(arguments: Namespace) -> int:
    """Print signals until interrupted or nobody reads; the daemon may come and go meanwhile."""
    target = choose(arguments.system)

    async def work() -> int:
        printer = _Printer(arguments.json)
        async with connect(target, arguments.timeout) as speech:
            await speech.listen(printer.signal)
            await speech.watch_owner(_tell)
            output.note("listening" if await speech.running() else "listening; chatttsd is not running")
            with printer.watched():
                await _first(speech.lost(), printer.broken)
            output.note("the bus has closed the connection")
            return Exit.NOT_RUNNING

    return session.run(work)


class _Printer:
    """Prints events; the first fault of stdout is the exception of `broken`, for nobody hears a handler's."""

    def __init__(self, as_json: bool) -> None:
        self._json = as_json
        self.broken: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def signal(self, member: str, body: list[Any]) -> None:
        """Take one signal."""
        if member not in _FIELDS or self.broken.done():
            return
        event = describe(member, body)
        try:
            if self._json:
                output.record(event)
            else:
                output.line(" ".join(output.clean(value) for value in event.values()))
        except (OSError, CommandError) as error:
            self._break(error)

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Notice the reader of a pipe going even while there is nothing to print."""
        loop, fd = asyncio.get_running_loop(), sys.stdout.fileno()
        if not stat.S_ISFIFO(os.fstat(fd).st_mode):
            yield
            return
        # The writing end of a pipe never becomes readable: only its error is reported.
        loop.add_reader(fd, self._break, BrokenPipeError())
        try:
            yield
        finally:
            loop.remove_reader(fd)

    def _break(self, error: Exception) -> None:
        if not self.broken.done():
            self.broken.set_exception(error)


async def _first(losing: Coroutine[Any, Any, None], broken: asyncio.Future[None]) -> None:
    lost = asyncio.create_task(losing)
    try:
        done, _ = await asyncio.wait({lost, broken}, return_when=asyncio.FIRST_COMPLETED)
        for each in done:
            each.result()
    finally:
        lost.cancel()
        broken.cancel()


def describe(member: str, body: list[Any]) -> dict[str, Any]:
    """Return a signal as an event with named values."""
    return {"event": member.lower(), **dict(zip(_FIELDS[member], body, strict=False))}


def _tell(there: bool) -> None:
    output.note("chatttsd has appeared" if there else "chatttsd has gone")
