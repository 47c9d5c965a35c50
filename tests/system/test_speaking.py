"""Texts through the real bus, worker, PortAudio and PulseAudio: the recording holds what was asked."""

from collections.abc import Iterator
from functools import partial
from itertools import pairwise

import numpy as np
import pytest

from chatttsd.engine.tone import encode
from support.pulse import Recorder, wait_for
from support.scene import LONG, TEXTS, Scene, heard, samples, scene, spoken_texts
from support.tone_decoder import decode, gaps

pytestmark = pytest.mark.system
RATE = 2.0
GLIDE = 120
"""Samples in which the sound glides to silence where it stops, so that it does not click."""


@pytest.fixture(scope="module")
def stage() -> Iterator[Scene]:
    with scene() as stage:
        yield stage


@pytest.mark.parametrize("name", ["udhr-zh.txt", "udhr-en.txt", "mixed.txt"])
def test_a_file_is_spoken_whole_without_a_gap_and_progress_covers_it(stage: Scene, name: str) -> None:
    text = (TEXTS / name).read_text(encoding="utf-8")
    stage.client.events.clear()
    with stage.pulse.record() as recorder:
        done = stage.command("speak", "-f", str(TEXTS / name), "--option", f"rate={RATE}", "--wait")
        wait_for(lambda: recorder.silent_for(0.2), "silence at the end")
        pcm = samples(recorder)
    assert (done.returncode, done.stderr) == (0, "")
    assert heard(pcm, RATE) == spoken_texts(text)
    assert gaps(pcm, min_ms=30) == []
    ranges = [event[1][1:] for event in stage.client.events if event[0] == "Progress"]
    assert (ranges[0][0], ranges[-1][1]) == (0, len(text))
    assert all(before[1] == after[0] for before, after in pairwise(ranges))


def test_a_sentence_arrives_sample_for_sample(stage: Scene) -> None:
    outcome, pcm = stage.speak_whole("你好，世界。Hello, world.")
    assert outcome == "finished"
    expected = encode("你好，世界。Hello, world.", 1.0)
    expected = np.trim_zeros(expected)
    sound = np.trim_zeros(pcm)
    assert np.array_equal(sound[: len(expected)], expected)
    assert len(sound) - len(expected) <= GLIDE, "only the glide to silence follows"


def test_options_reach_the_engine(stage: Scene) -> None:
    _, quick = stage.speak_whole("Twice as fast.", rate="2")
    assert heard(quick, 2.0) == ["Twice as fast."]
    _, quiet = stage.speak_whole("Half as loud.", volume="0.5")
    _, loud = stage.speak_whole("Half as loud.")
    assert abs(int(np.abs(quiet).max()) * 2 - int(np.abs(loud).max())) <= 2


def test_cancel_is_silence_and_the_next_one_is_heard_whole(stage: Scene) -> None:
    with stage.pulse.record() as recorder:
        utterance = stage.begin()
        stage.client.call("Cancel", "u", utterance)
        assert stage.client.wait(utterance) == "cancelled"
        wait_for(lambda: recorder.silent_for(0.5), "silence after Cancel")
    _, pcm = stage.speak_whole("And now this.")
    assert heard(pcm) == ["And now this."]


def test_pause_and_resume_lose_and_repeat_no_sample(stage: Scene) -> None:
    text = "This sentence is paused in the middle, more than once, and still it is whole."
    with stage.pulse.record() as recorder:
        utterance = stage.begin(text)
        for _ in range(3):
            stage.client.call("Pause")
            assert stage.client.get("State") == "paused"
            wait_for(lambda: recorder.silent_for(0.15), "silence while paused")
            before = recorder.position
            stage.client.call("Resume")
            wait_for(partial(_sounds, recorder, before), "sound after Resume")
        assert stage.client.wait(utterance) == "finished"
        wait_for(lambda: recorder.silent_for(0.2), "silence at the end")
        sound = np.array(recorder.sounding(), dtype=np.int16)
    expected = np.count_nonzero(encode(text, 1.0))
    assert expected <= len(sound) <= expected + 4 * 2 * GLIDE, "three pauses and the end glide to silence"


def test_important_interrupts_and_a_replaced_text_is_dropped(stage: Scene) -> None:
    first = stage.begin(priority="text")
    second = stage.client.speak("Important words.", priority="important")
    assert stage.client.wait(first) == "interrupted"
    assert stage.client.wait(second) == "finished"


def test_skip_is_heard_as_the_next_segment(stage: Scene) -> None:
    paragraphs = [LONG.strip(), "The end of it."]
    with stage.pulse.record() as recorder:
        utterance = stage.begin("\n\n".join(paragraphs))
        pieces = len(spoken_texts(paragraphs[0]))
        for number in range(pieces):
            wait_for(partial(_progressed, stage, utterance, number + 1), f"progress {number + 1}")
            stage.client.call("Skip")
        assert stage.client.wait(utterance) == "finished"
        wait_for(lambda: recorder.silent_for(0.2), "silence at the end")
        pcm = samples(recorder)
    assert decode(pcm)[-1].text == "The end of it."


def test_two_clients_queue_behind_each_other(stage: Scene) -> None:
    with stage.daemon.client() as other, stage.pulse.record() as recorder:
        first = stage.client.speak("From the first client.")
        second = other.speak("From the second client.")
        assert [stage.client.wait(first), other.wait(second)] == ["finished", "finished"]
        wait_for(lambda: recorder.silent_for(0.2), "silence at the end")
        assert heard(samples(recorder)) == ["From the first client.", "From the second client."]


def test_a_client_may_leave_right_after_speak(stage: Scene) -> None:
    with stage.pulse.record() as recorder:
        with stage.daemon.client() as leaving:
            utterance = leaving.speak("Said after its client has left.")
        assert stage.client.wait(utterance) == "finished"
        wait_for(lambda: recorder.silent_for(0.2), "silence at the end")
        assert heard(samples(recorder)) == ["Said after its client has left."]


def test_what_is_bound_to_a_client_ends_with_it(stage: Scene) -> None:
    with stage.daemon.client() as leaving:
        utterance = leaving.speak(LONG, bind_to_client="true")
        stage.client.wait_event("Started", utterance)
    assert stage.client.wait(utterance) == "cancelled"


def _progressed(stage: Scene, utterance: int, times: int) -> bool:
    told: int = sum(event[0] == "Progress" and event[1][0] == utterance for event in stage.client.events)
    return told >= times


def _sounds(recorder: Recorder, start: int) -> bool:
    return len(recorder.sounding(start)) > 2000
