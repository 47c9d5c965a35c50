"""The real speech-dispatcher with our module in it: the recording holds what was asked."""

from collections.abc import Iterator

import pytest

from support.begins import begins
from support.pulse import wait_for
from support.scene import LONG, samples
from support.speechd_scene import (
    FAST_FACTOR,
    SpokenScene,
    first_sounds,
    floats,
    pieces,
    sounds_for,
    spoken_scene,
    tone,
    type_burst,
)
from support.ssip import SsipClient
from support.tone_decoder import decode

pytestmark = pytest.mark.system

SENTENCE = "This one takes a while."
CAPITAL_HZ = 880
RECORDER_LAG = 0.1
"""Seconds; so late may a sample reach the recorder. Sound lies longer than that in the daemon's buffer."""
TYPIST = '[speech]\nengine = "espeak-ng"\n[limits]\ncalls_per_second = 1000\n'
TYPED = "ckpta"
BURST_ATTEMPTS = 5
"""A machine that stops for longer than a stroke lasts mutes one, or lets it be said to its end."""


@pytest.fixture(scope="module")
def stage() -> Iterator[SpokenScene]:
    with spoken_scene() as stage:
        yield stage


@pytest.fixture
def client(stage: SpokenScene) -> Iterator[SsipClient]:
    with stage.fresh() as client:
        yield client


def test_spd_say_waits_until_it_was_heard(stage: SpokenScene) -> None:
    with stage.recorded() as recorder:
        done = stage.server.say("-o", "chattts", "-w", "你好，世界")
        assert len(recorder.sounding()) > 0
    assert (done.returncode, done.stderr) == (0, "")
    assert pieces(recorder) == ["你好,世界"]


def test_the_module_is_listed_beside_the_others_and_lists_its_voices(stage: SpokenScene) -> None:
    assert {"chattts", "espeak-ng"} <= set(stage.server.say("-O").stdout.split())
    listed = stage.server.say("-o", "chattts", "-L").stdout
    assert [line.split() for line in listed.splitlines() if "zh" in line.split()]


def test_spd_say_stops_what_is_said(stage: SpokenScene) -> None:
    with stage.recorded() as recorder:
        assert stage.server.say("-o", "chattts", LONG).returncode == 0
        sounds_for(recorder, 0.2)
        assert stage.server.say("-o", "chattts", "-S").returncode == 0
    assert len(recorder.sounding()) < 24_000 * 3


def test_spd_say_interrupts_a_text_with_an_important_message(stage: SpokenScene) -> None:
    with stage.recorded() as recorder:
        stage.server.say("-o", "chattts", LONG)
        sounds_for(recorder, 0.2)
        stage.server.say("-o", "chattts", "-w", "-P", "important", "Fire!")
    assert pieces(recorder)[-1] == "Fire!"
    assert len(pieces(recorder)) == 2


def test_rate_and_volume_reach_the_engine(stage: SpokenScene) -> None:
    with stage.recorded() as loud:
        stage.server.say("-o", "chattts", "-w", "-r", "100", "Quick.")
    assert pieces(loud, rate=FAST_FACTOR) == ["Quick."]
    with stage.recorded() as quiet:
        stage.server.say("-o", "chattts", "-w", "-i", "0", "Soft.")
    peaks = [max(abs(int(value)) for value in recorder.samples()) for recorder in (loud, quiet)]
    assert peaks[1] / peaks[0] == pytest.approx(10 ** (-10 / 20), abs=0.02), "half as loud is 10 dB less"


