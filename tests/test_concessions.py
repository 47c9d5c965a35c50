"""A client that survives no error gets the nearest to what it asked for, and the journal what was wrong."""

import logging
import os
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from chatttsd.config import Config
from chatttsd.speech.options import Kind, SpeakOptions
from support.engine_clients import open_files
from support.machine import Machine

DEFAULTS = SpeakOptions()
INCOMPLETE = 'a tag is not complete; allowed: <name attribute="value">, </name>, and &lt; for the sign itself'


@pytest.fixture
async def machine() -> AsyncIterator[Machine]:
    before = open_files()
    machine = Machine(Config())
    await machine.start()
    yield machine
    await machine.stop()
    assert open_files() == before


async def heard(machine: Machine, text: str, options: SpeakOptions) -> bytes:
    """Ask for a stream and read it to its end."""
    reader, writer = os.pipe()
    machine.service.synthesize_in_turn(":1", writer, text, options)
    await machine.hear()
    with os.fdopen(reader, "rb") as stream:
        return stream.read()


def told(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]


@pytest.mark.parametrize(
    ("text", "asked", "said", "wrong"),
    [
        (
            "Hi.",
            replace(DEFAULTS, voice="nobody"),
            "Hi.",
            "there is no voice 'nobody'; the default one speaks",
        ),
        (
            "Hi.",
            replace(DEFAULTS, language="tlh"),
            "Hi.",
            "nobody speaks the language 'tlh'; the text decides",
        ),
        (
            "<p>Hi.</p",
            replace(DEFAULTS, kind=Kind.SSML),
            "Hi.",
            f"text: line 1, character 7: {INCOMPLETE}; it is spoken without its markup",
        ),
    ],
)
async def test_a_mistake_is_mended_and_told_once(
    machine: Machine,
    caplog: pytest.LogCaptureFixture,
    text: str,
    asked: SpeakOptions,
    said: str,
    wrong: str,
) -> None:
    assert await heard(machine, text, asked)
    assert await heard(machine, text, asked)
    request = machine.engines.client.requests[-1]
    assert (request.text.strip(), request.voice, request.language) == (said, "", "en")
    assert told(caplog) == [f"a stream was asked for as it cannot be: {wrong}"]
    assert set(machine.outcomes().values()) == {"finished"}


async def test_two_mistakes_of_every_request_are_told_once_each(
    machine: Machine, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(3):
        await heard(machine, "<p>Hi.</p", replace(DEFAULTS, voice="nobody", kind=Kind.SSML))
    assert len(told(caplog)) == 2


async def test_a_text_in_the_place_of_a_name_is_not_shown_whole(
    machine: Machine, caplog: pytest.LogCaptureFixture
) -> None:
    await heard(machine, "Hi.", replace(DEFAULTS, voice="secret " * 300, language="secret " * 300))
    assert [len(line) < 200 for line in told(caplog)] == [True, True]


async def test_a_fault_of_our_own_ends_the_stream_as_well(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(_text: str) -> None:
        raise RuntimeError("a fault")

    monkeypatch.setattr("chatttsd.concessions.check_ssml", broken)
    asked = replace(DEFAULTS, kind=Kind.SSML, container="spiel")
    assert await heard(machine, "<p>Hi.</p>", asked) == b"0.01"
    assert caplog.messages == ["a stream could not be prepared"]


async def test_markup_that_can_be_read_is_left_as_it_is(
    machine: Machine, caplog: pytest.LogCaptureFixture
) -> None:
    assert await heard(machine, "<prosody rate='2'>Hi.</prosody>", replace(DEFAULTS, kind=Kind.SSML))
    assert [(r.text, r.rate) for r in machine.engines.client.requests] == [("Hi.", 2.0)]
    assert told(caplog) == []


async def test_an_unknown_voice_is_the_default_one_if_that_speaks_the_language(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    voice = machine.engines.client.voices[0].id
    machine.service.options = replace(DEFAULTS, voice=voice)
    for speaks, chosen in ((True, voice), (False, "")):
        monkeypatch.setattr(machine.engines, "speaks", lambda _voice, _tag, speaks=speaks: speaks)
        assert await heard(machine, "Hi.", replace(DEFAULTS, voice="nobody", language="en"))
        assert machine.engines.client.requests[-1].voice == chosen


async def test_what_nobody_can_say_ends_without_a_sound_and_the_reason_is_told(
    machine: Machine, caplog: pytest.LogCaptureFixture
) -> None:
    machine.engines.refusals["auto"] = "the model is not installed"
    assert await heard(machine, "Hi.", replace(DEFAULTS, container="spiel")) == b"0.01"
    assert told(caplog) == [
        "a stream was asked for as it cannot be: the model is not installed; nothing is said"
    ]
    assert machine.outcomes() == {}


@pytest.mark.parametrize("text", ["<b secret>", "secret <b", "<!-- secret", "<!DOCTYPE secret>"])
async def test_the_journal_never_shows_the_text(
    machine: Machine, caplog: pytest.LogCaptureFixture, text: str
) -> None:
    await heard(machine, text, replace(DEFAULTS, kind=Kind.SSML))
    assert len(told(caplog)) == 1
    assert "secret" not in caplog.text


async def test_a_stream_that_is_declined_ends_with_what_its_reader_needs(machine: Machine) -> None:
    for container, end in (("spiel", b"0.01"), ("raw", b"")):
        reader, writer = os.pipe()
        machine.service.decline(writer, container)
        with os.fdopen(reader, "rb") as stream:
            assert stream.read() == end
    machine.service.decline(os.open("/", os.O_RDONLY), "spiel")  # is closed as well
