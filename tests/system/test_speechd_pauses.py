"""What was paused goes on where it stopped, through the real speech-dispatcher, and nothing else does."""

from collections.abc import Iterator

import pytest

from support.pulse import Recorder, wait_for
from support.speechd_scene import (
    FAST_FACTOR,
    FASTEST,
    SpokenScene,
    pieces,
    sounds_for,
    spoken_scene,
)
from support.ssip import SsipClient

pytestmark = pytest.mark.system

SENTENCE = "今天的天气真的非常好啊，我们一起去公园。"
ZH = SENTENCE * 2
EN = "It was a bright cold day in April, he said. " * 2
MANY = 16
"""Pauses of one message."""


@pytest.fixture(scope="module")
def stage() -> Iterator[SpokenScene]:
    with spoken_scene() as stage:
        yield stage


def as_said(text: str, level: str) -> str:
    """What the server makes of a text, blanks left out."""
    said = text.replace("，", ",")
    if level == "all":
        said = said.replace(",", "comma,").replace(". ", "dot.")
    return said.replace(" ", "")


@pytest.mark.parametrize("text", [ZH, EN])
@pytest.mark.parametrize(
    ("level", "number"), [("none", 0), ("none", 1), ("some", 1), ("most", 1), ("all", 0), ("all", 1)]
)
def test_a_paused_text_goes_on_where_it_stopped(
    stage: SpokenScene, level: str, text: str, number: int
) -> None:
    with stage.fresh(PUNCTUATION=level, RATE=FASTEST) as client:
        message, before = stage.paused_in_segment(client, number, text)
        with stage.recorded() as recorder:
            client.resume()
            assert client.wait_over(message) == "end"
        after = pieces(recorder, rate=FAST_FACTOR)
    assert client.of(message) == ["begin", "pause", "resume", "end"]
    assert "".join(before[:-1] + after).replace(" ", "") == as_said(text, level)
    assert after[0].startswith(before[-1])
    assert len(before) == number + 1


def test_a_text_may_be_paused_twice(stage: SpokenScene) -> None:
    with stage.fresh(RATE=FASTEST) as client:
        message, first = stage.paused_in_segment(client, 0, ZH)
        with stage.recorded() as recorder:
            client.resume()
            sounds_for(recorder, len(ZH) / 2 * 6 * 80 / 24_000 + 0.15)
            client.pause()
            client.wait("pause", message, 2)
        second = pieces(recorder, rate=FAST_FACTOR)
        with stage.recorded() as recorder:
            client.resume()
            assert client.wait_over(message) == "end"
        third = pieces(recorder, rate=FAST_FACTOR)
    assert "".join(first[:-1] + second[:-1] + third) == as_said(ZH, "none")
    assert client.of(message) == ["begin", "pause", "resume", "pause", "resume", "end"]


@pytest.mark.parametrize("text", [ZH, "今天天气真好啊。", EN, "One sentence that is rather long."])
def test_a_text_may_be_paused_many_times(stage: SpokenScene, text: str) -> None:
    with stage.fresh(RATE=FASTEST) as client, stage.recorded() as recorder:
        assert_survives_pauses(client, recorder, text)


def assert_survives_pauses(client: SsipClient, recorder: Recorder, text: str) -> None:
    """Pause a text MANY times; it is heard to its end then, and nothing else is heard."""
    message = client.speak(text)
    client.wait("begin", message)
    for number in range(1, MANY + 1):
        start = recorder.position
        sounds_for(recorder, 0.02, start)
        client.pause()
        client.wait("pause", message, number)
        client.resume()
        client.wait("resume", message, number)
    assert client.wait_over(message) == "end"
    assert client.of(message) == ["begin", *["pause", "resume"] * MANY, "end"]
    wait_for(lambda: recorder.silent_for(0.2), "silence at the end")
    said = as_said(text, "none")
    heard = [piece.replace(" ", "") for piece in pieces(recorder, rate=FAST_FACTOR)]
    assert said.endswith(heard[-1])
    assert all(piece in said for piece in heard)


