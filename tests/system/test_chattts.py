"""The real engine on a generated model behind the real daemon: what is spoken, cancelled, killed, broken."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from support.pulse import wait_for
from support.random_model import RandomModel, changed_copy
from support.scene import STEADY, Scene, scene

pytestmark = [pytest.mark.system, pytest.mark.timeout(180)]
SENTENCES = (
    "The weather is fine today, so we go for a walk. 今天天气很好，我们去公园散步。 Then we come home."
)
SHORT = "今天天气很好。 Then we come home."
LOAD_SECONDS = 120.0


def config(model: Path, more: str = "") -> str:
    """Without the cache: what is compared must be made anew each time."""
    speech = f"[speech]\nsentence_pause_seconds = 0\n{STEADY}[cache]\nmegabytes = 0\n"
    return f'{speech}[chattts]\nmodel_dir = "{model}"\n{more}\n'


def wait_ready(stage: Scene) -> None:
    stage.client.wait_property("ModelState", lambda state: state in ("ready", "failed"), LOAD_SECONDS)
    assert (stage.client.get("ModelState"), stage.client.get("Reason")) == ("ready", "")


@pytest.fixture(scope="module")
def stage(random_model: RandomModel, kernels: dict[str, str]) -> Iterator[Scene]:
    """One daemon with a model of two layers that is ready, for the tests that leave it as it is."""
    with scene(config(random_model()), environment=kernels) as made:
        wait_ready(made)
        yield made


def synthesised(stage: Scene, output: Path, *, kill: bool = False) -> bytes:
    """Return SHORT as PCM; on request the worker is killed after the first sound."""
    with stage.daemon.client(enable_fds=True) as client, output.open("wb") as file:
        number = int(client.call("Synthesize", "hsa{ss}", file, SHORT, {"engine": "chattts"}))
        if kill:
            wait_for(lambda: output.stat().st_size > 0, "the first sound")
            os.kill(stage.daemon.workers("chattts")[0].pid, signal.SIGKILL)
        assert client.wait(number, timeout=150) == "finished", stage.client.get("Reason")
    return output.read_bytes()


def test_it_speaks_and_says_what_it_runs_on(stage: Scene) -> None:
    outcome, pcm = stage.speak_whole("你好，世界。Hello, world.", engine="chattts")
    assert outcome == "finished"
    assert np.abs(pcm.astype(np.int32)).max() > 300
    assert stage.client.get("Reason") == ""
    assert "cpu" in stage.command("status").stdout


def test_a_cancel_while_it_decodes_is_silence_and_the_worker_stays(stage: Scene) -> None:
    pid = stage.daemon.workers("chattts")[0].pid
    with stage.pulse.record() as recorder:
        utterance = stage.begin(SENTENCES * 5)
        stage.client.call("Cancel", "u", utterance)
        assert stage.client.wait(utterance) == "cancelled"
        wait_for(lambda: recorder.silent_for(0.3), "silence")
    assert stage.speak_whole("Next.")[0] == "finished"
    assert stage.daemon.workers("chattts")[0].pid == pid


def test_a_worker_killed_mid_segment_gives_the_very_same_samples(stage: Scene, tmp_path: Path) -> None:
    whole = synthesised(stage, tmp_path / "whole")
    assert len(whole) > 24_000
    assert synthesised(stage, tmp_path / "killed", kill=True) == whole
    assert dict(stage.client.get("Statistics"))["worker_restarts"][1] == 1


def test_speaking_goes_before_a_synthesis_and_changes_none_of_its_samples(
    stage: Scene, tmp_path: Path
) -> None:
    whole = synthesised(stage, tmp_path / "whole")
    output = tmp_path / "interrupted"
    with stage.daemon.client(enable_fds=True) as client, output.open("wb") as file:
        number = int(client.call("Synthesize", "hsa{ss}", file, SHORT, {"engine": "chattts"}))
        wait_for(lambda: output.stat().st_size > 0, "the first sound")
        assert stage.client.wait(stage.client.speak("Hi."), timeout=150) == "finished"
        assert client.wait(number, timeout=150) == "finished"
    assert output.read_bytes() == whole


@pytest.mark.parametrize("deed", ["missing", "truncated"])
def test_a_broken_model_is_named_once_and_the_other_engine_speaks(
    random_model: RandomModel, tmp_path: Path, deed: str
) -> None:
    model = changed_copy(random_model(), tmp_path / "model")
    file = model / "asset" / "Decoder.safetensors"
    head = file.read_bytes()[:100_000]
    file.unlink()
    if deed == "truncated":
        file.write_bytes(head)
    with scene(config(model)) as broken:
        broken.client.wait_property("ModelState", lambda state: state == "failed", LOAD_SECONDS)
        assert "Decoder.safetensors" in broken.client.get("Reason")
        assert broken.client.get("Reason").endswith("so espeak-ng speaks")
        outcome, pcm = broken.speak_whole("Hello.")
        assert (outcome, bool(pcm.any())) == ("finished", True)
        assert broken.daemon.workers("chattts") == [], "it is not tried again"
        assert broken.daemon.log.count("cannot be used") == 1
