"""The Spiel provider's interface: what is offered, and what a request becomes."""

import logging
import os
import xml.etree.ElementTree as ET
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from math import inf, nan
from typing import TYPE_CHECKING, cast

import pytest

from chatttsd.bus.errors import BusError
from chatttsd.bus.interface import Call
from chatttsd.bus.introspection import document
from chatttsd.bus.spiel import (
    EVENTS,
    MARKUP,
    RAW_FORMAT,
    SPIEL_FORMAT,
    Feature,
    Offer,
    SpielProvider,
    offers,
)
from chatttsd.constants import SPIEL_INTERFACE, SPIEL_NAME, SPIEL_PATH
from chatttsd.speech.options import Kind, SpeakOptions
from chatttsd.speech.script import Passage
from chatttsd.speech.ssml import parse_ssml
from support.asked import ROWS, Asked
from support.introspect import KEPT_SPIEL, generated_spiel
from support.machine import Machine

if TYPE_CHECKING:
    from chatttsd.bus.service import SpeechService, VoiceRow

UPSTREAM = {
    "Synthesize": [
        ("pipe_fd", "h"),
        ("text", "s"),
        ("voice_id", "s"),
        ("pitch", "d"),
        ("rate", "d"),
        ("is_ssml", "b"),
        ("language", "s"),
    ],
    "Voices": "a(ssstas)",
    "Name": "s",
}
"""org.freedesktop.Speech.Provider.xml of libspeechprovider, 9 May 2025."""


def provider(service: Asked, limit: int = 100) -> SpielProvider:
    return SpielProvider(cast("SpeechService", service), limit)


def ask(
    service: Asked,
    text: str = "Hello.",
    voice: str = "",
    *,
    pitch: float = 1.0,
    rate: float = 1.0,
    ssml: bool = False,
    language: str = "",
) -> SpeakOptions:
    call = Call(":1.1", [os.open(os.devnull, os.O_WRONLY)])
    try:
        result = provider(service).synthesize(call, 0, text, voice, pitch, rate, ssml, language)
    finally:
        for fd in call.fds:
            if fd >= 0:
                os.close(fd)
    assert result is None
    assert service.taken[-1][0] == text
    return service.taken[-1][1]


def offered(voice: str, rows: "list[VoiceRow]" = ROWS) -> Offer:
    return next(offer for offer in offers(rows) if offer[1] == voice)


def test_the_interface_is_upstreams() -> None:
    interface = ET.fromstring(generated_spiel()).find(f"interface[@name='{SPIEL_INTERFACE}']")
    assert interface is not None
    found: dict[str, object] = {
        node.attrib["name"]: [(a.attrib["name"], a.attrib["type"]) for a in node.findall("arg")]
        for node in interface.iter("method")
    }
    found |= {node.attrib["name"]: node.attrib["type"] for node in interface.iter("property")}
    assert found == UPSTREAM
    assert interface.findall("signal") == []
    assert {node.attrib["access"] for node in interface.iter("property")} == {"read"}


def test_the_kept_xml_is_what_the_daemon_says() -> None:
    assert KEPT_SPIEL.read_text(encoding="utf-8") == generated_spiel(), (
        "run: python tests/support/introspect.py"
    )
    assert "DocString" in document([provider(Asked())])


def test_the_object_is_where_libspiel_looks_for_it() -> None:
    assert SPIEL_NAME.endswith(".Speech.Provider")
    assert "/" + SPIEL_NAME.replace(".", "/") == SPIEL_PATH


def test_a_voice_is_offered_with_its_engine_name_format_and_languages() -> None:
    name, voice, output, features, languages = offered("chattts/alder")
    assert (name, voice, output, languages) == (
        "ChatTTS: Alder",
        "chattts/alder",
        SPIEL_FORMAT,
        ["zh", "en"],
    )
    assert features == int(EVENTS | MARKUP)
    assert SPIEL_FORMAT == "audio/x-spiel,format=S16LE,channels=1,rate=24000"


def test_espeak_tells_words_and_chattts_does_not() -> None:
    assert offered("espeak-ng/af")[3] & Feature.EVENTS_WORD
    assert not offered("chattts/alder")[3] & Feature.EVENTS_WORD


