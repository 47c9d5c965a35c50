"""The real engine on a generated model behind the real daemon: what is spoken, cancelled, killed, broken."""

import contextlib
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from chatttsd.constants import SAMPLE_RATE
from chatttsd.models.layout import DECODER
from chatttsd.models.manifest import PART
from support.daemon import DaemonProcess
from support.pulse import wait_for
from support.random_model import RandomModel, changed_copy, rehash
from support.scene import STEADY, Scene, scene

pytestmark = [pytest.mark.system, pytest.mark.timeout(180)]
SENTENCES = (
    "The weather is fine today, so we go for a walk. 今天天气很好，我们去公园散步。 Then we come home."
)
SHORT = "今天天气很好。 Then we come home."
LOAD_SECONDS = 120.0
TOO_SHORT = "the model's speech was too short for its text, in 3 attempts"
ANEW = "make or copy this model again"
WITHOUT_ROOTS_POWERS = """
import os, sys
given = "-dac_override,-dac_read_search"
command = ["setpriv", "--bounding-set", given, "--inh-caps", given, sys.executable, "-m", "chatttsd.app"]
os.execvp(command[0], command + sys.argv[1:])
"""
UNPRIVILEGED = ("-c", WITHOUT_ROOTS_POWERS)
"""As root, permissions of files count for the daemon only without these."""


def config(model: Path, more: str = "") -> str:
    """Without the cache: what is compared must be made anew each time."""
    speech = f"[speech]\nsentence_pause_seconds = 0\n{STEADY}[cache]\nmegabytes = 0\n"
    return f'{speech}[chattts]\nmodel_dir = "{model}"\n{more}\n'


def wait_ready(stage: Scene) -> None:
    stage.client.wait_property("ModelState", lambda state: state in ("ready", "failed"), LOAD_SECONDS)
    assert (stage.client.get("ModelState"), stage.client.get("Reason")) == ("ready", "")


@pytest.fixture(scope="module")
def stage(random_model: RandomModel, kernels: dict[str, str]) -> Iterator[Scene]:
    """One daemon with a model of two layers that is ready, for the tests that leave it as it is.

    It has spoken: how loud the voice is, is known, so that what is compared begins at the same gain.
    """
    with scene(config(random_model()), environment=kernels) as made:
        wait_ready(made)
        assert made.speak_whole(SENTENCES, engine="chattts")[0] == "finished"
        yield made


@pytest.fixture(scope="module")
def hasty(random_model: RandomModel, kernels: dict[str, str]) -> Iterator[Scene]:
    """One daemon whose model says a third of each text: a long one is heard before that is known."""
    with scene(config(random_model(rate=14.0)), environment=kernels) as made:
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


def missing(file: Path) -> str:
    file.unlink()
    return f"is missing ({ANEW})"


def truncated(file: Path) -> str:
    replace(file, file.read_bytes()[:100_000])
    return f"is cut short ({ANEW})"


def one_byte_changed(file: Path) -> str:
    whole = file.read_bytes()
    replace(file, whole[:-5] + bytes([whole[-5] ^ 1]) + whole[-4:])
    return f"is damaged ({ANEW})"


def of_another_shape(file: Path) -> str:
    """Exchange two sides of a tensor; the file is as long as before and has the sum that is asked for."""
    whole = file.read_bytes()
    name, right, wrong = b'"out_conv.weight": {"dtype": "F32", "shape": ', b"[100, 384, 3]", b"[100, 3, 384]"
    assert whole.count(name + right) == 1
    replace(file, whole.replace(name + right, name + wrong))
    rehash(file.parents[1], DECODER)
    return "is not of a ChatTTS model (make or choose another model)"


def not_to_be_read(file: Path) -> str:
    replace(file, file.read_bytes())
    file.chmod(0)
    return "is unreadable: Permission denied (the daemon's user must be allowed to read it)"


def half_fetched(file: Path) -> str:
    file.rename(file.with_name(f"{file.name}{PART}"))
    return f"is fetched only in part ({ANEW})"


def replace(file: Path, content: bytes) -> None:
    """Give a file of a copy another content (its own is the model's)."""
    file.unlink()
    file.write_bytes(content)


