"""The service where calls meet in one turn of the loop, and where it must not be mute."""

import asyncio
import os
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from chatttsd.audio.api import AudioSettings
from chatttsd.bus.errors import BusError
from chatttsd.config import Config
from chatttsd.engine.api import EngineError
from chatttsd.speech.options import SpeakOptions
from support.fakes import pcm_of, settle
from support.machine import Machine

ONE, TWO = "One sentence for the voice.", "Another sentence, a little longer than the first."
LONGER = "A first sentence that goes on for a while. And a second one, which must not be heard."


@pytest.fixture
async def machine() -> AsyncIterator[Machine]:
    machine = Machine()
    await machine.start()
    yield machine
    await machine.stop()


@pytest.mark.parametrize("order", ["skip first", "skip last"])
async def test_skip_in_the_same_turn_does_not_swallow_a_cancel(machine: Machine, order: str) -> None:
    machine.say(
        "A first sentence that goes on for a while. And a second one, which must not be heard at all."
    )
    await machine.hear(size=960, rounds=3)
    acts = [machine.service.skip, machine.service.cancel_all]
    for act in acts if order == "skip first" else reversed(acts):
        act()
    await machine.hear()
    assert machine.outcomes() == {1: "cancelled"}
    heard = len(machine.output.heard)
    machine.say(TWO, priority="important")
    await machine.hear()
    assert bytes(machine.output.heard[heard:]) == pcm_of(TWO)


async def test_skip_in_the_same_turn_does_not_swallow_an_interruption(machine: Machine) -> None:
    machine.say(
        "A first sentence that goes on for a while. And a second one, which must not be heard at all."
    )
    await machine.hear(size=960, rounds=3)
    machine.service.skip()
    machine.say(TWO, priority="important")
    await machine.hear()
    assert machine.outcomes() == {1: "interrupted", 2: "finished"}
    assert machine.output.heard.endswith(pcm_of(TWO))


async def test_two_skips_at_once_skip_two_segments(machine: Machine) -> None:
    paragraphs = ["The first paragraph is here.", "The second one follows.", "The third one ends."]
    machine.say("\n\n".join(paragraphs))
    await machine.hear(size=960, rounds=3)
    machine.service.skip()
    machine.service.skip()
    await machine.hear()
    assert machine.output.heard.endswith(pcm_of(paragraphs[2]))
    assert pcm_of(paragraphs[1]) not in machine.output.heard


async def test_a_long_silent_text_leaves_turns_to_others(machine: Machine) -> None:
    machine.say("!!\n\n" * 2000)
    turns = 0

    async def bystander() -> None:
        nonlocal turns
        while not machine.outcomes():
            turns += 1
            await asyncio.sleep(0)

    waiting = asyncio.ensure_future(bystander())
    await machine.hear(rounds=3000)
    await asyncio.wait_for(waiting, 30)
    assert machine.outcomes() == {1: "finished"}
    assert turns > 500


async def test_a_pause_ends_with_what_was_paused(machine: Machine) -> None:
    machine.say(ONE, priority="text")
    await machine.hear(size=960, rounds=2)
    machine.service.pause()
    machine.say(TWO, priority="important")
    await machine.hear()
    assert machine.outcomes() == {1: "interrupted", 2: "finished"}
    assert not machine.output.paused


async def test_a_pause_right_after_speak_holds_the_first_sample(machine: Machine) -> None:
    machine.say(ONE)
    machine.service.pause()
    await machine.hear()
    assert machine.output.heard == b""
    assert machine.service.state == "paused"
    machine.service.resume()
    await machine.hear()
    assert bytes(machine.output.heard) == pcm_of(ONE)


async def test_a_synthesis_cancelled_at_once_closes_its_descriptor(machine: Machine) -> None:
    for _ in range(20):
        reader, writer = os.pipe()
        machine.service.synthesize(":1", writer, ONE, SpeakOptions())
        machine.service.cancel_all()
        assert await asyncio.wait_for(asyncio.to_thread(_read_all, reader), 10) == b""


async def test_an_unknown_default_voice_does_not_mute_but_is_told(machine: Machine) -> None:
    with pytest.raises(BusError, match="got 'nobody'"):
        machine.service.set_options(SpeakOptions(voice="nobody"))
    machine.service._use_options(SpeakOptions(voice="nobody"))
    machine.say(ONE)
    await machine.hear()
    assert machine.outcomes() == {1: "finished"}
    assert "the default voice 'nobody' is not known" in machine.service.reason


async def test_a_language_that_no_voice_speaks_is_the_callers_mistake(machine: Machine) -> None:
    with pytest.raises(BusError, match="option 'language': got 'xx', allowed: auto or a language"):
        machine.say(ONE, language="xx")
    assert machine.service.reason == ""


