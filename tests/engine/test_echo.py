"""Key echo is prepared while all is quiet, in the manner of who types, and never in anybody's way."""

import asyncio
from array import array
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from chatttsd.engine.api import EngineDiedError, EngineError, SynthesisRequest
from chatttsd.engine.cache import PcmCache
from chatttsd.engine.cached import Shelf
from chatttsd.engine.chattts.wording import spelled
from chatttsd.engine.echo import MARGIN_SAMPLES, THRESHOLD, Echo, EchoManner, spoken_name, trimmed
from chatttsd.speech.names import echo_characters, echo_keys
from chatttsd.speech.options import SpeakOptions
from chatttsd.speech.statistics import CacheFigures
from support.engine_clients import LIMIT_SECONDS

SOUND = array("h", [0] * 1000 + [3000] * 50 + [0] * 1000).tobytes()
EVERYTHING = len(echo_characters("en")) + len(echo_keys("en"))


class Scripted:
    """An engine that says SOUND for any text; it waits before each while `gate` is closed."""

    def __init__(self) -> None:
        self.asked: list[SynthesisRequest] = []
        self.cancelled = 0
        self.gate = asyncio.Event()
        self.gate.set()
        self.begun = asyncio.Event()
        self.sounds: dict[str, bytes | EngineError] = {}

    async def synthesise(
        self, request: SynthesisRequest, *, expected_seconds: float, background: bool = False
    ) -> AsyncGenerator[bytes, None]:
        assert expected_seconds > 0
        assert background, "nobody may have to wait for it"
        self.asked.append(request)
        self.begun.set()
        try:
            await self.gate.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        sound = self.sounds.get(request.text, SOUND)
        if isinstance(sound, EngineError):
            raise sound
        yield sound


class Client:
    """A synthesiser of a client's; it says a second of silence once `gate` is open."""

    def __init__(self) -> None:
        self.gate = asyncio.Event()
        self.gate.set()

    async def synthesise(
        self, request: SynthesisRequest, *, expected_seconds: float, background: bool = False
    ) -> AsyncGenerator[bytes, None]:
        assert (request.text, expected_seconds, background) == (request.text, 1.0, False)
        await self.gate.wait()
        yield bytes(48_000)


class Stage:
    """An echo over a scripted engine; `now` is its clock."""

    def __init__(self) -> None:
        self.now = 100.0
        self.is_ready = True
        self.identity: tuple[object, ...] | None = ("engine",)
        self.cache = PcmCache(64, CacheFigures())
        self.shelf = Shelf(self.cache, lambda _voice: self.identity)
        self.engine = Scripted()
        self.client = Client()
        self.echo = Echo(
            self.engine, self.shelf, lambda: self.is_ready, clock=lambda: self.now, quiet_seconds=0.0
        )

    async def until(self, condition: Callable[[], object]) -> None:
        async with asyncio.timeout(LIMIT_SECONDS):
            while not condition():  # noqa: ASYNC110 - turns of the loop are what is waited for
                await asyncio.sleep(0)

    async def filled(self) -> None:
        """Wait until a preparation has begun and ended."""
        await self.until(lambda: self.echo.working)
        await self.until(lambda: not self.echo.working)

    async def type(self, text: str, kind: str = "char", **options: object) -> None:
        """Do what a client does that types."""
        request = SynthesisRequest(text, kind=kind, **options)  # type: ignore[arg-type] # they differ in type
        stream = self.echo.attend(self.client).synthesise(request, expected_seconds=1.0)
        assert len([pcm async for pcm in stream]) == 1
        self.now += 1.0

    def holds(self, text: str, kind: str = "char", **options: object) -> bool:
        return self.shelf.holds(SynthesisRequest(text, kind=kind, **options))  # type: ignore[arg-type] # likewise


@asynccontextmanager
async def stage(*, wanted: bool = True) -> AsyncIterator[Stage]:
    made = Stage()
    made.echo.configure(EchoManner(), wanted=wanted)
    try:
        yield made
    finally:
        await made.echo.stop()


