"""The short commands and the queries, against a scripted service."""

import json
import signal
import subprocess
from pathlib import Path

import pytest

from chatttsd.ctl.monitor import describe
from chatttsd.ctl.status import Report, lines
from chatttsd.ctl.target import Target
from chatttsd.ctl.unit import UnitState
from chatttsd.ctl.voices import Voice, table
from support.ctl import COMMAND, ctl, fake_systemctl, hermetic, start
from support.fake_speech import FakeSpeech, Fault, Hang, Script, Value
from support.private_bus import PrivateBus

CANCELLED: dict[str, Script] = {"Wait": Value("s", ("cancelled",))}
FAILED = (
    "printf '%s\\n' LoadState=loaded ActiveState=failed SubState=failed Result=exit-code ExecMainStatus=2"
)


@pytest.mark.parametrize(
    ("command", "member"),
    [
        ("pause", "Pause"),
        ("resume", "Resume"),
        ("skip", "Skip"),
        ("reload", "Reload"),
        ("unload", "UnloadModel"),
    ],
)
def test_a_short_command_is_one_call_and_prints_nothing(
    command: str, member: str, bus: PrivateBus, environment: dict[str, str]
) -> None:
    with FakeSpeech(bus.address) as fake:
        done = ctl([command], environment)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
        assert [(asked.member, asked.may_start) for asked in fake.asked] == [(member, False)]


def test_a_refusal_is_told(bus: PrivateBus, environment: dict[str, str]) -> None:
    refusal = Fault("org.chattts.Speech1.Error.ModelUnavailable", "no weights in the models folder")
    with FakeSpeech(bus.address, {"LoadModel": refusal}):
        done = ctl(["load"], environment)
        assert (done.returncode, done.stderr) == (
            1,
            "chatttsctl: no weights in the models folder (ModelUnavailable)\n",
        )


def test_a_hanging_call_ends_with_the_timeout(bus: PrivateBus, environment: dict[str, str]) -> None:
    with FakeSpeech(bus.address, {"Pause": Hang()}):
        done = ctl(["pause", "--timeout", "0.2"], environment)
        assert done.returncode == 3
        assert done.stderr.startswith(
            "chatttsctl: chatttsd does not answer (Pause, 0.2 s); start the daemon: /"
        )


def test_cancel_takes_the_id(bus: PrivateBus, environment: dict[str, str]) -> None:
    with FakeSpeech(bus.address, CANCELLED) as fake:
        done = ctl(["cancel", "12"], environment)
        assert (done.returncode, done.stdout) == (0, "cancelled utterance 12\n")
        assert fake.calls("Cancel")[0].body == (12,)


def test_cancel_without_an_id_cancels_the_current_one_and_says_so(
    bus: PrivateBus, environment: dict[str, str]
) -> None:
    with FakeSpeech(bus.address, CANCELLED, {"Current": ("u", 5)}) as fake:
        assert ctl(["cancel"], environment).stdout == "cancelled utterance 5, the current one\n"
        assert fake.calls("Cancel")[0].body == (5,)
        assert json.loads(ctl(["cancel", "--json"], environment).stdout) == {"cancelled": 5}


def test_cancel_with_nothing_spoken_says_so_and_is_fine(bus: PrivateBus, environment: dict[str, str]) -> None:
    with FakeSpeech(bus.address) as fake:
        done = ctl(["cancel"], environment)
        assert (done.returncode, done.stdout) == (0, "nothing is being spoken\n")
        assert fake.calls("Cancel") == []
        assert json.loads(ctl(["cancel", "--json"], environment).stdout) == {"cancelled": None}


@pytest.mark.parametrize("arguments", [["cancel", "12"], ["cancel"]])
def test_cancelling_what_has_ended_says_how_it_had_ended(
    arguments: list[str], bus: PrivateBus, environment: dict[str, str]
) -> None:
    with FakeSpeech(bus.address, properties={"Current": ("u", 12)}) as fake:
        done = ctl(arguments, environment)
        assert (done.returncode, done.stdout) == (0, "utterance 12 had ended already (finished)\n")
        assert fake.calls("Cancel")
        shown = json.loads(ctl([*arguments, "--json"], environment).stdout)
        assert shown == {"cancelled": None, "outcome": "finished"}


