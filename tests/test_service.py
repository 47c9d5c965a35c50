"""The service on a fake sound card and engine: events, outcomes and what is heard, in virtual time."""

import asyncio
import os
from collections.abc import AsyncIterator
from dataclasses import replace
from itertools import pairwise

import pytest

from chatttsd.bus.errors import BusError
from chatttsd.config import Config
from chatttsd.engine.api import EngineDiedError, EngineError, EngineHungError
from chatttsd.speech.limits import Limits
from chatttsd.speech.options import SpeakOptions
from chatttsd.speech.queue import LimitError
from support.fakes import BYTES_A_CHARACTER, pcm_of, settle
from support.machine import Machine


@pytest.fixture
async def machine() -> AsyncIterator[Machine]:
    machine = Machine()
    await machine.start()
    yield machine
    await machine.stop()


ONE, TWO = "One sentence for the voice.", "Another sentence, a little longer than the first."


async def test_an_utterance_is_started_told_and_finished_in_order(machine: Machine) -> None:
    assert machine.say(ONE) == 1
    await machine.hear()
    assert machine.log == [("started", 1), ("progress", 1, 0, len(ONE)), ("finished", 1, "finished")]
    assert bytes(machine.output.heard) == pcm_of(ONE)
    assert machine.output.released


async def test_nothing_is_told_before_it_is_heard(machine: Machine) -> None:
    machine.say(ONE)
    await settle()
    assert machine.log == []
    machine.output.hear(960)
    assert machine.log == [("started", 1), ("progress", 1, 0, len(ONE))]


async def test_progress_covers_the_text_in_order(machine: Machine) -> None:
    text = "第一句话在这里。第二句话也在这里！ The third sentence is English.\n\nThe fourth ends it." * 5
    machine.say(text)
    await machine.hear(rounds=400)
    ranges = [entry[2:] for entry in machine.log if entry[0] == "progress"]
    assert ranges[0][0] == 0
    assert ranges[-1][1] == len(text)
    assert all(before[1] == after[0] for before, after in pairwise(ranges))


async def test_utterances_follow_each_other_without_mixing(machine: Machine) -> None:
    machine.say(ONE)
    machine.say(TWO)
    await machine.hear(size=1000, rounds=200)
    assert machine.outcomes() == {1: "finished", 2: "finished"}
    assert bytes(machine.output.heard) == pcm_of(ONE) + pcm_of(TWO)


async def test_cancel_silences_at_once_and_the_next_one_speaks(machine: Machine) -> None:
    machine.say(ONE)
    machine.say(TWO)
    await machine.hear(size=960, rounds=5)
    heard = len(machine.output.heard)
    machine.service.cancel(1)
    assert machine.output.queued == b""
    assert machine.log[-1] == ("finished", 1, "cancelled")
    await machine.hear()
    assert bytes(machine.output.heard[heard:]) == pcm_of(TWO)
    machine.service.cancel(1)
    assert machine.outcomes() == {1: "cancelled", 2: "finished"}


async def test_important_interrupts_what_is_spoken(machine: Machine) -> None:
    machine.say(ONE, priority="text")
    await machine.hear(size=960, rounds=3)
    machine.say(TWO, priority="important")
    await machine.hear()
    assert machine.outcomes() == {1: "interrupted", 2: "finished"}
    assert machine.output.heard.endswith(pcm_of(TWO))


async def test_pause_keeps_the_sample(machine: Machine) -> None:
    machine.say(ONE)
    await machine.hear(size=961, rounds=4)
    machine.service.pause()
    assert machine.service.state == "paused"
    before = len(machine.output.heard)
    await machine.hear()
    assert len(machine.output.heard) == before
    machine.service.resume()
    assert machine.service.state == "speaking"
    await machine.hear()
    assert bytes(machine.output.heard) == pcm_of(ONE)


