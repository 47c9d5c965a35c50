"""The sound output of the daemon: `AudioOutput` on PortAudio, through every death of the sound server."""

import asyncio
import math
from collections.abc import Callable
from dataclasses import dataclass

from chatttsd.audio.api import AudioSettings, AudioUnavailableError, Heard
from chatttsd.audio.keeper import Changed, DeviceKeeper
from chatttsd.audio.onset import Onset
from chatttsd.audio.ring import Marks, PcmRing
from chatttsd.constants import SAMPLE_BYTES, SAMPLE_RATE

HIGH_WATER = SAMPLE_RATE // 4
"""`write` waits while so many samples are queued: 250 ms, more for a device that buffers more itself."""
_STEP = SAMPLE_RATE // 50
_FADE_SECONDS = 0.05
_MARK_SECONDS = (0.002, 0.25)
_NO_REASON_YET = "The sound device does not open."


@dataclass(frozen=True, slots=True)
class OutputStatistics:
    """Counters since the program started."""

    underruns: int
    """The synthesis was slower than the speech: silence inside of a segment."""
    xruns: int
    """This machine was too busy to give the sound card its samples in time."""
    opens: int
    losses: int
    stalls: int


class PortAudioOutput:
    """Implements `AudioOutput`; every method belongs on the event loop's thread.

    `on_reason` hears every change of `reason`, `on_underrun` every underrun.
    """

    def __init__(
        self,
        settings: AudioSettings,
        *,
        on_reason: Callable[[str], None],
        on_underrun: Callable[[], None],
        clock: Callable[[], float],
    ) -> None:
        self._settings = settings
        self._on_reason = on_reason
        self._on_underrun = on_underrun
        self._clock = clock
        self._ring = PcmRing()
        self._marks = Marks()
        self._changed = Changed()
        self._keeper = DeviceKeeper(settings, self._ring, clock, self, self._changed)
        self._onset = Onset(self._ring, self._keeper.feed)
        self._timer: asyncio.TimerHandle | None = None
        self._underruns = 0
        self._flushes = 0
        self._drops = 0
        self._boundary = 0
        self._high_water = _high_water(settings)
        self._released = True
        self._idle_since = clock()

    def configure(self, settings: AudioSettings) -> None:
        """Use other settings: deadlines at once, device and latency when a device is opened next."""
        self._settings = settings
        self._high_water = _high_water(settings)
        self._keeper.configure(settings)

    @property
    def reason(self) -> str:
        """Why there is no sound right now; empty when all is well."""
        return self._keeper.reason

    @property
    def xruns(self) -> int:
        """How often this machine gave the sound card its samples too late, being busy: a hole was heard."""
        return self._keeper.feed.xruns

    @property
    def statistics(self) -> OutputStatistics:
        """The counters as they stand now."""
        counts = self._keeper.counts
        return OutputStatistics(self._underruns, self.xruns, counts.opens, counts.losses, counts.stalls)

    async def probe(self) -> None:
        """Find out for `reason` whether there is sound; keeps nothing open, waits for a hung server."""
        await self._keeper.probe()

    async def open(self, *, echo: bool = False) -> None:
        """Make sure that a device is open; waits up to `wait_seconds`, raises AudioUnavailableError.

        `echo` asks for one that buffers little. What was written before must have been heard or flushed.
        """
        self._released = False
        self._keeper.fit(echo=echo)
        if not self._keeper.feed.paused:
            await self._device()

    async def _device(self) -> None:
        deadline = self._clock() + self._settings.wait_seconds
        while not self._keeper.ready:
            self._keeper.ensure()
            await self._wait_for_device(deadline)

    async def _wait_for_device(self, deadline: float) -> None:
        left = deadline - self._clock()
        if left <= 0:
            raise AudioUnavailableError(self.reason or _NO_REASON_YET)
        await self._changed.wait(left)

    async def write(self, pcm: bytes) -> None:
        """Queue samples, waiting while 250 ms are queued; raises AudioUnavailableError as `open` does.

        Returns early, without the rest, when `flush` is called meanwhile. Waits without limit while paused.
        """
        flushes = self._flushes
        rest = memoryview(pcm)
        self._released = False
        self._count_underrun()
        while rest and flushes == self._flushes:
            if not self._keeper.feed.paused:
                await self._device()
            room = self._high_water - self._ring.level
            if room < min(_STEP, len(rest) // SAMPLE_BYTES):
                await self._changed.wait(self._until_room())
            elif flushes == self._flushes:
                self._onset.begin()
                rest = rest[self._ring.write(rest[: room * SAMPLE_BYTES]) :]
                self._onset.grown()
                self._changed.notify()

    def _until_room(self) -> float:
        if self._keeper.feed.paused:
            return math.inf
        return max(0.005, (self._ring.level - self._high_water + _STEP) / SAMPLE_RATE)

    def _count_underrun(self) -> None:
        end = self._ring.end
        if self._keeper.feed.dried_at == end != self._boundary:
            self._underruns += 1
            self._on_underrun()

    async def drain(self) -> None:
        """Wait until everything written was heard or dropped; raises AudioUnavailableError as `open` does."""
        heard = asyncio.Event()
        drops = self._drops
        self._boundary = self._ring.end
        self._onset.end()
        self.mark(heard.set)
        while not heard.is_set() and drops == self._drops:
            if not self._keeper.feed.paused and self._ring.level:
                await self._device()
            await self._changed.wait(0.5 if self._keeper.running else math.inf)

    def mark(self, heard: Heard) -> None:
        """Call `heard` on the loop once everything written so far has been heard (dropped by `flush`)."""
        self._marks.add(self._ring.end, heard)
        self._changed.notify()
        self._watch_marks()

    def flush(self) -> None:
        """Forget everything not yet heard, marks too: what the device has buffered is still heard."""
        self._flushes += 1
        self._drop()
        self._keeper.cut()

    def _drop(self) -> None:
        self._drops += 1
        self._onset.end()
        self._ring.flush()
        self._marks.clear()
        self._boundary = self._ring.end

    def pause(self) -> None:
        """Stop at the current sample, keep what is queued; later the device is closed as after `release`."""
        self._keeper.feed.paused = True
        self._idle_since = self._clock()
        self._changed.notify()

    def resume(self) -> None:
        """Go on at the sample where `pause` stopped."""
        self._keeper.feed.paused = False
        if self._ring.level:
            self._keeper.ensure()
        self._changed.notify()

    def release(self) -> None:
        """Say that nothing more comes for now: the device is closed after `idle_close_seconds`."""
        self._boundary = self._ring.end
        self._onset.end()
        self._released = True
        self._idle_since = self._clock()
        self._changed.notify()

    async def close(self) -> None:
        """Close the device for good; within about 2 s even when the sound server hangs."""
        if self._timer is not None:
            self._timer.cancel()
        self._flushes += 1
        self._drop()
        await self._keeper.close()

    def idle_in(self) -> float:
        """Return in how many seconds the device may be closed."""
        if not self._keeper.feed.paused and (self._ring.level or not self._released):
            return math.inf
        feed = self._keeper.feed
        since = max(self._idle_since, feed.last_sound + feed.delay + _FADE_SECONDS)
        return max(0.0, since + self._settings.idle_close_seconds - self._clock())

    def complete(self) -> bool:
        """Say that all of a text is queued."""
        return self._boundary == self._ring.end

    def opened(self, absent_seconds: float) -> None:
        """Drop what was queued so long ago that nobody expects it any more."""
        if absent_seconds > self._settings.wait_seconds:
            self._drop()

    def started(self) -> None:
        """Look after the marks again."""
        self._watch_marks()

    def new_reason(self, reason: str) -> None:
        """Pass the reason on."""
        self._on_reason(reason)

    def _watch_marks(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        position = self._marks.next_position
        if position is None or (position > self._ring.position and not self._keeper.running):
            return
        shortest, longest = _MARK_SECONDS
        seconds = self._keeper.feed.heard_in(position, self._clock())
        delay = 0.0 if seconds <= 0 else min(max(seconds, shortest), longest)
        self._timer = asyncio.get_running_loop().call_later(delay, self._fire_marks)

    def _fire_marks(self) -> None:
        self._timer = None
        for heard in self._marks.take(self._keeper.feed.heard(self._clock())):
            heard()
            self._changed.notify()
        self._watch_marks()


def _high_water(settings: AudioSettings) -> int:
    return max(HIGH_WATER, 2 * settings.latency_ms * SAMPLE_RATE // 1000)