def test_a_raw_voice_has_no_events_and_bare_samples() -> None:
    name, _, output, features, _ = offered("chattts/alder#raw")
    assert (name, output) == ("ChatTTS: Alder (no events)", RAW_FORMAT)
    assert features == int(MARKUP)
    assert RAW_FORMAT == "audio/x-raw,format=S16LE,channels=1,rate=24000"


KEPT_PROMISES: dict[Feature, tuple[str, Callable[[Sequence[Passage]], bool]]] = {
    Feature.SSML_SAY_AS_DATE: (
        '<say-as interpret-as="date" format="dmy">1/2/2020</say-as>',
        lambda script: "February" in script[0].text,
    ),
    Feature.SSML_SAY_AS_TELEPHONE: (
        '<say-as interpret-as="telephone">12</say-as>',
        lambda script: script[0].text == "1 2",
    ),
    Feature.SSML_SAY_AS_CHARACTERS: (
        '<say-as interpret-as="characters">ab</say-as>',
        lambda script: [part.manner.kind for part in script] == [Kind.CHAR],
    ),
    Feature.SSML_SAY_AS_ORDINAL: (
        '<say-as interpret-as="ordinal">2</say-as>',
        lambda script: script[0].text == "2nd",
    ),
    Feature.SSML_BREAK: ('a<break time="2s"/>', lambda script: script[0].rest == 2.0),
    Feature.SSML_SUB: ('<sub alias="x">y</sub>', lambda script: script[0].text == "x"),
    Feature.SSML_EMPHASIS: ("<emphasis>a</emphasis>", lambda script: script[0].manner.volume > 1),
    Feature.SSML_PROSODY: ('<prosody rate="2">a</prosody>', lambda script: script[0].manner.rate == 2),
    Feature.SSML_SENTENCE_PARAGRAPH: ("<s>a</s><s>b</s>", lambda script: len(script) == 2),
}


def test_every_markup_that_is_promised_is_understood() -> None:
    assert set(KEPT_PROMISES) == {feature for feature in Feature if feature & MARKUP}
    for feature, (markup, kept) in KEPT_PROMISES.items():
        assert kept(parse_ssml(f"<speak>{markup}</speak>")), feature


def test_the_automatic_voice_comes_first_whatever_the_order() -> None:
    names = [offer[0] for offer in offers(ROWS)]
    assert names[:2] == ["Automatic", "Automatic (no events)"]
    assert sorted(names)[:2] == names[:2]


def test_the_automatic_voice_speaks_every_language_and_promises_what_all_do() -> None:
    assert offered("auto")[4] == ["zh", "en", "af", "en-US"]
    assert not offered("auto")[3] & Feature.EVENTS_WORD
    assert offered("auto", ROWS[1:])[3] & Feature.EVENTS_WORD


def test_there_is_a_voice_before_any_engine_has_told_its_own() -> None:
    assert [offer[1] for offer in offers([])] == ["auto", "auto#raw"]
    assert not offered("auto", [])[3] & Feature.EVENTS_WORD


def test_ids_are_unique_and_features_fit_into_32_bits() -> None:
    found = offers([*ROWS, *((f"espeak-ng/{n}", str(n), "espeak-ng", ("x",)) for n in range(200))])
    assert len({offer[1] for offer in found}) == len(found)
    assert all(offer[3] < 1 << 32 for offer in found)
    assert sum(offer[2] == RAW_FORMAT for offer in found) == 2


@pytest.mark.parametrize(
    ("voice", "wanted", "container"),
    [
        ("", "", "spiel"),
        ("auto", "", "spiel"),
        ("auto#raw", "", "raw"),
        ("espeak-ng/af", "espeak-ng/af", "spiel"),
        ("espeak-ng/af#raw", "espeak-ng/af", "raw"),
        ("espeak-ng/en-us+f3", "espeak-ng/en-us+f3", "spiel"),
    ],
)
def test_an_id_tells_the_voice_and_the_format(voice: str, wanted: str, container: str) -> None:
    options = ask(Asked(), voice=voice)
    assert (options.voice, options.container) == (wanted, container)


def test_who_chooses_nothing_gets_the_daemons_defaults() -> None:
    defaults = SpeakOptions(voice="espeak-ng/af", language="af", rate=2.0, pitch=1.5, volume=0.5)
    service = Asked(options=defaults)
    assert ask(service) == replace(defaults, rate=1.0, pitch=1.0, container="spiel")