async def test_pause_when_nothing_is_spoken_does_not_mute_the_next(machine: Machine) -> None:
    machine.service.pause()
    machine.say(ONE)
    await machine.hear()
    assert machine.outcomes() == {1: "finished"}


async def test_after_cancelling_a_paused_utterance_the_next_is_heard(machine: Machine) -> None:
    machine.say(ONE)
    await machine.hear(size=960, rounds=2)
    machine.service.pause()
    machine.service.cancel_all()
    await settle()
    assert machine.service.state == "idle"
    machine.say(TWO)
    await machine.hear()
    assert machine.outcomes() == {1: "cancelled", 2: "finished"}


async def test_skip_goes_on_with_the_next_segment(machine: Machine) -> None:
    paragraphs = ["The first paragraph is here.", "The second one follows.", "The third one ends."]
    machine.say("\n\n".join(paragraphs))
    await machine.hear(size=960, rounds=3)
    machine.service.skip()
    await machine.hear()
    assert machine.output.heard.endswith(pcm_of(paragraphs[1]) + pcm_of(paragraphs[2]))
    assert machine.outcomes() == {1: "finished"}


async def test_skip_behind_the_last_segment_finishes(machine: Machine) -> None:
    machine.say(ONE)
    await machine.hear(size=960, rounds=3)
    machine.service.skip()
    machine.service.skip()
    await machine.hear()
    assert machine.outcomes() == {1: "finished"}
    machine.service.skip()


async def test_blank_text_starts_and_finishes_in_silence(machine: Machine) -> None:
    machine.say(" \n ")
    await machine.hear()
    assert [entry[0] for entry in machine.log] == ["started", "progress", "finished"]
    assert machine.output.heard == b""


async def test_a_worker_that_dies_once_costs_nothing_that_is_heard(machine: Machine) -> None:
    machine.engines.client.failures = [EngineDiedError("the worker was killed by signal 9")]
    machine.say(ONE)
    await machine.hear()
    assert bytes(machine.output.heard) == pcm_of(ONE)
    assert machine.outcomes() == {1: "finished"}
    assert len(machine.engines.client.requests) == 2


@pytest.mark.parametrize(
    ("failures", "requests"),
    [
        ([EngineDiedError("died"), EngineDiedError("died again")], 2),
        ([EngineHungError("hung")], 1),
        ([EngineError("cannot say this")], 1),
    ],
)
async def test_an_engine_that_fails_ends_the_utterance_and_says_why(
    machine: Machine, failures: list[EngineError], requests: int
) -> None:
    reason = str(failures[-1])
    machine.engines.client.failures = failures
    machine.say(ONE)
    machine.say(TWO)
    await machine.hear(size=960, rounds=10)
    assert machine.outcomes() == {1: "failed"}
    assert machine.service.reason == reason
    await machine.hear()
    assert machine.outcomes() == {1: "failed", 2: "finished"}
    assert machine.service.reason == ""
    assert len(machine.engines.client.requests) == requests + 1


async def test_without_a_sound_device_the_utterance_fails_and_the_service_goes_on(machine: Machine) -> None:
    machine.output.unavailable = True
    machine.say(ONE)
    await settle()
    assert machine.outcomes() == {1: "failed"}
    machine.output.unavailable = False
    machine.say(TWO)
    await machine.hear()
    assert machine.outcomes() == {1: "failed", 2: "finished"}


async def test_what_a_client_bound_to_itself_ends_with_it(machine: Machine) -> None:
    machine.say(ONE, sender=":7", bind_to_client="true")
    machine.say(TWO, sender=":7")
    await machine.hear(size=960, rounds=2)
    machine.service.sender_left(":7")
    assert machine.log[-1] == ("finished", 1, "cancelled")
    await machine.hear()
    assert machine.outcomes() == {1: "cancelled", 2: "finished"}


