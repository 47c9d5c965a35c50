"""Look before a call and while the daemon starts: a unit that fails would cost 25 s of waiting."""

import asyncio
from typing import Final

from chatttsd.ctl import unit
from chatttsd.ctl.bus import Speech
from chatttsd.ctl.exits import CommandError, UnansweredError
from chatttsd.ctl.faults import SPAWN, ServiceError, not_running
from chatttsd.ctl.target import Target

_LOOK_EVERY: Final = 1.0


async def require(speech: Speech, target: Target, *, start: bool) -> None:
    """Return when the daemon runs; with `start` it is started when it does not.

    Raises CommandError (3) with the fault and the command that mends it, as soon as there is one.
    """
    if await speech.running():
        return
    state = unit.show(target)
    if state is not None and state.failed:
        # After the start limit only `systemctl start` frees the bus's pending activation.
        raise not_running(unit.failure(target, state))
    if not start or (state is not None and state.masked) or not await speech.activatable():
        raise absent(target, state, start)
    await _start(speech, target)


async def _start(speech: Speech, target: Target) -> None:
    starting = asyncio.create_task(speech.start())
    try:
        while not (await asyncio.wait({starting}, timeout=_LOOK_EVERY))[0]:
            await _look(target)
        await starting
    except ServiceError as error:
        await _look(target)
        raise await _not_started(speech, target, error) from None
    except UnansweredError:
        await _look(target)
        raise
    finally:
        starting.cancel()


async def _look(target: Target) -> None:
    # systemctl may take its time, and the answer to a call or a Ctrl-C must not wait for it.
    state = await asyncio.to_thread(unit.show, target)
    if state is not None and state.failed:
        raise not_running(unit.failure(target, state))


async def _not_started(speech: Speech, target: Target, error: ServiceError) -> CommandError:
    if error.name.startswith(SPAWN) and not await speech.bus_has_systemd():
        return not_running(f"this bus has no systemd to start chatttsd; start it: {unit.by_hand(target)}")
    state = unit.show(target)
    known = f"; {target.unit} is {state.describe()}" if state is not None else ""
    return not_running(f"{error}{known}; {unit.next_step(target, state)}")


def absent(target: Target, state: unit.UnitState | None, start: bool) -> CommandError:
    """Make the error for a daemon that is not there and will not be started by the call."""
    masked = state is not None and state.masked
    why = "and the bus cannot start it (no activation file)" if start and not masked else ""
    known = f"; {target.unit} is {state.describe()}" if state is not None else ""
    return not_running(f"chatttsd is not running {why}".strip() + f"{known}; {unit.next_step(target, state)}")
