"""PortAudio through `sounddevice`: one output stream. Every call may block, so all belong on one thread."""

import atexit
import functools
import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

from chatttsd.audio.api import AudioSettings
from chatttsd.audio.diagnose import Cause, DeviceError, missing_alsa_configuration
from chatttsd.audio.feed import RingFeed
from chatttsd.audio.formats import FORMATS, StreamFormat, adapt

TRIAL_SECONDS = 5.0
"""How long a child may take to load the library, which takes 0.2 s."""
TRIAL = "import ctypes; ctypes.CDLL(None).prctl(4, 0, 0, 0, 0); import sounddevice"
"""What the child runs; PR_SET_DUMPABLE of prctl(2), so that no crash report is made of a death expected."""


class PortAudio:
    """The library and its one stream; `finished` is called on PortAudio's thread when a stream ends.

    `sounddevice` is imported by the first call (22 MiB, 80 ms). Only one thread may call this.
    """

    def __init__(
        self, settings: AudioSettings, feed: RingFeed, finished: Callable[[], None], *, alone: bool = True
    ) -> None:
        self.settings = settings
        self.latency_ms = settings.latency_ms
        """What the next stream asks of the sound card."""
        self._feed = feed
        self._finished = finished
        self._alone = alone
        self._library: Any = None
        self._stream: Any = None
        self.starting = False
        """Pa_StartStream is running: it never returns when the sound server dies meanwhile (seen in 19.6)."""
        self.abandoned = False
        """Another PortAudio has taken over: what is still under way here must not play anything."""

    def play(self) -> None:
        """Open a stream and let it ask for samples; raises DeviceError."""
        self._open_anew()
        self.starting = True
        try:
            self._guarded(self._stream.start)
        finally:
            self.starting = False
            if self.abandoned:
                self.close()

    def probe(self) -> None:
        """Open a stream and close it again, to see whether that works; raises DeviceError."""
        self._open_anew()
        self.close()

    def close(self) -> None:
        """Close the stream at once, if there is one: the sound server forgets what it has buffered."""
        stream, self._stream = self._stream, None
        if stream is not None:
            stream.abort()
            stream.close()

    def terminate(self) -> None:
        """Close everything for good."""
        self.close()
        if self._library is not None and self._alone:
            self._guarded(self._library._terminate)  # noqa: SLF001  # no public name
            self._library = None

    def _open_anew(self) -> None:
        """Open the stream; when that fails make the device list anew and try once more.

        A list made while the sound server was down stays empty for ever. PortAudio may only make another one
        while no stream is open, not even one that another thread is stuck in.
        """
        self.close()
        library = self._load()
        try:
            self._open(library)
        except DeviceError:
            if not self._alone:
                raise
            self._reinitialise(library)
            self._open(library)

    def _load(self) -> Any:  # noqa: ANN401  # sounddevice has no types
        if self._library is None:
            check_alsa()
            try:
                import sounddevice
            except OSError as error:
                raise DeviceError(Cause.LIBRARY, str(error)) from error
            except Exception as error:
                raise DeviceError(Cause.REFUSED, str(error)) from error
            # Its exit handler calls PortAudio, which blocks the exit while the sound server hangs.
            atexit.unregister(sounddevice._exit_handler)  # noqa: SLF001  # no public name
            if not sounddevice._initialized:  # noqa: SLF001  # false after `terminate` in the same process
                self._guarded(sounddevice._initialize)  # noqa: SLF001  # no public name
            self._library = sounddevice
        return self._library

    def _reinitialise(self, library: Any) -> None:  # noqa: ANN401  # sounddevice has no types
        check_alsa()
        while library._initialized:  # noqa: SLF001  # no public name
            self._guarded(library._terminate)  # noqa: SLF001  # no public name
        self._guarded(library._initialize)  # noqa: SLF001  # no public name

    def _open(self, library: Any) -> None:  # noqa: ANN401  # sounddevice has no types
        index = self._choose(library)
        problem = None
        for wanted in FORMATS:
            try:
                self._stream = self._guarded(functools.partial(self._make, library, index, wanted))
            except DeviceError as error:
                problem = problem or error
            else:
                return
        raise problem or DeviceError(Cause.REFUSED, "no format was tried")

    def _make(self, library: Any, index: int, form: StreamFormat) -> Any:  # noqa: ANN401  # sounddevice has no types
        feed = self._feed
        fill = adapt(feed.fill, form)

        def callback(out: Any, _frames: int, time: Any, status: Any) -> None:  # noqa: ANN401  # sounddevice has no types
            if self.abandoned:
                raise library.CallbackAbort
            delay = time.outputBufferDacTime - time.currentTime
            feed.asked(memoryview(out), fill, delay, underflow=status.output_underflow)

        return library.RawOutputStream(
            samplerate=form.rate,
            channels=form.channels,
            dtype="int16",
            device=index,
            latency=self.latency_ms / 1000,
            callback=callback,
            finished_callback=self._finished,
        )

    def _choose(self, library: Any) -> int:  # noqa: ANN401  # sounddevice has no types
        outputs = [
            (index, str(device["name"]))
            for index, device in enumerate(self._guarded(library.query_devices))
            if device["max_output_channels"] > 0
        ]
        if not outputs:
            raise DeviceError(Cause.NO_DEVICE, "PortAudio lists no output device")
        if self.settings.device:
            return choose_by_name(self.settings.device, outputs)
        default = int(library.default.device[1])
        return default if default >= 0 else outputs[0][0]

    def _guarded(self, call: Callable[[], Any]) -> Any:  # noqa: ANN401  # sounddevice has no types
        try:
            return call()
        except Exception as error:
            raise DeviceError(Cause.REFUSED, str(error.args[0] if error.args else error)) from error


def check_alsa(timeout: float = TRIAL_SECONDS) -> None:
    """Raise DeviceError if initialising PortAudio would abort the process, as without ALSA configuration.

    One that is not in its usual place may be in another, so a child process tries first.
    """
    missing = missing_alsa_configuration(os.environ)
    if not missing:
        return
    command = [sys.executable, "-P", "-c", TRIAL]
    quiet = subprocess.DEVNULL
    try:
        status = subprocess.run(  # noqa: S603  # this interpreter and a fixed script
            command, stdin=quiet, stdout=quiet, stderr=quiet, timeout=timeout, check=False
        ).returncode
    except subprocess.TimeoutExpired as error:
        raise DeviceError(Cause.REFUSED, f"PortAudio did not answer within {timeout:g} s") from error
    except OSError as error:
        raise DeviceError(Cause.CONFIGURATION, f"{missing}, and no trial: {error.strerror}") from error
    if status < 0:
        raise DeviceError(Cause.CONFIGURATION, missing)


def choose_by_name(wanted: str, outputs: list[tuple[int, str]]) -> int:
    """Return the index of the device called `wanted`, else of the first that holds it."""
    folded = wanted.casefold()
    names = [(index, name.casefold()) for index, name in outputs]
    exact = [index for index, name in names if name == folded]
    partial = [index for index, name in names if folded in name]
    if not exact + partial:
        listed = ", ".join(repr(name) for _, name in outputs)
        raise DeviceError(Cause.NOT_FOUND, f"{wanted!r} is none of {listed}")
    return (exact + partial)[0]
