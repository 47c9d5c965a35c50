"""The life of the model, over real workers that do what a script says."""

import asyncio
import logging
import os
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from chatttsd.engine.api import EngineDiedError, EngineFaultError, ModelSettings
from chatttsd.engine.fallback import ModelSynthesiser
from chatttsd.engine.model import MOST_FAILED_STARTS, ModelState
from chatttsd.engine.model_setup import NO_MODEL_THERE
from support.engine_clients import pid_of
from support.residence import WORKER, Residence, residence, spoken
from support.scripted_worker import CHATTY, Script

LOADED = [ModelState.LOADING, ModelState.WARMING, ModelState.READY]


async def load(made: Residence) -> None:
    """Load to the end."""
    made.model.load()
    await made.reach(ModelState.READY)


async def test_a_model_is_unloaded_loading_warming_ready_and_tells_how_far(tmp_path: Path) -> None:
    async with residence(tmp_path, Script(waits=True)) as made:
        model = made.model
        assert (model.state, model.client.pid) == (ModelState.UNLOADED, None)
        model.load()
        assert model.state is ModelState.LOADING
        await made.until(lambda: model.progress)
        assert (model.progress, model.reason) == ("loading 62 %", "ChatTTS is loading")
        made.folder.go()
        await made.reach(ModelState.READY)
        assert made.states == LOADED
        assert (model.reason, model.progress) == ("", "")
        assert model.client.detail == "scripted, for tests"
    assert made.states[-1] is ModelState.UNLOADED


async def test_loading_twice_is_loading_once(tmp_path: Path) -> None:
    async with residence(tmp_path) as made:
        made.model.load()
        await load(made)
        made.model.load()
        assert made.folder.starts == 1


async def test_a_folder_without_a_model_is_told_and_a_fetched_one_noticed(tmp_path: Path) -> None:
    async with residence(tmp_path) as made:
        model = made.model
        (tmp_path / "asset").rename(tmp_path / "elsewhere")
        with pytest.raises(EngineFaultError, match=r"^there is no ChatTTS model in the folder"):
            model.load()
        assert (model.state, model.reason) == (ModelState.ABSENT, NO_MODEL_THERE)
        model.want()
        assert made.folder.starts == 0
        (tmp_path / "elsewhere").rename(tmp_path / "asset")
        model.want()
        await made.reach(ModelState.READY)


async def test_a_fault_of_the_model_is_final_until_its_files_change(tmp_path: Path) -> None:
    async with residence(tmp_path, Script(fault="asset/DVAE.safetensors is cut short")) as made:
        model = made.model
        model.load()
        await made.reach(ModelState.FAILED)
        for _ in range(3):
            model.want()
            with pytest.raises(EngineFaultError, match="cut short"):
                await model.demand()
        assert model.reason == "ChatTTS cannot be used: asset/DVAE.safetensors is cut short"
        assert made.folder.starts == 1
        made.folder.write(Script())
        await model.demand()
        assert (model.state, made.folder.starts, model.reason) == (ModelState.READY, 2, "")


@pytest.mark.parametrize("way", ["load", "configure"])
async def test_a_fault_is_looked_at_again_when_a_person_asks(tmp_path: Path, way: str) -> None:
    async with residence(tmp_path, Script(fault="out of memory")) as made:
        made.model.load()
        await made.reach(ModelState.FAILED)
        (tmp_path / "script.json").write_text("{}")
        if way == "load":
            made.model.load()
        else:
            made.model.configure(made.model.settings, WORKER)
        await made.reach(ModelState.READY)


async def test_a_worker_that_dies_while_loading_is_tried_a_few_times_only(tmp_path: Path) -> None:
    async with residence(tmp_path, Script(dies_loading=True)) as made:
        made.model.load()
        await made.until(lambda: made.model.unavailable)
        assert made.folder.starts == MOST_FAILED_STARTS
        assert "killed by signal 9" in made.model.unavailable
        made.folder.write(Script())
        await made.model.demand()