def test_marks_of_ssml_are_told_in_order_and_when_they_are_heard(
    stage: SpokenScene, client: SsipClient
) -> None:
    client.set("SSML_MODE", "on")
    first, second = "A first sentence.", "And a second one."
    body = f'<speak><mark name="0:1"/>{first} <mark name="2:3"/>{second}<mark name="end"/></speak>'
    with stage.recorded() as recorder:
        message = client.speak(body)
        assert client.wait_over(message) == "end"
    begin, *marks, end = client.whole(message)
    assert (begin.kind, end.kind) == ("begin", "end")
    assert [(mark.kind, mark.name) for mark in marks] == [("mark", name) for name in ("0:1", "2:3", "end")]
    one, two = decode(samples(recorder))
    assert [(piece.text, piece.complete) for piece in (one, two)] == [(first, True), (second, True)]
    places = (one.start_sample, two.start_sample, two.end_sample)
    for mark, place in zip(marks, places, strict=True):
        assert -RECORDER_LAG < mark.at - recorder.arrived(place) < 0.5


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("<speak><![CDATA[hello world]]></speak>", "hello world"),
        ("<speak><!-- c --><![CDATA[你好]]></speak>", "你好"),
        ('<speak><sub alias="World Wide Web"/></speak>', "World Wide Web"),
        ("<speak>< hello ></speak>", "hello"),
    ],
)
def test_ssml_whose_text_is_in_an_odd_place_is_heard(
    stage: SpokenScene, client: SsipClient, body: str, said: str
) -> None:
    client.set("SSML_MODE", "on")
    with stage.recorded() as recorder:
        message = client.speak(body)
        assert client.wait_over(message) == "end"
    assert client.of(message) == ["begin", "end"]
    assert " ".join(pieces(recorder)).strip("<> ") == said


def test_a_break_between_marks_takes_its_time(client: SsipClient) -> None:
    client.set("SSML_MODE", "on")
    message = client.speak('<speak><mark name="a"/><break time="600ms"/><mark name="b"/></speak>')
    assert client.wait("mark", message, 2).at - client.wait("mark", message).at == pytest.approx(0.6, abs=0.2)
    assert client.wait_over(message) == "end"


def test_capital_letters_are_told_by_a_word_before_them(stage: SpokenScene) -> None:
    with stage.fresh(CAP_LET_RECOGN="spell") as client, stage.recorded() as recorder:
        messages = [client.char("A"), client.char("b"), client.speak("the Big dog.")]
        assert [client.wait_over(message) for message in messages] == ["end"] * 3
        assert [client.of(message) for message in messages] == [["begin", "end"]] * 3
    assert pieces(recorder) == ["capital", "A", "b", "the capital Big dog."]


def test_capital_letters_are_told_by_a_beep_before_them(stage: SpokenScene) -> None:
    with stage.fresh(CAP_LET_RECOGN="icon") as client, stage.recorded() as recorder:
        messages = [client.char("A"), client.char("b"), client.speak("the Big dog.")]
        assert [client.wait_over(message) for message in messages] == ["end"] * 3
        assert [client.of(message) for message in messages] == [["begin", "end"]] * 3
    pcm = samples(recorder)
    said = decode(pcm)
    ends = [0, *(piece.end_sample for piece in said[:-1])]
    beeps = [tone(pcm[end : piece.start_sample]) for end, piece in zip(ends, said, strict=True)]
    assert [piece.text.strip() for piece in said] == ["A", "b", "the", "Big dog."]
    assert beeps == [CAPITAL_HZ, None, None, CAPITAL_HZ]


def test_spelling_mode_says_characters_one_by_one(stage: SpokenScene, client: SsipClient) -> None:
    client.set("SPELLING", "on")
    with stage.recorded() as recorder:
        assert client.wait_over(client.speak("cat")) == "end"
    assert [piece.casefold() for piece in pieces(recorder)] == ["c", "a", "t"]


@pytest.mark.parametrize(
    ("level", "said"), [("none", "one (two)"), ("all", "one left paren(two right paren)")]
)
def test_the_server_says_punctuation_as_the_user_chose(
    stage: SpokenScene, client: SsipClient, level: str, said: str
) -> None:
    client.set("PUNCTUATION", level)
    with stage.recorded() as recorder:
        assert client.wait_over(client.speak("one (two)")) == "end"
    assert pieces(recorder) == [said]


def test_characters_keys_and_icons_have_their_events(stage: SpokenScene, client: SsipClient) -> None:
    with stage.recorded() as recorder:
        messages = [client.char("a"), client.char("é"), client.key("shift_a"), client.sound_icon("nothing")]
        for message in messages:
            assert client.wait_over(message) == "end"
    assert [client.of(message) for message in messages] == [["begin", "end"]] * 4
    assert pieces(recorder) == ["a", "é", "shift_a", "nothing"], "of an icon its name is said"


def test_a_message_is_begun_and_ended_once(client: SsipClient) -> None:
    message = client.speak("Hello.")
    client.wait("begin", message)
    assert client.wait_over(message) == "end"
    assert client.of(message) == ["begin", "end"]


