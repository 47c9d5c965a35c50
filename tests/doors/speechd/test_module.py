"""The module as a process: what it tells the server, and what it asks of a daemon that follows a script."""

import os
import subprocess
import sys
import time
from itertools import count
from pathlib import Path

import pytest

from chatttsd.doors.speechd.message import RESTART_MARK
from chatttsd.doors.speechd.voices import rows
from support.fake_speech import Answer, Asked, Value
from support.private_bus import PrivateBus
from support.pulse import wait_for
from support.speechd_module import MakeDaemon, MakeModule, ModuleProcess, finish, say

DONE = ["701 BEGIN", "702 END"]
STOPPED = ["701 BEGIN", "703 STOP"]


def test_the_handshake_needs_neither_bus_nor_daemon(tmp_path: Path) -> None:
    with ModuleProcess({}, tmp_path, shake_hands=False) as module:
        assert module.ask("INIT")[-1] == "299 OK LOADED SUCCESSFULLY"
        assert module.ask("AUDIO", "audio_output_method=server", ".")[-1] == "300 MODULE ERROR"
        assert module.ask("AUDIO", "audio_output_method=alsa", ".") == ["203 OK AUDIO INITIALIZED"]
        assert module.ask("LOGLEVEL", "log_level=3", ".") == ["203 OK LOGLEVEL SET"]
        assert "200-chattts/alder\tzh-CN\tnone" in module.ask("LIST VOICES zh")


def test_nothing_heavy_is_imported_before_init_is_answered() -> None:
    code = "import sys, chatttsd.doors.speechd.__main__; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    heavy = {
        "asyncio",
        "dbus_next",
        "argparse",
        "json",
        "html",
        "dataclasses",
        "numpy",
        "platformdirs",
        "logging",
    }
    assert heavy.isdisjoint(loaded.split())


@pytest.mark.parametrize("farewell", ["QUIT", None])
def test_quit_and_the_end_of_stdin_end_it(tmp_path: Path, farewell: str | None) -> None:
    with ModuleProcess({}, tmp_path) as module:
        if farewell:
            assert module.ask(farewell) == ["210 OK QUIT"]
        assert module.process.stdin is not None
        module.process.stdin.close()
        assert module.process.wait(10) == 0
    assert module.log == ""


def test_without_a_bus_a_message_ends_and_the_reason_is_told_once(tmp_path: Path) -> None:
    with ModuleProcess({}, tmp_path) as module:
        for number in range(3):
            module.speak("<speak>secret</speak>")
            assert module.wait_events(2 * number + 2)[-2:] == DONE
    assert module.log == "chattts: there is no session bus: DBUS_SESSION_BUS_ADDRESS is not set\n"


def test_a_bus_that_is_not_there_is_told(tmp_path: Path) -> None:
    with ModuleProcess({"DBUS_SESSION_BUS_ADDRESS": f"unix:path={tmp_path}/none"}, tmp_path) as module:
        module.speak("<speak>secret</speak>")
        assert module.wait_events(2) == DONE
    assert module.log.startswith("chattts: the bus cannot be reached: ")


def test_without_a_daemon_a_message_ends(make_module: MakeModule) -> None:
    module = make_module()
    module.speak("<speak>secret</speak>")
    module.speak("a", "CHAR")
    assert module.wait_events(4) == DONE * 2
    module.wait_log(
        "chatttsd is not there, the bus cannot start it: org.freedesktop.DBus.Error.ServiceUnknown"
    )
    assert "secret" not in module.log


def test_a_message_is_spoken_with_its_settings(make_daemon: MakeDaemon, make_module: MakeModule) -> None:
    daemon, module = make_daemon(), make_module()
    module.set(rate=100, pitch=0, volume=100, language="zh-cn", punctuation_mode="some")
    module.speak("<speak>你好</speak>")
    body = daemon.wait_for("SpeakWith").body
    assert body[0] == "<speak>你好</speak>"
    assert body[1] == {
        "kind": "ssml",
        "priority": "important",
        "bind_to_client": "true",
        "rate": "3.0000",
        "language": "zh-cn",
        "punctuation": "some",
    }
    say(daemon, 7)
    assert module.wait_events(2) == DONE


@pytest.mark.parametrize(
    ("kind", "text", "sent"),
    [("CHAR", "space", " "), ("CHAR", "é", "é"), ("KEY", "a", "a"), ("KEY", "space", "space")],
)
def test_characters_and_keys_are_sent_as_such(
    make_daemon: MakeDaemon, make_module: MakeModule, kind: str, text: str, sent: str
) -> None:
    daemon, module = make_daemon(), make_module()
    module.speak(text, kind)
    body = daemon.wait_for("SpeakWith").body
    assert (body[0], body[1]["kind"]) == (sent, kind.lower())
    say(daemon, 7)
    assert module.wait_events(2) == DONE