async def test_a_killed_worker_comes_back_and_is_counted(tmp_path: Path) -> None:
    async with residence(tmp_path) as made:
        await load(made)
        os.kill(pid_of(made.model.client), signal.SIGKILL)
        await made.reach(ModelState.FAILED)
        assert made.model.coming
        await made.reach(ModelState.READY)
        assert made.restarts == 1
        assert made.states == [*LOADED, ModelState.FAILED, *LOADED]


async def test_nobody_waits_for_a_worker_that_dies_again_and_again(tmp_path: Path) -> None:
    async with residence(tmp_path) as made:
        await load(made)
        made.model.client.settings = replace(WORKER, backoff_first_seconds=600.0, backoff_max_seconds=600.0)
        for death in (1, 2):
            os.kill(pid_of(made.model.client), signal.SIGKILL)
            await made.reach(ModelState.FAILED)
            if death == 1:
                await made.model.ready()
        with pytest.raises(EngineDiedError, match="killed by signal 9"):
            await made.model.demand()
        assert made.model.coming, "it is tried again, later"


async def test_who_waits_already_hears_that_the_next_worker_is_not_due_soon(tmp_path: Path) -> None:
    async with residence(tmp_path, Script(dies_loading=True)) as made:
        made.model.client.settings = replace(WORKER, backoff_first_seconds=600.0, backoff_max_seconds=600.0)
        with pytest.raises(EngineDiedError, match="killed by signal 9"):
            await made.model.demand()


async def test_an_idle_model_is_unloaded_and_its_process_is_gone(tmp_path: Path) -> None:
    async with residence(tmp_path, settings=ModelSettings(idle_unload_seconds=0.2)) as made:
        await load(made)
        pid = pid_of(made.model.client)
        with made.model.in_use():
            await asyncio.sleep(0.3)
            assert made.model.state is ModelState.READY, "a model that speaks is not idle"
        await made.reach(ModelState.UNLOADED)
        await made.until(lambda: made.model.client.pid is None)
        assert not psutil.pid_exists(pid)
        assert made.model.reason == "ChatTTS is unloaded and loads with the next request"
        made.model.want()
        await made.reach(ModelState.READY)


async def test_a_model_that_was_sent_away_stays_away_until_it_is_called(tmp_path: Path) -> None:
    async with residence(tmp_path) as made:
        await load(made)
        await made.model.unload()
        made.model.want()
        assert made.states[-1:] == [ModelState.UNLOADED]
        assert made.model.reason == "ChatTTS was unloaded (chatttsctl load brings it back)"
        await made.model.demand()
        assert made.states[-1:] == [ModelState.READY]


async def test_unloading_stops_a_load_and_loading_waits_for_the_end_of_unloading(tmp_path: Path) -> None:
    async with residence(tmp_path, Script(waits=True)) as made:
        made.model.load()
        waiting = asyncio.create_task(made.model.ready())
        await made.until(lambda: made.model.progress)
        unloading = asyncio.create_task(made.model.unload())
        await made.reach(ModelState.UNLOADED)
        with pytest.raises(EngineFaultError, match="was unloaded"):
            await waiting
        made.folder.go()
        await load(made)
        await unloading
        assert (made.model.state, made.folder.starts) == (ModelState.READY, 2)


async def test_other_settings_start_another_worker_once_nothing_speaks(tmp_path: Path) -> None:
    async with residence(tmp_path) as made:
        await load(made)
        first = pid_of(made.model.client)
        with made.model.in_use():
            made.model.configure(replace(made.model.settings, precision="bf16"), WORKER)
            assert await spoken(made.model.client, "still here") == ["§still here"]
            assert pid_of(made.model.client) == first
        await made.until(lambda: made.model.client.pid not in (None, first))
        await made.reach(ModelState.READY)
        assert made.folder.starts == 2


async def test_settings_of_the_daemon_alone_leave_the_worker_as_it_is(tmp_path: Path) -> None:
    async with residence(tmp_path) as made:
        await load(made)
        changed = replace(made.model.settings, idle_unload_seconds=0.1, while_loading="wait")
        made.model.configure(changed, WORKER)
        await made.reach(ModelState.UNLOADED)
        assert made.folder.starts == 1


