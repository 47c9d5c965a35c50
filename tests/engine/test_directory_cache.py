"""The cache and key echo as the directory puts them before its engines, over scripted workers."""

import asyncio
import os
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from chatttsd.engine.cache import CacheSettings
from chatttsd.engine.echo import Echo
from chatttsd.engine.model import ResidentModel
from chatttsd.speech.names import echo_characters, echo_keys
from chatttsd.speech.options import SpeakOptions
from support.directory_stage import Stage, empty_home, stage
from support.engine_clients import pid_of
from support.residence import WORKER, spoken
from support.scripted_worker import HALF, REFUSED, Script

VOICES = "data/chatttsd/voices"
BUILT_IN = Path(__file__).parents[2] / "daemon/chatttsd/voices/builtin"
EVERYTHING = len(echo_characters("en")) + len(echo_keys("en"))


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return empty_home(tmp_path, monkeypatch)


async def say(made: Stage, text: str = "a sentence", engine: str = "auto", **options: Any) -> str:  # noqa: ANN401 - they differ in type
    """Say a text and return what the sound spells."""
    return "".join(await spoken(made.directory.synthesiser(engine), text, **options))


async def is_made(made: Stage, text: str = "a sentence", engine: str = "auto", **options: Any) -> bool:  # noqa: ANN401 - likewise
    """Tell whether an engine has to make a text."""
    before = made.figures.hits
    await say(made, text, engine, **options)
    return made.figures.hits == before


def model_of(made: Stage) -> ResidentModel:
    assert made.directory.model is not None
    return made.directory.model


def echo_of(made: Stage) -> Echo:
    """Return the echo, with nothing to wait for when all is quiet."""
    echo = made.directory._echo
    assert echo is not None
    echo._quiet_seconds = 0.0
    return echo


async def prepare(made: Stage, options: SpeakOptions | None = None) -> None:
    """Have the echo of everything made."""
    echo_of(made)
    made.directory.prepare_echo(options or SpeakOptions(), "en")
    await filled(made)


async def filled(made: Stage) -> None:
    """Wait until everything is there."""
    while made.figures.entries < EVERYTHING:  # noqa: ASYNC110 - many small requests are waited for
        await asyncio.sleep(0.01)


async def test_each_engine_remembers_what_it_said_itself(home: Path) -> None:
    async with stage(home) as made:
        await made.ready()
        for engine, said in (("auto", "§a sentence"), ("espeak-ng", "a sentence")):
            assert await say(made, engine=engine) == said
            assert not await is_made(made, engine=engine)
        assert not await is_made(made, engine="chattts"), "auto and chattts are one engine here"
        assert [text for text, _ in made.folder.asked] == ["a sentence"]
        assert (made.figures.entries, made.figures.misses) == (2, 2)


async def test_a_sentence_of_chattts_is_heard_while_it_loads_again(home: Path) -> None:
    async with stage(home) as made:
        await made.ready()
        assert await say(made) == "§a sentence"
        model = model_of(made)
        await model._end()  # what the idle time does
        (made.folder.folder / "script.json").write_text('{"waits": true}')
        assert model.state == "unloaded"
        assert await say(made) == "§a sentence"
        assert model.state == "loading", "a client's request wakes it all the same"
        assert await say(made, engine="chattts") == "§a sentence"
        assert await say(made, "another") == "another"
        made.folder.go()
        await made.ready()
        assert not await is_made(made)


async def test_a_model_that_was_sent_away_is_not_heard_out_of_the_cache(home: Path) -> None:
    async with stage(home) as made:
        await made.ready()
        await say(made)
        await made.directory.unload()
        assert await say(made) == "a sentence"
        assert await say(made, engine="chattts") == "§a sentence", "whoever names it calls it back"


async def test_a_voice_that_is_replaced_under_its_name_is_a_miss(home: Path) -> None:
    mine = home / VOICES / "mine.txt"
    mine.write_text((BUILT_IN / "alder.txt").read_text())
    async with stage(home) as made:
        await made.ready()
        assert await is_made(made, voice="chattts/mine")
        assert not await is_made(made, voice="chattts/mine")
        mine.with_suffix(".new").write_text((BUILT_IN / "alder.txt").read_text())
        mine.with_suffix(".new").rename(mine)
        assert await is_made(made, voice="chattts/mine"), "at once, not when the folder is looked at"
        assert not await is_made(made, voice="chattts/mine")
        mine.unlink()
        assert await is_made(made, voice="chattts/mine")
        assert await is_made(made, voice="chattts/alder")


async def test_other_files_or_settings_of_the_model_are_a_miss(home: Path) -> None:
    async with stage(home) as made:
        await made.ready()
        await say(made)
        model = model_of(made)
        made.directory.configure(WORKER, replace(model.settings, precision="bf16"), CacheSettings())
        assert model.identity is None, "the worker is not the one that the settings ask for"
        assert await is_made(made)
        await made.until(lambda: made.folder.starts == 2)
        await made.ready()
        assert await is_made(made)
        await model._end()
        made.folder.write(Script())
        assert await say(made) == "a sentence"
        await made.ready()
        assert await is_made(made)


