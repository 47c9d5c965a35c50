"""A Spiel client on GIO against the real daemon: voices, streams, cancelling, pausing, hostile requests."""

import shutil
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import psutil
import pytest
from jeepney.bus_messages import message_bus

import chatttsd.voices
from chatttsd.constants import SPIEL_INTERFACE, SPIEL_NAME
from support.daemon import CallError, Client, DaemonProcess
from support.fake_speech import NameOwner
from support.private_bus import PrivateBus
from support.pulse import wait_for
from support.scene import LONG
from support.spiel import Heard, Spiel, spiel_client
from support.tone_decoder import decode

INVALID = "org.freedesktop.DBus.Error.InvalidArgs"
PIPE_BUF = 4096
ESPEAK = '[speech]\nengine = "espeak-ng"\n'
TONE = '[speech]\nengine = "tone"\n'
TEXT = "Hello there, my friend. How are you today? Fine, thank you."
BAD_TAG = (
    "text: line 1, character 20: a tag is not complete; "
    'allowed: <name attribute="value">, </name>, and &lt; for the sign itself'
)
BUILT_IN = Path(chatttsd.voices.__file__).parent / "builtin"


@pytest.fixture(scope="module")
def espeak() -> Iterator[DaemonProcess]:
    with PrivateBus() as bus, DaemonProcess(bus, ESPEAK) as daemon:
        with daemon.client() as client:
            client.wait_property("Voices", bool)
        yield daemon


@pytest.fixture(scope="module")
def tone() -> Iterator[DaemonProcess]:
    with PrivateBus() as bus, DaemonProcess(bus, TONE) as daemon:
        with daemon.client() as client:
            client.wait_property("Voices", bool)
        yield daemon


@pytest.fixture
def spiel(espeak: DaemonProcess) -> Iterator[Spiel]:
    with spiel_client(espeak.bus.address) as client:
        yield client


@pytest.fixture
def tones(tone: DaemonProcess) -> Iterator[Spiel]:
    with spiel_client(tone.bus.address) as client:
        yield client


@pytest.fixture
def listener(espeak: DaemonProcess) -> Iterator[Client]:
    with espeak.client() as client:
        yield client.listen()


def said(heard: Heard) -> str:
    """Return what the tone engine says in a stream; blanks between segments are not said."""
    pieces = decode(np.frombuffer(heard.pcm, dtype=np.int16))
    assert all(piece.complete for piece in pieces)
    return "".join(piece.text for piece in pieces)


