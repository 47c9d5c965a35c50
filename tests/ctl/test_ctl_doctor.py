import grp
import json
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from chatttsd.ctl.doctor import audio, engine, host
from chatttsd.ctl.doctor.command import checks, describe, examine
from chatttsd.ctl.doctor.finding import Finding, fail, ok, warn
from chatttsd.ctl.target import Target
from support.ctl import ctl, hermetic
from support.fake_speech import FakeSpeech
from support.private_bus import PrivateBus


@pytest.fixture
def mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """A hermetic environment that is also this process's."""
    chosen = hermetic(tmp_path)
    for name, value in chosen.items():
        monkeypatch.setenv(name, value)
    return chosen


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder whose path is short enough for a socket."""
    with tempfile.TemporaryDirectory(prefix="ctl-") as name:
        yield Path(name)


def levels(findings: list[Finding]) -> list[str]:
    return [finding.level for finding in findings]


@pytest.mark.parametrize("version", [(3, 11), (3, 14)])
def test_supported_pythons_are_fine(version: tuple[int, int]) -> None:
    assert levels(host.check_python(version)) == ["ok"]


@pytest.mark.parametrize("version", [(3, 10), (3, 15), (4, 0)])
def test_other_pythons_fail_and_the_range_is_named(version: tuple[int, int]) -> None:
    (finding,) = host.check_python(version)
    assert finding.level == "fail"
    assert "supported: 3.11 to 3.14" in finding.detail


@pytest.mark.parametrize(
    ("described", "level"),
    [
        ("glibc 2.36", "ok"),
        ("glibc 2.28", "ok"),
        ("glibc 2.27", "fail"),
        ("musl 1.2", "fail"),
        ("glibc 3.0", "ok"),
    ],
)
def test_the_c_library_must_be_a_recent_glibc(described: str, level: str) -> None:
    assert levels(host.check_libc(described)) == [level]


def test_this_machine_has_a_c_library() -> None:
    assert host.check_libc()[0].what == "C library"


def test_the_configuration_is_read(mine: dict[str, str]) -> None:
    (absent,) = host.check_configuration()
    assert (absent.level, absent.detail.endswith("the defaults hold")) == ("ok", True)
    file = Path(mine["XDG_CONFIG_HOME"], "chatttsd", "config.toml")
    file.parent.mkdir(parents=True)
    file.write_text("[sound]\n")
    (broken,) = host.check_configuration()
    assert broken.level == "fail"
    assert "unknown section [sound]" in broken.detail
    assert "chatttsctl config check" in broken.mend


def test_portaudio_is_tried_for_real() -> None:
    assert audio.check_portaudio()[0].what == "PortAudio"


@pytest.mark.parametrize(
    ("probe", "expected", "told"),
    [
        (
            'print(\'{"version": "V19", "devices": ["a", "b"], "default": "a"}\')',
            ["ok", "ok"],
            "2, default: a",
        ),
        ('print(\'{"version": "V19", "devices": [], "default": ""}\')', ["ok", "fail"], "none"),
        ("raise OSError('PortAudio library not found')", ["fail"], "the library is not installed"),
        ("raise RuntimeError('Error initializing PortAudio')", ["fail"], "Error initializing PortAudio"),
        ("import os; os.abort()", ["fail"], "exit status -6"),
    ],
)
def test_portaudio_is_judged_by_what_the_probe_tells(probe: str, expected: list[str], told: str) -> None:
    findings = audio.check_portaudio(probe)
    assert levels(findings) == expected
    assert told in findings[-1].detail


def test_a_sound_server_that_hangs_portaudio_fails_in_bounded_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audio, "_PROBE_TIMEOUT", 0.3)
    (finding,) = audio.check_portaudio("import time; time.sleep(60)")
    assert "the sound server hangs" in finding.detail


@pytest.mark.parametrize(
    ("name", "socket_path"), [("PulseAudio", "pulse/native"), ("PipeWire", "pipewire-0")]
)
def test_a_sound_server_is_one_that_takes_connections(name: str, socket_path: str, folder: Path) -> None:
    environment = {"XDG_RUNTIME_DIR": str(folder)}
    path = folder / socket_path
    path.parent.mkdir(exist_ok=True)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        assert levels(audio.check_sound_server(environment)) == ["warn"]  # nobody listens
        server.listen()
        (finding,) = audio.check_sound_server(environment)
    assert (finding.level, finding.detail) == ("ok", name)


def test_pulse_server_in_the_environment_is_tried(folder: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(folder / "p"))
        server.listen()
        assert levels(audio.check_sound_server({"PULSE_SERVER": f"unix:{folder}/p"})) == ["ok"]


def test_no_sound_server_is_a_warning_that_says_how_to_start_one() -> None:
    (finding,) = audio.check_sound_server({})
    assert finding.level == "warn"
    assert "systemctl --user start" in finding.mend


def test_cards_are_judged_by_whether_they_can_be_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert levels(audio.check_cards(tmp_path / "absent")) == ["warn"]
    assert levels(audio.check_cards(tmp_path)) == ["warn"]
    (tmp_path / "pcmC0D0p").touch()
    assert levels(audio.check_cards(tmp_path)) == ["ok"]
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # root may open anything
    (finding,) = audio.check_cards(tmp_path)
    assert finding.level == "warn"
    assert "the group audio" in finding.detail
    assert "usermod -aG audio" in finding.mend


def test_membership_of_the_audio_group_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pcmC0D0p").touch()
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    monkeypatch.setattr(os, "getgroups", lambda: [grp.getgrgid(os.getgid()).gr_gid])
    monkeypatch.setattr(grp, "getgrnam", lambda name: grp.getgrgid(os.getgid()))
    assert "(in the group audio)" in audio.check_cards(tmp_path)[0].detail

    def unknown(name: str) -> None:
        raise KeyError(name)

    monkeypatch.setattr(grp, "getgrnam", unknown)
    assert "(not in the group audio)" in audio.check_cards(tmp_path)[0].detail


def test_espeak_is_there() -> None:
    assert levels(engine.check_espeak()) == ["ok"]


@pytest.mark.parametrize(
    ("source", "told"),
    [
        (None, "is not installed"),
        ("x = 1", "does not load (AttributeError)"),
        (
            "def get_library_path(): return '/nonexistent.so'\ndef get_data_path(): return '/'",
            "does not load (OSError)",
        ),
        ("def get_library_path(): return None\ndef get_data_path(): return '/nonexistent'", "no voice data"),
    ],
)
def test_a_damaged_espeak_says_what_is_missing(
    source: str | None, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "damaged_loader", raising=False)
    if source is not None:
        (tmp_path / "damaged_loader.py").write_text(source)
    (finding,) = engine.check_espeak("damaged_loader")
    assert finding.level == "fail"
    assert told in finding.detail
    assert "pip install" in finding.mend


def test_torch_is_looked_for_but_never_imported() -> None:
    script = "import sys\nfrom chatttsd.ctl.doctor.engine import check_model_libraries\n"
    script += "print(check_model_libraries()[0].what, 'torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "torch False\n"


@pytest.mark.parametrize(
    ("nodes", "script", "level", "told"),
    [
        (0, None, "ok", "no NVIDIA GPU"),
        (1, None, "warn", "no nvidia-smi"),
        (1, "echo 'GPU 0: NVIDIA X (UUID: GPU-123)'", "ok", "GPU 0: NVIDIA X"),
        (1, "exit 9", "warn", "exit status 9"),
        (0, "exec sleep 60", "warn", "does not answer (TimeoutExpired)"),
    ],
)
def test_the_gpu_is_judged_by_its_driver(
    nodes: int, script: str | None, level: str, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "_GPU_TIMEOUT", 0.5)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin" if script else str(tmp_path))
    for number in range(nodes):
        (tmp_path / f"nvidia{number}").touch()
    if script is not None:
        (tmp_path / "nvidia-smi").write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / "nvidia-smi").chmod(0o755)
    (finding,) = engine.check_gpu(tmp_path)
    assert finding.level == level
    assert told in finding.detail
    assert "UUID" not in finding.detail


async def test_a_check_that_breaks_is_a_finding_of_its_own() -> None:
    def broken() -> list[Finding]:
        raise ZeroDivisionError

    assert await examine("x", broken) == [
        fail("x", "the check itself broke (ZeroDivisionError)", "please report this")
    ]


def test_a_line_names_level_fact_and_mend() -> None:
    assert describe(warn("GPU", "none", "buy one")) == "warn  GPU: none  -> buy one"
    assert describe(ok("GPU", "a\nb")) == "ok    GPU: a b"


def test_doctor_prints_every_finding_and_fails_with_1(bus: PrivateBus, environment: dict[str, str]) -> None:
    done = ctl(["doctor"], environment)
    assert done.returncode == 1
    assert done.stderr == ""
    assert "fail  daemon: chatttsd is not running and the bus cannot start it" in done.stdout
    assert all(line.startswith(("ok    ", "warn  ", "fail  ")) for line in done.stdout.splitlines())
    assert len(done.stdout.splitlines()) >= len(checks(Target()))


def test_doctor_as_json_agrees_with_its_exit_code(bus: PrivateBus, environment: dict[str, str]) -> None:
    with FakeSpeech(bus.address):
        done = ctl(["doctor", "--json"], environment)
    report = json.loads(done.stdout)
    failed = [finding for finding in report["findings"] if finding["level"] == "fail"]
    assert report["ok"] == (not failed) == (done.returncode == 0)
    assert set(report["findings"][0]) == {"level", "what", "detail", "mend"}
