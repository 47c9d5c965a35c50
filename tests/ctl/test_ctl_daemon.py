"""chatttsctl against the real daemon with the tone engine, on a private bus and a null sink."""

import contextlib
import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import soundfile

from chatttsd import __version__
from support.ctl import ctl, start
from support.private_bus import PrivateBus
from support.pulse import PulseServer, wait_for

pytestmark = pytest.mark.system

LONG = "The quick brown fox jumps over the lazy dog. " * 60


@pytest.fixture
def pulse(tmp_path: Path) -> Iterator[PulseServer]:
    folder = tmp_path / "pulse"
    folder.mkdir()
    server = PulseServer(folder)
    server.start()
    yield server
    server.kill()


@pytest.fixture
def daemon(
    environment: dict[str, str], pulse: PulseServer, tmp_path: Path
) -> Iterator[subprocess.Popen[bytes]]:
    """A running daemon that has answered once."""
    file = tmp_path / "config.toml"
    file.write_text('[speech]\nengine = "tone"\n')
    command = [sys.executable, "-m", "chatttsd.app", "--config", str(file)]
    with subprocess.Popen(
        command, env={**environment, **pulse.environment}, stderr=subprocess.DEVNULL
    ) as process:
        try:
            wait_for(lambda: ctl(["status"], environment).returncode == 0, "the daemon", 30)
            wait_for(lambda: ctl(["voices"], environment).returncode == 0, "its voices", 30)
            yield process
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                raise


@contextlib.contextmanager
def listening(arguments: list[str], environment: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    """A monitor that misses no signal from here on."""
    with start(["monitor", *arguments], environment) as monitor:
        assert monitor.stderr is not None
        assert monitor.stderr.readline() == "chatttsctl: listening\n"
        yield monitor


def status(environment: dict[str, str]) -> dict[str, object]:
    report = json.loads(ctl(["status", "--json"], environment).stdout)
    return dict(report["properties"])


def test_what_is_spoken_with_wait_is_heard_before_it_ends(
    daemon: subprocess.Popen[bytes], environment: dict[str, str], pulse: PulseServer
) -> None:
    with pulse.record() as recorder:
        done = ctl(["speak", "--wait", "hello there"], environment)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
        wait_for(lambda: len(recorder.sounding()) > 2400, "sound")


def test_speak_without_wait_leaves_at_once_and_the_utterance_goes_on(
    daemon: subprocess.Popen[bytes], environment: dict[str, str]
) -> None:
    number = json.loads(ctl(["speak", "--json", LONG], environment).stdout)["id"]
    wait_for(lambda: status(environment)["Current"] == number, "the utterance", 30)
    assert ctl(["cancel"], environment).stdout == f"cancelled utterance {number}, the current one\n"
    wait_for(lambda: status(environment)["State"] == "idle", "silence", 30)


def test_an_utterance_that_has_ended_is_not_called_cancelled(
    daemon: subprocess.Popen[bytes], environment: dict[str, str]
) -> None:
    number = json.loads(ctl(["speak", "--wait", "--json", "hi"], environment).stdout)["id"]
    assert ctl(["cancel", str(number)], environment).stdout == (
        f"utterance {number} had ended already (finished)\n"
    )


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGKILL, -9)])
def test_ending_a_waiting_command_silences_its_utterance_however_it_ends(
    number: signal.Signals, code: int, daemon: subprocess.Popen[bytes], environment: dict[str, str]
) -> None:
    with listening([], environment) as monitor, start(["speak", "--wait", LONG], environment) as process:
        assert monitor.stdout is not None
        assert monitor.stdout.readline().startswith("started ")
        process.send_signal(number)
        assert process.wait(30) == code
        rest = iter(monitor.stdout.readline, "")
        assert next(line for line in rest if line.startswith("finished ")).endswith(" cancelled\n")
        monitor.send_signal(signal.SIGINT)
        assert monitor.wait(30) == 130


def test_another_ones_cancel_is_told_to_who_waits(
    daemon: subprocess.Popen[bytes], environment: dict[str, str]
) -> None:
    with start(["speak", "--wait", LONG], environment) as process:
        wait_for(lambda: status(environment)["State"] == "speaking", "speech", 30)
        assert ctl(["cancel", "--all"], environment).returncode == 0
        _, error = process.communicate(timeout=30)
        assert process.returncode == 1
        assert "ended as cancelled" in error


@pytest.mark.parametrize("extension", ["wav", "flac", "ogg"])
def test_a_sound_file_is_made_without_a_loudspeaker(
    extension: str,
    daemon: subprocess.Popen[bytes],
    environment: dict[str, str],
    tmp_path: Path,
    pulse: PulseServer,
) -> None:
    pulse.kill()
    out = tmp_path / f"out.{extension}"
    done = ctl(["speak", "-o", str(out)], environment, "你好，世界。Hello.".encode())
    assert (done.returncode, done.stderr) == (0, "")
    about = soundfile.info(out)
    assert (about.samplerate, about.channels) == (24_000, 1)
    assert about.duration > 0.2


