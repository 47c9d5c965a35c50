"""Look before a call: a failed unit would make every caller wait 25 s for nothing."""

from chatttsd.ctl import unit
from chatttsd.ctl.bus import Speech
from chatttsd.ctl.exits import CommandError
from chatttsd.ctl.faults import not_running
from chatttsd.ctl.target import Target


async def require(speech: Speech, target: Target, *, start: bool) -> None:
    """Return when a call can be answered: the daemon runs or (with `start`) the bus can start it.

    Raises CommandError (3) with the fault and the command that mends it, at once.
    """
    if await speech.running():
        return
    state = unit.show(target)
    if state is not None and state.failed:
        # After the start limit only `systemctl start` frees the bus's pending activation.
        raise not_running(unit.failure(target, state))
    if start and await speech.activatable():
        return
    raise absent(target, state, start)


def absent(target: Target, state: unit.UnitState | None, start: bool) -> CommandError:
    """Make the error for a daemon that is not there and will not be started by the call."""
    why = "and the bus cannot start it (no activation file)" if start else ""
    known = f"; {target.unit} is {state.describe()}" if state is not None else ""
    return not_running(f"chatttsd is not running {why}".strip() + f"{known}; {unit.next_step(target, state)}")
