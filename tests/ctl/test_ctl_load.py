"""`chatttsctl load`, and what status says about the model, against a fake daemon."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from chatttsd.ctl import model_step
from chatttsd.ctl.doctor.service import _voice
from chatttsd.ctl.model_step import LIBRARIES, next_step
from support.ctl import ctl
from support.fake_speech import Asked, FakeSpeech, Value
from support.private_bus import PrivateBus

FIGURES = {"utterances": ("t", 3), "engine_detail": ("s", "int8 on 2 cores, because it is the fastest")}


def states(*told: str) -> Callable[[Asked], Value]:
    """Make a Get of ModelState that answers with these, then with the last of them."""
    left = list(told)
    fixed: Mapping[str, tuple[str, Any]] = {
        "Reason": ("s", "ChatTTS cannot be used: a file is cut short."),
        "Statistics": ("a{sv}", FIGURES),
    }

    def answer(asked: Asked) -> Value:
        name = asked.body[1]
        if name != "ModelState":
            return Value("v", (fixed[name],))
        return Value("v", (("s", left.pop(0) if len(left) > 1 else left[0]),))

    return answer


def test_load_starts_the_daemon_waits_and_says_what_the_model_runs_on(
    bus: PrivateBus, environment: dict[str, str]
) -> None:
    with FakeSpeech(bus.address, {"Get": states("loading", "warming", "ready")}) as fake:
        done = ctl(["load"], environment)
        said = "ChatTTS is ready (int8 on 2 cores, because it is the fastest)\n"
        assert (done.returncode, done.stdout, done.stderr) == (0, said, "")
        assert fake.calls("LoadModel")[0].may_start


def test_a_worker_that_is_started_again_is_waited_for(bus: PrivateBus, environment: dict[str, str]) -> None:
    with FakeSpeech(bus.address, {"Get": states("loading", "failed", "loading", "ready")}):
        assert ctl(["load"], environment).returncode == 0


@pytest.mark.parametrize("state", ["failed", "unloaded"])
def test_a_model_that_will_not_come_is_a_failure_with_the_reason(
    bus: PrivateBus, environment: dict[str, str], state: str
) -> None:
    with FakeSpeech(bus.address, {"Get": states("loading", state)}):
        done = ctl(["load"], environment)
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr.startswith("chatttsctl: ChatTTS cannot be used: a file is cut short")


def test_a_load_without_end_ends_with_the_timeout(bus: PrivateBus, environment: dict[str, str]) -> None:
    with FakeSpeech(bus.address, {"Get": states("loading")}):
        done = ctl(["--timeout", "0.5", "load"], environment)
        assert (done.returncode, done.stderr) == (
            1,
            "chatttsctl: the model is still being loaded after 0.5 s\n",
        )


def test_status_says_what_it_runs_on_and_what_to_do(bus: PrivateBus, environment: dict[str, str]) -> None:
    properties = {
        "ModelState": ("s", "unloaded"),
        "Reason": ("s", "ChatTTS was unloaded, so espeak-ng speaks"),
        "Statistics": ("a{sv}", FIGURES),
    }
    with FakeSpeech(bus.address, properties=properties):
        done = ctl(["status"], environment)
        shown = dict(line.split(maxsplit=1) for line in done.stdout.splitlines())
        assert (done.returncode, shown["next"]) == (0, "chatttsctl load")
        assert "runs on     int8 on 2 cores, because it is the fastest" in done.stdout
        assert json.loads(ctl(["status", "--json"], environment).stdout)["next_step"] == "chatttsctl load"


@pytest.mark.parametrize(
    ("state", "reason", "installed", "step"),
    [
        ("absent", "why", True, "chatttsctl models fetch"),
        ("absent", "why", False, LIBRARIES),
        ("failed", "why", True, "chatttsctl models verify, then chatttsctl load"),
        ("unloaded", "why", True, "chatttsctl load"),
        ("unloaded", "", True, ""),
        ("loading", "why", True, ""),
        ("ready", "why", True, ""),
    ],
)
def test_each_state_has_its_next_step(
    monkeypatch: pytest.MonkeyPatch, state: str, reason: str, installed: bool, step: str
) -> None:
    monkeypatch.setattr(model_step, "have_libraries", lambda: installed)
    assert next_step({"ModelState": state, "Reason": reason}) == step


def test_doctor_warns_with_the_next_step_and_shows_what_it_runs_on() -> None:
    lost = _voice({"Engine": "espeak-ng", "ModelState": "failed", "Reason": "wrong shape"})
    assert lost.level == "warn"
    assert lost.mend == "chatttsctl models verify, then chatttsctl load"
    well = _voice({"Engine": "chattts", "ModelState": "ready", "Statistics": {"engine_detail": "int8"}})
    assert (well.level, well.detail) == ("ok", "chattts speaks, the model is ready (int8)")
