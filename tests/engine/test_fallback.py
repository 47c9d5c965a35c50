"""Who says a segment, over a real worker of the model and a real one of the engine beside it."""

import asyncio
import os
import signal
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from chatttsd.constants import SAMPLE_BYTES, SAMPLE_RATE
from chatttsd.engine.api import EngineError, EngineFaultError, ModelSettings, SynthesisRequest, Word
from chatttsd.engine.chattts.wording import rate_of, speed_of
from chatttsd.engine.client import EngineClient
from chatttsd.engine.fallback import Embedded, ModelByName, ModelSynthesiser, WithFallback, model_rate
from chatttsd.engine.model import ModelState
from chatttsd.speech.remainder import remainder
from support.engine_clients import QUICK, States, pid_of
from support.residence import Residence, residence, spoken
from support.scripted_worker import HALF, POISON, REFUSED, Script, scripted_command
from support.tone_decoder import decode

WAITING = ModelSettings(while_loading="wait")


@asynccontextmanager
async def voice(
    folder: Path, script: Script | None = None, settings: ModelSettings | None = None
) -> AsyncIterator[tuple[WithFallback, Residence]]:
    """Both engines; the model is not asked for yet."""
    beside = EngineClient(scripted_command("espeak-ng", ""), QUICK, on_state=States())
    try:
        await beside.start()
        async with residence(folder, script, settings) as made:
            yield WithFallback(made.model, beside), made
    finally:
        await beside.stop()


async def test_the_other_engine_speaks_while_the_model_loads_and_the_model_once_it_can(
    tmp_path: Path,
) -> None:
    async with voice(tmp_path, Script(waits=True)) as (both, made):
        assert await spoken(both, "one") == ["one"]
        assert made.model.state is ModelState.LOADING, "the request loads it"
        made.folder.go()
        await made.reach(ModelState.READY)
        assert await spoken(both, "two", voice="chattts/alder") == ["§two"]


async def test_a_request_may_be_made_to_wait_for_the_model(tmp_path: Path) -> None:
    async with voice(tmp_path, Script(waits=True), WAITING) as (both, made):
        assert made.model.speaks, "it is the model's voice that answers"
        waiting = asyncio.create_task(spoken(both, "patient"))
        await made.until(lambda: made.model.progress)
        made.folder.go()
        assert await waiting == ["§patient"]


async def test_who_waits_for_a_model_that_fails_is_answered_by_the_other_engine(tmp_path: Path) -> None:
    async with voice(tmp_path, Script(fault="wrong shape"), WAITING) as (both, made):
        assert await spoken(both, "one", voice="chattts/alder", parameters={"seed": "1"}) == ["one"]
        assert await spoken(both, "two") == ["two"]
        assert made.folder.starts == 1


@pytest.mark.parametrize(
    "options",
    [
        {"kind": "char"},
        {"kind": "key"},
        {"language": "fr"},
        {"voice": "espeak-ng/en"},
        {"language": "fr", "voice": "chattts/alder"},
    ],
)
async def test_what_the_model_does_not_say_goes_to_the_other_engine(
    tmp_path: Path, options: dict[str, str]
) -> None:
    async with voice(tmp_path) as (both, made):
        made.model.load()
        await made.reach(ModelState.READY)
        assert await spoken(both, "x", background=False, **options) == ["x"]
        assert await spoken(both, "y", language="zh-TW") == await spoken(both, "y", language="cmn") == ["§y"]
        assert made.model.reason == ""


async def test_a_segment_that_the_model_refuses_is_said_by_the_other_engine_and_told(tmp_path: Path) -> None:
    async with voice(tmp_path, settings=WAITING) as (both, made):
        assert await spoken(both, f"{REFUSED} words") == [f"{REFUSED} words"]
        why = "espeak-ng spoke for ChatTTS: the model's speech was silent, in 3 attempts"
        assert made.model.reason == why
        assert await spoken(both, "well") == ["§well"]
        assert made.model.reason == ""


@pytest.mark.parametrize("text", ["初音ミク你好", "say Привет to them", "𠮷野家", "한국 is Korea"])
async def test_a_text_with_letters_that_the_model_leaves_out_is_said_by_the_other_engine(
    text: str, tmp_path: Path
) -> None:
    async with voice(tmp_path) as (both, made):
        assert await spoken(both, "one") == ["one"]
        await made.reach(ModelState.READY)
        assert await spoken(both, text, voice="chattts/alder") == [text]
        assert made.model.reason == "espeak-ng spoke for ChatTTS: it knows Latin and Chinese letters only"
        for known in ("α café, 々 naïve ª 5 µm", "李\uf9e1华，\u3164Ａ Ⅳ ㊙"):
            assert await spoken(both, known) == [f"§{known}"]
        assert made.model.reason == ""


