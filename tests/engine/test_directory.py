"""Which engine speaks, and what may be asked for, over real workers that are scripted."""

import asyncio
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from chatttsd.engine.api import EngineFaultError, ModelSettings
from chatttsd.engine.cache import CacheSettings
from chatttsd.engine.directory import EngineDirectory
from support.directory_stage import empty_home, stage
from support.residence import WORKER, spoken
from support.scripted_worker import Script, scripted_command

VOICE = "chattts/alder"
"""One of the voices that are built in."""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return empty_home(tmp_path, monkeypatch)


async def test_the_embedded_engine_is_there_before_the_model_has_begun(home: Path) -> None:
    async with stage(home, script=Script(waits=True)) as made:
        directory = made.directory
        assert (directory.engine, directory.model_state) == ("espeak-ng", "loading")
        assert directory.reason == "ChatTTS is loading, so espeak-ng speaks"
        assert directory.expected
        await made.until(lambda: directory.progress)
        assert directory.progress == "loading 62 %"
        made.folder.go()
        await made.ready()
        assert (directory.engine, directory.reason, directory.expected) == ("chattts", "", False)
        assert directory.detail == "scripted, for tests"


async def test_who_waits_for_the_model_is_not_told_that_another_engine_speaks(home: Path) -> None:
    async with stage(home, script=Script(waits=True), while_loading="wait") as made:
        assert (made.directory.engine, made.directory.reason) == ("chattts", "ChatTTS is loading")
        await made.directory.unload()
        assert made.directory.engine == "espeak-ng"
        assert made.directory.reason.endswith("so espeak-ng speaks")


async def test_without_a_model_the_embedded_engine_speaks_and_the_reason_says_what_to_do(home: Path) -> None:
    async with stage(home, model=False) as made:
        directory = made.directory
        assert (directory.engine, directory.model_state) == ("espeak-ng", "absent")
        assert directory.reason.endswith("that [chattts] model_dir names, so espeak-ng speaks")
        assert directory.refusal("auto") == ""
        assert "no ChatTTS model" in directory.refusal("chattts")
        with pytest.raises(EngineFaultError, match="no ChatTTS model"):
            directory.load()
        assert await spoken(directory.synthesiser("auto"), "heard", voice=VOICE) == ["heard"]


async def test_the_three_choices_of_an_utterance(home: Path) -> None:
    async with stage(home) as made:
        await made.ready()
        directory = made.directory
        assert directory.names == ("auto", "chattts", "espeak-ng")
        said = [await spoken(directory.synthesiser(name), "x") for name in directory.names]
        assert said == [["§x"], ["§x"], ["x"]]


async def test_with_chattts_alone_there_is_no_other_voice(home: Path) -> None:
    async with stage(home, "chattts") as made:
        directory = made.directory
        await made.ready()
        assert directory.names == ("auto", "chattts")
        assert {voice.engine for voice in directory.voices} == {"chattts"}
        assert await spoken(directory.synthesiser("auto"), "x", kind="char") == ["§x"]
    async with stage(home, "chattts", Script(fault="wrong shape")) as made:
        await made.until(lambda: made.directory.model_state == "failed")
        assert "wrong shape" in made.directory.refusal("auto")
        assert made.directory.reason.endswith("wrong shape")


async def test_without_chattts_nothing_of_it_is_started_or_shown(home: Path) -> None:
    async with stage(home, "espeak-ng") as made:
        directory = made.directory
        assert directory.names == ("auto", "espeak-ng")
        assert (directory.model_state, directory.reason, directory.ahead) == ("unloaded", "", 0)
        assert {voice.engine for voice in directory.voices} == {"espeak-ng"}
        assert not directory.knows_voice(VOICE)
        with pytest.raises(EngineFaultError, match="'espeak-ng', which does without ChatTTS"):
            directory.load()
        await directory.unload()
        await directory.rescan()
        directory.configure(WORKER, ModelSettings(), CacheSettings())
        assert made.folder.starts == 0


async def test_voices_and_languages_belong_to_engines(home: Path) -> None:
    async with stage(home) as made:
        directory = made.directory
        assert directory.knows_voice("", "chattts")
        assert [directory.knows_voice(VOICE, name) for name in directory.names] == [True, True, False]
        assert [directory.knows_voice("espeak-ng/fr", name) for name in directory.names] == [
            True,
            False,
            True,
        ]
        assert [directory.knows_language("fr-CA", name) for name in directory.names] == [True, False, True]
        assert not directory.knows_language("ja")


async def test_a_voice_that_is_added_is_known_without_the_model(home: Path) -> None:
    async with stage(home, model=False) as made:
        shipped = Path(__file__).parents[2] / "daemon/chatttsd/voices/builtin" / "alder.txt"
        (home / "data/chatttsd/voices/mine.txt").write_text(shipped.read_text())
        await made.until(lambda: made.directory.knows_voice("chattts/mine", "chattts"))
        (home / "data/chatttsd/voices/mine.txt").unlink()
        await made.directory.rescan()
        assert not made.directory.knows_voice("chattts/mine", "chattts")


async def test_unloading_and_other_settings_reach_the_model(home: Path) -> None:
    async with stage(home) as made:
        await made.ready()
        directory = made.directory
        await directory.unload()
        assert (
            directory.reason == "ChatTTS was unloaded (chatttsctl load brings it back), so espeak-ng speaks"
        )
        directory.load()
        await made.ready()
        model = directory.model
        assert model is not None
        directory.configure(
            replace(WORKER, hang_seconds=33.0), replace(model.settings, batch=2), CacheSettings()
        )
        assert directory.ahead == 1
        assert model.client.settings.hang_seconds == 33.0
        assert directory.embedded is not None
        assert directory.embedded.client.settings.hang_seconds == 33.0


async def test_the_daemon_imports_no_more_than_it_needs_to_be_on_the_bus() -> None:
    late = "{'numpy', 'torch', 'numba', 'chatttsd.voices.watch'}"
    probe = f"import sys, chatttsd.app; sys.exit(bool({late} & set(sys.modules)))"
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", probe)
    assert await process.wait() == 0


async def test_voices_may_be_asked_for_before_they_were_read(home: Path) -> None:
    news = asyncio.Event()
    for engine in ("auto", "chattts"):
        directory = EngineDirectory(
            *(engine, WORKER, ModelSettings(model_dir=str(home / "model"))),
            on_change=news.set,
            on_restart=lambda: None,
            command=scripted_command,
        )
        for name in ("auto", "chattts"):
            assert directory.knows_voice(VOICE, name), "whoever starts the service asks early"
            assert directory.knows_language("zh-CN", name)
    async with stage(home) as made:
        assert not made.directory.knows_voice("chattts/nobody", "chattts")