async def test_what_has_waited_for_a_device_in_the_queue_does_not_wait_again() -> None:
    machine = Machine(Config(audio=AudioSettings(wait_seconds=0.0)))
    machine.output.unavailable = True
    machine.output.reason = "there is no sound device"
    await machine.start()
    for _ in range(5):
        machine.say(ONE)
    await settle()
    assert set(machine.outcomes().values()) == {"failed"}
    await machine.stop()


async def test_an_utterance_that_is_not_heard_gets_a_reason(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chatttsd.service._PATIENCE_SECONDS", 0.0)
    machine.say(ONE)
    await asyncio.sleep(0.01)
    await settle()
    assert machine.service.reason == "nothing is heard yet: waiting for fake or the sound device"
    await machine.hear()
    assert machine.service.reason == ""


async def test_a_known_reason_is_not_followed_by_a_guess(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chatttsd.service._PATIENCE_SECONDS", 0.0)
    machine.output.reason = "There is no sound device."
    machine.engines.reason = "the engine is a fake"
    machine.say(ONE)
    await asyncio.sleep(0.01)
    assert machine.service.reason == "There is no sound device; the engine is a fake"


def _read_all(reader: int) -> bytes:
    with os.fdopen(reader, "rb") as stream:
        return stream.read()


async def test_a_model_that_cannot_come_is_refused_with_its_reason(machine: Machine) -> None:
    machine.engines.engine = "chattts"
    machine.engines.refusals = {"chattts": "the model is not installed", "load": "a file is cut short"}
    with pytest.raises(BusError, match="the model is not installed") as caught:
        machine.say(ONE, engine="chattts")
    assert caught.value.name.endswith("Error.ModelUnavailable")
    with pytest.raises(BusError, match="a file is cut short") as caught:
        await machine.service.load_model()
    assert caught.value.name.endswith("Error.ModelUnavailable")
    machine.say(TWO)
    await machine.hear()
    assert machine.outcomes() == {1: "finished"}


async def test_loading_unloading_and_the_engines_own_line_are_passed_on(machine: Machine) -> None:
    await machine.service.load_model()
    await machine.service.unload_model()
    machine.engines.detail = "int8 on 2 cores"
    assert machine.engines.deeds == ["load", "unload"]
    assert machine.service.statistics["engine_detail"] == "int8 on 2 cores"


async def test_holes_that_a_busy_machine_cuts_are_counted_in_the_statistics(machine: Machine) -> None:
    assert machine.service.statistics["xruns"] == 0
    machine.output.xruns = 2
    assert machine.service.statistics["xruns"] == 2


async def test_the_engine_is_told_of_the_segments_to_come(machine: Machine) -> None:
    machine.engines.ahead = 3
    machine.say("First comes this sentence.\n\nThen this one follows.\n\nAnd this one ends it.")
    await machine.hear()
    counts = [len(request.following) for request in machine.engines.client.requests]
    assert counts == [2, 1, 0]


async def test_a_reason_that_another_one_tells_with_more_is_told_once(machine: Machine) -> None:
    machine.service._failure = "ChatTTS was unloaded"
    machine.engines.reason = "ChatTTS was unloaded, so espeak-ng speaks"
    assert machine.service.reason == machine.engines.reason
    machine.engines.reason = machine.service._failure
    assert machine.service.reason == machine.engines.reason


@pytest.mark.parametrize("mended_by", ["unload_model", "reload"])
async def test_what_was_mended_is_no_reason_any_more(
    mended_by: str, machine: Machine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("CHATTTSD_CONFIG", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    machine.engines.engine = "auto"
    machine.engines.client.failures = [EngineError("device: got cuda")]
    machine.say(ONE)
    await machine.hear()
    assert machine.service.reason == "device: got cuda"
    await getattr(machine.service, mended_by)()
    assert machine.service.reason == ""


async def test_a_pause_goes_with_the_only_utterance_even_before_its_first_sample(machine: Machine) -> None:
    first = machine.say(ONE)
    machine.service.pause()
    machine.service.cancel(first)
    second = machine.say(TWO)
    await machine.hear()
    assert machine.outcomes() == {first: "cancelled", second: "finished"}


async def test_the_volume_can_be_set_while_the_default_voice_is_not_known(machine: Machine) -> None:
    machine.service.options = replace(machine.service.options, voice="nobody")
    machine.service.set_options(replace(machine.service.options, volume=0.5))
    assert machine.service.options.volume == 0.5


async def test_a_client_whose_descriptor_fails_is_told_of_in_one_line(
    machine: Machine, caplog: pytest.LogCaptureFixture
) -> None:
    number = machine.service.synthesize(":1", os.open("/dev/full", os.O_WRONLY), ONE, SpeakOptions())
    assert await asyncio.wait_for(machine.service.wait(":1", number), 10) == "failed"
    assert [(record.levelname, record.exc_info) for record in caplog.records] == [("WARNING", None)]
    reason = "writing to the file descriptor failed: No space left on device"
    assert caplog.messages == [f"utterance {number} failed: {reason}"]