def check_framing(heard: Heard) -> None:
    assert heard.header == "0.01"
    assert heard.short == 0
    assert all(0 < size <= PIPE_BUF and size % 2 == 0 for size in heard.chunks)
    samples = [event[4] for event in heard.events]
    assert samples == sorted(samples)
    assert all(sample <= len(heard.pcm) // 2 for sample in samples)


def descriptors(daemon: DaemonProcess) -> int:
    return int(psutil.Process(daemon.pid).num_fds())


def test_espeak_ngs_hundred_voices_are_offered_and_the_automatic_one_is_first(spiel: Spiel) -> None:
    voices = spiel.voices()
    assert len(voices) > 100
    assert list(voices)[:2] == ["auto", "auto#raw"]
    assert voices["espeak-ng/cmn"][2] == "audio/x-spiel,format=S16LE,channels=1,rate=24000"
    assert "zh" in voices["espeak-ng/cmn"][4]
    assert spiel.ask("name") == "ChatTTS"


def test_voices_are_there_without_the_model_and_a_new_one_is_told() -> None:
    auto = '[speech]\nengine = "auto"\n'
    with PrivateBus() as bus, DaemonProcess(bus, auto) as daemon, spiel_client(bus.address) as spiel:
        assert "auto" in spiel.voices()
        with daemon.client() as client:
            client.wait_property("Voices", lambda rows: {"chattts", "espeak-ng"} <= {row[2] for row in rows})
            assert client.get("ModelState") != "ready"
        assert {"chattts/alder", "chattts/alder#raw", "espeak-ng/cmn"} <= set(spiel.voices())
        own = daemon.folder / "data/chatttsd/voices"
        own.mkdir(parents=True, exist_ok=True)
        shutil.copy(BUILT_IN / "alder.txt", own / "mine.txt")
        told: set[str] = set()
        while "chattts/mine" not in told:
            interface, changed, _ = spiel.ask("wait_changed")
            assert (interface, list(changed)) == (SPIEL_INTERFACE, ["Voices"])
            told = {row[1] for row in changed["Voices"]}


def test_a_stream_with_events_tells_sentences_and_words_where_they_begin(spiel: Spiel) -> None:
    heard = spiel.hear(TEXT, voice="espeak-ng/en-us")
    check_framing(heard)
    sentences = heard.of("sentence")
    assert "".join(TEXT[start:end] for _, start, end, *_ in sentences) == TEXT
    words = [TEXT[start:end] for _, start, end, *_ in heard.of("word")]
    assert words == TEXT.translate({ord(mark): None for mark in ",.?"}).split()
    assert all(word[4] >= sentences[0][4] for word in heard.of("word"))
    assert heard.events[0][:3] == ("sentence", 0, 24)
    assert heard.events[1][:3] == ("word", 0, 5)


def test_ranges_count_characters_and_not_bytes(spiel: Spiel) -> None:
    text = "你好，世界。𝄞 今天很好！"
    sentences = spiel.hear(text, voice="espeak-ng/cmn").of("sentence")
    assert "".join(text[start:end] for _, start, end, *_ in sentences) == text


def test_marks_are_told_as_orca_sets_them(spiel: Spiel) -> None:
    text = '<speak><mark name="0:5"/>Hello <mark name="6:12"/>there. <mark name="13:16"/>End</speak>'
    heard = spiel.hear(text, voice="espeak-ng/en-us", ssml=True)
    check_framing(heard)
    assert [(start, name) for _, start, _, name, _ in heard.of("mark")] == [
        (text.index("Hello"), "0:5"),
        (text.index("there"), "6:12"),
        (text.index("End"), "13:16"),
    ]
    assert [text[start:end] for _, start, end, *_ in heard.of("word")] == ["Hello", "there", "End"]


def test_every_character_that_orca_spells_is_said(spiel: Spiel) -> None:
    for character in "a<&>\"'/é文":  # Orca puts it into the markup as it is
        text = f'<speak><say-as interpret-as="characters">{character}</say-as></speak>'
        heard = spiel.hear(text, ssml=True)
        assert len(heard.pcm) > 4800, character
        assert [text[start:end] for _, start, end, *_ in heard.of("sentence")] == [character]


def test_a_raw_stream_holds_the_same_samples_and_nothing_else(spiel: Spiel) -> None:
    framed = spiel.hear(TEXT, voice="espeak-ng/en-us")
    raw = spiel.hear(TEXT, voice="espeak-ng/en-us#raw")
    assert raw.pcm == framed.pcm
    assert len(raw.pcm) > 48_000


def test_what_is_streamed_is_what_was_asked(tones: Spiel) -> None:
    for voice in ("auto", "auto#raw", "tone/tone", ""):
        assert said(tones.hear("One sentence. 第二句。", voice=voice)) == "One sentence. 第二句。"


def test_the_rate_is_the_clients_and_the_daemons_is_not_added(tones: Spiel) -> None:
    lengths = [len(tones.hear("Faster.", rate=rate).pcm) for rate in (1.0, 2.0, 4.0, 10.0)]
    assert lengths[0] > 1.8 * lengths[1] > 3.2 * lengths[2]
    assert lengths[2] == lengths[3]


def test_an_empty_text_is_a_whole_stream_without_sound(spiel: Spiel) -> None:
    heard = spiel.hear("")
    assert (heard.header, heard.pcm, heard.events) == ("0.01", b"", ())
    assert spiel.hear("", voice="auto#raw").pcm == b""


def test_closing_the_pipe_ends_the_utterance_and_leaves_nothing(
    espeak: DaemonProcess, spiel: Spiel, listener: Client
) -> None:
    before = descriptors(espeak)
    stream = spiel.begin(LONG * 100, voice="espeak-ng/en-us")
    started = listener.wait_event("Started")
    assert spiel.step(stream, 10_000).pcm
    spiel.close(stream)
    assert listener.wait_event("Finished", *started[1])[1][1] == "cancelled"
    wait_for(lambda: descriptors(espeak) == before, "the descriptor to be closed")
    spent = [sum(espeak.worker.cpu_times()[:2])]
    wait_for(lambda: _settled(espeak, spent), "the worker to have nothing to do", 5)
    assert spiel.hear(TEXT).pcm


def _settled(daemon: DaemonProcess, spent: list[float]) -> bool:
    """Tell whether the worker has used no time since it was asked last, 0.2 s ago."""
    time.sleep(0.2)
    spent.append(sum(daemon.worker.cpu_times()[:2]))
    return spent[-1] == spent[-2]


def test_a_client_that_is_killed_cancels_what_it_asked_for(espeak: DaemonProcess, listener: Client) -> None:
    before = descriptors(espeak)
    with spiel_client(espeak.bus.address) as spiel:
        spiel.begin(LONG * 100)
        listener.wait_event("Started")
    assert listener.wait_event("Finished")[1][1] == "cancelled"
    wait_for(lambda: descriptors(espeak) == before, "the descriptor to be closed")


def test_a_client_that_does_not_read_holds_up_nobody_and_loses_nothing(
    espeak: DaemonProcess, spiel: Spiel
) -> None:
    whole = spiel.hear(LONG * 3, voice="espeak-ng/en-us")
    paused = spiel.begin(LONG * 3, voice="espeak-ng/en-us")
    assert spiel.step(paused, 1000).events
    with spiel_client(espeak.bus.address) as other:
        for _ in range(3):
            assert other.hear(TEXT, voice="espeak-ng/en-us").pcm
    with espeak.client() as client:
        assert client.get("State") == "idle"
    resumed = spiel.finish(paused)
    check_framing(resumed)
    assert (resumed.pcm, resumed.events) == (whole.pcm, whole.events)


def test_twenty_requests_at_once_each_get_their_own(tones: Spiel) -> None:
    texts = [f"Request number {number}. 第{number}个。" * 3 for number in range(20)]
    streams = [tones.begin(text) for text in texts]
    heard = [tones.finish(stream) for stream in reversed(streams)][::-1]
    for text, one in zip(texts, heard, strict=True):
        check_framing(one)
        assert said(one).replace(" ", "") == text.replace(" ", "")
        assert all(before[2] == after[1] for before, after in pairwise(one.of("sentence")))


def test_a_regular_file_is_written_and_other_descriptors_are_refused(
    espeak: DaemonProcess, spiel: Spiel, tmp_path: Path
) -> None:
    before = descriptors(espeak)
    path = tmp_path / "speech"
    spiel.ask("into_file", path=str(path), text=TEXT)
    wait_for(lambda: path.read_bytes()[:4] == b"0.01", "the file to be written")
    for do, arguments in (
        ("into_file", {"path": str(tmp_path), "text": TEXT}),
        ("into_reading_end", {"text": TEXT}),
        ("without_descriptor", {"text": TEXT}),
    ):
        with pytest.raises(CallError) as caught:
            spiel.ask(do, **arguments)
        assert caught.value.name == INVALID
    wait_for(lambda: descriptors(espeak) == before, "every descriptor to be closed")


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"voice": "nobody"}, "there is no voice 'nobody'; the default one speaks"),
        ({"voice": "nobody#raw", "language": "zh"}, "there is no voice 'nobody'; the default one speaks"),
        ({"pitch": -1.0}, ""),
        ({"rate": float("nan")}, ""),
        ({"rate": float("inf")}, ""),
        ({"language": "tlh"}, ""),
        ({"ssml": True, "text": "<speak>Hello there.</speak"}, BAD_TAG),
    ],
)
def test_what_is_wrong_with_a_request_is_in_the_journal_and_it_is_spoken(
    espeak: DaemonProcess, spiel: Spiel, options: dict[str, object], told: str
) -> None:
    heard = spiel.hear(**{"text": TEXT, **options})  # type: ignore[arg-type]  # the table's values are of any type
    assert len(heard.pcm) > 10_000
    wait_for(lambda: told in espeak.log, "the warning")
    assert "Hello there" not in espeak.log


