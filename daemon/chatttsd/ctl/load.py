"""`chatttsctl load`: load the model and say how that went."""

import asyncio
from argparse import Namespace
from typing import Final

from chatttsd.ctl import guard, output, session
from chatttsd.ctl.bus import Speech, connect
from chatttsd.ctl.exits import CommandError, Exit
from chatttsd.ctl.target import choose

LOAD_TIMEOUT: Final = 300.0
"""Seconds that loading may take unless `--timeout` says otherwise."""
_LOOK_SECONDS: Final = 0.2
_PATIENCE_SECONDS: Final = 1.0
"""A worker that died is started again; a model that is still `failed` after this time stays so."""
_COMING: Final = ("loading", "warming")


def run(arguments: Namespace) -> int:
    """Load the model, starting the daemon if need be; exit code 1 with the reason when it cannot be."""
    target = choose(arguments.system)
    limit = LOAD_TIMEOUT if arguments.timeout is None else arguments.timeout

    async def work() -> int:
        async with connect(target, arguments.timeout) as speech:
            await guard.require(speech, target, start=True)
            await speech.call("LoadModel", start=True)
            try:
                async with asyncio.timeout(limit):
                    await _follow(speech)
            except TimeoutError:
                raise CommandError(f"the model is still being loaded after {limit:g} s") from None
            return await _tell(speech)

    return session.run(work)


async def _follow(speech: Speech) -> None:
    """Return when the model is ready; raises CommandError with the daemon's reason when it will not be."""
    while (state := await _settled(speech)) != "ready":
        if state not in _COMING:
            reason = output.clean(await speech.property("Reason")) or f"the model is {output.clean(state)}"
            raise CommandError(reason)
        await asyncio.sleep(_LOOK_SECONDS)


async def _settled(speech: Speech) -> str:
    state = str(await speech.property("ModelState"))
    if state != "failed":
        return state
    await asyncio.sleep(_PATIENCE_SECONDS)
    return str(await speech.property("ModelState"))


async def _tell(speech: Speech) -> int:
    detail = output.clean(dict(await speech.property("Statistics")).get("engine_detail", ""))
    output.line(f"ChatTTS is ready ({detail})" if detail else "ChatTTS is ready")
    return Exit.OK
