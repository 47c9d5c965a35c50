"""Every bad input to the real daemon: the exact error name and message, and the daemon stays."""

import re
import subprocess
from collections.abc import Iterator

import pytest

from chatttsd.constants import BUS_NAME, INTERFACE, OBJECT_PATH
from chatttsd.speech.options import OPTION_NAMES
from support.daemon import PROPERTIES, CallError, Client, DaemonProcess
from support.private_bus import PrivateBus

INVALID = "org.freedesktop.DBus.Error.InvalidArgs"
OURS = "org.chattts.Speech1.Error"
TONE = '[speech]\nengine = "tone"\n[limits]\ncalls_per_second = 1000\n'


@pytest.fixture(scope="module")
def daemon() -> Iterator[DaemonProcess]:
    with PrivateBus() as bus, DaemonProcess(bus, TONE) as daemon:
        yield daemon


@pytest.fixture
def client(daemon: DaemonProcess) -> Iterator[Client]:
    with daemon.client() as client:
        yield client


EMPTY = "text: got an empty text, allowed: at least 1 character"
CALLS = [
    ("Speak", "s", ("",), INVALID, EMPTY),
    ("SpeakWith", "sa{ss}", ("", {}), INVALID, EMPTY),
    (
        "Speak",
        "s",
        ("x" * 100_001,),
        f"{OURS}.TextTooLong",
        "the text has 100001 characters, allowed: at most 100000",
    ),
    (
        "Speak",
        "s",
        ("文" * 100_001,),
        f"{OURS}.TextTooLong",
        "the text has 100001 characters, allowed: at most 100000",
    ),
    ("Speak", "u", (1,), INVALID, "Speak: got arguments of type 'u', allowed: 's'"),
    ("Speak", "", (), INVALID, "Speak: got arguments of type '', allowed: 's'"),
    (
        "SpeakWith",
        "sa{sv}",
        ("x", {}),
        INVALID,
        "SpeakWith: got arguments of type 'sa{sv}', allowed: 'sa{ss}'",
    ),
    ("SpeakWith", "s", ("x",), INVALID, "SpeakWith: got arguments of type 's', allowed: 'sa{ss}'"),
    (
        "SpeakWith",
        "sa{ss}",
        ("x", {"rate": "fast"}),
        INVALID,
        "option 'rate': got 'fast', allowed: a number from 0.25 to 4",
    ),
    (
        "SpeakWith",
        "sa{ss}",
        ("x", {"colour": "red"}),
        INVALID,
        f"unknown option 'colour': allowed: {', '.join(OPTION_NAMES)}",
    ),
    (
        "SpeakWith",
        "sa{ss}",
        ("x", {"container": "wav"}),
        INVALID,
        "option 'container' is for Synthesize: Speak plays the sound",
    ),
    (
        "SpeakWith",
        "sa{ss}",
        ("x", {"engine": "chattts"}),
        f"{OURS}.ModelUnavailable",
        "[speech] engine is 'tone', which does without ChatTTS",
    ),
    (
        "SpeakWith",
        "sa{ss}",
        ("ab", {"kind": "char"}),
        INVALID,
        "text: got 2 characters with kind=char, allowed: 1 character",
    ),
    (
        "SpeakWith",
        "sa{ss}",
        ("k" * 65, {"kind": "key"}),
        INVALID,
        "text: got 65 characters with kind=key, allowed: a key name of at most 64",
    ),
    (
        "Synthesize",
        "sa{ss}",
        ("x", {}),
        INVALID,
        "Synthesize: got arguments of type 'sa{ss}', allowed: 'hsa{ss}'",
    ),
    ("Cancel", "u", (4_000_000_000,), f"{OURS}.NoSuchUtterance", "there is no utterance 4000000000"),
    ("Cancel", "i", (1,), INVALID, "Cancel: got arguments of type 'i', allowed: 'u'"),
    ("Wait", "u", (0,), f"{OURS}.NoSuchUtterance", "there is no utterance 0"),
    (
        "LoadModel",
        "",
        (),
        f"{OURS}.ModelUnavailable",
        "[speech] engine is 'tone', which does without ChatTTS",
    ),
    ("Shout", "s", ("x",), "org.freedesktop.DBus.Error.UnknownMethod", f"{INTERFACE} has no method 'Shout'"),
    ("Pause", "s", ("x",), INVALID, "Pause: got arguments of type 's', allowed: ''"),
]
SETTINGS = [
    ("Rate", ("d", 9.0), INVALID, "option 'rate': got '9.0', allowed: a number from 0.25 to 4"),
    ("Rate", ("d", float("nan")), INVALID, "option 'rate': got 'nan', allowed: a number from 0.25 to 4"),
    ("Rate", ("s", "1"), INVALID, "Rate: got a value of type 's', allowed: 'd'"),
    ("Volume", ("d", -1.0), INVALID, "option 'volume': got '-1.0', allowed: a number from 0 to 1"),
    (
        "DefaultVoice",
        ("s", "x\ny"),
        INVALID,
        "option 'voice': got 'x?y', allowed: 1 to 128 printable characters",
    ),
    (
        "State",
        ("s", "idle"),
        "org.freedesktop.DBus.Error.PropertyReadOnly",
        f"{INTERFACE}.State can only be read",
    ),
]