@pytest.mark.parametrize("answer", [Hang(), Fault("org.freedesktop.DBus.Error.LimitsExceeded", "slowly")])
def test_a_cancel_whose_outcome_cannot_be_learned_is_still_one(
    answer: Hang | Fault, bus: PrivateBus, environment: dict[str, str]
) -> None:
    with FakeSpeech(bus.address, {"Wait": answer}):
        done = ctl(["cancel", "12"], environment)
        assert (done.returncode, done.stdout, done.stderr) == (0, "cancelled utterance 12\n", "")


def test_cancel_all(bus: PrivateBus, environment: dict[str, str]) -> None:
    with FakeSpeech(bus.address) as fake:
        assert ctl(["cancel", "--all"], environment).stdout == "cancelled all utterances\n"
        assert fake.calls("CancelAll")
        assert json.loads(ctl(["cancel", "--all", "--json"], environment).stdout) == {"cancelled": "all"}


def test_an_unknown_id_is_a_failure(bus: PrivateBus, environment: dict[str, str]) -> None:
    refusal = Fault("org.chattts.Speech1.Error.NoSuchUtterance", "there is no utterance 99")
    with FakeSpeech(bus.address, {"Cancel": refusal}):
        assert ctl(["cancel", "99"], environment).returncode == 1


def test_status_shows_the_daemon(bus: PrivateBus, environment: dict[str, str]) -> None:
    properties = {
        "State": ("s", "speaking"),
        "Reason": ("s", "the model is loading"),
        "QueueLength": ("u", 2),
    }
    with FakeSpeech(bus.address, properties=properties):
        done = ctl(["status"], environment)
    assert done.returncode == 0
    shown = dict(line.split(maxsplit=1) for line in done.stdout.splitlines())
    assert shown["unit"] == "no systemd session manager"
    assert (shown["state"], shown["engine"], shown["queue"]) == ("speaking", "espeak-ng", "2")
    assert (shown["reason"], shown["voices"], shown["utterances"]) == ("the model is loading", "2", "3")


def test_status_as_json_has_every_property_unwrapped(bus: PrivateBus, environment: dict[str, str]) -> None:
    with FakeSpeech(bus.address):
        status = json.loads(ctl(["status", "--json"], environment).stdout)
    assert status["running"]
    assert status["unit"] is None
    assert status["next_step"] is None
    assert status["properties"]["Statistics"] == {"utterances": 3, "stop_p95": 12.5}
    assert status["properties"]["Voices"][0] == ["cmn", "Chinese", "espeak-ng", ["zh", "cmn"]]


def test_status_of_a_failed_unit_tells_the_last_fault_and_the_next_step(environment: dict[str, str]) -> None:
    fake_systemctl(environment, FAILED)
    done = ctl(["status"], environment)
    assert done.returncode == 3
    assert "failed (failed), last result: exit-code, exit status 2" in done.stdout
    assert "next   systemctl --user reset-failed chatttsd && systemctl --user start chatttsd" in done.stdout
    status = json.loads(ctl(["status", "--json"], environment).stdout)
    assert (status["running"], status["unit"]["result"], status["fault"]) == (
        False,
        "exit-code",
        "chatttsd is not running",
    )


def test_status_without_a_bus_still_tells_of_the_unit(environment: dict[str, str]) -> None:
    fake_systemctl(environment, FAILED)
    done = ctl(["status"], {name: value for name, value in environment.items() if "DBUS" not in name})
    assert done.returncode == 3
    assert "no D-Bus session bus" in done.stdout
    assert "exit-code" in done.stdout


def test_status_of_a_daemon_that_hangs_ends_with_the_timeout(
    bus: PrivateBus, environment: dict[str, str]
) -> None:
    with FakeSpeech(bus.address, {"GetAll": Hang()}):
        done = ctl(["status", "--timeout", "0.2"], environment)
    assert done.returncode == 3
    assert "fault  chatttsd does not answer (GetAll, 0.2 s)\n" in done.stdout