@pytest.mark.parametrize(
    ("kind", "text"), [("SOUND_ICON", " "), ("SPEAK", "<speak> </speak>"), ("SPEAK", " "), ("KEY", " ")]
)
def test_what_has_no_sound_ends_at_once(
    make_daemon: MakeDaemon, make_module: MakeModule, kind: str, text: str
) -> None:
    daemon, module = make_daemon(), make_module()
    module.speak(text, kind)
    assert module.wait_events(2) == DONE
    assert daemon.calls("SpeakWith") == []


@pytest.mark.parametrize(
    "text",
    [
        "<speak><![CDATA[hello world]]></speak>",
        '<speak><sub alias="World Wide Web"/></speak>',
        "<speak>< hello ></speak>",
        '<speak><mark name="a"/><break time="600ms"/><mark name="b"/></speak>',
    ],
)
def test_the_daemon_decides_what_of_odd_ssml_is_heard(
    make_daemon: MakeDaemon, make_module: MakeModule, text: str
) -> None:
    daemon, module = make_daemon(), make_module()
    module.speak(text)
    assert daemon.wait_for("SpeakWith").body[0] == text
    say(daemon, 7)
    assert module.wait_events(2) == DONE


def test_the_name_of_a_sound_icon_is_said(make_daemon: MakeDaemon, make_module: MakeModule) -> None:
    daemon, module = make_daemon(), make_module()
    module.speak("new-mail_&<2>", "SOUND_ICON")
    body = daemon.wait_for("SpeakWith").body
    assert (body[0], body[1]["kind"]) == ("<speak>new mail &amp;&lt;2&gt;</speak>", "ssml")
    say(daemon, 7)
    assert module.wait_events(2) == DONE


def test_marks_of_a_silent_message_are_told(make_daemon: MakeDaemon, make_module: MakeModule) -> None:
    make_daemon()
    module = make_module()
    module.speak('<speak><mark name="a"/> <mark name="b"/></speak>')
    assert module.wait_events(4) == ["701 BEGIN", "a", "b", "702 END"]


def test_marks_are_told_when_the_daemon_tells_them(make_daemon: MakeDaemon, make_module: MakeModule) -> None:
    daemon, module = make_daemon(), make_module()
    module.speak('<speak>a <mark name="x"/>b</speak>')
    daemon.wait_for("SpeakWith")
    say(daemon, 8, ("Mark", "s", ("other",)))
    say(daemon, 7, ("Progress", "uu", (0, 5)), ("Mark", "s", ("x",)))
    assert module.wait_events(3) == ["701 BEGIN", "x", "702 END"]


@pytest.mark.parametrize(
    ("outcome", "event"),
    [
        ("finished", "702 END"),
        ("failed", "702 END"),
        ("cancelled", "703 STOP"),
        ("interrupted", "703 STOP"),
        ("dropped", "703 STOP"),
    ],
)
def test_every_outcome_has_its_last_event(
    make_daemon: MakeDaemon, make_module: MakeModule, outcome: str, event: str
) -> None:
    daemon, module = make_daemon(), make_module()
    module.speak("<speak>a</speak>")
    daemon.wait_for("SpeakWith")
    finish(daemon, 7, outcome)
    assert module.wait_events(2) == ["701 BEGIN", event]


def test_what_is_told_before_the_answer_is_heard_nevertheless(
    make_daemon: MakeDaemon, make_module: MakeModule
) -> None:
    def dropping(_asked: Asked) -> Answer:
        finish(daemon, 7, "dropped")
        return Value("u", (7,))

    daemon = make_daemon(SpeakWith=dropping)
    module = make_module()
    module.speak("<speak>a</speak>")
    assert module.wait_events(2) == STOPPED


@pytest.mark.parametrize(
    ("command", "events"), [("STOP", ["703 STOP"]), ("PAUSE", [RESTART_MARK, "704 PAUSE"])]
)
def test_stop_and_pause_end_a_message_and_silence_the_daemon(
    make_daemon: MakeDaemon, make_module: MakeModule, command: str, events: list[str]
) -> None:
    daemon, module = make_daemon(), make_module()
    module.speak("<speak>a</speak>")
    daemon.wait_for("SpeakWith")
    daemon.emit("Started", "u", (7,))
    module.wait_events(1)
    module.send(command)
    assert module.wait_events(1 + len(events)) == ["701 BEGIN", *events]
    assert daemon.wait_for("Cancel").body == (7,)
    finish(daemon, 7, "cancelled")
    module.send("STOP", "PAUSE", "STOP")
    assert module.ask("LIST VOICES xx") == ["304 CANT LIST VOICES"]
    assert module.events == ["701 BEGIN", *events]


def test_what_was_over_when_the_pause_came_is_not_said_again(
    make_daemon: MakeDaemon, make_module: MakeModule
) -> None:
    daemon, module = make_daemon(), make_module()
    module.speak("<speak>a</speak>")
    daemon.wait_for("SpeakWith")
    say(daemon, 7)
    assert module.wait_events(2) == DONE
    module.send("PAUSE")
    module.speak("<speak> speak a  speak </speak>")
    assert module.wait_events(4) == DONE * 2
    assert len(daemon.calls("SpeakWith")) == 1


