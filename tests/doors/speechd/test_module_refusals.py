"""The daemon refuses a message: it is heard nevertheless, or ends and the reason is told."""

import time
from collections.abc import Callable
from itertools import count

import pytest

from support.fake_speech import Answer, Asked, Fault, Value
from support.pulse import wait_for
from support.speechd_module import MakeDaemon, MakeModule, say

INVALID = "org.freedesktop.DBus.Error.InvalidArgs"
DONE = ["701 BEGIN", "702 END"]
STOPPED = ["701 BEGIN", "703 STOP"]


def refusing(*refused: str) -> Callable[[Asked], Answer]:
    """Make an answer that names each of these options once it is asked for."""

    def answer(asked: Asked) -> Answer:
        wrong = next((name for name in refused if name in asked.body[1]), "")
        message = f"option '{wrong}': got '{asked.body[1].get(wrong)}', allowed: others"
        return Fault(INVALID, message) if wrong else Value("u", (7,))

    return answer


@pytest.mark.parametrize("refused", [("voice",), ("language",), ("voice", "language"), ("punctuation",)])
def test_a_message_is_heard_without_what_the_daemon_refuses(
    make_daemon: MakeDaemon, make_module: MakeModule, refused: tuple[str, ...]
) -> None:
    daemon = make_daemon(SpeakWith=refusing(*refused))
    module = make_module()
    module.set(synthesis_voice="gone/voice", language="xx", punctuation_mode="all")
    module.speak("<speak>a</speak>")
    wait_for(lambda: len(daemon.calls("SpeakWith")) == 1 + len(refused), "the tries")
    say(daemon, 7)
    assert module.wait_events(2) == DONE
    module.speak("<speak>b</speak>")
    wait_for(lambda: len(daemon.calls("SpeakWith")) == 2 + len(refused), "the next message, refused nothing")
    assert set(refused).isdisjoint(daemon.calls("SpeakWith")[-1].body[1])
    say(daemon, 7)
    assert module.wait_events(4) == DONE * 2


def test_markup_that_the_daemon_refuses_is_said_as_plain_text(
    make_daemon: MakeDaemon, make_module: MakeModule
) -> None:
    def strict(asked: Asked) -> Answer:
        return Fault(INVALID, "text: bad markup") if "<!DOCTYPE" in asked.body[0] else Value("u", (7,))

    daemon = make_daemon(SpeakWith=strict)
    module = make_module()
    module.speak("<!DOCTYPE x><speak>a <b>&amp;</b></speak>")
    wait_for(lambda: len(daemon.calls("SpeakWith")) == 2, "the second try")
    assert daemon.calls("SpeakWith")[-1].body[0].split() == ["a", "&amp;"]
    say(daemon, 7)
    assert module.wait_events(2) == DONE


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("<speak>cut off <emph", "cut off"),
        ("<speak>cut off</spea", "cut off"),
        ("<!DOCTYPE x []><speak>b</speak>", "b"),
        ("<speak>a<!-- never closed", "a"),
        ("<speak>x<y and y>z</speak>", "x z"),
        (f"<speak><a b='{'c' * 5000}</speak>", ""),
    ],
)
def test_no_markup_is_read_aloud_whatever_the_daemon_refused(
    make_daemon: MakeDaemon, make_module: MakeModule, body: str, words: str
) -> None:
    def strict(asked: Asked) -> Answer:
        return Fault(INVALID, "text: bad markup") if "<" in asked.body[0] else Value("u", (7,))

    daemon = make_daemon(SpeakWith=strict)
    module = make_module()
    module.speak(body)
    wait_for(lambda: len(daemon.calls("SpeakWith")) == 2, "the second try")
    sent = daemon.calls("SpeakWith")[-1].body[0]
    assert (" ".join(sent.split()), len(sent)) == (words, len(body))
    say(daemon, 7)
    assert module.wait_events(2) == DONE


def test_what_is_refused_even_without_markup_is_tried_as_the_bare_text(
    make_daemon: MakeDaemon, make_module: MakeModule
) -> None:
    daemon = make_daemon(SpeakWith=Fault(INVALID, "text: bad markup"))
    module = make_module()
    module.speak("<speak>a <b>c</b></speak>")
    assert module.wait_events(2) == DONE
    bodies = [" ".join(asked.body[0].split()) for asked in daemon.calls("SpeakWith")]
    assert bodies == ["<speak>a <b>c</b></speak>", "a c", "<speak> a c </speak>"]


