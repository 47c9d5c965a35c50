"""Run a command's coroutine to its exit code; a signal cancels it and becomes 128 + its number."""

import asyncio
import signal
from collections.abc import Callable, Coroutine
from typing import Any, Final

_STOPPING: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

Work = Callable[[], Coroutine[Any, Any, int]]


def run(work: Work) -> int:
    """Run `work()`; it sees the first signal as asyncio.CancelledError and cleans up; the rest is ignored."""
    return asyncio.run(_interruptible(work))


async def _interruptible(work: Work) -> int:
    task = asyncio.ensure_future(work())
    loop = asyncio.get_running_loop()
    # A signal that the parent had ignored (nohup, a background job) stays ignored.
    heard = [number for number in _STOPPING if signal.getsignal(number) is not signal.SIG_IGN]
    caught: list[int] = []

    def stop(number: int) -> None:
        caught.append(number)
        task.cancel()
        for each in heard:
            loop.remove_signal_handler(each)
            # Every clean-up is bounded, and `timeout` sends its signal twice: to the child and to the group.
            signal.signal(each, signal.SIG_IGN)

    for number in heard:
        loop.add_signal_handler(number, stop, number)
    try:
        return await task
    except asyncio.CancelledError:
        if not caught:
            raise
        return 128 + caught[0]