async def test_a_worker_that_comes_back_with_other_files_is_another(home: Path) -> None:
    async with stage(home) as made:
        await made.ready()
        before = model_of(made).identity
        made.folder.write(Script())
        os.kill(pid_of(model_of(made).client), signal.SIGKILL)
        await made.until(lambda: made.folder.starts == 2)
        await made.ready()
        assert model_of(made).identity != before


async def test_what_another_engine_said_in_its_place_is_not_remembered_as_chatttss(home: Path) -> None:
    async with stage(home) as made:
        await made.ready()
        for text in (f"{REFUSED} it", f"one two {HALF} three four"):
            await say(made, text)
            asked = len(made.folder.asked)
            await say(made, text)
            assert len(made.folder.asked) == asked + 1


async def test_a_character_or_key_is_the_echo_that_chattts_prepared(home: Path) -> None:
    async with stage(home) as made:
        await made.ready()
        assert await say(made, "a", kind="char") == "a", "nobody waits for the model"
        assert made.folder.asked == []
        await prepare(made)
        assert await say(made, "a", kind="char") == "§A"
        assert await say(made, "a", "chattts", kind="char") == "§A"
        assert await say(made, "f5", kind="key") == "§f5"
        assert await say(made, "a", kind="char", rate=2.0) != "§A"
        assert await say(made, "é", kind="char") == "é"


async def test_a_stroke_is_no_slower_where_chattts_is_asked_for(home: Path) -> None:
    async with stage(home) as made:
        await made.ready()
        await prepare(made)
        asked = len(made.folder.asked)
        assert await say(made, "é", "chattts", kind="char") == "é"
        assert await say(made, "f5", "chattts", kind="key") == "§f5"
        assert len(made.folder.asked) == asked
        await model_of(made)._end()
        (made.folder.folder / "script.json").write_text('{"waits": true}')
        assert await say(made, "b", "chattts", kind="char") == "§B"
        assert await say(made, "é", "chattts", kind="char") == "é"
        assert model_of(made).state == "loading", "it comes for what is read next"


async def test_a_letter_of_what_is_read_and_not_typed_is_chatttss_where_it_is_asked_for(home: Path) -> None:
    async with stage(home) as made:
        await made.ready()
        for engine, said in (("auto", "é"), ("chattts", "§é")):
            reader = made.directory.synthesiser(engine, typed=False)
            assert await spoken(reader, "é", kind="char") == [said]


async def test_without_another_engine_a_stroke_that_is_not_prepared_waits_for_chattts(home: Path) -> None:
    async with stage(home, "chattts", cache=CacheSettings(echo=False)) as made:
        for engine in ("auto", "chattts"):
            assert await say(made, "é", engine, kind="char") == "§é"
        assert [text for text, _ in made.folder.asked] == ["é"], "once"


async def test_echo_neither_wakes_the_model_nor_keeps_it(home: Path) -> None:
    async with stage(home) as made:
        await made.ready()
        await prepare(made)
        model = model_of(made)
        used = model._used_at
        assert await say(made, "a", kind="char") == "§A"
        await model._end()
        assert await say(made, "b", kind="char") == "§B"
        assert (model.state, model._used_at) == ("unloaded", used)
        await made.directory.unload()
        assert await say(made, "b", kind="char") == "b"


async def test_the_manner_of_the_defaults_is_prepared_and_echo_can_be_left_out(home: Path) -> None:
    async with stage(home) as made:
        await made.ready()
        await prepare(made, SpeakOptions(volume=0.5, voice="chattts/alder"))
        assert await say(made, "a", kind="char", volume=0.5, voice="chattts/alder") == "§A"
        assert await say(made, "a", kind="char") == "a"
    async with stage(home, cache=CacheSettings(echo=False)) as made:
        await made.ready()
        made.directory.prepare_echo(SpeakOptions(), "en")
        assert echo_of(made)._timer is None
        made.directory.configure(WORKER, model_of(made).settings, CacheSettings())
        await filled(made)


async def test_a_request_of_a_client_ends_the_preparation(home: Path) -> None:
    async with stage(home, script=Script(pace=1.0)) as made:
        await made.ready()
        echo = echo_of(made)
        made.directory.prepare_echo(SpeakOptions(), "en")
        while not made.folder.asked:  # noqa: ASYNC110 - the worker writes it to a file
            await asyncio.sleep(0.01)
        assert echo.working
        task = asyncio.create_task(say(made, "x"))
        await asyncio.sleep(0)
        assert not echo.working
        assert await task == "§x"


async def test_the_size_of_the_cache_can_be_changed(home: Path) -> None:
    async with stage(home) as made:
        await made.ready()
        await say(made)
        made.directory.configure(WORKER, model_of(made).settings, CacheSettings(megabytes=0))
        assert (made.figures.entries, made.figures.bytes) == (0, 0)
        assert await is_made(made)
        assert await is_made(made)
