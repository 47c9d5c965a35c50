"""The priority queue: who speaks next, who is interrupted and who is dropped, across all clients.

The rules are SSIP's ("Message Priority Model" of the SSIP manual): `important` and `message` wait for their
own kind, a newer `text` replaces an older one, `notification` is dropped unless it is quiet, and of a series
of `progress` the last is always spoken, as if it were a `message`.
"""

from collections import deque
from collections.abc import Callable, Iterable
from typing import Final

from chatttsd.speech.limits import Limits
from chatttsd.speech.options import Priority
from chatttsd.speech.utterance import Outcome, Utterance

Ended = Callable[[Utterance], None]

_ORDER: Final = tuple(Priority)
_QUIET_ONLY: Final = (Priority.NOTIFICATION, Priority.PROGRESS)
_CANCELS_WAITING: Final = {
    Priority.IMPORTANT: (Priority.NOTIFICATION, Priority.PROGRESS),
    Priority.MESSAGE: (Priority.TEXT, Priority.NOTIFICATION, Priority.PROGRESS),
    Priority.TEXT: (Priority.TEXT, Priority.NOTIFICATION, Priority.PROGRESS),
    Priority.NOTIFICATION: (),
    Priority.PROGRESS: (),
}


class LimitError(Exception):
    """A sender, or all together, have too much queued; the message names the limit."""


class SpeechQueue:
    """Holds every living utterance; `on_end` hears of each exactly once, when it has its outcome."""

    def __init__(self, limits: Limits, on_end: Ended) -> None:
        self.limits = limits
        self._on_end = on_end
        self._waiting: dict[Priority, deque[Utterance]] = {priority: deque() for priority in _ORDER}
        self._last_progress: dict[str, Utterance] = {}
        self._living: dict[int, Utterance] = {}
        self._held: dict[str, int] = {}
        self.current: Utterance | None = None
        """The utterance being spoken."""

    def __len__(self) -> int:
        """Return how many utterances wait to be spoken."""
        return sum(map(len, self._waiting.values())) + len(self._last_progress)

    def get(self, utterance_id: int) -> Utterance | None:
        """Return a living utterance."""
        return self._living.get(utterance_id)

    def check_room(self, sender: str) -> None:
        """Raise LimitError if `sender` may not add another utterance."""
        if self._held.get(sender, 0) >= self.limits.queued_per_sender:
            raise LimitError(f"this client has {self.limits.queued_per_sender} utterances queued already")
        if len(self._living) >= self.limits.queued_total:
            raise LimitError(f"all clients have {self.limits.queued_total} utterances queued already")

    def submit(self, utterance: Utterance) -> None:
        """Queue an utterance, ending those that its priority ends (perhaps itself); raises LimitError."""
        self.adopt(utterance)
        priority = utterance.options.priority
        if priority in _QUIET_ONLY and self._busy():
            self._postpone(utterance)
            return
        self._interrupt_for(priority)
        for lower in _CANCELS_WAITING[priority]:
            self._end_all(list(self._waiting[lower]), Outcome.DROPPED)
        self._waiting[priority].append(utterance)

    def adopt(self, utterance: Utterance) -> None:
        """Count an utterance that is not spoken aloud (it goes to a file); raises LimitError."""
        self.check_room(utterance.sender)
        self._living[utterance.id] = utterance
        self._held[utterance.sender] = self._held.get(utterance.sender, 0) + 1

    def next(self) -> Utterance | None:
        """Start the utterance whose turn it is; None when one is being spoken or nothing waits."""
        if self.current is not None:
            return None
        self.current = self._pop()
        if self.current is not None:
            self.current.start()
        return self.current

    def end(self, utterance: Utterance, outcome: Outcome) -> None:
        """Give a living utterance its outcome wherever it is; one that has ended already is left as it is."""
        if self._living.pop(utterance.id, None) is None:
            return
        self._remove(utterance)
        self._release(utterance.sender)
        utterance.end(outcome)
        self._on_end(utterance)

    def end_all(self, outcome: Outcome) -> None:
        """Give everything living the same outcome, oldest first."""
        self._end_all(list(self._living.values()), outcome)

    def end_bound_to(self, sender: str) -> None:
        """Cancel what a client that left the bus had bound to itself."""
        bound = [u for u in self._living.values() if u.sender == sender and u.options.bind_to_client]
        self._end_all(bound, Outcome.CANCELLED)

    def _busy(self) -> bool:
        return self.current is not None or any(self._waiting.values())

    def _postpone(self, utterance: Utterance) -> None:
        """Drop a notification; keep the last progress of each sender until it is quiet."""
        if utterance.options.priority is Priority.NOTIFICATION:
            self.end(utterance, Outcome.DROPPED)
            return
        older = self._last_progress.get(utterance.sender)
        if older is not None:
            self.end(older, Outcome.DROPPED)
        self._last_progress[utterance.sender] = utterance

    def _interrupt_for(self, priority: Priority) -> None:
        current = self.current
        if current is None:
            return
        lower = _ORDER.index(current.priority) > _ORDER.index(priority)
        if lower or current.priority is priority is Priority.TEXT:
            self.end(current, Outcome.INTERRUPTED)

    def _pop(self) -> Utterance | None:
        for priority in _ORDER:
            if self._waiting[priority]:
                return self._waiting[priority].popleft()
        if self._last_progress:
            last = self._last_progress.pop(next(iter(self._last_progress)))
            last.priority = Priority.MESSAGE
            return last
        return None

    def _remove(self, utterance: Utterance) -> None:
        if self.current is utterance:
            self.current = None
        elif self._last_progress.get(utterance.sender) is utterance:
            del self._last_progress[utterance.sender]
        elif utterance in self._waiting[utterance.options.priority]:
            self._waiting[utterance.options.priority].remove(utterance)

    def _release(self, sender: str) -> None:
        self._held[sender] -= 1
        if not self._held[sender]:
            del self._held[sender]

    def _end_all(self, utterances: Iterable[Utterance], outcome: Outcome) -> None:
        for utterance in utterances:
            self.end(utterance, outcome)
