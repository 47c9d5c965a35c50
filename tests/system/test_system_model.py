"""The resident model in the real daemon, with scripted workers: who speaks when, and what is told."""

import os
import signal
from pathlib import Path

import numpy as np
import pytest

from chatttsd.constants import INTERFACE
from chatttsd.engine.tone import CHUNK_SAMPLES
from support.daemon import CallError
from support.model_scene import model_scene
from support.pulse import wait_for
from support.scene import heard, samples, whole
from support.scripted_worker import Script
from support.tone_decoder import Samples, decode, gaps, onset

pytestmark = pytest.mark.system
FIRST, SECOND = "The first sentence.", "The second one."
TWO = f"{FIRST}\n\n{SECOND}"
BUILTIN = Path(__file__).parents[2] / "daemon/chatttsd/voices/builtin"


def without_waits(pcm: Samples) -> Samples:
    """Cut out where nobody could speak because the next worker came; the output faded to silence there."""
    start = (onset(pcm) or 1) - 1
    for begin, end in reversed(gaps(pcm)):
        whole_chunks = (begin - start) // CHUNK_SAMPLES * CHUNK_SAMPLES
        pcm = np.concatenate([pcm[: start + whole_chunks], pcm[end - 1 :]])
    return pcm


def test_the_other_engine_speaks_while_the_model_loads_and_the_model_takes_over() -> None:
    with model_scene(script=Script(waits=True)) as stage:
        stage.wait_state("loading")
        assert stage.client.get("Engine") == "espeak-ng"
        assert stage.client.get("Reason") == "ChatTTS is loading, so espeak-ng speaks"
        assert stage.speak_whole(FIRST)[1].any()
        stage.folder.go()
        stage.client.wait_event("PropertiesChanged", INTERFACE)
        stage.wait_state("ready")
        assert (stage.client.get("Engine"), stage.client.get("Reason")) == ("chattts", "")
        assert dict(stage.client.get("Statistics"))["engine_detail"] == ("s", "scripted, for tests")
        outcome, pcm = stage.speak_whole(SECOND, voice="chattts/alder")
        assert (outcome, heard(pcm)) == ("finished", [f"§{SECOND}"])
        states = [
            event[1][1]["ModelState"][1]
            for event in stage.client.events
            if event[0] == "PropertiesChanged" and "ModelState" in event[1][1]
        ]
        assert states[-1] == "ready"
        assert "WARNING" not in stage.daemon.log, "a model that is loading is nothing to warn of"


def test_an_explicit_request_waits_for_the_model() -> None:
    with model_scene(script=Script(waits=True)) as stage, stage.pulse.record() as recorder:
        utterance = stage.client.speak(FIRST, engine="chattts")
        stage.client.wait_property("Reason", lambda reason: "nothing is heard yet" in reason)
        stage.folder.go()
        assert stage.client.wait(utterance) == "finished"
        wait_for(lambda: recorder.silent_for(0.2), "silence at the end")
        assert heard(samples(recorder)) == [f"§{FIRST}"]


def test_a_model_that_is_not_there_is_an_error_only_for_who_asks_for_it() -> None:
    with model_scene(installed=False) as stage:
        assert stage.client.get("ModelState") == "absent"
        for call in (
            lambda: stage.client.speak("x", engine="chattts"),
            lambda: stage.client.call("LoadModel"),
        ):
            with pytest.raises(CallError, match="there is no ChatTTS model") as caught:
                call()
            assert caught.value.name == "org.chattts.Speech1.Error.ModelUnavailable"
        assert heard(stage.speak_whole(FIRST)[1]) == [FIRST]
        status = stage.command("status")
        assert "espeak-ng speaks" in status.stdout
        (stage.folder.folder / "elsewhere").rename(stage.folder.folder / "asset")
        assert stage.command("load").returncode == 0
        assert stage.client.get("ModelState") == "ready"


def test_loading_and_unloading_by_command_return_the_memory() -> None:
    with model_scene('load = "request"') as stage:
        assert stage.client.get("ModelState") == "unloaded"
        assert stage.daemon.workers("chattts") == []
        load = stage.command("load")
        assert (load.returncode, load.stdout) == (0, "ChatTTS is ready (scripted, for tests)\n")
        pid = stage.model_pid()
        assert stage.command("unload").returncode == 0
        assert not Path(f"/proc/{pid}").exists()
        assert "chatttsctl load" in stage.client.get("Reason")
        assert heard(stage.speak_whole(FIRST)[1]) == [FIRST]
        assert heard(stage.speak_whole(SECOND, engine="chattts")[1]) == [f"§{SECOND}"]