def test_markup_that_cannot_be_read_is_not_read_aloud(tones: Spiel) -> None:
    assert said(tones.hear("<speak>Fish &amp; chips</speak", ssml=True)) == "Fish & chips"
    text = "<speak>Hello <b there, <mark name='x'/>friend.</speak>"
    heard = tones.hear(text, ssml=True)
    assert said(heard).split() == ["Hello", "there,", "friend."]
    assert [(start, end) for _, start, end, *_ in heard.of("sentence")] == [(0, len(text))]


def test_a_huge_text_ends_without_a_sound(espeak: DaemonProcess, spiel: Spiel) -> None:
    before = descriptors(espeak)
    for length in (100_001, 5_000_000):
        heard = spiel.hear("x" * length)
        assert (heard.header, heard.pcm) == ("0.01", b"")
    wait_for(lambda: "the text has 100001 characters" in espeak.log, "the warning")
    assert descriptors(espeak) == before


def test_an_engine_that_cannot_speak_ends_the_stream_and_the_journal_says_why() -> None:
    only = '[speech]\nengine = "chattts"\n'
    with PrivateBus() as bus, DaemonProcess(bus, only) as daemon, spiel_client(bus.address) as spiel:
        heard = spiel.hear(TEXT)
        assert (heard.header, heard.pcm) == ("0.01", b"")
        wait_for(lambda: "; nothing is said" in daemon.log, "the warning")