NO_FACTORS = [(nan, 1.0), (-inf, 0.0), (-0.1, 0.0), (inf, 9.0), (1e300, 9.0)]
"""What is no factor, and what is held instead of it."""


@pytest.mark.parametrize(("pitch", "wanted"), [(0.0, 0.5), (0.5, 0.5), (1.3, 1.3), (2.0, 2.0), *NO_FACTORS])
def test_pitch_is_held_within_what_engines_do(pitch: float, wanted: float) -> None:
    assert ask(Asked(), pitch=pitch).pitch == min(max(wanted, 0.5), 2.0)


@pytest.mark.parametrize(("rate", "wanted"), [(0.1, 0.25), (1.0, 1.0), (3.5, 3.5), (10.0, 4.0), *NO_FACTORS])
def test_rate_is_held_within_what_engines_do(rate: float, wanted: float) -> None:
    assert ask(Asked(), rate=rate).rate == min(max(wanted, 0.25), 4.0)


@pytest.mark.parametrize(
    ("language", "taken"),
    [
        ("", "auto"),
        ("zh", "zh"),
        ("en-GB", "en-GB"),
        ("en_GB", "en-GB"),
        ("EN-us", "EN-us"),
        ("tlh", "auto"),
        ("no such language", "auto"),
        ("en-" + "x" * 1000, "auto"),
        ("-", "auto"),
        ("C", "auto"),
    ],
)
def test_a_language_that_nobody_speaks_leaves_the_choice_to_the_text(language: str, taken: str) -> None:
    assert ask(Asked(), language=language).language == taken


def test_markup_is_ssml_only_when_the_client_says_so() -> None:
    assert ask(Asked(), text="<speak>a</speak>").kind is Kind.TEXT
    assert ask(Asked(), text="<speak>a</speak>", ssml=True).kind is Kind.SSML


def test_an_empty_text_is_no_error() -> None:
    assert ask(Asked(), text="").kind is Kind.TEXT


@pytest.mark.parametrize(("voice", "container"), [("auto", "spiel"), ("auto#raw", "raw")])
def test_a_text_that_is_too_long_ends_without_a_sound_and_the_journal_has_both_lengths(
    caplog: pytest.LogCaptureFixture, voice: str, container: str
) -> None:
    service = Asked()
    call = Call(":1.1", [os.open(os.devnull, os.O_WRONLY)])
    with caplog.at_level(logging.WARNING):
        provider(service).synthesize(call, 0, "文" * 101, voice, 1.0, 1.0, is_ssml=False, language="")
    assert (service.taken, service.declined, call.fds) == ([], [container], [-1])
    assert [record.getMessage() for record in caplog.records] == [
        "nothing is said: the text has 101 characters, allowed: at most 100"
    ]


def test_a_call_that_is_turned_away_ends_its_stream_and_leaves_other_descriptors_to_the_transport() -> None:
    service = Asked()
    fds = [os.open(os.devnull, os.O_WRONLY) for _ in range(3)]
    others = fds[1:]
    provider(service).decline(fds)
    assert (service.declined, fds) == (["spiel"], [-1, *others])
    for fd in others:
        os.close(fd)
    provider(service).decline([])


def test_a_call_without_a_descriptor_is_refused() -> None:
    with pytest.raises(BusError, match="got index 0, but 0 descriptors came"):
        provider(Asked()).synthesize(Call(":1.1"), 0, "x", "", 1.0, 1.0, is_ssml=False, language="")


@pytest.fixture
async def machine() -> AsyncIterator[Machine]:
    machine = Machine()
    await machine.start()
    yield machine
    await machine.stop()


async def test_the_daemon_tells_each_sentence_in_the_stream(machine: Machine) -> None:
    reader, writer = os.pipe()
    spiel = SpielProvider(machine.service, 100)
    spiel.synthesize(Call(":1", [writer]), 0, "One. Two.", "fake/en", 1.0, 1.0, is_ssml=False, language="")
    with os.fdopen(reader, "rb") as stream:
        for _ in range(50):
            await machine.hear(rounds=1)
        data = stream.read()
    assert data.startswith(b"0.01\x02\x02")
    assert machine.outcomes() == {1: "finished"}
