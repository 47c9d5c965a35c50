"""PortAudio's wrapper without a sound server: a stand-in for the library that refuses what a test wants."""

import builtins
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from chatttsd.audio.api import AudioSettings
from chatttsd.audio.diagnose import Cause, DeviceError
from chatttsd.audio.feed import RingFeed
from chatttsd.audio.portaudio import TRIAL, PortAudio, check_alsa, choose_by_name
from chatttsd.audio.ring import PcmRing
from support.audio_child import audio_child
from support.pulse import PulseServer

if TYPE_CHECKING:
    from collections.abc import Callable

Format = tuple[int, int]


class Stream:
    """Keeps its arguments; `log` is where it tells what happens to it."""

    def __init__(self, log: list[str], arguments: dict[str, Any]) -> None:
        self._log = log
        self.arguments = arguments

    def start(self) -> None:
        self._log.append("start")

    def abort(self) -> None:
        self._log.append("abort")

    def close(self) -> None:
        self._log.append("close")


class Library:
    """Has the outputs named, and opens them in the formats accepted only."""

    def __init__(self, names: list[str], accepted: set[Format]) -> None:
        self._initialized = 1
        self.CallbackAbort = KeyboardInterrupt
        self.default = self
        self.device = (-1, len(names) - 1)
        self.names = names
        self.names_later: list[str] | None = None
        self.accepted = accepted
        self.log: list[str] = []
        self.streams: list[Stream] = []

    def _terminate(self) -> None:
        self._initialized -= 1
        self.log.append("terminate")

    def _initialize(self) -> None:
        self._initialized += 1
        self.names = self.names if self.names_later is None else self.names_later
        self.device = (-1, len(self.names) - 1)
        self.log.append("initialize")

    def query_devices(self) -> list[dict[str, object]]:
        microphone: dict[str, object] = {"name": "microphone", "max_output_channels": 0}
        return [*({"name": name, "max_output_channels": 2} for name in self.names), microphone]

    def RawOutputStream(self, **arguments: Any) -> Stream:  # noqa: N802, ANN401  # the name and any arguments of sounddevice
        if (arguments["samplerate"], arguments["channels"]) not in self.accepted:
            raise ValueError("Invalid sample rate")
        self.streams.append(Stream(self.log, arguments))
        return self.streams[-1]


def portaudio(library: Library, device: str = "", *, alone: bool = True) -> PortAudio:
    result = PortAudio(
        AudioSettings(device=device), RingFeed(PcmRing(), lambda: 0.0), lambda: None, alone=alone
    )
    result._library = library
    return result


@pytest.mark.parametrize("accepted", [(24_000, 1), (24_000, 2), (48_000, 1), (48_000, 2)])
def test_a_device_gets_the_first_format_that_it_accepts(accepted: Format) -> None:
    library = Library(["card"], {accepted, (48_000, 2)})
    portaudio(library).play()
    arguments = library.streams[0].arguments
    assert (arguments["samplerate"], arguments["channels"]) == accepted
    assert (arguments["dtype"], arguments["latency"]) == ("int16", 0.025)
    assert library.log == ["start"]


def test_the_latency_that_is_wanted_now_is_asked_of_the_device() -> None:
    library = Library(["card"], {(24_000, 1)})
    output = portaudio(library)
    output.latency_ms = 15
    output.play()
    assert library.streams[0].arguments["latency"] == 0.015


def test_a_device_that_accepts_no_format_is_refused_with_its_first_complaint() -> None:
    with pytest.raises(DeviceError, match="Invalid sample rate") as caught:
        portaudio(Library(["card"], {(44_100, 2)})).play()
    assert caught.value.cause is Cause.REFUSED


def test_an_empty_device_list_is_made_anew_once() -> None:
    library = Library([], {(24_000, 1)})
    with pytest.raises(DeviceError) as caught:
        portaudio(library).probe()
    assert caught.value.cause is Cause.NO_DEVICE
    assert library.log == ["terminate", "initialize"]
    library.names_later = ["card"]
    portaudio(library).probe()
    assert library.log[2:] == ["terminate", "initialize", "abort", "close"]


def test_the_device_list_is_left_alone_while_another_thread_is_stuck_in_the_library() -> None:
    library = Library([], {(24_000, 1)})
    second = portaudio(library, alone=False)
    with pytest.raises(DeviceError):
        second.probe()
    second.terminate()
    assert library.log == []


def test_there_is_never_more_than_one_stream() -> None:
    library = Library(["card"], {(24_000, 1)})
    player = portaudio(library)
    player.play()
    player.play()
    player.terminate()
    assert library.log == ["start", "abort", "close", "start", "abort", "close", "terminate"]


