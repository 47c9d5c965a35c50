"""What may be asked for of which engine, and what becomes of defaults that fit another one."""

import threading
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

import pytest

from chatttsd import planning
from chatttsd.bus.errors import BusError
from chatttsd.config import Config
from chatttsd.planning import Planner
from chatttsd.speech.dressing import script_of
from chatttsd.speech.options import Capitals, Kind, Punctuation, SpeakOptions
from chatttsd.speech.script import Passage
from chatttsd.speech.utterance import Utterance
from support.fakes import FakeEngine

if TYPE_CHECKING:
    from chatttsd.engine.api import Synthesiser
    from chatttsd.engine.directory import EngineDirectory

VOICES = {"chattts/alder": "chattts", "espeak-ng/fr": "espeak-ng"}


LETTERS_WITHIN = "<speak>The code is <say-as interpret-as='characters'>AB1</say-as> now.</speak>"


@dataclass
class TwoEngines:
    """What the planner needs of an `EngineDirectory` with both engines."""

    names: tuple[str, ...] = ("auto", "chattts", "espeak-ng")
    left_out: str = "it does without ChatTTS"
    ahead: int = 3
    reasons: dict[str, str] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    typed: list[bool] = field(default_factory=list)
    client: FakeEngine = field(default_factory=FakeEngine)

    def knows_voice(self, voice: str, engine: str = "auto") -> bool:
        return not voice or (voice in VOICES and engine in ("auto", VOICES[voice]))

    def knows_language(self, tag: str, engine: str = "auto") -> bool:
        return tag in ("zh", "en") or (tag == "fr" and engine != "chattts")

    def speaks(self, _voice: str, _tag: str) -> bool:
        return True

    def refusal(self, engine: str) -> str:
        return self.reasons.get(engine, "")

    def synthesiser(self, engine: str, *, typed: bool) -> "Synthesiser":
        self.asked.append(engine)
        self.typed.append(typed)
        return self.client


@pytest.fixture
def engines() -> TwoEngines:
    return TwoEngines()


@pytest.fixture
def planner(engines: TwoEngines) -> Planner:
    return Planner(Config(), cast("EngineDirectory", engines), lambda _audio, _seconds: None)


def check(planner: Planner, options: SpeakOptions) -> None:
    planner.check("words", options, SpeakOptions(voice="espeak-ng/fr"))


@pytest.mark.parametrize(
    "options",
    [
        SpeakOptions(),
        SpeakOptions(voice="chattts/alder"),
        SpeakOptions(voice="chattts/alder", engine="chattts", language="zh"),
        SpeakOptions(voice="espeak-ng/fr", engine="chattts"),  # the default, which is not the caller's choice
        SpeakOptions(language="fr"),
        SpeakOptions(language="fr", engine="espeak-ng"),
    ],
)
def test_what_an_engine_has_may_be_asked_for(planner: Planner, options: SpeakOptions) -> None:
    check(planner, options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            SpeakOptions(voice="chattts/alder", engine="espeak-ng"),
            (
                "option 'voice': got 'chattts/alder', "
                "allowed: an id from the property Voices that belongs to espeak-ng"
            ),
        ),
        (
            SpeakOptions(voice="nobody"),
            "option 'voice': got 'nobody', allowed: an id from the property Voices",
        ),
        (
            SpeakOptions(language="fr", engine="chattts"),
            "option 'language': got 'fr', allowed: auto or a language from the property Voices",
        ),
    ],
)
def test_what_another_engine_has_is_named(planner: Planner, options: SpeakOptions, message: str) -> None:
    with pytest.raises(BusError) as caught:
        check(planner, options)
    assert (caught.value.name, str(caught.value)) == ("org.freedesktop.DBus.Error.InvalidArgs", message)


def test_a_model_that_cannot_come_is_refused_only_to_who_asks_for_it(
    planner: Planner, engines: TwoEngines
) -> None:
    engines.reasons["chattts"] = "a file is cut short"
    check(planner, SpeakOptions())
    with pytest.raises(BusError, match="a file is cut short") as caught:
        check(planner, SpeakOptions(engine="chattts"))
    assert caught.value.name == "org.chattts.Speech1.Error.ModelUnavailable"


def test_without_chattts_it_is_unavailable_and_not_unknown(planner: Planner, engines: TwoEngines) -> None:
    engines.names = ("auto", "espeak-ng")
    with pytest.raises(BusError, match="does without ChatTTS") as caught:
        check(planner, SpeakOptions(engine="chattts"))
    assert caught.value.name.endswith("ModelUnavailable")
    with pytest.raises(BusError, match="configured here: auto, espeak-ng"):
        check(planner, SpeakOptions(engine="tone"))


@pytest.mark.parametrize(
    ("engine", "voice", "used"),
    [
        ("auto", "chattts/alder", "chattts/alder"),
        ("espeak-ng", "chattts/alder", ""),
        ("chattts", "espeak-ng/fr", ""),
        ("auto", "gone", ""),
    ],
)
def test_a_default_voice_of_another_engine_does_not_mute_this_one(
    planner: Planner, engines: TwoEngines, engine: str, voice: str, used: str
) -> None:
    recipe = planner.recipe(Utterance(1, ":1", "words", SpeakOptions(engine=engine, voice=voice), 0.0))
    segment = recipe.plan.get(0)
    assert segment is not None
    assert (recipe.request(segment).voice, recipe.ahead, engines.asked) == (used, 3, [engine])