def test_a_text_about_speaking_is_not_taken_for_a_paused_one(stage: SpokenScene) -> None:
    paused, other_text = SENTENCE, SENTENCE.replace("天气", "空气和天气")
    with stage.fresh(RATE=FASTEST) as client, stage.fresh(RATE=FASTEST) as other:
        message, _ = stage.paused_in_segment(client, 0, paused)
        with stage.recorded() as recorder:
            assert other.wait_over(other.speak(f"Speak: {other_text}")) == "end"
        assert "".join(pieces(recorder, rate=FAST_FACTOR)) == f"Speak: {as_said(other_text, 'none')}"
        with stage.recorded() as recorder:
            client.resume()
            assert client.wait_over(message) == "end"
        assert "".join(pieces(recorder, rate=FAST_FACTOR)) == as_said(paused, "none")


def test_the_same_ssml_of_another_client_is_said_whole_and_the_paused_one_keeps_its_place(
    stage: SpokenScene,
) -> None:
    body = f'<speak>{SENTENCE}<mark name="here"/>{SENTENCE}</speak>'
    with stage.fresh(RATE=FASTEST) as client, stage.fresh(RATE=FASTEST) as other:
        for each in (client, other):
            each.set("SSML_MODE", "on")
        message, _ = stage.paused_in_segment(client, 1, body)
        with stage.recorded() as recorder:
            again = other.speak(body)
            assert other.wait_over(again) == "end"
        assert "".join(pieces(recorder, rate=FAST_FACTOR)) == as_said(ZH, "none")
        assert [event.name for event in other.whole(again) if event.kind == "mark"] == ["here"]
        with stage.recorded() as recorder:
            client.resume()
            assert client.wait_over(message) == "end"
        assert "".join(pieces(recorder, rate=FAST_FACTOR)) == as_said(SENTENCE, "none")


def test_a_message_between_pause_and_resume_is_said_whole(stage: SpokenScene) -> None:
    with stage.fresh(RATE=FASTEST) as client, stage.fresh(RATE=FASTEST) as other:
        message, before = stage.paused_in_segment(client, 1, ZH)
        with stage.recorded() as recorder:
            assert other.wait_over(other.speak("你好吗？")) == "end"
            client.resume()
            assert client.wait_over(message) == "end"
        after = pieces(recorder, rate=FAST_FACTOR)
    assert after[0].startswith("你好吗")
    assert after[1].startswith(before[-1])


def test_a_clients_own_ssml_goes_on_where_it_was_paused(stage: SpokenScene) -> None:
    body = ZH.replace("，", '，<mark name="here"/>')
    with stage.fresh(SSML_MODE="on", RATE=FASTEST) as client:
        message, before = stage.paused_in_segment(client, 1, f"<speak>{body}</speak>")
        with stage.recorded() as recorder:
            client.resume()
            assert client.wait_over(message) == "end"
        after = pieces(recorder, rate=FAST_FACTOR)
    assert "".join(before[:-1] + after) == as_said(ZH, "none")
    assert after[0].startswith(before[-1])


def test_without_the_servers_symbol_tables_nothing_is_lost_either() -> None:
    with spoken_scene(symbols=False) as stage, stage.fresh(RATE=FASTEST) as client:
        for text in (ZH, EN.replace("April", "Q&A <b>")):
            with stage.recorded() as recorder:
                assert_survives_pauses(client, recorder, text)
        for text in (ZH, EN.replace("April", "Q&A <b>")):
            message, before = stage.paused_in_segment(client, 1, text)
            with stage.recorded() as recorder:
                client.resume()
                assert client.wait_over(message) == "end"
            after = pieces(recorder, rate=FAST_FACTOR)
            assert "".join(before[:-1] + after).replace(" ", "") == as_said(text, "none")
        client.set("PUNCTUATION", "all")
        with stage.recorded() as recorder:
            assert client.wait_over(client.speak("one (two)")) == "end"
        said = " ".join(pieces(recorder, rate=FAST_FACTOR))
        assert "(" not in said, "the daemon names the marks then"
        assert len(said) > len("one (two)")