@pytest.mark.parametrize("active", ["active", "activating"])
def test_a_hanging_daemon_of_systemd_is_to_be_restarted(
    active: str, bus: PrivateBus, environment: dict[str, str]
) -> None:
    fake_systemctl(environment, f"printf 'LoadState=loaded\\nActiveState={active}\\n'")
    with FakeSpeech(bus.address, {"GetAll": Hang(), "Pause": Hang()}):
        shown = ctl(["status", "--timeout", "0.2"], environment).stdout
        told = ctl(["pause", "--timeout", "0.2"], environment).stderr
    assert "next   systemctl --user restart chatttsd\n" in shown
    assert told == (
        "chatttsctl: chatttsd does not answer (Pause, 0.2 s); systemctl --user restart chatttsd\n"
    )


def test_without_any_bus_no_step_is_given_that_needs_one(tmp_path: Path) -> None:
    environment = hermetic(tmp_path)
    assert "next" not in ctl(["status"], environment).stdout
    assert json.loads(ctl(["status", "--json"], environment).stdout)["next_step"] is None


def test_status_lines_hold_no_control_characters() -> None:
    unit = UnitState("loaded", "active", "running")
    shown = lines(Report(Target(), unit, {"Reason": "a\x1b[1mb", "Version": "1"}, ""))
    assert shown == ["unit     active (running)", "version  1", "reason   a [1mb"]


def test_voices_are_a_table(bus: PrivateBus, environment: dict[str, str]) -> None:
    with FakeSpeech(bus.address) as fake:
        done = ctl(["voices"], environment)
        assert done.stdout.splitlines() == [
            "cmn    espeak-ng  zh,cmn  Chinese",
            "en-gb  espeak-ng  en-GB   English",
        ]
        assert fake.calls("Get")[0].may_start


@pytest.mark.parametrize(
    ("language", "ids"), [("zh", ["cmn"]), ("EN", ["en-gb"]), ("en-gb", ["en-gb"]), ("e", [])]
)
def test_voices_by_language_and_as_json(
    language: str, ids: list[str], bus: PrivateBus, environment: dict[str, str]
) -> None:
    with FakeSpeech(bus.address):
        done = ctl(["voices", "--json", "--language", language], environment)
    assert [voice["id"] for voice in json.loads(done.stdout)] == ids
    assert done.returncode == (0 if ids else 1)
    assert done.stderr == ("" if ids else "chatttsctl: no voice speaks that language\n")


def test_a_table_of_no_voices_is_empty() -> None:
    assert table([]) == []


def test_a_voice_speaks_the_varieties_of_a_language_but_not_its_prefixes() -> None:
    voice = Voice("x", "X", "espeak-ng", ["zh-TW", "eng"])
    assert voice.speaks("zh")
    assert voice.speaks("ZH-tw")
    assert not voice.speaks("en")
    assert not voice.speaks("zh-CN")


@pytest.mark.parametrize("as_json", [False, True])
def test_monitor_prints_signals_as_they_come_until_ctrl_c(
    as_json: bool, bus: PrivateBus, environment: dict[str, str]
) -> None:
    with (
        FakeSpeech(bus.address) as fake,
        start(["monitor", *(["--json"] if as_json else [])], environment) as process,
    ):
        assert process.stderr is not None
        assert process.stdout is not None
        assert process.stderr.readline() == "chatttsctl: listening\n"
        fake.emit("Started", "u", (3,))
        first = process.stdout.readline()
        fake.emit("Unheard", "u", (3,))
        fake.emit("Progress", "uuu", (3, 0, 12))
        fake.emit("Finished", "us", (3, "cancelled"))
        rest = [process.stdout.readline() for _ in range(2)]
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 130
    if as_json:
        assert [json.loads(line) for line in (first, *rest)] == [
            {"event": "started", "id": 3},
            {"event": "progress", "id": 3, "start": 0, "end": 12},
            {"event": "finished", "id": 3, "outcome": "cancelled"},
        ]
    else:
        assert [first, *rest] == ["started 3\n", "progress 3 0 12\n", "finished 3 cancelled\n"]