@contextlib.contextmanager
def without_a_model(model: Path) -> Iterator[Scene]:
    """A daemon that gave its model up; it may read only what permissions allow, be it root's."""
    with scene(config(model), program=UNPRIVILEGED if os.geteuid() == 0 else DaemonProcess.program) as made:
        made.client.wait_property("ModelState", lambda state: state in ("failed", "absent"), LOAD_SECONDS)
        yield made


def check_that_the_other_engine_speaks(stage: Scene, reason: str) -> None:
    """The reason is told and stays, and nothing of ChatTTS runs or is tried again."""
    assert stage.client.get("Reason") == reason
    outcome, pcm = stage.speak_whole("Hello.")
    assert (outcome, bool(np.abs(pcm.astype(np.int32)).max() > 300)) == ("finished", True)
    assert stage.daemon.workers("chattts") == [], "it is not tried again"
    assert len(stage.daemon.workers("espeak-ng")) == 1
    assert stage.client.get("Reason") == reason
    assert stage.daemon.terminate() == 0, "the daemon was up all the time"


@pytest.mark.parametrize(
    "deed", [missing, truncated, one_byte_changed, of_another_shape, not_to_be_read, half_fetched]
)
def test_a_broken_model_is_named_once_and_the_other_engine_speaks(
    random_model: RandomModel, tmp_path: Path, deed: Callable[[Path], str]
) -> None:
    file = changed_copy(random_model(), tmp_path / "model") / DECODER
    fault = deed(file)
    with without_a_model(tmp_path / "model") as broken:
        assert broken.client.get("ModelState") == "failed"
        why = f"ChatTTS cannot be used: the model's file {DECODER} {fault}, so espeak-ng speaks"
        check_that_the_other_engine_speaks(broken, why)
        log = broken.daemon.log
        assert (log.count(why), log.count("cannot be used"), log.count(DECODER)) == (1, 1, 1)


def test_a_folder_that_is_not_there_is_told_and_the_other_engine_speaks(tmp_path: Path) -> None:
    with without_a_model(tmp_path / "model") as broken:
        assert broken.client.get("ModelState") == "absent"
        why = "there is no ChatTTS model in the folder that [chattts] model_dir names, so espeak-ng speaks"
        check_that_the_other_engine_speaks(broken, why)


def sounding_seconds(pcm: NDArray[np.int16]) -> float:
    """Return how many seconds hold sound, in steps of a tenth."""
    step = SAMPLE_RATE // 10
    blocks = pcm[: pcm.size // step * step].reshape(-1, step).astype(np.int32)
    return float((np.abs(blocks).max(axis=1) > 300).sum()) / 10


def check_that_it_is_said_whole(stage: Scene, text: str) -> str:
    """Say a text that the model does not; it is heard as long as espeak-ng takes. Returns the reason."""
    outcome, pcm = stage.speak_whole(text, engine="espeak-ng")
    assert outcome == "finished"
    asked = sounding_seconds(pcm)
    outcome, pcm = stage.speak_whole(text)
    assert outcome == "finished"
    assert sounding_seconds(pcm) > 0.7 * asked
    assert stage.client.get("ModelState") == "ready"
    return str(stage.client.get("Reason"))


def test_a_segment_that_ends_too_early_is_made_again_twice_unheard_and_then_said_by_espeak(
    hasty: Scene,
) -> None:
    again = "guard: a segment was too short for its text and is made again"
    before = hasty.daemon.log.count(again)
    # The model's third of it is over before the vocoder has made any sound.
    reason = check_that_it_is_said_whole(hasty, "今天很好。")
    assert reason == f"espeak-ng spoke for ChatTTS: {TOO_SHORT}"
    assert hasty.daemon.log.count(again) == before + 2


def test_a_long_sentence_that_the_model_ends_too_early_is_said_whole_all_the_same(hasty: Scene) -> None:
    reason = check_that_it_is_said_whole(
        hasty,
        "今天天气很好所以我们去公园散步看见湖边有很多人在唱歌跳舞放风筝"
        "孩子们在草地上跑来跑去大人们坐着聊天晒太阳我们也坐下来喝茶吃点心。",
    )
    # Which of them depends on the machine: how much is held back before the first sound.
    begun = "the model's speech became too short for its text; a part of the segment was spoken"
    assert reason in {f"espeak-ng spoke for ChatTTS: {why}" for why in (TOO_SHORT, begun)}
