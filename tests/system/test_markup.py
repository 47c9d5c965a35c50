"""Markup, spelling and marks through the real bus, worker and sound server: heard, told, and told to whom."""

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import pytest
from jeepney import MatchRule

from chatttsd.constants import SAMPLE_RATE
from support.daemon import CallError, Client
from support.pulse import wait_for
from support.scene import Scene, heard, samples, scene
from support.tone_decoder import decode

pytestmark = pytest.mark.system
ORCA = (
    '<speak><mark name="0:5"/>Hello <mark name="6:9"/>big <mark name="10:15"/>world '
    '<mark name="16:18"/>of marks.</speak>'
)


@pytest.fixture(scope="module")
def stage() -> Iterator[Scene]:
    with scene() as stage:
        yield stage


def say(stage: Scene, text: str, **options: str) -> list[str]:
    """Say a text and return what the recording of the tone engine holds."""
    outcome, pcm = stage.speak_whole(text, **options)
    assert outcome == "finished"
    return heard(pcm)


def marks_of(client: Client, text: str, **options: str) -> list[str]:
    """Speak and return the names of the marks that came to this client until the end."""
    rule = MatchRule(type="signal", member="Mark")
    with client.connection.filter(rule, bufsize=100) as queue:
        utterance = client.speak(text, kind="ssml", **options)
        assert client.wait(utterance) == "finished"
        assert all(message.body[0] == utterance for message in queue)
        return [message.body[1] for message in queue]


def test_markup_is_not_read_aloud(stage: Scene) -> None:
    assert say(stage, "<speak>One &amp; <b>two</b>.</speak>", kind="ssml") == ["One & two."]
    assert say(stage, ORCA, kind="ssml") == ["Hello big world of marks."]


def test_a_break_is_silence_of_its_length(stage: Scene) -> None:
    _, pcm = stage.speak_whole('<speak>One.<break time="700ms"/>Two.</speak>', kind="ssml")
    first, second = decode(pcm)
    assert [first.text, second.text] == ["One.", "Two."]
    assert abs((second.start_sample - first.end_sample) / SAMPLE_RATE - 0.7) < 0.02


def test_a_substitution_and_a_voice_of_another_language_are_said(stage: Scene) -> None:
    text = '<speak><sub alias="World Wide Web">WWW</sub> <lang xml:lang="zh">你好</lang></speak>'
    assert say(stage, text, kind="ssml") == ["World Wide Web", "你好"]


def test_marks_come_to_their_client_in_order_while_it_is_heard(stage: Scene) -> None:
    with stage.daemon.client() as client, stage.pulse.record() as recorder:
        assert marks_of(client, ORCA) == ["0:5", "6:9", "10:15", "16:18"]
        wait_for(lambda: recorder.silent_for(0.2), "silence at the end")
        assert heard(samples(recorder)) == ["Hello big world of marks."]


def test_marks_come_to_nobody_else(stage: Scene) -> None:
    stage.client.events.clear()
    with stage.daemon.client() as client:
        assert marks_of(client, ORCA)
    told = {name for name, _ in stage.client.events}
    assert {"Started", "Progress", "Finished"} <= told
    assert "Mark" not in told


def test_progress_covers_the_markup_in_the_clients_positions(stage: Scene) -> None:
    text = "<speak><p>The first sentence is this one.</p><p>And here is <em>the</em> second.</p></speak>"
    stage.client.events.clear()
    assert say(stage, text, kind="ssml") == ["The first sentence is this one.", "And here is the second."]
    ranges = [event[1][1:] for event in stage.client.events if event[0] == "Progress"]
    assert text[slice(*ranges[0])].startswith("The first sentence")
    assert text[slice(*ranges[-1])].startswith("And here is")
    assert all(before[1] <= after[0] for before, after in pairwise(ranges))


def test_spelling_says_one_character_at_a_time(stage: Scene) -> None:
    assert say(stage, "Ab 中", spelling="true") == ["A", "b", "中"]


def test_capitals_are_told_by_a_word_or_a_beep(stage: Scene) -> None:
    spelled = say(stage, "aB", spelling="true", capitals="spell")
    assert [spelled[0], spelled[-1]] == ["a", "B"]
    assert len(spelled) == 3
    _, plain = stage.speak_whole("aB", spelling="true")
    _, beeping = stage.speak_whole("aB", spelling="true", capitals="icon")
    assert heard(beeping) == ["a", "B"]
    assert np.count_nonzero(beeping) > np.count_nonzero(plain)


def test_punctuation_is_named_at_the_level_asked_for(stage: Scene) -> None:
    none, every = (say(stage, "Well, (yes)!", punctuation=level) for level in ("none", "all"))
    assert none == ["Well, (yes)!"]
    (named,) = every
    assert "comma" in named
    assert "exclamation" in named


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("<speak>" + "<a>" * 100 + "deep", "nested too deep"),
        ('<!DOCTYPE x [<!ENTITY a "b">]><speak>&a;</speak>', "text: "),
    ],
)
def test_hostile_markup_is_refused_and_the_voice_goes_on(stage: Scene, text: str, words: str) -> None:
    with pytest.raises(CallError, match=words) as caught:
        stage.client.speak(text, kind="ssml")
    assert caught.value.name == "org.freedesktop.DBus.Error.InvalidArgs"
    assert say(stage, "Still here.") == ["Still here."]
