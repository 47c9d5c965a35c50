"""Requests made into prompts, sampling and bounds."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest

from chatttsd.engine.api import Cancelled, EngineError, SynthesisRequest
from chatttsd.engine.chattts.api import Prompt, Sampling
from chatttsd.engine.chattts.guard import bounds
from chatttsd.engine.chattts.tokens import Tokens
from chatttsd.engine.chattts.wording import (
    ENGINE,
    Voices,
    Wording,
    key_of,
    padded,
    rate_of,
    sampling_of,
    speed_of,
    spelled,
)
from chatttsd.voices import codec
from chatttsd.voices.arrays import audio_prompt, prompt_array, speaker_array
from chatttsd.voices.files import StoredVoice, write
from chatttsd.voices.store import VoiceStore
from support.model_parts import PlainFrontEnd, make_tokens

TEXT = "今天的天气比昨天好多了。"


@dataclass
class Refiner:
    """Draws what it is told to and remembers what it was asked."""

    drawn: Sequence[int] = ()
    asked: list[tuple[Prompt, Sampling]] = field(default_factory=list)

    def refine(self, prompt: Prompt, sampling: Sampling, cancelled: Cancelled) -> list[int]:
        assert not cancelled()
        self.asked.append((prompt, sampling))
        return list(self.drawn)


@dataclass
class Desk:
    """A wording over a real tokenizer and real voices."""

    tokens: Tokens
    voices: Voices
    folder: Path
    refiner: Refiner = field(default_factory=Refiner)
    front_end: PlainFrontEnd = field(default_factory=PlainFrontEnd)

    @property
    def wording(self) -> Wording:
        return Wording(self.front_end, self.tokens, self.refiner, self.voices)


@pytest.fixture(scope="module")
def tokens(tmp_path_factory: pytest.TempPathFactory) -> Tokens:
    return make_tokens(tmp_path_factory.mktemp("tokenizer"))


@pytest.fixture
def desk(tokens: Tokens, tmp_path: Path) -> Desk:
    return Desk(tokens, Voices(VoiceStore(tmp_path)), tmp_path)


def ask(text: str = TEXT, **options: object) -> SynthesisRequest:
    return replace(SynthesisRequest(text, language="zh"), **options)  # type: ignore[arg-type] # they differ in type


def test_a_request_becomes_the_prompt_that_upstream_builds(desk: Desk) -> None:
    made = desk.wording.segment(ask())
    assert made.prompt.tokens == desk.tokens.speech(TEXT, speed=5)
    first = VoiceStore(desk.folder).built_in()[0]
    assert first.speaker is not None
    assert np.array_equal(made.prompt.speaker, speaker_array(first.speaker))  # type: ignore[arg-type] # there is one
    assert made.prompt.audio is None
    assert made.bounds == bounds([TEXT])
    assert made.sampling == Sampling(max_tokens=made.bounds.longest)
    assert desk.front_end.heard == [(TEXT, "zh")]
    assert desk.refiner.asked == []


def test_every_parameter_reaches_the_model(desk: Desk) -> None:
    parameters = {"seed": "42", "temperature": "0.1", "top_p": "0.5", "top_k": "10", "speed": "3"}
    made = desk.wording.segment(ask(parameters=parameters))
    limit = bounds([TEXT], rate_of(3)).longest
    assert made.sampling == Sampling(temperature=0.1, top_p=0.5, top_k=10, seed=42, max_tokens=limit)
    assert made.prompt.tokens == desk.tokens.speech(TEXT, speed=3)


@pytest.mark.parametrize(
    ("rate", "speed"), [(1.0, 5), (0.25, 0), (0.6, 1), (0.94, 4), (1.2, 7), (1.4, 9), (4.0, 9)]
)
def test_a_rate_becomes_the_nearest_speed(rate: float, speed: int) -> None:
    assert speed_of(ask(rate=rate)) == speed
    assert rate_of(speed) > 0


def test_a_given_speed_wins_over_the_rate() -> None:
    assert speed_of(ask(rate=2.0, parameters={"speed": "1"})) == 1


def test_without_parameters_sampling_is_upstreams() -> None:
    assert sampling_of({}, 2048) == Sampling()


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("嗯", "[uv_break]嗯[uv_break][uv_break][uv_break][uv_break]"),
        ("OK", "[uv_break]OK[uv_break][uv_break][uv_break][uv_break]"),
        ("你好", "[uv_break]你好[uv_break][uv_break][uv_break]"),
        ("one two three", "[uv_break]one two three[uv_break][uv_break]"),
        ("你好[laugh]", "[uv_break]你好 laugh [uv_break][uv_break]"),
        ("一二三四五", "一二三四五"),
        ("open the door right now", "open the door right now"),
    ],
)
def test_a_text_of_a_few_words_gets_breaks_around_it(text: str, result: str) -> None:
    assert padded(text) == result


def test_the_breaks_reach_the_model_as_control_tokens(desk: Desk) -> None:
    made = desk.wording.segment(ask("你好"))
    assert made.prompt.tokens == desk.tokens.refined_speech("[uv_break]你好[uv_break][uv_break][uv_break]")
    assert made.bounds == bounds(["你好"])


def test_brackets_in_a_text_are_never_control_tokens(desk: Desk) -> None:
    made = desk.wording.segment(ask("他说 [laugh] 然后 [Ptts] 就走了"))
    assert made.prompt.tokens == desk.tokens.speech("他说  laugh  然后  Ptts  就走了")


@pytest.mark.parametrize(
    "parameters", [{"refine": "true"}, {"oral": "2"}, {"laugh": "1", "break": "6", "refine": "true"}]
)
def test_refinement_runs_where_it_or_a_style_of_it_is_asked_for(
    desk: Desk, parameters: dict[str, str]
) -> None:
    words = "今天[uv_break]的天气比昨天好多了[laugh]。"
    desk.refiner.drawn = [*desk.tokens.refined_speech(words)[3:-1], desk.tokens.end_of_refinement]
    made = desk.wording.segment(ask(parameters=parameters | {"seed": "5"}))
    prompt, sampling = desk.refiner.asked[0]
    styles = {name: int(value) for name, value in parameters.items() if name != "refine"}
    assert prompt.tokens == desk.tokens.refinement(
        TEXT, oral=styles.get("oral"), laugh=styles.get("laugh"), breaks=styles.get("break")
    )
    assert sampling == Sampling(temperature=0.7, repetition_penalty=1.0, seed=5, max_tokens=384)
    control = {desk.tokens.refined_speech(f"{name}x")[3] for name in ("[uv_break]", "[laugh]")}
    assert control <= set(made.prompt.tokens)


def test_a_style_without_refinement_is_left(desk: Desk) -> None:
    made = desk.wording.segment(ask(parameters={"oral": "2", "refine": "false"}))
    assert desk.refiner.asked == []
    assert made.prompt.tokens == desk.tokens.speech(TEXT)


def test_a_refinement_that_loses_every_word_is_not_used(desk: Desk) -> None:
    desk.refiner.drawn = desk.tokens.refined_speech("[uv_break][laugh]x")[3:5]
    made = desk.wording.segment(ask(parameters={"refine": "true"}))
    assert made.prompt.tokens == desk.tokens.speech(TEXT)


@pytest.mark.parametrize(
    ("kind", "text", "language", "said"),
    [
        ("text", "shift_a", "en", "shift_a"),
        ("key", "shift_a", "en", "shift A"),
        ("key", "enter", "zh", "回车"),
        ("char", "。", "zh", "句号"),
        ("char", "a", "en", "a"),
    ],
)
def test_keys_and_characters_are_said_by_name(kind: str, text: str, language: str, said: str) -> None:
    assert spelled(SynthesisRequest(text, language, kind=kind)) == said


def test_a_text_of_which_most_cannot_be_said_is_left_to_another_engine(desk: Desk) -> None:
    assert desk.wording.segment(ask("天жж气好"))
    with pytest.raises(EngineError, match="ChatTTS can say only 40% of the letters"):
        desk.wording.segment(ask("天жжж气"))


def test_a_text_with_a_character_that_the_vocabulary_lacks_is_left_to_another_engine(desk: Desk) -> None:
    with pytest.raises(EngineError, match=r"^the model's vocabulary lacks 2 of the words or characters$"):
        desk.wording.segment(SynthesisRequest("他叫龘龘，住在这里。", "zh", whole=True))


def test_a_request_by_name_goes_without_such_a_character(desk: Desk) -> None:
    assert desk.wording.segment(SynthesisRequest("他叫龘龘，住在这里。", "zh"))


def test_that_it_must_be_whole_changes_no_sample() -> None:
    assert key_of(SynthesisRequest("a", whole=True)) == key_of(SynthesisRequest("a"))


def test_voices_are_listed_with_ids_that_can_be_asked_for(desk: Desk) -> None:
    listed = desk.voices.listed()
    assert len(listed) >= 3
    for voice in listed:
        assert (voice.engine, voice.id) == (ENGINE, f"{ENGINE}/{voice.id.removeprefix('chattts/')}")
        assert desk.voices.find(voice.id).name == voice.name
        assert desk.voices.find(voice.id.removeprefix("chattts/")).name == voice.name


def test_a_voice_that_was_removed_is_named(desk: Desk) -> None:
    speaker = desk.voices.find("").speaker
    write(desk.folder / "mine.txt", StoredVoice("mine", "Mine", speaker=speaker))
    assert desk.wording.segment(ask(voice="chattts/mine")).prompt.speaker is not None
    (desk.folder / "mine.txt").unlink()
    with pytest.raises(EngineError, match=r"^the voice chattts/mine is not there \(any more\)$"):
        desk.wording.segment(ask(voice="chattts/mine"))


def test_a_cloned_voice_brings_its_recording_and_its_words(desk: Desk) -> None:
    codes = np.arange(40).reshape(10, codec.CODEBOOKS)
    voice = StoredVoice("echo", "Echo", prompt=audio_prompt(codes), prompt_text="这是一段录音。")
    write(desk.folder / "echo.txt", voice)
    made = desk.wording.segment(ask(voice="echo"))
    assert made.prompt.speaker is None
    assert voice.prompt is not None
    assert np.array_equal(made.prompt.audio, prompt_array(voice.prompt))  # type: ignore[arg-type] # there is one
    assert made.prompt.tokens == desk.tokens.speech(TEXT, speaker=False, sample_text="这是一段录音。")


def test_requests_are_equal_when_they_would_sound_the_same() -> None:
    one = ask(volume=0.3, gain=5.0, following=(ask("b"),), parameters={"seed": "1", "top_k": "3"})
    other = ask(volume=1.0, parameters={"top_k": "3", "seed": "1"})
    assert key_of(one) == key_of(other)
    assert len({key_of(one), key_of(other), key_of(key_of(one))}) == 1
    others = ask("c"), ask(voice="x"), ask(rate=1.1), ask(parameters={"seed": "2", "top_k": "3"})
    assert key_of(one) not in {key_of(item) for item in others}


def test_no_text_shows_in_a_segment(desk: Desk) -> None:
    assert "天气" not in repr(desk.wording.segment(ask()))
