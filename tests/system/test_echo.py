"""Key echo as it is heard: every character of a burst, and ChatTTS's voice out of the cache."""

import string
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np

from support.begins import TEMPLATE, begins
from support.model_scene import model_scene
from support.pulse import Recorder, wait_for
from support.scene import Scene, heard, scene
from support.scripted_worker import Script
from support.speechd import SpeechDispatcher, chattts_module

ESPEAK: Final = '[speech]\nengine = "espeak-ng"\n[limits]\ncalls_per_second = 1000\n'
TYPED: Final = "ckpta"
PERIOD: Final = 0.04
"""25 strokes a second."""
LETTERS: Final = 26
"""What is prepared first."""
ATTEMPTS: Final = 5
"""A machine that stops for longer than a stroke lasts mutes one."""


def statistics(stage: Scene) -> dict[str, float]:
    return {name: value for name, (_, value) in stage.client.get("Statistics").items()}


def lone(stage: Scene, recorder: Recorder) -> list[int]:
    """Type each character by itself; returns where each begins in the recording."""
    places = []
    for letter in TYPED:
        wait_for(lambda: recorder.silent_for(0.2), "silence")
        start = recorder.position
        stage.client.wait(stage.client.speak(letter, kind="char"))
        sound = np.abs(np.array(recorder.samples(start), np.int32))
        places.append(start + int(np.flatnonzero(sound)[0]))
    wait_for(lambda: recorder.silent_for(0.2), "silence")
    return places


def burst(stage: Scene) -> None:
    """Do what a screen reader does while a key repeats."""
    for letter in TYPED:
        stage.client.call("CancelAll")
        stage.client.speak(letter, kind="char")
        time.sleep(PERIOD)


def onsets(recorder: Recorder, places: Sequence[int], start: int) -> list[int]:
    """Return where each character begins in what was recorded from `start` on, as far as they were heard."""
    recording = np.array(recorder.samples(), np.float64)
    sound = recording[start:]
    found = (begins(sound, recording[place : place + TEMPLATE], like=0.95) for place in places)
    return [place for place in found if place is not None]


def test_every_character_of_a_burst_is_heard_in_its_turn() -> None:
    with scene(ESPEAK) as stage, stage.pulse.record() as recorder:
        places = lone(stage, recorder)
        heard_in_turn: list[int] = []
        for _ in range(ATTEMPTS):
            start = recorder.position
            burst(stage)
            wait_for(lambda: recorder.silent_for(0.3), "silence")
            heard_in_turn = onsets(recorder, places, start)
            if len(heard_in_turn) == len(TYPED):
                break
        assert heard_in_turn == sorted(heard_in_turn)
        assert len(heard_in_turn) == len(TYPED)
        assert statistics(stage)["cache_misses"] == len(TYPED)


def test_echo_is_prepared_at_idle_and_heard_in_the_voice_of_chattts() -> None:
    with model_scene() as stage:
        stage.wait_state("ready")
        _, first = stage.speak_whole("k", kind="char")
        assert heard(first) == ["k"], "nobody waits for a model"
        stage.client.wait_property("Statistics", lambda found: found["cache_entries"][1] > LETTERS, 40)
        assert heard(stage.speak_whole("k", kind="char")[1]) == ["§K"]
        _, key = stage.speak_whole("c", kind="char")
        assert heard(key) == ["§C"]
        starts = stage.folder.starts
        stage.client.call("UnloadModel")
        assert heard(stage.speak_whole("k", kind="char")[1]) == ["k"], "it was sent away"
        assert stage.folder.starts == starts


def test_a_sentence_is_heard_again_out_of_the_cache_and_reload_can_do_without() -> None:
    with model_scene("", Script()) as stage:
        stage.wait_state("ready")
        for _ in range(2):
            assert heard(stage.speak_whole("Heard again.")[1]) == ["§Heard again."]
        assert [text for text, _ in stage.folder.asked if text == "Heard again."] == ["Heard again."]
        figures = statistics(stage)
        assert (figures["cache_hits"], figures["cache_hit_rate"]) == (1, 0.5)
        config = stage.daemon.folder / "config.toml"
        config.write_text(config.read_text() + "[cache]\nmegabytes = 0\n")
        stage.client.call("Reload")
        assert statistics(stage)["cache_entries"] == 0
        assert heard(stage.speak_whole("Heard again.")[1]) == ["§Heard again."]
        assert "Heard" not in stage.daemon.log


def test_what_is_typed_through_speech_dispatcher_is_asked_of_no_model() -> None:
    with (
        model_scene("[cache]\necho = false") as stage,
        tempfile.TemporaryDirectory() as folder,
        SpeechDispatcher(stage.daemon.environment, [chattts_module(Path(folder))]) as server,
        server.client("chattts") as client,
    ):
        stage.wait_state("ready")
        client.wait_over(client.speak("Read."))
        for language, others in (("en-US", ""), ("zh-CN", "，。、；：？！…“”‘’（）《》【】￥")):
            client.set("LANGUAGE", language)
            for character in ("space", "newline", *string.punctuation, *others):
                client.wait("begin", client.char(character))
                client.cancel()
        assert [text for text, _ in stage.folder.asked] == ["Read."]
