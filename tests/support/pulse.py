"""A real PulseAudio with a null sink for tests, and a recorder of what that sink plays.

The sink runs at 24 kHz mono s16le, so what a test records is sample for sample what was written.
"""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from array import array
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Self

SINK = "test"
RATE = 24_000
_NULL_SINK = "module-null-sink sink_name={} rate=24000 channels=1 format=s16le norewinds=1"
_ALSA_CONFIG = """\
</usr/share/alsa/alsa.conf>
pcm.!default { type pulse }
ctl.!default { type pulse }
"""


def wait_for(predicate: Callable[[], bool], what: str, timeout: float = 10.0) -> None:
    """Poll `predicate` until it holds; raises TimeoutError naming `what` after `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while not predicate():
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {timeout} s in vain for {what}")
        time.sleep(0.002)


class PulseServer:
    """A PulseAudio of this user (root too) with one null sink; it touches nothing outside of `folder`.

    The same object can be killed and started again at the same socket as often as a test likes.
    """

    def __init__(self, folder: Path, *, prompt: bool = True) -> None:
        self._prompt = prompt
        self._runtime = folder / "run"
        self._home = folder / "home"
        self._runtime.mkdir(mode=0o700)
        self._home.mkdir()
        self._socket = self._runtime / "native"
        self._alsa = folder / "asound.conf"
        self._alsa.write_text(_ALSA_CONFIG)
        self._log = folder / "pulseaudio.log"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def environment(self) -> dict[str, str]:
        """What a client (PortAudio through ALSA, parec, pactl) needs in order to use this server only."""
        return {
            "XDG_RUNTIME_DIR": str(self._runtime),
            "HOME": str(self._home),
            "PULSE_SERVER": f"unix:{self._socket}",
            "ALSA_CONFIG_PATH": str(self._alsa),
        }

    def child_environment(self) -> dict[str, str]:
        """`os.environ` without any trace of the desktop's own sound server, plus `environment`."""
        foreign = ("PULSE_", "PIPEWIRE_", "DBUS_", "DISPLAY", "WAYLAND_", "ALSA_")
        kept = {key: value for key, value in os.environ.items() if not key.startswith(foreign)}
        return kept | self.environment

    @property
    def pid(self) -> int:
        """Process id of the running server."""
        if self._process is None:
            raise RuntimeError("no PulseAudio is running")
        return self._process.pid

    def start(self) -> None:
        """Start the server and wait until it answers."""
        self._socket.unlink(missing_ok=True)
        loads = (
            _NULL_SINK.format(SINK).removesuffix("" if self._prompt else " norewinds=1"),
            f"module-native-protocol-unix socket={self._socket} auth-anonymous=1",
        )
        # A thread of real-time priority is killed by its own limit (RLIMIT_RTTIME) where the machine stalls.
        command = ["pulseaudio", "-n", "--realtime=no", "--exit-idle-time=-1", "--daemonize=no"]
        command += ["--use-pid-file=no"]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [*command, *(f"--load={load}" for load in loads)],
                env=self.child_environment(),
                stdout=log,
                stderr=log,
            )
        wait_for(self._answers, f"PulseAudio (log: {self._log.read_text()[-2000:]})")

    def _answers(self) -> bool:
        with socket.socket(socket.AF_UNIX) as probe, contextlib.suppress(OSError):
            probe.connect(str(self._socket))
            return True
        return False

    def kill(self) -> None:
        """SIGKILL the server, as a crash would; does nothing when it is not running."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def stop(self) -> None:
        """SIGSTOP: the server keeps its connections and answers nothing."""
        self._signal(signal.SIGSTOP)

    def cont(self) -> None:
        """SIGCONT: go on after `stop`."""
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        if self._process is None:
            raise RuntimeError(f"no PulseAudio is running that could get {number.name}")
        self._process.send_signal(number)

    def restart(self) -> None:
        """Kill the server and start it again at the same socket."""
        self.kill()
        self.start()

    def pactl(self, *arguments: str) -> str:
        """Run pactl against this server and return what it printed."""
        done = subprocess.run(
            ["pactl", *arguments],
            env=self.child_environment(),
            capture_output=True,
            text=True,
            check=True,
            timeout=10,
        )
        return done.stdout.strip()

    def add_sink(self, name: str) -> str:
        """Load another null sink; returns its module index, which `pactl unload-module` takes."""
        return self.pactl("load-module", *_NULL_SINK.format(name).split())

    def sink_inputs(self) -> list[str]:
        """One line for each stream that is connected to a sink."""
        return self.pactl("list", "short", "sink-inputs").splitlines()

    def record(self, sink: str = SINK) -> "Recorder":
        """Start recording what `sink` plays."""
        return Recorder(self.child_environment(), sink)


class Recorder:
    """Records the monitor of a sink: 24 kHz mono s16le, in memory, with the time at which each piece came."""

    def __init__(self, environment: dict[str, str], sink: str) -> None:
        form = [f"--rate={RATE}", "--channels=1", "--format=s16le", "--raw", "--latency-msec=5"]
        self._process = subprocess.Popen(
            ["parec", *form, f"--device={sink}.monitor"],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        self._data = bytearray()
        self._arrivals: list[tuple[int, float]] = []
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()
        wait_for(lambda: bool(self._data), "the first recorded sample")

    def _read(self) -> None:
        if self._process.stdout is None:
            raise RuntimeError("parec was started without a pipe")
        descriptor = self._process.stdout.fileno()
        while piece := os.read(descriptor, 1 << 16):
            self._data += piece
            self._arrivals.append((len(self._data) // 2, time.monotonic()))

    @property
    def position(self) -> int:
        """How many samples were recorded so far."""
        return len(self._data) // 2

    def samples(self, start: int = 0) -> "array[int]":
        """Return the samples recorded so far, from `start` on."""
        length = len(self._data) // 2 * 2
        return array("h", bytes(self._data[start * 2 : length]))

    def sounding(self, start: int = 0) -> "array[int]":
        """Return what was recorded from `start` on without any sample that is zero."""
        return array("h", filter(None, self.samples(start)))

    def arrived(self, sample: int) -> float:
        """Return the `time.monotonic()` at which the sample with this index reached the recorder."""
        return next(at for end, at in self._arrivals if end > sample)

    def at(self, when: float) -> int:
        """Return how many samples had been recorded at `when` (`time.monotonic()`)."""
        return max((end for end, at in self._arrivals if at <= when), default=0)

    def silent_for(self, seconds: float) -> bool:
        """Say whether the last `seconds` of the recording are silence."""
        wanted = int(seconds * RATE)
        return self.position >= wanted and not any(self.samples(self.position - wanted))

    def stop(self) -> None:
        """End the recording; what was recorded stays readable."""
        if self._process.poll() is None:
            self._process.terminate()
        self._process.wait()
        self._thread.join()
        if self._process.stdout is not None:
            self._process.stdout.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


@contextlib.contextmanager
def pulse_server(*, running: bool = True, prompt: bool = True) -> Iterator[PulseServer]:
    """Give a PulseServer in a folder of its own, started unless `running` is False, and end it afterwards.

    Unless `prompt` the sink is as PulseAudio makes it: it may ask a new stream for samples after 2 s only.
    """
    if shutil.which("pulseaudio") is None:
        raise RuntimeError(
            "pulseaudio is not installed; on Debian: apt-get install pulseaudio libasound2-plugins"
        )
    # Not pytest's tmp_path: with a long test name the socket's path exceeds its 108 bytes.
    with tempfile.TemporaryDirectory(prefix="pulse-") as folder:
        server = PulseServer(Path(folder), prompt=prompt)
        try:
            if running:
                server.start()
            yield server
        finally:
            server.kill()