async def test_wait_answers_with_the_outcome_before_and_after_the_end(machine: Machine) -> None:
    machine.say(ONE)
    waiting = asyncio.ensure_future(machine.service.wait(":1", 1))
    await machine.hear()
    assert await waiting == "finished"
    assert await machine.service.wait(":2", 1) == "finished"
    with pytest.raises(BusError, match="there is no utterance 2"):
        machine.service.wait(":1", 2)
    with pytest.raises(BusError, match="there is no utterance 2"):
        machine.service.cancel(2)


async def test_a_client_may_not_wait_without_bound() -> None:
    machine = Machine(Config(limits=Limits(waits_per_sender=2)))
    await machine.start()
    machine.say(ONE)
    waits = [asyncio.ensure_future(machine.service.wait(":1", 1)) for _ in range(2)]
    with pytest.raises(BusError, match="allowed: 2"):
        machine.service.wait(":1", 1)
    machine.service.sender_left(":1")
    assert machine.service._book.waiting(":1") == 0
    await asyncio.wait(waits)
    await machine.stop()


REFUSED = [
    ({"engine": "chattts"}, "ModelUnavailable", "does without ChatTTS"),
    ({"engine": "espeak-ng"}, "InvalidArgs", "option 'engine': got 'espeak-ng', configured here: auto, fake"),
    ({"voice": "nobody"}, "InvalidArgs", "got 'nobody', allowed: an id from the property Voices"),
    ({"kind": "char"}, "InvalidArgs", "with kind=char, allowed: 1 character"),
]


@pytest.mark.parametrize(("options", "name", "message"), REFUSED)
async def test_what_cannot_be_spoken_is_refused(
    machine: Machine, options: dict[str, str], name: str, message: str
) -> None:
    with pytest.raises(BusError, match=message) as caught:
        machine.say(ONE, **options)
    assert caught.value.name.endswith(name)
    assert machine.log == []


async def test_one_grapheme_is_a_character_however_many_code_points_it_has(machine: Machine) -> None:
    machine.say("👨‍👩‍👧", kind="char")
    machine.say("shift_a", kind="key")
    await machine.hear()
    assert [request.kind for request in machine.engines.client.requests] == ["char", "key"]


async def test_a_flood_of_one_client_is_refused_and_another_one_is_heard(machine: Machine) -> None:
    for _ in range(64):
        machine.say("x", sender=":flood")
    with pytest.raises(LimitError, match="64 utterances"):
        machine.say("x", sender=":flood")
    number = machine.say("hello", sender=":other")
    await machine.hear(rounds=900)
    assert machine.outcomes()[number] == "finished"


async def test_synthesize_writes_the_same_sound_to_a_file_and_plays_nothing(machine: Machine) -> None:
    reader, writer = os.pipe()
    number = machine.service.synthesize(":1", writer, ONE, SpeakOptions())
    received = await asyncio.to_thread(_read_all, reader)
    assert received == pcm_of(ONE)
    assert await machine.service.wait(":1", number) == "finished"
    assert machine.output.heard == b""
    assert [entry[0] for entry in machine.log] == ["started", "progress", "finished"]


async def test_closing_the_reader_cancels_a_synthesis(machine: Machine) -> None:
    reader, writer = os.pipe()
    number = machine.service.synthesize(":1", writer, ONE * 200, SpeakOptions())
    await asyncio.to_thread(os.read, reader, 4096)
    os.close(reader)
    assert await asyncio.wait_for(machine.service.wait(":1", number), 10) == "cancelled"


async def test_cancelling_a_synthesis_closes_the_descriptor_and_leaves_speech_alone(machine: Machine) -> None:
    machine.say(ONE)
    await machine.hear(size=960, rounds=2)
    reader, writer = os.pipe()
    number = machine.service.synthesize(":1", writer, TWO * 500, SpeakOptions())
    await settle()
    machine.service.cancel(number)
    await asyncio.wait_for(asyncio.to_thread(_read_all, reader), 10)
    await machine.hear()
    assert machine.outcomes() == {1: "finished", number: "cancelled"}
    assert bytes(machine.output.heard) == pcm_of(ONE)