async def test_a_segment_that_breaks_off_goes_on_at_the_word(tmp_path: Path) -> None:
    text = f"one two three four {HALF} five six seven"
    async with voice(tmp_path, Script(pace=0.2), WAITING) as (both, made):
        request = SynthesisRequest(text)
        stream = both.synthesise(request, expected_seconds=1.0)
        pcm = np.frombuffer(b"".join([chunk async for chunk in stream]), np.int16)
        by_model, by_other = decode(pcm)
        assert by_model.text.startswith("§one two three")
        assert by_other.text
        assert text.endswith(" " + by_other.text)
        assert "broke off" in made.model.reason


class Teller:
    """Tells of one word in each text, at its third sample."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    async def synthesise(
        self, request: SynthesisRequest, *, expected_seconds: float, background: bool = False
    ) -> AsyncGenerator[bytes, None]:
        assert expected_seconds > 0
        assert not background
        self.texts.append(request.text)
        request.tell_word(Word(1, 3, 2))
        yield bytes(8)


async def test_the_words_of_the_rest_are_told_where_they_stand_in_the_whole(tmp_path: Path) -> None:
    text = f"one two three four {HALF} five six seven"
    words: list[Word] = []
    beside = Teller()
    async with residence(tmp_path, Script(pace=0.2), WAITING) as made:
        request = SynthesisRequest(text, tell_word=words.append)
        stream = WithFallback(made.model, beside).synthesise(request, expected_seconds=1.0)
        sound = b"".join([pcm async for pcm in stream])
    before = len(text) - len(beside.texts[0])
    assert text.endswith(beside.texts[0])
    assert before > 0
    assert words == [Word(before + 1, before + 3, len(sound) // SAMPLE_BYTES - 4 + 2)]


async def test_who_would_wait_for_a_worker_that_dies_repeatedly_is_answered_by_the_other_engine(
    tmp_path: Path,
) -> None:
    async with voice(tmp_path, settings=WAITING) as (both, made):
        made.model.client.settings = replace(QUICK, backoff_first_seconds=600.0, backoff_max_seconds=600.0)
        assert await spoken(both, POISON) == [POISON], "it dies of it twice"
        assert made.model.client.resting
        assert await spoken(both, "next") == ["next"]
        assert "killed by signal 9" in made.model.reason


async def test_a_worker_killed_mid_segment_loses_no_sound_and_repeats_none(tmp_path: Path) -> None:
    async with voice(tmp_path, Script(pace=1.0), WAITING) as (both, made):
        stream = both.synthesise(SynthesisRequest("sentence"), expected_seconds=1.0)
        pcm = await anext(stream)
        os.kill(pid_of(made.model.client), signal.SIGKILL)
        pcm += b"".join([chunk async for chunk in stream])
        assert [piece.text for piece in decode(np.frombuffer(pcm, np.int16))] == ["§sentence"]
        assert made.model.reason == ""


async def test_a_text_that_kills_the_worker_twice_is_said_by_the_other_engine(tmp_path: Path) -> None:
    async with voice(tmp_path, settings=WAITING) as (both, made):
        assert await spoken(both, POISON) == [POISON]
        assert made.folder.starts >= 2
        assert await spoken(both, "next") == ["§next"]


async def test_hints_reach_the_model_and_never_the_other_engine(tmp_path: Path) -> None:
    hints = (SynthesisRequest("b"), SynthesisRequest("c", language="fr"), SynthesisRequest("d"))
    async with voice(tmp_path, settings=WAITING) as (both, made):
        assert await spoken(both, "a", following=hints) == ["§a"]
        assert made.folder.asked == [("a", ["b", "d"])]
        assert made.folder.wholes == [[True] * 3], "the other engine can say what the model would leave out"
        assert await spoken(both, "x", kind="char", following=hints) == ["x"]


async def test_an_explicit_request_waits_for_the_model_even_after_it_was_unloaded(tmp_path: Path) -> None:
    async with residence(tmp_path) as made:
        await made.model.unload()
        assert await spoken(ModelSynthesiser(made.model), "asked") == ["§asked"]


async def test_an_explicit_request_fails_with_what_the_model_says(tmp_path: Path) -> None:
    async with residence(tmp_path) as made:
        only = ModelSynthesiser(made.model)
        with pytest.raises(EngineError, match="silent, in 3 attempts"):
            await spoken(only, REFUSED)
        assert made.folder.wholes == [[False]], "there is no other engine"
    async with residence(tmp_path, Script(fault="wrong shape")) as made:
        with pytest.raises(EngineFaultError, match="wrong shape"):
            await spoken(ModelSynthesiser(made.model), "asked")


@pytest.mark.parametrize("kind", ["char", "key"])
async def test_a_stroke_that_asks_for_the_model_calls_it_and_waits_for_nothing(
    tmp_path: Path, kind: str
) -> None:
    beside = Recorder()
    async with residence(tmp_path, Script(waits=True)) as made:
        by_name = ModelByName(made.model, beside)
        await made.model.unload()
        assert await spoken(by_name, "x", kind=kind, voice="chattts/alder") == []
        assert beside.texts == ["x"], "it has said it"
        assert made.model.state is ModelState.LOADING, "whoever names it calls it back"
        reading = asyncio.create_task(spoken(by_name, "prose"))
        await made.until(lambda: made.model.progress)
        assert await spoken(by_name, "y", kind=kind) == []
        made.folder.go()
        assert await reading == ["§prose"], "nobody reads in its place"
        assert await spoken(by_name, "z", kind=kind) == []
    assert beside.texts == ["x", "y", "z"]
    assert made.folder.asked == [("prose", [])]


async def test_the_model_is_told_only_of_what_it_will_be_asked_for_by_name(tmp_path: Path) -> None:
    hints = (SynthesisRequest("b", kind="char"), SynthesisRequest("c", language="fr"))
    async with residence(tmp_path) as made:
        by_name = ModelByName(made.model, Recorder())
        assert await spoken(by_name, "a", following=hints) == ["§a"]
        assert await spoken(ModelSynthesiser(made.model), "d", following=hints) == ["§d"]
        assert made.folder.asked == [("a", ["c"]), ("d", ["b", "c"])]


async def test_a_stroke_that_asks_for_a_model_that_cannot_come_fails(tmp_path: Path) -> None:
    beside = Recorder()
    async with residence(tmp_path, Script(fault="wrong shape")) as made:
        made.model.load()
        await made.reach(ModelState.FAILED)
        with pytest.raises(EngineFaultError, match="wrong shape"):
            await spoken(ModelByName(made.model, beside), "x", kind="char")
    assert beside.texts == []


async def test_an_embedded_engine_gets_only_what_it_knows() -> None:
    client = EngineClient(scripted_command("espeak-ng", ""), QUICK, on_state=States())
    await client.start()
    try:
        plain = Embedded(client)
        assert await spoken(
            plain, "x", voice="chattts/alder", parameters={"tone_seconds_per_second": "999"}
        ) == ["x"]
    finally:
        await client.stop()


@pytest.mark.parametrize("rate", [0.25, 0.5, 1.0, 1.2, 1.4, 4.0])
def test_the_model_is_heard_at_any_rate(rate: float) -> None:
    assert model_rate(SynthesisRequest("x", rate=rate)) == pytest.approx(rate)


@pytest.mark.parametrize("speed", range(10))
def test_a_speed_of_the_model_is_heard_as_fast_as_the_rate_makes_it(speed: int) -> None:
    request = SynthesisRequest("x", rate=3.0, parameters={"speed": str(speed)})
    assert model_rate(request) == pytest.approx(3 * rate_of(speed_of(request)))


class Recorder:
    """Says nothing, and remembers what it should have said."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    async def synthesise(
        self, request: SynthesisRequest, *, expected_seconds: float, background: bool = False
    ) -> AsyncGenerator[bytes, None]:
        assert expected_seconds > 0
        assert not background
        self.texts.append(request.text)
        yield b""


async def test_the_rest_is_found_at_any_rate(tmp_path: Path) -> None:
    text = f"one two three four five six seven {HALF} eight nine"
    beside = Recorder()
    async with residence(tmp_path, Script(pace=1.0), WAITING) as made:
        stream = WithFallback(made.model, beside).synthesise(
            SynthesisRequest(text, rate=4.0), expected_seconds=1.0
        )
        heard = sum([len(pcm) async for pcm in stream]) / (SAMPLE_RATE * SAMPLE_BYTES)
        assert "broke off" in made.model.reason
    assert beside.texts == [remainder(text, heard, 4.0)]
    assert 0 < len(beside.texts[0]) < len(text)
