"""`chatttsctl voices try`: the request that it makes, and how it ends."""

import json

import pytest

from chatttsd.ctl.voices import Voice
from chatttsd.ctl.voices_try import options, sample
from support.ctl import ctl
from support.fake_speech import Asked, FakeSpeech, Fault, Value
from support.private_bus import PrivateBus

VOICES = [
    ("espeak-ng/cmn", "Chinese", "espeak-ng", ["zh", "cmn"]),
    ("chattts/ada", "Ada", "chattts", ["zh", "en"]),
    ("tone", "Tone", "tone", ["en"]),
]
PROPERTIES = {"Voices": ("a(sssas)", VOICES)}


@pytest.mark.parametrize("name", ["ada", "chattts/ada"])
def test_a_sentence_in_each_language_is_spoken_by_this_voice_and_engine(
    name: str, bus: PrivateBus, environment: dict[str, str]
) -> None:
    with FakeSpeech(bus.address, None, PROPERTIES) as fake:
        done = ctl(["voices", "try", name], environment)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
        ((words, chosen),) = [asked.body for asked in fake.calls("SpeakWith")]
        assert chosen == {"voice": "chattts/ada", "engine": "chattts", "bind_to_client": "true"}
        assert "你好" in words
        assert "Hello" in words
        assert len(fake.calls("Wait")) == 1


def test_a_text_is_spoken_instead(bus: PrivateBus, environment: dict[str, str]) -> None:
    with FakeSpeech(bus.address, None, PROPERTIES) as fake:
        assert ctl(["voices", "try", "ada", "good", "day"], environment).returncode == 0
        assert ctl(["voices", "try", "--json", "ada", "--timeout", "9", "good", "day"], environment).stdout
        assert ctl(["voices", "try", "ada", "-"], environment, "早上好".encode()).returncode == 0
        assert [asked.body[0] for asked in fake.calls("SpeakWith")] == ["good day", "good day", "早上好"]


def test_the_outcome_is_the_exit_code_and_json(bus: PrivateBus, environment: dict[str, str]) -> None:
    with FakeSpeech(bus.address, {"Wait": Value("s", ("failed",))}, PROPERTIES):
        done = ctl(["voices", "try", "ada", "--json"], environment)
        assert done.returncode == 1
        assert json.loads(done.stdout) == {"id": 7, "outcome": "failed", "reason": ""}


def test_a_model_that_is_not_ready_is_told(bus: PrivateBus, environment: dict[str, str]) -> None:
    fault = Fault("org.chattts.Speech1.Error.ModelUnavailable", "the model is loading")
    with FakeSpeech(bus.address, {"SpeakWith": fault}, PROPERTIES):
        done = ctl(["voices", "try", "ada"], environment)
        assert (done.returncode, done.stderr) == (
            1,
            "chatttsctl: the model is loading (ModelUnavailable)\n",
        )


@pytest.mark.parametrize(
    ("name", "hint"), [("chattts/adda", "did you mean chattts/ada?"), ("zz", "chatttsctl voices lists them")]
)
def test_an_unknown_voice_is_not_asked_for(
    name: str, hint: str, bus: PrivateBus, environment: dict[str, str]
) -> None:
    with FakeSpeech(bus.address, None, PROPERTIES) as fake:
        done = ctl(["voices", "try", name], environment)
        assert (done.returncode, done.stderr) == (1, f"chatttsctl: the daemon has no voice {name}; {hint}\n")
        assert fake.calls("SpeakWith") == []


def test_a_voice_that_was_made_just_now_is_waited_for(bus: PrivateBus, environment: dict[str, str]) -> None:
    assert ctl(["voices", "new", "ada"], environment).returncode == 0
    known = [VOICES[:1], VOICES[:1], VOICES]

    def voices(asked: Asked) -> Value:
        return Value("v", (("a(sssas)", known.pop(0)),))

    with FakeSpeech(bus.address, {"Get": voices}) as fake:
        assert ctl(["voices", "try", "ada"], environment).returncode == 0
        assert known == []
        assert fake.calls("SpeakWith")[0].body[1]["voice"] == "chattts/ada"


def test_without_a_daemon_it_ends_with_3(environment: dict[str, str]) -> None:
    assert ctl(["voices", "try", "ada"], environment).returncode == 3


def test_a_voice_hears_its_own_languages_and_engine() -> None:
    english = Voice("tone", "Tone", "tone", ["en-GB"])
    assert sample(english).startswith("Hello")
    assert sample(Voice("x", "X", "chattts", ["zh-TW"])).startswith("你好")
    assert sample(Voice("x", "X", "espeak-ng", ["fr"])) == sample(english)
    assert options(english) == {"voice": "tone", "bind_to_client": "true"}


def test_the_list_is_still_the_plain_command(bus: PrivateBus, environment: dict[str, str]) -> None:
    with FakeSpeech(bus.address, None, PROPERTIES):
        assert "chattts/ada" in ctl(["voices"], environment).stdout
        listed = json.loads(ctl(["voices", "--json", "--language", "en"], environment).stdout)
        assert [voice["id"] for voice in listed] == ["chattts/ada", "tone"]
