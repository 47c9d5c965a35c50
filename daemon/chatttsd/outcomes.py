"""Remembers how the latest utterances ended and tells those who wait for one."""

import asyncio
from collections import OrderedDict
from typing import Final

from chatttsd.speech.utterance import Outcome

_REMEMBERED: Final = 4096


class OutcomeBook:
    """The last 4096 outcomes by utterance id, and the waits of clients for those to come."""

    def __init__(self) -> None:
        self._outcomes: OrderedDict[int, Outcome] = OrderedDict()
        self._waits: dict[int, list[tuple[str, asyncio.Future[str]]]] = {}

    def __contains__(self, utterance_id: int) -> bool:
        return utterance_id in self._outcomes

    def waiting(self, sender: str) -> int:
        """Return how many waits a client has."""
        return sum(waiter == sender for waits in self._waits.values() for waiter, _ in waits)

    def wait(self, sender: str, utterance_id: int) -> asyncio.Future[str]:
        """Return a future of the outcome, done already when it is known."""
        future: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        if utterance_id in self._outcomes:
            future.set_result(self._outcomes[utterance_id])
        else:
            self._waits.setdefault(utterance_id, []).append((sender, future))
        return future

    def record(self, utterance_id: int, outcome: Outcome) -> None:
        """Remember an outcome and answer those who wait for it."""
        self._outcomes[utterance_id] = outcome
        if len(self._outcomes) > _REMEMBERED:
            self._outcomes.popitem(last=False)
        for _, future in self._waits.pop(utterance_id, []):
            if not future.done():
                future.set_result(outcome)

    def forget(self, sender: str) -> None:
        """Drop the waits of a client that left the bus."""
        for utterance_id, waits in list(self._waits.items()):
            for waiter, future in waits:
                if waiter == sender:
                    future.cancel()
            waits[:] = [pair for pair in waits if pair[0] != sender]
            if not waits:
                del self._waits[utterance_id]