@pytest.mark.parametrize(
    ("text", "options", "beside"),
    [
        ("<mark name='a'/>word " * 500, SpeakOptions(kind=Kind.SSML), True),
        ("if x(): y[1]; " * 700, SpeakOptions(punctuation=Punctuation.ALL), True),
        ("A Word " * 1400, SpeakOptions(capitals=Capitals.ICON), True),
        ("<mark name='a'/>word", SpeakOptions(kind=Kind.SSML), False),
        ("a" + " " * 10_000, SpeakOptions(spelling=True), True),
        ("\0" * 10_000, SpeakOptions(), True),
        ("words", SpeakOptions(), False),
    ],
)
async def test_a_long_text_is_read_beside_the_loop_once_it_is_asked_for(
    planner: Planner, monkeypatch: pytest.MonkeyPatch, text: str, options: SpeakOptions, beside: bool
) -> None:
    readers: list[int] = []

    def watched(text: str, options: SpeakOptions, language: str) -> Iterable[Passage]:
        readers.append(threading.get_ident())
        return script_of(text, options, language)

    monkeypatch.setattr(planning, "script_of", watched)
    plan = planner.recipe(Utterance(1, ":1", text, options, 0.0)).plan
    assert (readers == []) is beside
    assert await plan.reach(0)
    assert [reader != threading.get_ident() for reader in readers] == [beside]


@pytest.mark.parametrize(
    ("text", "options", "echo", "typed"),
    [
        ("a", SpeakOptions(kind=Kind.CHAR), True, True),
        ("shift_a", SpeakOptions(kind=Kind.KEY), True, True),
        ("<speak> exclamation mark </speak>", SpeakOptions(kind=Kind.SSML), True, True),
        ("<speak>" + "<mark name='0:9'/>page " * 3 + "</speak>", SpeakOptions(kind=Kind.SSML), False, False),
        ("<speak> comma,</speak>", SpeakOptions(kind=Kind.SSML), True, True),
        ("A", SpeakOptions(kind=Kind.CHAR, capitals=Capitals.SPELL), True, True),
        ("<speak> However,</speak>", SpeakOptions(kind=Kind.SSML), True, False),
        (LETTERS_WITHIN, SpeakOptions(kind=Kind.SSML), False, False),
        ("AB1", SpeakOptions(spelling=True), True, False),
        ("A sentence that is read, and not what answers a key. " * 3, SpeakOptions(), False, False),
        ("A sentence that is spelled, letter by letter. " * 3, SpeakOptions(spelling=True), False, False),
    ],
)
def test_what_answers_a_key_stroke_is_told_to_the_output_and_the_engine(
    planner: Planner, engines: TwoEngines, text: str, options: SpeakOptions, *, echo: bool, typed: bool
) -> None:
    assert planner.recipe(Utterance(1, ":1", text, options, 0.0)).echo is echo
    assert engines.typed == [typed]


@pytest.mark.parametrize(
    ("text", "options"),
    [
        ("a", SpeakOptions(kind=Kind.CHAR, engine="chattts")),
        ("backspace", SpeakOptions(engine="chattts")),
        ("AB1", SpeakOptions(spelling=True, engine="chattts")),
    ],
)
def test_nothing_that_is_written_to_a_file_is_told_to_be_typed(
    planner: Planner, engines: TwoEngines, text: str, options: SpeakOptions
) -> None:
    planner.recipe(Utterance(1, ":1", text, options, 0.0), background=True)
    assert engines.typed == [False]


@pytest.mark.parametrize(
    ("text", "options", "kind", "said"),
    [
        ("<speak> dot </speak>", SpeakOptions(kind=Kind.SSML), "key", "dot"),
        ("<speak> left paren(</speak>", SpeakOptions(kind=Kind.SSML), "key", "left paren"),
        ("<speak> comma,</speak>", SpeakOptions(kind=Kind.SSML), "key", "comma"),
        ("<speak>space</speak>", SpeakOptions(kind=Kind.SSML, language="zh"), "key", "space"),
        ("<speak><mark name='0:9'/>backspace</speak>", SpeakOptions(kind=Kind.SSML), "key", "backspace"),
        (
            "<speak><mark name='0:4'/>caps <mark name='5:9'/>lock</speak>",
            SpeakOptions(kind=Kind.SSML),
            "key",
            "caps lock",
        ),
        ("Page Up", SpeakOptions(), "key", "Page Up"),
        ("退格", SpeakOptions(), "key", "退格"),
        ("Home", SpeakOptions(language="zh"), "text", "Home"),
        ("next", SpeakOptions(), "text", "next"),
        ("<speak> next </speak>", SpeakOptions(kind=Kind.SSML), "text", "next"),
        ("<speak> However,</speak>", SpeakOptions(kind=Kind.SSML), "text", "However,"),
        ("<speak> 10€</speak>", SpeakOptions(kind=Kind.SSML), "text", "10€"),
        ("Save", SpeakOptions(), "text", "Save"),
        ("Tab. Enter.", SpeakOptions(), "text", "Tab. Enter."),
        ("x", SpeakOptions(kind=Kind.CHAR), "char", "x"),
    ],
)
def test_the_name_of_a_key_or_a_typed_character_waits_for_no_model(
    planner: Planner, text: str, options: SpeakOptions, kind: str, said: str
) -> None:
    recipe = planner.recipe(Utterance(1, ":1", text, options, 0.0))
    segment = recipe.plan.get(0)
    assert segment is not None
    request = recipe.request(segment)
    assert (request.kind, request.text) == (kind, said)
