"""One BEGIN and one last event, in every order in which things can happen."""

import threading
from itertools import permutations

import pytest

from chatttsd.doors.speechd.message import END, PAUSE, RESTART_MARK, STOP, Message

ANEW = [f"700-{RESTART_MARK}", "700 INDEX MARK"]


def a_message(kind: str = "SPEAK", *, rewritten: bool = True) -> tuple[Message, list[str]]:
    sent: list[str] = []
    return Message(kind, "x", {}, lambda *lines: sent.extend(lines), rewritten=rewritten), sent


def test_the_usual_order() -> None:
    message, sent = a_message()
    message.begin()
    message.mark("a")
    assert message.end(END)
    assert sent == ["701 BEGIN", "700-a", "700 INDEX MARK", "702 END"]


def test_what_was_never_heard_is_begun_before_it_ends() -> None:
    message, sent = a_message()
    message.end(STOP)
    assert sent == ["701 BEGIN", "703 STOP"]


def test_a_mark_begins_a_message() -> None:
    message, sent = a_message()
    message.mark("0:5")
    assert sent == ["701 BEGIN", "700-0:5", "700 INDEX MARK"]


@pytest.mark.parametrize("events", list(permutations((END, STOP, PAUSE))))
def test_only_the_first_end_counts(events: tuple[str, ...]) -> None:
    message, sent = a_message()
    assert [message.end(event) for event in events] == [True, False, False]
    message.begin()
    message.mark("late")
    assert sent == ["701 BEGIN", *(ANEW if events[0] == PAUSE else []), events[0]]


@pytest.mark.parametrize(
    ("kind", "rewritten"), [("CHAR", True), ("KEY", True), ("SOUND_ICON", True), ("SPEAK", False)]
)
def test_the_server_may_not_rewrite_what_is_no_text(kind: str, rewritten: bool) -> None:
    message, sent = a_message(kind, rewritten=rewritten)
    message.end(PAUSE)
    assert sent == ["701 BEGIN", PAUSE]


@pytest.mark.parametrize("name", ["", "a\nb", "a\rb", "\n702 END"])
def test_a_mark_cannot_forge_a_line(name: str) -> None:
    message, sent = a_message()
    message.mark(name)
    assert sent == []


def test_threads_that_race_end_it_once() -> None:
    message, sent = a_message()
    barrier = threading.Barrier(8)

    def race(number: int) -> None:
        barrier.wait()
        message.begin()
        message.mark(str(number))
        message.end((END, STOP, PAUSE)[number % 3])

    threads = [threading.Thread(target=race, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sent[0] == "701 BEGIN"
    assert sent.count("701 BEGIN") == 1
    assert [line for line in sent if line in (END, STOP, PAUSE)] == sent[-1:]
