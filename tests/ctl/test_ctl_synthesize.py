import os
import signal
import subprocess
from pathlib import Path

import numpy as np
import pytest
import soundfile

from support.ctl import COMMAND, ctl, on_terminal, start
from support.fake_speech import Asked, FakeSpeech, Fault, Hang, Script, Value, writes
from support.private_bus import PrivateBus

SAMPLES = (np.sin(np.arange(48_001) * 0.05) * 12_000).astype("<i2")
PCM = SAMPLES.tobytes()


@pytest.mark.parametrize("extension", ["wav", "flac", "WAV"])
def test_a_file_holds_exactly_the_samples_that_came(
    extension: str, bus: PrivateBus, environment: dict[str, str], tmp_path: Path
) -> None:
    out = tmp_path / f"out.{extension}"
    with FakeSpeech(bus.address, {"Synthesize": writes(PCM, 7)}) as fake:
        done = ctl(["speak", "-o", str(out), "--rate", "2", "hi"], environment)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
        assert fake.calls("Synthesize")[0].body[1:] == ("hi", {"container": "raw", "rate": "2"})
    samples, rate = soundfile.read(out, dtype="int16")
    assert rate == 24_000
    assert np.array_equal(samples, SAMPLES)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["home", out.name]


def test_ogg_holds_the_whole_length(bus: PrivateBus, environment: dict[str, str], tmp_path: Path) -> None:
    with FakeSpeech(bus.address, {"Synthesize": writes(PCM)}):
        assert ctl(["speak", "-o", str(tmp_path / "out.ogg"), "hi"], environment).returncode == 0
    about = soundfile.info(tmp_path / "out.ogg")
    assert (about.frames, about.samplerate, about.subtype) == (len(SAMPLES), 24_000, "VORBIS")


def test_the_file_has_the_rights_that_the_umask_leaves(
    bus: PrivateBus, environment: dict[str, str], tmp_path: Path
) -> None:
    with FakeSpeech(bus.address, {"Synthesize": writes(PCM)}):
        before = os.umask(0o027)
        try:
            ctl(["speak", "-o", str(tmp_path / "out.wav"), "hi"], environment)
        finally:
            os.umask(before)
    assert (tmp_path / "out.wav").stat().st_mode & 0o777 == 0o640


def test_dash_passes_the_wav_stream_on(bus: PrivateBus, environment: dict[str, str]) -> None:
    stream = b"RIFF" + bytes(range(256)) * 1000
    with FakeSpeech(bus.address, {"Synthesize": writes(stream, 3)}) as fake:
        done = subprocess.run(
            [*COMMAND, "speak", "-o", "-", "hi"],
            env=environment,
            capture_output=True,
            timeout=50,
            check=False,
        )
        assert (done.returncode, done.stdout, done.stderr) == (0, stream, b"")
        assert fake.calls("Synthesize")[0].body[2] == {"container": "wav"}


def test_a_reader_that_goes_away_ends_it_without_a_complaint(
    bus: PrivateBus, environment: dict[str, str]
) -> None:
    with (
        FakeSpeech(bus.address, {"Synthesize": writes(bytes(10_000_000))}),
        start(["speak", "-o", "-", "hi"], environment) as process,
    ):
        assert process.stdout is not None
        process.stdout.close()
        assert process.wait(30) == 1
        assert process.stderr is not None
        assert process.stderr.read() == ""


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (
            ["-o", "out.mp3"],
            "extension .mp3 is unknown, allowed: .wav, .flac, .ogg, or - for standard output",
        ),
        (["-o", "out"], "extension none is unknown"),
        (["-o", "out.wav", "--option", "container=wav"], "goes only with -o -"),
        (["-o", "-", "--json"], "both want standard output"),
    ],
)
def test_a_wrong_destination_is_found_before_anything_is_asked(
    arguments: list[str], told: str, bus: PrivateBus, environment: dict[str, str]
) -> None:
    with FakeSpeech(bus.address) as fake:
        done = ctl(["speak", *arguments, "hi"], environment)
        assert done.returncode == 2
        assert told in done.stderr
        assert fake.asked == []


def test_wav_is_not_written_to_a_terminal(bus: PrivateBus, environment: dict[str, str]) -> None:
    code, shown = on_terminal(["speak", "-o", "-", "hi"], environment)
    assert code == 2
    assert "standard output must be a file or a pipe" in shown


@pytest.mark.parametrize(
    ("name", "told"), [("absent/out.wav", "No such file"), ("folder.wav", "Is a directory")]
)
def test_a_place_that_cannot_be_written_is_named(
    name: str, told: str, bus: PrivateBus, environment: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "folder.wav").mkdir()
    with FakeSpeech(bus.address) as fake:
        done = ctl(["speak", "-o", str(tmp_path / name), "hi"], environment)
        assert done.returncode == 1
        assert told in done.stderr
        assert fake.calls("Synthesize") == []