def test_an_idle_model_is_unloaded_and_the_next_request_brings_it_back() -> None:
    with model_scene("idle_unload_seconds = 0.5") as stage:
        stage.wait_state("ready")
        pid = stage.model_pid()
        stage.wait_state("unloaded")
        wait_for(lambda: not Path(f"/proc/{pid}").exists(), "the end of the worker")
        assert heard(stage.speak_whole(FIRST)[1]) == [FIRST]
        wait_for(lambda: stage.folder.starts == 2, "the second load")


@pytest.mark.parametrize("script", [Script(fault="asset/gpt is cut short"), Script(dies_loading=True)])
def test_a_model_that_cannot_be_loaded_is_no_restart_loop(script: Script) -> None:
    with model_scene(script=script) as stage:
        stage.client.wait_property("ModelState", lambda state: state == "failed")
        stage.client.wait_property("Reason", lambda reason: "cannot be used" in reason)
        wait_for(lambda: stage.folder.starts == (1 if script.fault else 3), "the tries that it is worth")
        for _ in range(3):
            assert heard(stage.speak_whole("Hi.")[1]) == ["Hi."]
        stage.wait_state("failed")
        assert stage.folder.starts == (1 if script.fault else 3)
        failed = stage.command("load")
        assert failed.returncode == 1
        assert (script.fault or "killed by signal 9") in failed.stderr
        stage.folder.write(Script())
        stage.client.call("Reload")
        stage.wait_state("ready")
        assert heard(stage.speak_whole("Hi.")[1]) == ["§Hi."]


def test_a_worker_killed_mid_segment_loses_nothing_and_says_nothing_twice() -> None:
    with model_scene(script=Script(pace=0.5)) as stage:
        stage.wait_state("ready")
        with stage.pulse.record() as recorder:
            utterance = stage.begin(TWO)
            os.kill(stage.model_pid(), signal.SIGKILL)
            assert stage.client.wait(utterance) == "finished"
            wait_for(lambda: recorder.silent_for(0.3), "silence at the end")
            pieces = decode(without_waits(samples(recorder)))
        assert [piece.text.removeprefix("§") for piece in pieces] == [FIRST, SECOND]
        assert pieces[0].text.startswith("§")
        assert whole(pieces)


def test_a_cancel_while_the_model_speaks_is_silence_and_the_worker_stays() -> None:
    with model_scene(script=Script(pace=1.0)) as stage:
        stage.wait_state("ready")
        pid = stage.model_pid()
        with stage.pulse.record() as recorder:
            stage.client.call("Cancel", "u", stage.begin(TWO * 3))
            wait_for(lambda: recorder.silent_for(0.3), "silence")
        assert heard(stage.speak_whole("Next.")[1]) == ["§Next."]
        assert stage.model_pid() == pid


def test_speaking_goes_before_a_synthesis_which_loses_nothing() -> None:
    with model_scene(script=Script(pace=0.4)) as stage:
        stage.wait_state("ready")
        output = stage.folder.folder / "out.wav"
        text = "A sentence that is written to a file, and not a short one."
        with stage.daemon.client(enable_fds=True) as writer, output.open("wb") as file:
            number = int(writer.call("Synthesize", "hsa{ss}", file, text, {}))
            wait_for(lambda: bool(stage.folder.asked), "the synthesis in the worker")
            assert heard(stage.speak_whole("Urgent.")[1]) == ["§Urgent."]
            assert writer.wait(number) == "finished"
        assert heard(np.frombuffer(output.read_bytes(), np.int16)) == [f"§{text}"]
        assert [asked[0] for asked in stage.folder.asked][:3] == [text, "Urgent.", text]


def test_a_voice_file_that_comes_and_goes_is_told() -> None:
    with model_scene(installed=False) as stage:
        folder = stage.daemon.folder / "data" / "chatttsd" / "voices"
        stage.client.events.clear()
        folder.mkdir(parents=True)
        (folder / "mine.txt").write_text((BUILTIN / "alder.txt").read_text())
        stage.client.wait_property("Voices", lambda rows: any(row[0] == "chattts/mine" for row in rows))
        wait_for(lambda: any("Voices" in str(event) for event in stage.client.events), "PropertiesChanged")
        (folder / "mine.txt").unlink()
        stage.client.wait_property("Voices", lambda rows: all(row[0] != "chattts/mine" for row in rows))
