"""An utterance and its life: queued -> speaking -> ended with exactly one outcome."""

from dataclasses import dataclass, field
from enum import IntEnum, StrEnum

from chatttsd.speech.options import Priority, SpeakOptions


class Outcome(StrEnum):
    """How an utterance ended; each utterance gets exactly one."""

    FINISHED = "finished"
    CANCELLED = "cancelled"
    INTERRUPTED = "interrupted"
    DROPPED = "dropped"
    FAILED = "failed"


class State(IntEnum):
    """Where an utterance is in its life; it only ever moves forward."""

    QUEUED = 0
    SPEAKING = 1
    ENDED = 2


class UtteranceEndedError(RuntimeError):
    """An ended utterance was started or ended again: a fault in the caller."""


@dataclass(slots=True)
class Utterance:
    """One text to say, from `Speak` until its outcome."""

    id: int
    sender: str
    text: str = field(repr=False)
    options: SpeakOptions
    submitted: float = 0.0
    """When its call came, by the clock of whoever made it."""
    state: State = State.QUEUED
    outcome: Outcome | None = None
    priority: Priority = field(init=False)
    """The queue's view of it: that of the options, raised for the last of a series of `progress`."""

    def __post_init__(self) -> None:
        self.priority = self.options.priority

    def start(self) -> None:
        """Move from queued to speaking; raises UtteranceEndedError from any other state."""
        if self.state is not State.QUEUED:
            raise UtteranceEndedError(f"utterance {self.id} cannot start: it is {self.state.name.lower()}")
        self.state = State.SPEAKING

    def end(self, outcome: Outcome) -> None:
        """Give the one terminal outcome and forget the text; raises UtteranceEndedError on a second one."""
        if self.state is State.ENDED:
            raise UtteranceEndedError(f"utterance {self.id} has already ended as {self.outcome}")
        self.state = State.ENDED
        self.outcome = outcome
        self.text = ""