def test_the_wav_stream_on_stdout_is_one_that_libsndfile_reads(
    daemon: subprocess.Popen[bytes], environment: dict[str, str], tmp_path: Path
) -> None:
    with (
        (tmp_path / "out.wav").open("wb") as out,
        subprocess.Popen(
            [sys.executable, "-m", "chatttsd.ctl", "speak", "-o", "-", "hello"], env=environment, stdout=out
        ) as process,
    ):
        assert process.wait(30) == 0
    assert (tmp_path / "out.wav").read_bytes()[:4] == b"RIFF"
    samples, rate = soundfile.read(tmp_path / "out.wav", dtype="int16")
    assert rate == 24_000
    assert samples.any()


def test_interrupting_a_long_synthesis_leaves_nothing_behind(
    daemon: subprocess.Popen[bytes], environment: dict[str, str], tmp_path: Path
) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    with start(["speak", "-o", str(folder / "a.flac"), LONG * 30], environment) as process:
        wait_for(lambda: any(path.stat().st_size > 10_000 for path in folder.iterdir()), "samples", 30)
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 130
    assert list(folder.iterdir()) == []
    assert ctl(["speak", "-o", str(folder / "b.wav"), "and on"], environment).returncode == 0


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["speak", "--rate", "9", "hi"], 2, "option 'rate': got '9'"),
        (["speak", "--option", "voise=x", "hi"], 2, "did you mean 'voice'?"),
        (["speak", "--engine", "chattts", "hi"], 1, "(ModelUnavailable)"),
        (["cancel", "4000000000"], 1, "(NoSuchUtterance)"),
    ],
)
def test_the_daemons_refusals_are_one_line_and_the_right_exit_code(
    arguments: list[str], code: int, told: str, daemon: subprocess.Popen[bytes], environment: dict[str, str]
) -> None:
    done = ctl(arguments, environment)
    assert done.returncode == code
    assert told in done.stderr
    assert done.stderr.count("\n") == 1


def test_pause_and_resume_are_seen_in_the_status(
    daemon: subprocess.Popen[bytes], environment: dict[str, str]
) -> None:
    ctl(["speak", LONG], environment)
    wait_for(lambda: status(environment)["State"] == "speaking", "speech", 30)
    for command, state in (("pause", "paused"), ("resume", "speaking"), ("skip", "speaking")):
        assert ctl([command], environment).returncode == 0
        assert status(environment)["State"] == state
    ctl(["cancel", "--all"], environment)


def test_a_bad_configuration_is_refused_by_reload_and_told(
    daemon: subprocess.Popen[bytes], environment: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "config.toml").write_text("[speech]\nrat = 1\n")
    done = ctl(["reload"], environment)
    assert done.returncode != 0
    assert "did you mean 'rate'?" in done.stderr
    assert ctl(["speak", "--wait", "still here"], environment).returncode == 0


def test_doctor_finds_the_daemon_well(daemon: subprocess.Popen[bytes], environment: dict[str, str]) -> None:
    shown = ctl(["doctor"], environment).stdout
    assert f"ok    daemon: answers, version {__version__}\n" in shown


def test_the_daemons_death_is_told_to_who_waits(
    daemon: subprocess.Popen[bytes], environment: dict[str, str]
) -> None:
    with start(["speak", "--wait", LONG], environment) as process:
        wait_for(lambda: status(environment)["State"] == "speaking", "speech", 30)
        daemon.kill()
        _, error = process.communicate(timeout=30)
        assert process.returncode == 3
        assert "(NoReply)" in error


def test_a_service_that_stops_answering_does_not_hang_the_status(
    daemon: subprocess.Popen[bytes], environment: dict[str, str]
) -> None:
    daemon.send_signal(signal.SIGSTOP)
    try:
        done = ctl(["status", "--timeout", "0.5"], environment)
        assert done.returncode == 3
        assert "chatttsd does not answer (GetAll, 0.5 s)" in done.stdout
    finally:
        daemon.send_signal(signal.SIGCONT)


def test_the_text_is_nowhere_but_on_the_bus(
    bus: PrivateBus, daemon: subprocess.Popen[bytes], environment: dict[str, str]
) -> None:
    with listening(["--json"], environment) as monitor:
        done = ctl(["speak", "--wait", "--json"], environment, b"canarytext")
        assert (done.returncode, done.stderr) == (0, "")
        assert "canarytext" not in done.stdout
        monitor.send_signal(signal.SIGINT)
        out, error = monitor.communicate(timeout=30)
        assert "canarytext" not in out + error