@pytest.mark.parametrize(("member", "signature", "body", "name", "message"), CALLS)
def test_a_bad_call_gets_its_exact_error(
    client: Client, member: str, signature: str, body: tuple[object, ...], name: str, message: str
) -> None:
    with pytest.raises(CallError) as caught:
        client.call(member, signature, *body)
    assert (caught.value.name, caught.value.message) == (name, message)


@pytest.mark.parametrize(("prop", "value", "name", "message"), SETTINGS)
def test_a_bad_property_value_gets_its_exact_error(
    client: Client, prop: str, value: tuple[str, object], name: str, message: str
) -> None:
    with pytest.raises(CallError) as caught:
        client.call("Set", "ssv", INTERFACE, prop, value, interface=PROPERTIES)
    assert (caught.value.name, caught.value.message) == (name, message)


def test_63_mib_are_refused_by_size_and_the_memory_is_not_taken(
    daemon: DaemonProcess, client: Client
) -> None:
    before = _rss_mib(daemon.pid)
    with pytest.raises(CallError) as caught:
        client.call("Speak", "s", "x" * (63 * 2**20))
    assert caught.value.name == f"{OURS}.TextTooLong"
    assert re.fullmatch(r"the message has 66060\d\d\d bytes, allowed: at most 465536", caught.value.message)
    assert _rss_mib(daemon.pid) - before < 16


def test_invalid_utf8_through_dbus_send_never_reaches_the_daemon(
    daemon: DaemonProcess, client: Client
) -> None:
    command = [
        "dbus-send",
        "--session",
        "--print-reply",
        f"--dest={BUS_NAME}",
        OBJECT_PATH,
        f"{INTERFACE}.Speak",
    ]
    sent = subprocess.run(
        [*command, b"string:\xff\xfe"], env=daemon.environment, capture_output=True, check=False, timeout=30
    )
    assert sent.returncode != 0
    assert client.get("State") in ("idle", "speaking")


def test_bad_options_through_dbus_send_come_back_as_one_line(daemon: DaemonProcess) -> None:
    command = ["dbus-send", "--session", "--print-reply", f"--dest={BUS_NAME}", OBJECT_PATH]
    sent = subprocess.run(
        [*command, f"{INTERFACE}.SpeakWith", "string:hello", "dict:string:string:rate,9"],
        env=daemon.environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert sent.returncode == 1
    assert sent.stderr.strip() == f"Error {INVALID}: option 'rate': got '9', allowed: a number from 0.25 to 4"


def test_no_refused_text_is_in_the_log(daemon: DaemonProcess, client: Client) -> None:
    canary = "zebra-canary-7319"
    for member, signature, body in (
        ("SpeakWith", "sa{ss}", (canary, {"rate": "x"})),
        ("Speak", "s", (canary * 9000,)),
        ("SpeakWith", "sa{ss}", (canary, {"kind": "char"})),
    ):
        with pytest.raises(CallError) as caught:
            client.call(member, signature, *body)
        assert canary not in str(caught.value)
    assert canary not in daemon.log


def _rss_mib(pid: int) -> float:
    with open(f"/proc/{pid}/statm", encoding="ascii") as file:  # noqa: PTH123 - a fixed path
        return int(file.read().split()[1]) * 4 / 1024