async def test_characters_and_keys_are_prepared_by_their_names_and_trimmed() -> None:
    async with stage() as made:
        await made.filled()
        assert made.cache.figures.entries == EVERYTHING
        assert {request.kind for request in made.engine.asked} == {"char"}, "that is levelled as a whole"
        said = [request.text for request in made.engine.asked]
        assert said[0] == "A", "what is typed most comes first, and a letter is no article"
        assert len(said) == len(set(said)), "one sound for a letter in both cases"
        entry = made.shelf.recall(SynthesisRequest("a", kind="char"))
        assert entry is not None
        assert len(entry.pcm) == 2 * (50 + 2 * MARGIN_SAMPLES)
        assert made.holds("A")
        assert made.holds("f5", kind="key")
        assert not made.holds("a", kind="text"), "a text of one letter is another request"


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_name_that_is_prepared_is_said_as_it_is(language: str) -> None:
    for request in EchoManner(languages=(language,)).requests():
        name = spoken_name(request)
        assert spelled(SynthesisRequest(name, language, kind="char")) == name


async def test_nothing_is_prepared_twice_until_something_changes() -> None:
    async with stage() as made:
        await made.filled()
        count = len(made.engine.asked)
        await made.type("a")
        made.echo.consider()
        assert not made.echo.working
        made.identity = ("engine", "loaded anew")
        made.echo.consider()
        await made.filled()
        assert len(made.engine.asked) == 2 * count


async def test_who_types_in_another_manner_is_prepared_for_and_the_old_one_is_let_go() -> None:
    async with stage() as made:
        await made.filled()
        await made.type("a", rate=2.0, pitch=1.2, volume=0.5, voice="chattts/birch", parameters={"seed": "7"})
        await made.filled()
        manner: dict[str, Any] = {
            "rate": 2.0,
            "pitch": 1.2,
            "volume": 0.5,
            "voice": "chattts/birch",
            "parameters": {"seed": "7"},
        }
        assert made.holds("a", **manner)
        assert made.holds("a"), "there was room for both"
        assert made.engine.asked[-1].parameters == {"seed": "7"}
        made.cache.resize(0)
        assert not made.holds("a", **manner)


async def test_a_language_that_is_typed_comes_first_and_one_that_cannot_be_said_never() -> None:
    async with stage() as made:
        await made.filled()
        await made.type("你", language="zh")
        await made.filled()
        assert made.echo.manner.languages == ("zh", "en")
        assert made.holds("，", language="zh")
        for options in ({"language": "fr"}, {"voice": "espeak-ng/en"}, {"kind": "text"}):
            await made.type("x", **{"kind": "char", **options})
            assert made.echo.manner.languages == ("zh", "en")
        for tag in ("en-GB", "zh-TW", "zh"):
            await made.type("x", language=tag)
        assert list(made.echo.manner.languages) == ["zh", "zh-TW", "en-GB"]


async def test_a_request_ends_the_work_at_once_and_it_goes_on_when_all_is_quiet() -> None:
    async with stage() as made:
        made.engine.gate.clear()
        await made.engine.begun.wait()
        made.client.gate.clear()
        typing = asyncio.create_task(made.type("x"))
        await made.until(lambda: made.engine.cancelled)
        assert not made.echo.working
        made.echo.consider()
        made.engine.gate.set()
        await asyncio.sleep(0)
        assert not made.echo.working, "a client waits"
        made.client.gate.set()
        await typing
        await made.until(lambda: made.cache.figures.entries == EVERYTHING)


async def test_it_is_not_quiet_while_what_was_made_is_still_to_be_heard() -> None:
    async with stage() as made:
        request = SynthesisRequest("x")
        async for _ in made.echo.attend(made.client).synthesise(request, expected_seconds=1.0):
            pass
        assert made.echo._timer is not None
        assert made.echo._timer.when() - asyncio.get_running_loop().time() > 0.5
        stream = made.echo.attend(made.client).synthesise(request, expected_seconds=1.0)
        await anext(stream)
        await stream.aclose()
        assert made.echo._timer.when() - asyncio.get_running_loop().time() <= 0, "cancelled: nothing is heard"


