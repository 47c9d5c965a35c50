"""The contract between the pipeline and sound output; PCM is mono S16LE at `constants.SAMPLE_RATE`."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from chatttsd.audio.hangups import Gone, HangUps
from chatttsd.speech.events import SpeechEvent


@dataclass(frozen=True, slots=True)
class AudioSettings:
    """The configuration's `[audio]`."""

    device: str = ""
    """PortAudio device name or a part of it; empty is the system's default."""
    latency_ms: int = 25
    """What is asked of the sound card: low stops sooner, high survives a busier machine."""
    echo_latency_ms: int = 15
    """The same for typed characters and keys, where each ms counts; `latency_ms` where that is lower.

    A machine that is too busy for it gets `latency_ms` for a minute."""
    idle_close_seconds: float = 0.1
    """The device is given back after this long without anything to say.

    Opening it again takes some 10 ms, less than what waits in an open one: its queue is silence."""
    wait_seconds: float = 10.0
    """How long an utterance waits for a sound device before it ends as `failed`."""
    stall_seconds: float = 1.0
    """No callback for this long means that the sound server hangs."""


class AudioUnavailableError(Exception):
    """There is no sound device, or none came back in time; the message says why and how to mend it."""


Heard = Callable[[], None]


class Sink(Protocol):
    """Where speech goes that is not played: a client's descriptor, which the sink owns."""

    def watch(self, hangups: HangUps, gone: Gone) -> None:
        """Have `gone` called when the reader leaves; a file has none."""

    async def write(self, pcm: bytes) -> None:
        """Write samples, waiting for a slow reader; raises SinkClosedError when the reader has gone."""

    async def event(self, event: SpeechEvent) -> None:
        """Write what begins with the next sample, where the format has events."""

    async def finish(self) -> None:
        """Write what a reader still needs, and close."""

    def close(self) -> None:
        """Close the descriptor; a second call does nothing."""


class AudioOutput(Protocol):
    """Where the pipeline puts sound; every method is called on the event loop's thread."""

    @property
    def reason(self) -> str:
        """Why there is no sound right now; empty when all is well."""

    @property
    def xruns(self) -> int:
        """How often this machine gave the sound card its samples too late, being busy: a hole was heard."""

    async def open(self, *, echo: bool = False) -> None:
        """Make sure that a device is open; waits up to `wait_seconds`, raises AudioUnavailableError.

        `echo` asks for one that buffers little. What was written before must have been heard or flushed.
        """

    async def write(self, pcm: bytes) -> None:
        """Queue samples, waiting while the buffer is full; raises AudioUnavailableError as `open` does."""

    async def drain(self) -> None:
        """Wait until everything written was heard or flushed; raises AudioUnavailableError as `open` does."""

    def mark(self, heard: Heard) -> None:
        """Call `heard` on the loop once everything written so far has been heard (dropped by `flush`)."""

    def flush(self) -> None:
        """Forget everything not yet heard, marks too: silence within 50 ms."""

    def pause(self) -> None:
        """Stop at the current sample and keep what is queued."""

    def resume(self) -> None:
        """Go on at the sample where `pause` stopped."""

    def release(self) -> None:
        """Say that nothing more comes for now: the device is closed after `idle_close_seconds`."""

    async def close(self) -> None:
        """Close the device for good."""
