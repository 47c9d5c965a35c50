"""`chatttsctl monitor`: the daemon's signals as lines, until Ctrl-C."""

from argparse import Namespace
from typing import Any, Final

from chatttsd.ctl import output, session
from chatttsd.ctl.bus import connect
from chatttsd.ctl.exits import Exit
from chatttsd.ctl.target import choose

_FIELDS: Final = {"Started": ("id",), "Progress": ("id", "start", "end"), "Finished": ("id", "outcome")}


def run(arguments: Namespace) -> int:
    """Print signals until interrupted; the daemon may come and go meanwhile."""
    target = choose(arguments.system)

    def signal(member: str, body: list[Any]) -> None:
        if member in _FIELDS:
            event = describe(member, body)
            if arguments.json:
                output.record(event)
            else:
                output.line(" ".join(output.clean(value) for value in event.values()))

    async def work() -> int:
        async with connect(target, arguments.timeout) as speech:
            await speech.listen(signal)
            await speech.watch_owner(_tell)
            output.note("listening" if await speech.running() else "listening; chatttsd is not running")
            await speech.lost()
            output.note("the bus has closed the connection")
            return Exit.NOT_RUNNING

    return session.run(work)


def describe(member: str, body: list[Any]) -> dict[str, Any]:
    """Return a signal as an event with named values."""
    return {"event": member.lower(), **dict(zip(_FIELDS[member], body, strict=False))}


def _tell(there: bool) -> None:
    output.note("chatttsd has appeared" if there else "chatttsd has gone")
