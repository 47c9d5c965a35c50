"""The priority queue against the table of SSIP, and against arbitrary histories."""

from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatttsd.speech.limits import Limits
from chatttsd.speech.options import Priority, SpeakOptions
from chatttsd.speech.queue import LimitError, SpeechQueue
from chatttsd.speech.utterance import Outcome, State, Utterance


class Desk:
    """A queue with a log of outcomes."""

    def __init__(self, limits: Limits | None = None) -> None:
        self.ended: list[tuple[int, str]] = []
        self.queue = SpeechQueue(limits or Limits(), lambda u: self.ended.append((u.id, str(u.outcome))))
        self._ids = count(1)

    def say(self, priority: str, sender: str = ":1", *, bind: bool = False) -> Utterance:
        options = SpeakOptions(priority=Priority(priority), bind_to_client=bind)
        utterance = Utterance(next(self._ids), sender, "some text", options)
        self.queue.submit(utterance)
        return utterance

    def start(self) -> int | None:
        utterance = self.queue.next()
        return utterance.id if utterance else None

    def finish(self) -> None:
        assert self.queue.current is not None
        self.queue.end(self.queue.current, Outcome.FINISHED)

    def play_out(self) -> list[int]:
        order = []
        if self.queue.current is not None:
            self.finish()
        while (spoken := self.start()) is not None:
            order.append(spoken)
            self.finish()
        return order


def test_messages_wait_for_each_other_in_order() -> None:
    desk = Desk()
    for _ in range(3):
        desk.say("message")
    assert desk.play_out() == [1, 2, 3]


def test_important_goes_before_messages_that_wait_and_never_ends_another_important() -> None:
    desk = Desk()
    desk.say("important")
    desk.start()
    desk.say("message")
    desk.say("important")
    assert desk.ended == []
    assert desk.play_out() == [3, 2]


@pytest.mark.parametrize("lower", ["message", "text", "notification", "progress"])
def test_important_interrupts_everything_lower(lower: str) -> None:
    desk = Desk()
    desk.say(lower)
    desk.start()
    desk.say("important")
    assert desk.ended == [(1, "interrupted")]
    assert desk.start() == 2


def test_important_postpones_what_waits_but_drops_notification() -> None:
    desk = Desk()
    desk.say("message")
    desk.say("text")
    desk.say("important")
    assert desk.ended == []
    assert desk.play_out() == [3, 1, 2]
    desk.say("notification")
    desk.say("important")
    assert desk.ended[-1] == (4, "dropped")


def test_a_newer_text_replaces_the_older_spoken_or_waiting() -> None:
    desk = Desk()
    desk.say("text")
    desk.start()
    desk.say("text")
    desk.say("text")
    assert desk.ended == [(1, "interrupted"), (2, "dropped")]
    assert desk.play_out() == [3]


def test_text_waits_for_a_message() -> None:
    desk = Desk()
    desk.say("message")
    desk.start()
    desk.say("text")
    assert desk.ended == []
    assert desk.play_out() == [2]


def test_message_ends_text_spoken_and_waiting() -> None:
    desk = Desk()
    desk.say("text")
    desk.start()
    desk.say("message")
    assert desk.ended == [(1, "interrupted")]
    desk.start()
    desk.say("text")
    desk.say("message")
    assert desk.ended[-1] == (3, "dropped")


def test_notification_is_spoken_only_when_it_is_quiet() -> None:
    desk = Desk()
    desk.say("notification")
    desk.start()
    desk.say("notification")
    assert desk.ended == [(2, "dropped")]
    desk.say("text")
    assert desk.ended[-1] == (1, "interrupted")
    desk.say("notification")
    assert desk.ended[-1] == (4, "dropped")


def test_of_a_progress_series_the_first_and_the_last_are_spoken() -> None:
    desk = Desk()
    desk.say("progress")
    desk.start()
    for _ in range(5):
        desk.say("progress")
    assert desk.ended == [(2, "dropped"), (3, "dropped"), (4, "dropped"), (5, "dropped")]
    assert desk.play_out() == [6]


def test_the_last_progress_is_spoken_like_a_message() -> None:
    desk = Desk()
    desk.say("progress")
    desk.start()
    desk.say("progress")
    desk.finish()
    assert desk.start() == 2
    desk.say("text")
    assert desk.ended == [(1, "finished")]
    assert desk.play_out() == [3]


def test_each_sender_has_its_own_progress_series() -> None:
    desk = Desk()
    desk.say("message")
    desk.start()
    desk.say("progress", ":1")
    desk.say("progress", ":2")
    assert desk.ended == []
    assert desk.play_out() == [2, 3]


def test_cancel_takes_an_utterance_out_wherever_it_is() -> None:
    desk = Desk()
    playing, waiting = desk.say("message"), desk.say("message")
    desk.start()
    postponed = desk.say("progress")
    for utterance in (waiting, postponed, playing):
        desk.queue.end(utterance, Outcome.CANCELLED)
        desk.queue.end(utterance, Outcome.CANCELLED)
    assert desk.ended == [(2, "cancelled"), (3, "cancelled"), (1, "cancelled")]
    assert desk.start() is None
    assert len(desk.queue) == 0


def test_only_what_a_client_has_bound_ends_with_it() -> None:
    desk = Desk()
    desk.say("message", ":1", bind=True)
    desk.say("message", ":1")
    desk.say("message", ":2", bind=True)
    desk.start()
    desk.queue.end_bound_to(":1")
    assert desk.ended == [(1, "cancelled")]
    assert desk.play_out() == [2, 3]


def test_a_sender_over_its_limit_is_refused_and_others_are_not() -> None:
    desk = Desk(Limits(queued_per_sender=2))
    desk.say("message", ":1")
    desk.say("message", ":1")
    with pytest.raises(LimitError, match="2 utterances"):
        desk.say("message", ":1")
    desk.say("message", ":2")
    assert desk.play_out() == [1, 2, 4]
    desk.say("message", ":1")


def test_all_senders_together_have_a_limit() -> None:
    desk = Desk(Limits(queued_total=2))
    desk.say("message", ":1")
    desk.say("message", ":2")
    with pytest.raises(LimitError, match="all clients have 2"):
        desk.say("message", ":3")


def test_a_refused_utterance_disturbs_nobody() -> None:
    desk = Desk(Limits(queued_per_sender=1))
    desk.say("text")
    desk.start()
    with pytest.raises(LimitError):
        desk.say("important")
    assert desk.ended == []


@given(
    st.lists(
        st.tuples(st.sampled_from([*Priority, "next", "finish", "cancel"]), st.integers(0, 3)), max_size=60
    )
)
def test_every_utterance_gets_exactly_one_outcome(steps: list[tuple[str, int]]) -> None:
    desk = Desk(Limits(queued_per_sender=5, queued_total=12))
    said: list[Utterance] = []
    for step, number in steps:
        if step == "next":
            desk.start()
        elif step == "finish" and desk.queue.current:
            desk.finish()
        elif step == "cancel" and said:
            desk.queue.end(said[number % len(said)], Outcome.CANCELLED)
        elif step in list(Priority):
            try:
                said.append(desk.say(step, f":{number}"))
            except LimitError:
                continue
        assert all((u.state is State.ENDED) == ((u.id, str(u.outcome)) in desk.ended) for u in said)
        assert desk.queue.current is None or desk.queue.current.state is State.SPEAKING
    desk.queue.end_all(Outcome.CANCELLED)
    assert sorted(ended for ended, _ in desk.ended) == [u.id for u in said]
    assert len(desk.queue) == 0
    assert not desk.queue._held