async def test_a_name_that_cannot_be_said_is_not_tried_again_and_silence_is_no_echo() -> None:
    async with stage() as made:
        made.engine.sounds = {"A": EngineError("silent, in 3 attempts"), "B": bytes(400)}
        await made.filled()
        assert not made.holds("a")
        assert not made.holds("b")
        assert made.cache.figures.entries == EVERYTHING - 4
        made.echo._done = None
        count = len(made.engine.asked)
        made.echo.consider()
        await made.filled()
        assert len(made.engine.asked) == count


async def test_what_the_engine_dies_of_is_left_out_when_it_is_back() -> None:
    async with stage() as made:
        made.engine.sounds = {"C": EngineDiedError("killed by signal 11")}
        await made.filled()
        assert made.cache.figures.entries == 2, "it waits for the engine to be back"
        made.echo.consider()
        await made.filled()
        assert made.cache.figures.entries == 2, "once may be an unload, so it is tried again"
        made.echo.consider()
        await made.filled()
        assert made.cache.figures.entries == EVERYTHING - 2, "a letter in both cases"
        assert not made.holds("c")


async def test_nothing_is_prepared_when_it_is_not_wanted_or_the_engine_is_not_ready() -> None:
    async with stage(wanted=False) as made:
        made.echo.consider()
        assert made.echo._timer is None
        made.is_ready = False
        made.echo.configure(EchoManner(), wanted=True)
        assert made.echo._timer is None
        made.is_ready, made.identity = True, None
        made.echo.consider()
        assert made.echo._timer is None
        made.identity = ("engine",)
        made.echo.consider()
        await made.filled()
        assert made.cache.figures.entries == EVERYTHING
        made.echo.configure(EchoManner(), wanted=False)
        assert made.echo._timer is None


async def test_it_ends_when_the_engine_goes_and_when_its_share_of_the_cache_is_full() -> None:
    async with stage() as made:
        made.engine.gate.clear()
        await made.engine.begun.wait()
        made.is_ready = False
        made.engine.gate.set()
        await made.until(lambda: not made.echo.working)
        assert len(made.engine.asked) == 1
        made.cache.resize(1)
        made.is_ready = True
        made.engine.sounds = {
            "B": array("h", [9000] * 50_000).tobytes(),
            "C": array("h", [9000] * 50_000).tobytes(),
        }
        made.engine.sounds |= {"D": array("h", [9000] * 50_000).tobytes()}
        made.echo.consider()
        await made.filled()
        assert len(made.engine.asked) < EVERYTHING // 2
        made.echo.consider()
        assert made.echo._timer is None, "full is done"


def test_the_manner_of_the_defaults() -> None:
    options = SpeakOptions(voice="chattts/alder", rate=1.5, volume=0.7, parameters={"oral": "3"})
    manner = EchoManner.of(options, "zh")
    assert (manner.languages, manner.rate, manner.parameters) == (("zh",), 1.5, (("oral", "3"),))
    assert EchoManner.of(SpeakOptions(language="en-GB"), "zh").languages == ("en-GB", "zh")
    assert "chattts/alder" in {request.voice for request in manner.requests()}


@pytest.mark.parametrize(
    ("kind", "text", "language", "said"),
    [
        ("char", "a", "en", "A"),
        ("char", "7", "zh", "7"),
        ("char", "，", "zh", "逗号"),
        ("key", "shift_a", "en", "shift A"),
    ],
)
def test_the_name_of_a_character_or_a_key(kind: str, text: str, language: str, said: str) -> None:
    assert spoken_name(SynthesisRequest(text, language, kind=kind)) == said


def test_silence_at_head_and_tail_is_cut_to_a_margin() -> None:
    loud = array("h", [0] * 500 + [THRESHOLD] * 20 + [-THRESHOLD - 1, 0, 500] + [0] * 500)
    kept = array("h", trimmed(loud.tobytes()))
    assert len(kept) == 2 * MARGIN_SAMPLES + 3
    assert (kept[MARGIN_SAMPLES], kept[-MARGIN_SAMPLES - 1]) == (-THRESHOLD - 1, 500)
    assert trimmed(array("h", [5, -5] * 100).tobytes()) == b""
    assert trimmed(array("h", [5000]).tobytes()) == array("h", [5000]).tobytes()