def test_a_text_that_is_too_long_is_said_in_parts(make_daemon: MakeDaemon, make_module: MakeModule) -> None:
    numbers = count(7)
    texts = []

    def short(asked: Asked) -> Answer:
        if len(asked.body[0]) > 300:
            return Fault("org.chattts.Speech1.Error.TextTooLong", "text: too long")
        texts.append(asked.body[0])
        return Value("u", (next(numbers),))

    daemon = make_daemon(SpeakWith=short)
    module = make_module()
    words = [f"word{number}" for number in range(100)]
    module.speak(f"<speak><p>{' '.join(words)}</p></speak>")
    done = 0
    while "702 END" not in module.events:
        if len(texts) > done:
            say(daemon, 7 + done)
            done += 1
        time.sleep(0.002)
    assert module.wait_events(2) == DONE
    plain = [text.replace("<speak><p>", "").replace("</p></speak>", "") for text in texts]
    assert "".join(plain).split() == words


def test_over_a_limit_it_is_tried_again(make_daemon: MakeDaemon, make_module: MakeModule) -> None:
    tries = count()

    def busy(_asked: Asked) -> Answer:
        limit = Fault("org.freedesktop.DBus.Error.LimitsExceeded", "too many calls")
        return limit if next(tries) < 3 else Value("u", (7,))

    daemon = make_daemon(SpeakWith=busy)
    module = make_module()
    module.speak("<speak>a</speak>")
    wait_for(lambda: len(daemon.calls("SpeakWith")) == 4, "the fourth try")
    say(daemon, 7)
    assert module.wait_events(2) == DONE


def test_what_was_stopped_is_not_tried_again(make_daemon: MakeDaemon, make_module: MakeModule) -> None:
    def busy(asked: Asked) -> Answer:
        limit = Fault("org.freedesktop.DBus.Error.LimitsExceeded", "too many calls")
        return limit if ">a<" in asked.body[0] else Value("u", (7,))

    daemon = make_daemon(SpeakWith=busy)
    module = make_module()
    module.speak("<speak>a</speak>")
    wait_for(lambda: len(daemon.calls("SpeakWith")) == 2, "the second try")
    time.sleep(0.03)  # it has its answer and waits for the next turn
    module.send("STOP")
    assert module.wait_events(2) == STOPPED
    tries = len(daemon.calls("SpeakWith"))
    for _ in range(4):
        done = len(module.events)
        module.speak("<speak>b</speak>")
        wait_for(lambda: len(daemon.calls("SpeakWith")) > tries, "the next message")
        time.sleep(0.05)  # in all of them the stopped one would have had its turn again
        say(daemon, 7)
        module.wait_events(done + 2)
    assert all(">b<" in asked.body[0] for asked in daemon.calls("SpeakWith")[tries:])
    assert daemon.calls("Cancel") == []


def test_more_than_a_character_is_said_as_text(make_daemon: MakeDaemon, make_module: MakeModule) -> None:
    def strict(asked: Asked) -> Answer:
        refusal = Fault(INVALID, "text: got 2 characters with kind=char, allowed: 1 character")
        return refusal if asked.body[1]["kind"] == "char" else Value("u", (7,))

    daemon = make_daemon(SpeakWith=strict)
    module = make_module()
    module.speak("<a", "CHAR")
    wait_for(lambda: len(daemon.calls("SpeakWith")) == 2, "the second try")
    body = daemon.calls("SpeakWith")[1].body
    assert (body[0], body[1]["kind"]) == ("<speak>&lt;a</speak>", "ssml")
    say(daemon, 7)
    assert module.wait_events(2) == DONE


def test_what_is_refused_for_good_ends_and_is_told_without_its_text(
    make_daemon: MakeDaemon, make_module: MakeModule
) -> None:
    make_daemon(SpeakWith=Fault("org.chattts.Speech1.Error.Internal", "secret"))
    module = make_module()
    module.speak("<speak>secret</speak>")
    assert module.wait_events(2) == DONE
    module.wait_log("chatttsd refused a message: org.chattts.Speech1.Error.Internal")
    assert "secret" not in module.log


def test_what_no_bus_can_carry_is_left_out(make_daemon: MakeDaemon, make_module: MakeModule) -> None:
    daemon = make_daemon()
    module = make_module()
    module.set(language="e\0n", synthesis_voice="\0")
    module.speak("<speak>a\0b</speak>")
    daemon.wait_for("SpeakWith")
    say(daemon, 7)
    assert module.wait_events(2) == DONE
    text, options = daemon.calls("SpeakWith")[0].body
    assert (text, options["language"], "voice" in options) == ("<speak>ab</speak>", "en", False)
    assert module.log == ""