@pytest.mark.parametrize("event", [True, False])
def test_monitor_ends_quietly_when_nobody_reads_any_more(
    event: bool, bus: PrivateBus, environment: dict[str, str]
) -> None:
    with FakeSpeech(bus.address) as fake, start(["monitor"], environment) as process:
        assert process.stderr is not None
        assert process.stdout is not None
        assert process.stderr.readline() == "chatttsctl: listening\n"
        fake.emit("Started", "u", (3,))
        assert process.stdout.readline() == "started 3\n"
        process.stdout.close()
        if event:
            fake.emit("Finished", "us", (3, "finished"))
        assert process.wait(30) == 1
        assert process.stderr.read() == ""


def test_monitor_with_a_full_disk_ends_with_one_line(bus: PrivateBus, environment: dict[str, str]) -> None:
    with (
        FakeSpeech(bus.address) as fake,
        Path("/dev/full").open("wb") as full,
        subprocess.Popen(
            [*COMMAND, "monitor"], env=environment, stdout=full, stderr=subprocess.PIPE, text=True
        ) as process,
    ):
        assert process.stderr is not None
        assert process.stderr.readline() == "chatttsctl: listening\n"
        fake.emit("Started", "u", (3,))
        assert process.wait(30) == 1
        assert process.stderr.read() == "chatttsctl: cannot write: No space left on device\n"


def test_monitor_waits_for_the_daemon_tells_of_its_coming_and_going_and_ends_with_the_bus(
    bus: PrivateBus, environment: dict[str, str]
) -> None:
    with start(["monitor"], environment) as process:
        assert process.stderr is not None
        assert process.stderr.readline() == "chatttsctl: listening; chatttsd is not running\n"
        with FakeSpeech(bus.address) as fake:
            assert process.stderr.readline() == "chatttsctl: chatttsd has appeared\n"
            fake.emit("Started", "u", (3,))
            assert process.stdout is not None
            assert process.stdout.readline() == "started 3\n"
        assert process.stderr.readline() == "chatttsctl: chatttsd has gone\n"
        bus.kill()
        assert process.wait(30) == 3


def test_a_signal_with_missing_arguments_is_still_an_event() -> None:
    assert describe("Progress", [3]) == {"event": "progress", "id": 3}


def test_config_path_is_where_the_daemon_looks(environment: dict[str, str]) -> None:
    expected = f"{environment['XDG_CONFIG_HOME']}/chatttsd/config.toml"
    assert ctl(["config", "path"], environment).stdout == expected + "\n"
    assert json.loads(ctl(["config", "path", "--json"], environment).stdout) == {
        "path": expected,
        "exists": False,
    }


def test_config_check_without_a_file_says_that_the_defaults_hold(environment: dict[str, str]) -> None:
    done = ctl(["config", "check"], environment)
    assert done.returncode == 0
    assert done.stdout.endswith("config.toml: ok (there is no such file: the defaults hold)\n")


def test_config_check_of_a_good_file_prints_its_path(environment: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "c.toml").write_text("[speech]\nrate = 1.5\n")
    done = ctl(["config", "check", str(tmp_path / "c.toml")], environment)
    assert (done.returncode, done.stdout) == (0, f"{tmp_path}/c.toml: ok\n")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("[speech]\nrat = 1.5\n", "did you mean 'rate'?"),
        ("[speech]\nrate = 'fast'\n", "a number"),
        ("[speech\n", "not valid TOML"),
    ],
)
def test_config_check_of_a_bad_file_names_file_and_fault(
    content: str, told: str, environment: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "c.toml").write_text(content)
    done = ctl(["config", "check", str(tmp_path / "c.toml")], environment)
    assert (done.returncode, done.stdout) == (1, "")
    assert str(tmp_path / "c.toml") in done.stderr
    assert told in done.stderr
    shown = json.loads(ctl(["config", "check", "--json", str(tmp_path / "c.toml")], environment).stdout)
    assert not shown["ok"]
    assert told in shown["error"]


def test_config_check_of_a_named_file_that_is_absent_fails(
    environment: dict[str, str], tmp_path: Path
) -> None:
    assert ctl(["config", "check", str(tmp_path / "absent")], environment).returncode == 1