def test_a_paused_icon_is_not_rewritten(make_daemon: MakeDaemon, make_module: MakeModule) -> None:
    daemon, module = make_daemon(), make_module()
    for number in (0, 1):
        module.speak("new-mail", "SOUND_ICON")
        wait_for(lambda wanted=number + 1: len(daemon.calls("SpeakWith")) == wanted, "the icon")  # type: ignore[misc]  # bound for this turn
        module.send("PAUSE")
        assert module.wait_events(2 * number + 2)[-2:] == ["701 BEGIN", "704 PAUSE"]
    assert [asked.body[0] for asked in daemon.calls("SpeakWith")] == ["<speak>new mail</speak>"] * 2


def test_a_stop_before_the_daemon_has_answered_cancels_in_order(
    make_daemon: MakeDaemon, make_module: MakeModule
) -> None:
    numbers = count(7)

    def late(_asked: Asked) -> Answer:
        time.sleep(0.2)  # longer than the module takes to send STOP and the next message
        return Value("u", (next(numbers),))

    daemon = make_daemon(SpeakWith=late)
    module = make_module()
    module.speak("<speak>a</speak>")
    daemon.wait_for("SpeakWith")
    module.send("STOP")
    assert module.wait_events(2) == STOPPED
    module.speak("<speak>b</speak>")
    assert daemon.wait_for("Cancel").body == (7,)
    wait_for(lambda: len(daemon.calls("SpeakWith")) == 2, "the second message")
    say(daemon, 8)
    assert module.wait_events(4) == STOPPED + DONE
    assert [asked.body for asked in daemon.calls("Cancel")] == [(7,)]


def test_without_its_libraries_every_message_ends_and_the_reason_is_told(
    bus: PrivateBus, tmp_path: Path
) -> None:
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "dbus_next.py").write_text("raise ImportError('it is broken')")
    environment = {**bus.environment, "PYTHONPATH": str(tmp_path / "lib")}
    with ModuleProcess(environment, tmp_path) as module:
        module.speak("<speak>a</speak>")
        assert module.wait_events(2) == DONE
        module.speak("a", "CHAR")
        assert module.wait_events(4) == DONE * 2
        assert module.log == "chattts: this module cannot speak: ImportError: it is broken\n"


def test_the_voices_of_the_daemon_are_learnt_and_kept(
    make_daemon: MakeDaemon, make_module: MakeModule, tmp_path: Path
) -> None:
    make_daemon()
    module = make_module()
    kept = tmp_path / "cache" / "chatttsd" / "speechd-voices.tsv"
    wait_for(kept.exists, "the list in the cache")
    expected = [
        f"200-{name}\t{tag}\t{kind}"
        for name, tag, kind in rows([("cmn", ["zh", "cmn"]), ("en-gb", ["en-GB"])])
    ]
    assert module.ask("LIST VOICES")[:-1] == expected
    assert module.ask("LIST VOICES en") == ["200-en-gb\ten-GB\tnone", "200 OK VOICE LIST SENT"]


def test_the_daemon_is_not_started_just_to_list_voices(
    make_module: MakeModule, make_daemon: MakeDaemon
) -> None:
    daemon, module = make_daemon(), make_module()
    module.ask("LIST VOICES")
    daemon.wait_for("Get")
    assert not any(asked.may_start for asked in daemon.calls("Get"))


def test_a_wrong_configuration_is_told_and_the_module_speaks(
    make_daemon: MakeDaemon, make_module: MakeModule
) -> None:
    daemon, module = make_daemon(), make_module("Priority loud\nOption seed 7\n")
    module.speak("<speak>a</speak>")
    options = daemon.wait_for("SpeakWith").body[1]
    assert (options["priority"], options["seed"]) == ("important", "7")
    assert "line 1: got 'loud', allowed: important" in module.log
    say(daemon, 7)
    module.wait_events(2)


def test_the_debug_log_holds_everything_but_texts(
    make_daemon: MakeDaemon, make_module: MakeModule, tmp_path: Path
) -> None:
    daemon, module = make_daemon(), make_module()
    path = tmp_path / "debug log"
    assert module.ask(f"DEBUG ON {path}") == ["200 OK DEBUGGING ON"]
    module.speak("<speak>secret</speak>")
    daemon.wait_for("SpeakWith")
    say(daemon, 7)
    module.wait_events(2)
    module.ask("DEBUG OFF")
    log = path.read_text()
    assert "SPEAK, 21 characters" in log
    assert "702 END" in log
    assert "secret" not in log
    assert module.ask(f"DEBUG ON {tmp_path}") == ["303 CANT OPEN CUSTOM DEBUG FILE"]


def test_a_dead_server_does_not_leave_the_module_behind(bus: PrivateBus, tmp_path: Path) -> None:
    with ModuleProcess(bus.environment, tmp_path) as module:
        os.kill(module.process.pid, 0)
    assert module.process.returncode == 0