async def test_a_model_is_loaded_with_the_daemon_or_with_the_first_request(tmp_path: Path) -> None:
    async with residence(tmp_path, settings=ModelSettings(load="request")) as made:
        made.model.begin()
        assert made.model.state is ModelState.UNLOADED
        made.model.want()
        await made.reach(ModelState.READY)
    async with residence(tmp_path) as made:
        made.model.begin()
        await made.reach(ModelState.READY)


async def test_a_fault_that_two_ask_about_at_once_is_one_load(tmp_path: Path) -> None:
    async with residence(tmp_path, Script(fault="out of memory")) as made:
        made.model.load()
        await made.until(lambda: made.model.unavailable)
        (tmp_path / "script.json").write_text("{}")
        made.model.load()
        first = made.model._start
        await load(made)
        assert made.model._start is first
        assert made.folder.starts == 2


async def test_who_comes_when_the_idle_time_ends_is_answered(tmp_path: Path) -> None:
    async with residence(tmp_path, settings=ModelSettings(idle_unload_seconds=0.01)) as made:
        speaking = ModelSynthesiser(made.model)
        with made.model.in_use():
            await load(made)
        made.model._used_at -= 1.0
        made.model._rest()  # decides to unload, which takes a turn of the loop
        assert await spoken(speaking, "just in time") == ["§just in time"]
        assert made.folder.starts == 1
        await made.reach(ModelState.UNLOADED)


async def test_who_comes_when_other_settings_are_due_is_answered_before_them(tmp_path: Path) -> None:
    async with residence(tmp_path) as made:
        await load(made)
        made.model.configure(replace(made.model.settings, precision="bf16"), WORKER)
        made.model._settle()
        assert await spoken(ModelSynthesiser(made.model), "just in time") == ["§just in time"]
        assert made.folder.starts == 1
        await made.until(lambda: made.folder.starts == 2)
        await made.reach(ModelState.READY)


async def test_what_was_sent_away_before_it_was_there_comes_once_it_is(tmp_path: Path) -> None:
    async with residence(tmp_path) as made:
        (tmp_path / "asset").rename(tmp_path / "elsewhere")
        await made.model.unload()
        assert (made.model.state, made.model.reason) == (ModelState.ABSENT, NO_MODEL_THERE)
        (tmp_path / "elsewhere").rename(tmp_path / "asset")
        made.model.want()
        await made.reach(ModelState.READY)


class Journal(logging.Handler):
    """The lines that a logger writes from now on, as they come."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: asyncio.Queue[str] = asyncio.Queue()

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.put_nowait(f"{record.levelname} {record.getMessage()}")


@pytest.fixture
def journal(caplog: pytest.LogCaptureFixture) -> Iterator[Journal]:
    """The journal of the model, from `info` on."""
    found = Journal()
    caplog.set_level(logging.INFO, "chatttsd.engine.model")
    logging.getLogger("chatttsd.engine.model").addHandler(found)
    yield found
    logging.getLogger("chatttsd.engine.model").removeHandler(found)


async def test_what_a_ready_worker_has_to_say_goes_to_the_journal_alone(
    tmp_path: Path, journal: Journal
) -> None:
    async with residence(tmp_path) as made:
        await load(made)
        made.states.clear()
        speaking = asyncio.create_task(spoken(made.model.client, CHATTY))
        assert await journal.lines.get() == "INFO a chatty text is waited for"
        assert (made.model.progress, made.model.reason) == ("", "")
        assert not made.states
        speaking.cancel()
        assert await journal.lines.get() == "INFO a chatty text was cancelled"


async def test_the_last_words_of_an_unloaded_worker_are_not_those_of_the_next(
    tmp_path: Path, journal: Journal
) -> None:
    async with residence(tmp_path) as made:
        await load(made)
        speaking = asyncio.create_task(spoken(made.model.client, CHATTY))
        await journal.lines.get()
        made.states.clear()
        unloading = asyncio.create_task(made.model.unload())
        await made.reach(ModelState.UNLOADED)
        await load(made)
        await asyncio.gather(speaking, unloading, return_exceptions=True)
        assert made.states == [ModelState.UNLOADED, *LOADED]