def test_a_stream_that_starts_after_all_once_it_was_abandoned_is_closed_and_plays_nothing() -> None:
    library = Library(["card"], {(24_000, 1)})
    player = portaudio(library)
    player.abandoned = True
    player.play()
    assert library.log == ["start", "abort", "close"]
    callback: Callable[..., None] = library.streams[0].arguments["callback"]
    with pytest.raises(library.CallbackAbort):
        callback(bytearray(8), 4, None, None)


def test_a_device_is_found_by_its_exact_name_before_a_part_of_one() -> None:
    outputs = [(0, "USB Audio: Headset 2"), (3, "headset"), (5, "HDMI")]
    assert choose_by_name("Headset", outputs) == 3
    assert choose_by_name("usb", outputs) == 0
    with pytest.raises(DeviceError, match="'spdif' is none of 'USB Audio: Headset 2', 'headset', 'HDMI'"):
        choose_by_name("spdif", outputs)


@pytest.mark.parametrize(
    ("error", "cause"),
    [(OSError("PortAudio library not found"), Cause.LIBRARY), (RuntimeError("x"), Cause.REFUSED)],
)
def test_a_missing_library_is_told_from_one_that_fails(
    monkeypatch: pytest.MonkeyPatch, error: Exception, cause: Cause
) -> None:
    real = builtins.__import__

    def refuse(name: str, *arguments: Any) -> Any:  # noqa: ANN401  # as __import__
        if name == "sounddevice":
            raise error
        return real(name, *arguments)

    monkeypatch.setenv("ALSA_CONFIG_PATH", __file__)  # any file: ALSA is not reached
    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(DeviceError) as caught:
        PortAudio(AudioSettings(), RingFeed(PcmRing(), lambda: 0.0), lambda: None).probe()
    assert caught.value.cause is cause


@pytest.mark.parametrize("named", ["/nonexistent", "/dev/null"])
async def test_without_an_alsa_configuration_the_process_lives_and_says_what_is_missing(named: str) -> None:
    async with audio_child(dict(os.environ) | {"ALSA_CONFIG_PATH": named}, wait_seconds=0.5) as child:
        for _ in range(2):
            reason = await child.call("probe")
            assert "ALSA configuration" in reason
            assert named in reason
            assert "libasound2-data" in reason
        with pytest.raises(RuntimeError, match="libasound2-data"):
            await child.call("open")
        assert not (await child.call("look"))["sounddevice"]
        assert await child.end() == 0


@pytest.mark.parametrize(
    ("gone", "status"), [({}, 0), ({"ALSA_CONFIG_PATH": "/nonexistent"}, -signal.SIGABRT)]
)
def test_the_trial_dies_only_without_an_alsa_configuration(
    pulse: PulseServer, gone: dict[str, str], status: int
) -> None:
    environment = pulse.child_environment() | gone
    done = subprocess.run([sys.executable, "-c", TRIAL], env=environment, capture_output=True, check=False)
    assert done.returncode == status


def test_with_an_alsa_configuration_no_process_is_started(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALSA_CONFIG_PATH", __file__)  # any file that is not empty
    monkeypatch.setattr(sys, "executable", "/nonexistent")
    check_alsa()


@pytest.mark.parametrize(
    ("script", "cause"), [("kill -ABRT $$", Cause.CONFIGURATION), ("sleep 60", Cause.REFUSED)]
)
def test_a_child_that_dies_or_hangs_keeps_us_from_loading_the_library(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, script: str, cause: Cause
) -> None:
    trap(monkeypatch, tmp_path, script)
    with pytest.raises(DeviceError) as caught:
        check_alsa(timeout=0.5)
    assert caught.value.cause is cause


@pytest.mark.parametrize("script", ["exit 0", "exit 1"])
def test_a_child_that_lives_lets_us_load_the_library_and_see_for_ourselves(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, script: str
) -> None:
    trap(monkeypatch, tmp_path, script)
    check_alsa()


def test_a_child_that_cannot_be_started_is_no_proof(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALSA_CONFIG_PATH", "/nonexistent")
    monkeypatch.setattr(sys, "executable", "/nonexistent")
    with pytest.raises(DeviceError, match="No such file") as caught:
        check_alsa()
    assert caught.value.cause is Cause.CONFIGURATION


def test_the_library_is_not_initialised_anew_once_the_alsa_configuration_has_gone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    library = Library([], set())
    monkeypatch.setenv("ALSA_CONFIG_PATH", "/nonexistent")
    with pytest.raises(DeviceError) as caught:
        portaudio(library).probe()
    assert caught.value.cause is Cause.CONFIGURATION
    assert library.log == []


def trap(monkeypatch: pytest.MonkeyPatch, folder: Path, script: str) -> None:
    """Take the ALSA configuration away and put a shell script in the place of the child's interpreter."""
    program = folder / "python"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o700)
    monkeypatch.setenv("ALSA_CONFIG_PATH", "/nonexistent")
    monkeypatch.setattr(sys, "executable", str(program))
