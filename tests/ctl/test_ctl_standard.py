"""Closed and full standard streams of the whole command."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from support.ctl import COMMAND
from support.fake_speech import FakeSpeech, Hang, Script, writes
from support.private_bus import PrivateBus

FULL = "chatttsctl: cannot write: No space left on device\n"


def shell(arguments: str, environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Run chatttsctl with the redirections of a shell; `$0` and the arguments are its command."""
    return subprocess.run(
        ["/bin/sh", "-c", f'exec "$0" "$@" {arguments}', *COMMAND],
        env=dict(environment),
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
        stdin=subprocess.DEVNULL,
    )


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_a_closed_stream_is_not_taken_by_something_else(
    closed: str, bus: PrivateBus, environment: dict[str, str]
) -> None:
    with FakeSpeech(bus.address) as fake:
        done = shell(f"speak hi {closed}", environment)
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout == ("" if ">&- " in closed or closed == ">&-" else "7\n")
        assert fake.calls("Speak")[0].body == ("hi",)


def test_a_closed_standard_input_holds_no_text(bus: PrivateBus, environment: dict[str, str]) -> None:
    done = shell("speak <&-", environment)
    assert (done.returncode, done.stderr) == (
        2,
        "chatttsctl: standard input: nothing to say, it is empty\n",
    )


def test_a_sound_file_is_whole_though_all_streams_are_closed(
    bus: PrivateBus, environment: dict[str, str], tmp_path: Path
) -> None:
    with FakeSpeech(bus.address, {"Synthesize": writes(bytes(4800))}):
        done = shell(f"speak -o {tmp_path}/a.wav hi <&- >&- 2>&-", environment)
    assert done.returncode == 0
    assert (tmp_path / "a.wav").stat().st_size == 4844


@pytest.mark.parametrize(
    "arguments", ["--version", "--help", "voices", "status", "config path --json", "speak -o - hi"]
)
def test_a_full_standard_output_is_one_line_and_1(
    arguments: str, bus: PrivateBus, environment: dict[str, str]
) -> None:
    with FakeSpeech(bus.address, {"Synthesize": writes(bytes(4800))}):
        done = shell(f"{arguments} >/dev/full", environment)
    assert (done.returncode, done.stderr) == (1, FULL)


@pytest.mark.parametrize("arguments", ["--wiat", "speak -f /nonexistent"])
def test_a_full_standard_error_leaves_the_exit_code(arguments: str, environment: dict[str, str]) -> None:
    assert shell(f"{arguments} 2>/dev/full", environment).returncode == 2


@pytest.mark.parametrize("arguments", ["speak hi", "speak --json hi"])
def test_a_speak_whose_id_cannot_be_printed_is_no_failed_speak(
    arguments: str, bus: PrivateBus, environment: dict[str, str]
) -> None:
    with FakeSpeech(bus.address):
        done = shell(f"{arguments} >/dev/full", environment)
    assert done.returncode == 0
    assert done.stderr == (
        "chatttsctl: utterance 7 is queued, but its id could not be printed: "
        "cannot write: No space left on device\n"
    )


def test_a_speak_whose_reader_has_gone_is_a_quiet_success(
    bus: PrivateBus, environment: dict[str, str]
) -> None:
    read_end, write_end = os.pipe()
    os.close(read_end)
    with FakeSpeech(bus.address):
        done = subprocess.run(
            [*COMMAND, "speak", "hi"],
            env=environment,
            stdout=write_end,
            stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            timeout=50,
            check=False,
        )
    os.close(write_end)
    assert (done.returncode, done.stderr) == (0, b"")


def test_the_double_signal_of_timeout_is_one_clean_end(
    bus: PrivateBus, environment: dict[str, str], tmp_path: Path
) -> None:
    hanging: dict[str, Script] = {"Synthesize": writes(bytes(4800)), "Wait": Hang()}
    doubled = ["timeout", "--preserve-status", "-s", "INT", "2"]
    with FakeSpeech(bus.address, hanging):
        done = subprocess.run(
            [*doubled, *COMMAND, "speak", "-o", str(tmp_path / "a.flac"), "hi"],
            env=environment,
            capture_output=True,
            text=True,
            timeout=50,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    assert (done.returncode, done.stderr) == (130, "")
    assert [path.name for path in tmp_path.iterdir()] == ["home"]