def test_a_queue_is_cancelled(stage: SpokenScene, client: SsipClient) -> None:
    with stage.recorded() as recorder:
        messages = [client.speak(LONG, "message") for _ in range(3)]
        client.wait("begin", messages[0])
        client.cancel()
        assert [client.wait_over(message) for message in messages] == ["cancel"] * 3
        last = client.speak("After it.")
        assert client.wait_over(last) == "end"
    assert [client.of(message) for message in messages] == [["begin", "cancel"], ["cancel"], ["cancel"]]
    assert pieces(recorder)[-1] == "After it."
    assert len(pieces(recorder)) <= 2


def test_a_text_interrupts_a_text(stage: SpokenScene, client: SsipClient) -> None:
    with stage.recorded() as recorder:
        first = client.speak(LONG, "text")
        client.wait("begin", first)
        sounds_for(recorder, 0.1)
        second = client.speak("The newer one.", "text")
        assert client.wait_over(second) == "end"
    assert (client.of(first), client.of(second)) == (["begin", "cancel"], ["begin", "end"])
    assert pieces(recorder)[-1] == "The newer one."


def test_of_a_progress_series_the_first_and_the_last_are_said(stage: SpokenScene, client: SsipClient) -> None:
    with stage.recorded() as recorder:
        series = [client.speak("0 percent", "progress")]
        client.wait("begin", series[0])
        series += [client.speak(f"{percent} percent", "progress") for percent in range(20, 101, 20)]
        assert client.wait_over(series[-1]) == "end"
    assert client.of(series[0]) == ["begin", "end"]
    assert [client.of(message) for message in series[1:-1]] == [["cancel"]] * 4
    assert client.of(series[-1]) == ["begin", "end"]
    assert pieces(recorder) == ["0 percent", "100 percent"]


@pytest.mark.parametrize("priority", ["text", "message", "important"])
def test_a_notification_is_said_only_when_nothing_is_spoken(
    stage: SpokenScene, client: SsipClient, priority: str
) -> None:
    with stage.recorded() as recorder, stage.fresh(PRIORITY="notification") as other:
        message = client.speak(SENTENCE, priority)
        client.wait("begin", message)
        dropped = other.speak("You have mail.")
        assert other.wait_over(dropped) == "cancel"
        assert client.wait_over(message) == "end"
        said = other.speak("It is quiet.")
        assert other.wait_over(said) == "end"
    assert client.of(message) == ["begin", "end"]
    assert (other.of(dropped), other.of(said)) == (["cancel"], ["begin", "end"])
    assert pieces(recorder) == [SENTENCE, "It is quiet."]


@pytest.mark.parametrize("interval", [0.04, 0.08])
def test_each_key_of_a_typing_burst_is_heard_in_its_turn(interval: float) -> None:
    with spoken_scene(TYPIST) as stage, stage.fresh() as client, stage.recorded() as recorder:
        sounds = first_sounds(client, recorder, TYPED)
        for _ in range(BURST_ATTEMPTS):
            start = recorder.position
            burst = type_burst(client, TYPED, interval)
            wait_for(lambda: recorder.silent_for(0.3), "silence")
            found = [begins(floats(recorder, start), sound, like=0.95) for sound in sounds]
            places = [place for place in found if place is not None]
            events = [client.of(message) for message in burst]
            if len(places) == len(TYPED) and ["begin", "end"] not in events[:-1]:
                break
    assert len(places) == len(TYPED)
    assert places == sorted(places)
    assert all(kinds in (["begin", "cancel"], ["cancel"]) for kinds in events[:-1])
    assert events[-1] == ["begin", "end"]


def test_nothing_spoken_is_in_any_log(stage: SpokenScene, client: SsipClient) -> None:
    message = client.speak("Xylophone.")
    client.wait_over(message)
    assert "Xylophone" not in stage.server.log("chattts") + stage.scene.daemon.log


def test_stopping_is_silence_at_once_even_before_the_daemon_has_answered(
    stage: SpokenScene, client: SsipClient
) -> None:
    with stage.recorded() as recorder:
        for _ in range(10):
            message = client.speak(LONG, "text")
            client.cancel()
            client.wait_over(message)
        assert client.wait_over(client.speak("Done.")) == "end"
    assert pieces(recorder)[-1] == "Done."
    assert samples(recorder).size > 0