async def test_a_descriptor_that_cannot_be_written_is_refused(machine: Machine) -> None:
    reader, writer = os.pipe()
    os.close(writer)
    with pytest.raises(BusError, match="fd: "):
        machine.service.synthesize(":1", reader, ONE, SpeakOptions())
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(reader)


async def test_close_cancels_everything_and_closes_the_device() -> None:
    machine = Machine()
    await machine.start()
    machine.say(ONE)
    machine.say(TWO)
    await machine.hear(size=960, rounds=2)
    await machine.stop()
    assert machine.outcomes() == {1: "cancelled", 2: "cancelled"}
    assert machine.output.closed


async def test_statistics_count_what_happened(machine: Machine) -> None:
    machine.say(ONE)
    await machine.hear()
    machine.say(TWO)
    await machine.hear(size=960, rounds=2)
    machine.service.cancel_all()
    await machine.hear()
    figures = machine.service.statistics
    assert figures["utterances"] == 2
    assert figures["outcome_finished"] == 1
    assert figures["outcome_cancelled"] == 1


def _read_all(reader: int) -> bytes:
    with os.fdopen(reader, "rb") as stream:
        return stream.read()


async def test_sentences_rest_between_each_other_but_not_at_the_end() -> None:
    machine = Machine()
    rested = replace(machine.config, speech=replace(machine.config.speech, sentence_pause_seconds=0.02))
    machine.service._planner.config = rested
    await machine.start()
    machine.say("The first sentence is here, and it is long enough. The second one is not short either.")
    await machine.hear(rounds=200)
    first, second = (request.text for request in machine.engines.client.requests)
    assert bytes(machine.output.heard) == pcm_of(first) + bytes(960) + pcm_of(second)
    await machine.stop()


async def test_marks_of_ssml_are_told_to_their_sender_in_order_and_in_the_text(machine: Machine) -> None:
    ssml = '<speak>One <mark name="a"/>two<mark name="b"/>.</speak>'
    number = machine.say(ssml, sender=":7", kind="ssml")
    await machine.hear()
    assert machine.log == [
        ("started", number),
        ("progress", number, 7, 47),
        ("mark", ":7", number, "a"),
        ("mark", ":7", number, "b"),
        ("finished", number, "finished"),
    ]
    assert bytes(machine.output.heard) == pcm_of("One two.")


async def test_a_cancelled_utterance_tells_no_more_marks(machine: Machine) -> None:
    number = machine.say('<speak>One two three four <mark name="late"/>five</speak>', kind="ssml")
    await machine.hear(size=2 * BYTES_A_CHARACTER, rounds=1)
    machine.service.cancel(number)
    await machine.hear()
    assert not [entry for entry in machine.log if entry[0] == "mark"]


async def test_markup_that_cannot_be_read_is_refused_and_not_queued(machine: Machine) -> None:
    with pytest.raises(BusError, match="64") as caught:
        machine.say("<a>" * 100, kind="ssml")
    assert caught.value.name == "org.freedesktop.DBus.Error.InvalidArgs"
    assert machine.service.queue_length == 0


async def test_prosody_multiplies_what_was_asked_for_within_the_limits(machine: Machine) -> None:
    machine.say('a<prosody rate="200%" volume="50">b</prosody>', kind="ssml", rate="3.0")
    await machine.hear()
    assert [request.rate for request in machine.engines.client.requests] == [3.0, 4.0]


async def test_spelling_asks_for_characters_by_their_kind(machine: Machine) -> None:
    machine.say("Hi", spelling="true", capitals="icon")
    await machine.hear()
    asked = [(request.text, request.kind) for request in machine.engines.client.requests]
    assert asked == [("H", "char"), ("i", "char")]
    assert machine.outcomes() == {1: "finished"}
