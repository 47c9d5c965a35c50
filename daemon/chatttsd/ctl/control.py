"""The short commands: cancel, pause, resume, skip, reload, unload."""

import asyncio
from argparse import Namespace
from collections.abc import Callable, Coroutine
from typing import Any, Final

from chatttsd.ctl import guard, output, session
from chatttsd.ctl.bus import Speech, connect
from chatttsd.ctl.exits import CommandError, Exit
from chatttsd.ctl.target import choose

_OUTCOME_TIMEOUT: Final = 1.0
"""Seconds after a cancel that are spent on learning the outcome."""

_METHODS: Final = {
    "pause": "Pause",
    "resume": "Resume",
    "skip": "Skip",
    "reload": "Reload",
    "unload": "UnloadModel",
}


def run(arguments: Namespace) -> int:
    """Run the command that takes no argument of its own; it never starts a daemon."""

    async def work(speech: Speech) -> int:
        await speech.call(_METHODS[arguments.command])
        return Exit.OK

    return _with_daemon(arguments, work)


def run_cancel(arguments: Namespace) -> int:
    """Cancel one utterance, all, or the current one."""

    async def work(speech: Speech) -> int:
        if arguments.all:
            await speech.call("CancelAll")
            return _cancelled(arguments, None, "cancelled all utterances")
        number = arguments.id or int(await speech.property("Current"))
        if not number:
            return _cancelled(arguments, 0, "nothing is being spoken")
        outcome = await _cancel(speech, number)
        if outcome != "cancelled":
            return _ended(arguments, number, outcome)
        current = "" if arguments.id else ", the current one"
        return _cancelled(arguments, number, f"cancelled utterance {number}{current}")

    return _with_daemon(arguments, work)


async def _cancel(speech: Speech, number: int) -> str:
    """Cancel an utterance and return how it ended; 'cancelled' also when that cannot be known."""
    # Asked together: silence must not wait for the question whether there still was something to silence.
    waiting = asyncio.create_task(speech.call("Wait", "u", [number], timeout=_OUTCOME_TIMEOUT))
    try:
        await speech.call("Cancel", "u", [number])
    finally:
        answers = await asyncio.gather(waiting, return_exceptions=True)
    answer = answers[0]
    if isinstance(answer, CommandError):
        return "cancelled"
    if isinstance(answer, BaseException):
        raise answer
    return str(answer)


def _ended(arguments: Namespace, number: int, outcome: str) -> int:
    if arguments.json:
        output.record({"cancelled": None, "outcome": outcome})
    else:
        output.line(f"utterance {number} had ended already ({output.clean(outcome)})")
    return Exit.OK


def _cancelled(arguments: Namespace, number: int | None, sentence: str) -> int:
    if arguments.json:
        output.record({"cancelled": "all" if number is None else number or None})
    else:
        output.line(sentence)
    return Exit.OK


def _with_daemon(arguments: Namespace, work: Callable[[Speech], Coroutine[Any, Any, int]]) -> int:
    target = choose(arguments.system)

    async def guarded() -> int:
        async with connect(target, arguments.timeout) as speech:
            await guard.require(speech, target, start=False)
            return await work(speech)

    return session.run(guarded)