def test_a_fifo_is_neither_written_nor_replaced_and_nothing_is_asked(
    bus: PrivateBus, environment: dict[str, str], tmp_path: Path
) -> None:
    fifo = tmp_path / "out.wav"
    os.mkfifo(fifo)
    with FakeSpeech(bus.address) as fake:
        done = ctl(["speak", "-o", str(fifo), "hi"], environment)
        assert (done.returncode, done.stderr) == (1, f"chatttsctl: {fifo}: not a regular file\n")
        assert fake.asked == []
    assert fifo.is_fifo()


def left(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.name != "home")


def test_a_failed_synthesis_leaves_the_old_file_and_nothing_else(
    bus: PrivateBus, environment: dict[str, str], tmp_path: Path
) -> None:
    out = tmp_path / "out.wav"
    out.write_bytes(b"old")
    failing: dict[str, Script] = {"Synthesize": writes(PCM[:1000]), "Wait": Value("s", ("failed",))}
    with FakeSpeech(bus.address, failing, {"Reason": ("s", "the engine died")}):
        done = ctl(["speak", "-o", str(out), "hi"], environment)
        assert done.returncode == 1
        assert done.stderr == "chatttsctl: utterance 9 ended as failed: the engine died\n"
    assert out.read_bytes() == b"old"
    assert left(tmp_path) == ["out.wav"]


def test_an_error_reply_leaves_nothing(bus: PrivateBus, environment: dict[str, str], tmp_path: Path) -> None:
    refusal = Fault("org.freedesktop.DBus.Error.LimitsExceeded", "too many")
    with FakeSpeech(bus.address, {"Synthesize": refusal}):
        assert ctl(["speak", "-o", str(tmp_path / "out.wav"), "hi"], environment).returncode == 4
    assert left(tmp_path) == []


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_leaves_nothing_and_closes_the_pipe_so_that_the_service_stops(
    number: signal.Signals, code: int, bus: PrivateBus, environment: dict[str, str], tmp_path: Path
) -> None:
    read_end, write_end = os.pipe()

    def keep(asked: Asked) -> Value:
        os.dup2(asked.fds[0].fileno(), write_end)
        os.write(write_end, PCM[:3001])
        return Value("u", (9,))

    with (
        FakeSpeech(bus.address, {"Synthesize": keep}) as fake,
        start(["speak", "-o", str(tmp_path / "out.flac"), "hi"], environment) as process,
    ):
        fake.wait_for("Synthesize")
        process.send_signal(number)
        _, error = process.communicate(timeout=30)
        assert (process.returncode, error) == (code, "")
        with pytest.raises(BrokenPipeError):
            os.write(write_end, b"more")
    os.close(read_end)
    os.close(write_end)
    assert left(tmp_path) == []


def test_signals_during_the_clean_up_are_ignored(
    bus: PrivateBus, environment: dict[str, str], tmp_path: Path
) -> None:
    silent: dict[str, Script] = {"Synthesize": writes(PCM), "Wait": Hang(), "Cancel": Hang()}
    with (
        FakeSpeech(bus.address, silent) as fake,
        start(["speak", "-o", str(tmp_path / "out.flac"), "hi"], environment) as process,
    ):
        fake.wait_for("Wait")
        process.send_signal(signal.SIGINT)
        fake.wait_for("Cancel")  # the clean-up has begun
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            process.send_signal(number)
        _, error = process.communicate(timeout=30)
        assert (process.returncode, error) == (130, "")
    assert left(tmp_path) == []


def test_a_timeout_leaves_nothing(bus: PrivateBus, environment: dict[str, str], tmp_path: Path) -> None:
    with FakeSpeech(bus.address, {"Synthesize": writes(PCM), "Wait": Hang()}) as fake:
        done = ctl(["speak", "--timeout", "0.5", "-o", str(tmp_path / "out.wav"), "hi"], environment)
        assert done.returncode == 1
        assert "not done after 0.5 s" in done.stderr
        fake.wait_for("Cancel")
    assert left(tmp_path) == []


def test_a_symbolic_link_stays_one(bus: PrivateBus, environment: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "link.wav").symlink_to(tmp_path / "real.wav")
    with FakeSpeech(bus.address, {"Synthesize": writes(PCM)}):
        assert ctl(["speak", "-o", str(tmp_path / "link.wav"), "hi"], environment).returncode == 0
    assert (tmp_path / "link.wav").is_symlink()
    assert soundfile.info(tmp_path / "real.wav").frames == len(SAMPLES)


def test_the_seconds_received_are_shown_on_a_terminal(
    bus: PrivateBus, environment: dict[str, str], tmp_path: Path
) -> None:
    with FakeSpeech(bus.address, {"Synthesize": writes(PCM)}):
        code, shown = on_terminal(
            ["speak", "-o", str(tmp_path / "out.wav"), "hi"], {**environment, "NO_COLOR": "1"}
        )
        assert code == 0
        assert "2.0 s of sound\r\x1b[K" in shown
