"""`chatttsctl speak`: queue a text, and with --wait stay until it has been heard."""

import asyncio
import sys
from argparse import Namespace
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from chatttsd.ctl import guard, output, session, text
from chatttsd.ctl.arguments import SHORTHANDS
from chatttsd.ctl.bus import Speech, connect
from chatttsd.ctl.exits import CommandError, Exit
from chatttsd.ctl.target import Target, choose

_CANCEL_TIMEOUT: Final = 2.0
_WITH_REASON: Final = ("failed", "dropped")


@dataclass(frozen=True, slots=True)
class Request:
    """What the command line asks for; the text stays out of every repr."""

    text: str
    options: dict[str, str]
    target: Target
    wait: bool
    json: bool
    quiet: bool
    timeout: float | None

    def __repr__(self) -> str:
        return f"Request({len(self.text)} characters)"


def run(arguments: Namespace) -> int:
    """Run the command and return its exit code."""
    request = Request(
        text=text.gather(arguments.text, arguments.file),
        options=options(arguments),
        target=choose(arguments.system),
        wait=arguments.wait,
        json=arguments.json,
        quiet=arguments.quiet,
        timeout=arguments.timeout,
    )
    if arguments.output is not None:
        # Imported here: soundfile and numpy are only for this.
        from chatttsd.ctl.synthesize import save

        return save(request, arguments.output)
    return session.run(lambda: _speak(request))


def options(arguments: Namespace) -> dict[str, str]:
    """Return the options as the D-Bus call wants them; `--option` wins over a flag of its own."""
    named = {name: getattr(arguments, name) for name in SHORTHANDS}
    chosen = {name: value for name, value in named.items() if value is not None}
    chosen.update(arguments.option or [])
    return chosen


async def _speak(request: Request) -> int:
    async with connect(request.target, request.timeout) as speech:
        await guard.require(speech, request.target, start=True)
        if request.wait:
            return await _speak_and_wait(speech, request)
        number = await queue(speech, request.text, request.options)
    if request.json or not request.quiet:
        _tell(number, request.json)
    return Exit.OK


def _tell(number: int, as_json: bool) -> None:
    """Print the id; the utterance is queued whether or not that can be done."""
    try:
        if as_json:
            output.record({"id": number})
        else:
            output.line(str(number))
    except BrokenPipeError:
        pass
    except CommandError as error:
        output.note(f"utterance {number} is queued, but its id could not be printed: {error}")


async def queue(speech: Speech, words: str, chosen: dict[str, str]) -> int:
    """Queue an utterance and return its id."""
    if chosen:
        return int(await speech.call("SpeakWith", "sa{ss}", [words, chosen], start=True))
    return int(await speech.call("Speak", "s", [words], start=True))


async def _speak_and_wait(speech: Speech, request: Request) -> int:
    indicator = output.Indicator(sys.stderr, not request.quiet)
    heard = _Heard(indicator, len(request.text))
    await speech.listen(heard.signal)
    # Should this process be killed outright, the daemon still falls silent.
    chosen = {"bind_to_client": "true", **request.options}
    try:
        heard.id = await queue(speech, request.text, chosen)
        outcome = await wait(speech, heard.id, request.timeout)
    finally:
        indicator.clear()
    return await report(speech, heard.id, outcome, request.json)


async def wait(speech: Speech, number: int, timeout: float | None) -> str:  # noqa: ASYNC109 - becomes a cancel
    """Return the utterance's outcome; cancels it when this task is cancelled or `timeout` seconds pass."""
    try:
        async with asyncio.timeout(timeout):
            return str(await speech.call("Wait", "u", [number], timeout=0))
    except TimeoutError:
        await cancel(speech, number)
        raise CommandError(f"not done after {timeout:g} s: cancelled") from None
    except asyncio.CancelledError:
        await cancel(speech, number)
        raise


async def cancel(speech: Speech, number: int) -> None:
    """Cancel an utterance; one that is gone already, or a daemon that is, is as good as cancelled."""
    with suppress(CommandError):
        await speech.call("Cancel", "u", [number], timeout=_CANCEL_TIMEOUT)


async def report(speech: Speech, number: int, outcome: str, as_json: bool) -> int:
    """Tell how an utterance ended, and why when it was not spoken whole; returns the exit code."""
    finished = outcome == "finished"
    # Whoever cancels or interrupts does so for reasons that the daemon's trouble does not tell.
    reason = await _reason(speech) if outcome in _WITH_REASON else ""
    if as_json:
        output.record({"id": number, "outcome": outcome, "reason": reason})
    if finished:
        return Exit.OK
    because = f": {output.clause(reason)}" if reason else ""
    output.note(f"utterance {number} ended as {output.clean(outcome)}{because}")
    return Exit.FAILURE


async def _reason(speech: Speech) -> str:
    try:
        return str(await speech.property("Reason"))
    except CommandError:
        return ""


class _Heard:
    """Shows the progress of one utterance from the daemon's signals."""

    def __init__(self, indicator: output.Indicator, length: int) -> None:
        self._indicator = indicator
        self._length = length
        self.id = 0

    def signal(self, member: str, body: list[Any]) -> None:
        """Take one signal."""
        if not body or body[0] != self.id:
            return
        if member == "Started":
            self._indicator.show("speaking")
        elif member == "Progress":
            self._indicator.show(f"speaking {body[2]}/{self._length}")