def test_hundreds_of_requests_at_once_are_all_taken_and_spoken_in_their_order(
    tone: DaemonProcess, tones: Spiel
) -> None:
    before = descriptors(tone)
    stalled = [tones.begin(LONG * 20) for _ in range(64)]
    begun = [tones.begin(f"{number}") for number in range(200)]
    with spiel_client(tone.bus.address) as other:
        assert said(other.hear("Not held up.")) == "Not held up."
    for stream in stalled:
        tones.close(stream)
    for number, stream in enumerate(begun):
        assert said(tones.finish(stream)) == f"{number}"
    wait_for(lambda: descriptors(tone) <= before, "every descriptor to be closed")


def test_a_client_that_is_killed_leaves_nothing_that_waits(tone: DaemonProcess) -> None:
    before = descriptors(tone)
    with spiel_client(tone.bus.address) as spiel:
        for _ in range(100):
            spiel.begin(LONG * 20)
        assert descriptors(tone) >= before + 100
    wait_for(lambda: descriptors(tone) <= before, "every descriptor to be closed")


def test_requests_beyond_what_can_be_held_end_without_a_sound_and_no_error(
    tone: DaemonProcess, tones: Spiel
) -> None:
    before = descriptors(tone)
    answers = tones.ask("flood", calls=900, text=(LONG * 20)[:4000], keep=True)
    assert answers == {"ok": 900}
    assert 400 < descriptors(tone) - before <= 64 + 512 + 1  # one watches the others
    with tone.client() as client:
        client.call("CancelAll")
    wait_for(lambda: descriptors(tone) <= before, "every descriptor to be closed")


@pytest.mark.timeout(120)
def test_ten_thousand_calls_get_no_error_and_nothing_is_left(tone: DaemonProcess, tones: Spiel) -> None:
    before = descriptors(tone)
    answers = tones.ask("flood", calls=10_000, text="Flood.")
    assert answers == {"ok": 10_000}
    wait_for(lambda: descriptors(tone) <= before, "every descriptor to be closed")
    with spiel_client(tone.bus.address) as other:
        assert said(other.hear("Still here.")) == "Still here."


def test_a_provider_name_that_is_taken_does_not_keep_the_daemon_from_starting() -> None:
    with PrivateBus() as bus, NameOwner(bus.address, SPIEL_NAME), DaemonProcess(bus, TONE) as daemon:
        with daemon.client() as client:
            assert client.get("State") == "idle"
        warning = f"WARNING: {SPIEL_NAME} is owned by another process"
        wait_for(lambda: warning in daemon.log, "the warning")


def test_the_system_bus_has_no_provider() -> None:
    with PrivateBus(kind="system") as bus:
        daemon = DaemonProcess(bus, TONE)
        daemon.program = (*DaemonProcess.program, "--system")
        with daemon, daemon.client() as client:
            assert not client.connection.send_and_get_reply(message_bus.NameHasOwner(SPIEL_NAME)).body[0]
