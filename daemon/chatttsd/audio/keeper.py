"""Keeps a device open while it is wanted: notices that it died or hangs, and opens it again."""

import asyncio
import contextlib
import logging
import math
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from chatttsd.audio.api import AudioSettings, AudioUnavailableError
from chatttsd.audio.device_thread import DeviceThread
from chatttsd.audio.diagnose import HANGING, DeviceError, explain, gather_facts
from chatttsd.audio.feed import RingFeed
from chatttsd.audio.portaudio import PortAudio
from chatttsd.audio.ring import PcmRing
from chatttsd.constants import SAMPLE_RATE

_log = logging.getLogger(__name__)

FIRST_RETRY_SECONDS = 0.05
LAST_RETRY_SECONDS = 1.0
CUT_SECONDS = 0.04
"""A device that is further behind than this is closed by `cut`, at the price of a click."""
FRESH_SECONDS = 3.0
"""A null sink may ask for nothing for up to 2 s after a stream was opened."""
FADE_OUT_SECONDS = 0.01
"""A stream is not exchanged for another one before this long after what was heard."""
STRAIN_SECONDS = 10.0
"""A machine that was too slow twice within this is too busy for the latency of typed characters."""
CALM_SECONDS = 60.0
"""It is not asked for it again for so long."""
PREFILL_SECONDS = 0.015
"""A stream starts with this more than one and a half times what the device buffers."""
PROGRESS_SECONDS = 0.1
"""How often it is looked whether the device still asks for sound."""
CLOSE_SECONDS = 1.0
"""How long the end of the program waits for a sound server that hangs."""


class Changed:
    """Wakes everybody who waits for something in the audio output to change."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def notify(self) -> None:
        """Wake all who wait now."""
        self._event.set()
        self._event = asyncio.Event()

    async def wait(self, seconds: float = math.inf) -> None:
        """Return at the next `notify`, after `seconds` at the latest."""
        event = self._event
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(None if math.isinf(seconds) else seconds):
                await event.wait()


@dataclass(slots=True)
class DeviceCounts:
    """What happened to the device since the program started."""

    opens: int = 0
    losses: int = 0
    """The stream ended by itself: the server died or the sink was removed."""
    stalls: int = 0
    """The server stopped asking for sound."""


class Owner(Protocol):
    """Who wants sound."""

    def idle_in(self) -> float:
        """Return in how many seconds the device may be closed: infinite while in use, 0 when unwanted."""

    def complete(self) -> bool:
        """Say whether nothing is expected to follow at once on what is queued."""

    def opened(self, absent_seconds: float) -> None:
        """Take note that a device is there again after so many seconds without one."""

    def started(self) -> None:
        """Take note that samples flow again."""

    def new_reason(self, reason: str) -> None:
        """Take note of why there is no sound now, empty when all is well."""


class DeviceKeeper:
    """Owns PortAudio and its thread; its task lives only while the owner wants a device."""

    def __init__(
        self,
        settings: AudioSettings,
        ring: PcmRing,
        clock: Callable[[], float],
        owner: Owner,
        changed: Changed,
    ) -> None:
        self._settings = settings
        self._ring = ring
        self._clock = clock
        self._owner = owner
        self._changed = changed
        self.feed = RingFeed(ring, clock)
        self.counts = DeviceCounts()
        self.reason = ""
        self._portaudio = PortAudio(settings, self.feed, self._ended)
        self._thread = DeviceThread("portaudio")
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[None] | None = None
        self._closing = False
        self._works = False
        self._hangs = False
        self._running = False
        self._cut_at = math.inf
        self._echo = False
        self._latency_ms: int | None = None
        self._flushed_at = -math.inf
        self._strained_at = self._strained_until = -math.inf
        self._lowered = False
        self._xruns = 0
        self._epoch = 0
        self._lost_at: float | None = None
        self._progress = (0, 0.0)
        self._opened_at = 0.0
        self._absent_since = 0.0

    @property
    def ready(self) -> bool:
        """A device plays or has just been seen to open, and the sound server answers."""
        return self._works and not self._hangs

    @property
    def running(self) -> bool:
        """The device asks for samples."""
        return self._running

    def ensure(self) -> None:
        """Start to get a device, unless that is under way; raises AudioUnavailableError after `close`."""
        if self._closing:
            raise AudioUnavailableError("The sound output is closed.")
        if self._task is None or self._task.done():
            self._loop = asyncio.get_running_loop()
            self._absent_since = self._clock()
            self._task = self._loop.create_task(self._keep(), name="audio-device")

    def cut(self) -> None:
        """Silence a device at once that has more buffered than would be silent soon by itself."""
        self._flushed_at = self._clock()
        if self._running and self.feed.delay > CUT_SECONDS:
            self._close_at(self._flushed_at)
        self._changed.notify()

    def fit(self, *, echo: bool) -> None:
        """Exchange an open stream that buffers too much for an echo, or too little for anything else.

        All that was written must have been heard or flushed: what is written now is for the new stream. A key
        does not wait until what it has interrupted is out, at the price of a click.
        """
        self._echo = echo
        if self._latency_ms not in (None, self._wanted_latency()):
            at_once = echo and self._flushed_at >= self.feed.last_sound
            self._close_at(self._clock() if at_once else self.feed.heard_at + FADE_OUT_SECONDS)
            self._changed.notify()

    def _wanted_latency(self) -> int:
        """Return the ms that a stream should buffer now."""
        usual = self._settings.latency_ms
        if not self._echo or self._clock() < self._strained_until:
            return usual
        return min(usual, self._settings.echo_latency_ms)

    def _close_at(self, at: float) -> None:
        """Have the stream closed then; it takes no sample of the ring any more."""
        self._cut_at = min(self._cut_at, at)
        self.feed.cut_off = True

    def configure(self, settings: AudioSettings) -> None:
        """Use other settings, those of the stream when it is opened next."""
        self._settings = settings
        self._portaudio.settings = settings

    async def probe(self) -> None:
        """Find out whether there is sound and set `reason`; does nothing while a device is in use."""
        if not self._closing and (self._task is None or self._task.done()):
            await self._attempt(self._portaudio.probe)

    async def close(self) -> None:
        """Close the device for good; a server that hangs is given up after `CLOSE_SECONDS`."""
        self._closing = True
        self.feed.cut_off = True
        self._stopped()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        self._works = False
        with contextlib.suppress(TimeoutError, DeviceError):
            await asyncio.wait_for(self._thread.call(self._portaudio.terminate), CLOSE_SECONDS)
        self._thread.stop()
        self._changed.notify()

    async def _keep(self) -> None:
        """See to it that there is a device; a stream is open from the first sample until all is quiet."""
        retry = FIRST_RETRY_SECONDS
        while self._wanted():
            if not self._works:
                self._works = await self._attempt(self._portaudio.probe)
                if self._works:
                    self._owner.opened(self._clock() - self._absent_since)
            elif self._playable():
                await self._prefill()
                if self._playable() and await self._play():
                    retry = FIRST_RETRY_SECONDS
            else:
                await self._changed.wait(self._owner.idle_in())
            if not self._works and self._wanted():
                await asyncio.sleep(retry)
                retry = min(2 * retry, LAST_RETRY_SECONDS)
        self._works = False

    def _wanted(self) -> bool:
        return not self._closing and self._owner.idle_in() > 0

    def _playable(self) -> bool:
        return self._ring.level > 0 and not self.feed.paused

    async def _prefill(self) -> None:
        """Wait until there is enough for the device, which fills its buffer at once, but not for long."""
        seconds = 1.5 * self._wanted_latency() / 1000 + PREFILL_SECONDS
        deadline = self._clock() + seconds
        while (
            0 < self._ring.level < seconds * SAMPLE_RATE
            and not self._owner.complete()
            and self._clock() < deadline
        ):
            await self._changed.wait(deadline - self._clock())

    async def _attempt(self, call: Callable[[], object]) -> bool:
        """Run `call` on PortAudio's thread; say whether it worked, and tell the reason where it did not."""
        done = self._thread.call(call)
        try:
            while not await self._in_time(done):
                self._note_hang()
                if self._portaudio.starting:
                    self._abandon()
                    return False
            await done
        except DeviceError as error:
            await self._explain(error)
            return False
        else:
            self._set_reason("")
            return True
        finally:
            done.cancel()
            self._hangs = False

    async def _in_time(self, done: "asyncio.Future[object]") -> bool:
        await asyncio.wait({done}, timeout=self._settings.stall_seconds)
        return done.done()

    async def _explain(self, error: DeviceError) -> None:
        _log.debug("sound device: %s: %s", error.cause.value, error)
        facts = await self._thread.call(lambda: gather_facts(os.environ))
        self._set_reason(explain(error, facts))

    def _note_hang(self) -> None:
        if self._hangs:
            return
        self._hangs = True
        self.counts.stalls += 1
        _log.warning("the sound server does not answer")
        self._set_reason(HANGING)

    def _abandon(self) -> None:
        """Leave a PortAudio call that may never return to its thread, and take another thread."""
        _log.error("PortAudio does not come back from starting a stream; a thread is lost")
        self._portaudio.abandoned = True
        self._portaudio = PortAudio(self._settings, self.feed, self._ended, alone=False)
        self._thread.stop()
        self._thread = DeviceThread("portaudio")

    def _set_reason(self, reason: str) -> None:
        if reason != self.reason:
            self.reason = reason
            self._owner.new_reason(reason)
        self._changed.notify()

    async def _play(self) -> bool:
        """Play until the device is lost, hangs, or all is quiet; return whether that lasted a while."""
        self._epoch += 1
        self._lost_at = None
        self.feed.restart()
        self._latency_ms = self._portaudio.latency_ms = self._wanted_latency()
        self._lowered = self._latency_ms < self._settings.latency_ms
        self._running = self._works = await self._attempt(self._portaudio.play)
        since = self._clock()
        if self._running:
            self.counts.opens += 1
            self._opened_at = self._clock()
            self._progress = (self.feed.callbacks, self._opened_at)
            self._owner.started()
            self._works = await self._watch()
        await self._end_stream()
        return self._clock() - since > LAST_RETRY_SECONDS

    async def _watch(self) -> bool:
        """Return True when the stream is not needed any more, False when it died or hangs."""
        while self._wanted() and self._clock() < self._cut_at:
            if self._lost_at is not None:
                self.counts.losses += 1
                _log.info("the sound device is gone; opening it again")
                return False
            if self._stalled():
                self._note_hang()
                return False
            self._note_strain()
            rest = self._cut_at - self._clock()
            await self._changed.wait(min(PROGRESS_SECONDS, self._settings.stall_seconds / 4, max(rest, 0.0)))
        return True

    def _note_strain(self) -> None:
        """See whether the machine was too slow for a stream that buffers less than usual."""
        strained, self._xruns = self.feed.xruns > self._xruns, self.feed.xruns
        if not strained or not self._lowered:
            return
        before, self._strained_at = self._strained_at, self._clock()
        if self._strained_at - before < STRAIN_SECONDS:
            if self._strained_at > self._strained_until:
                _log.info("this machine is too busy for a latency of %s ms", self._latency_ms)
            self._strained_until = self._strained_at + CALM_SECONDS

    def _stalled(self) -> bool:
        callbacks, since = self._progress
        if callbacks != self.feed.callbacks:
            self._progress = (self.feed.callbacks, self._clock())
            return False
        fresh = self._clock() - self._opened_at < FRESH_SECONDS
        return self._clock() - since > max(self._settings.stall_seconds, FRESH_SECONDS if fresh else 0.0)

    async def _end_stream(self) -> None:
        """Close the stream; a dead one goes back to the sample that was heard last."""
        self._note_strain()
        at = self._clock() if self._lost_at is None else self._lost_at
        self.feed.cut_off = True
        if not self._works:
            self._absent_since = self._clock()
            self._ring.rewind(self._ring.position - max(self.feed.heard(at), self.feed.began))
        self._stopped()
        await self._attempt(self._portaudio.close)

    def _stopped(self) -> None:
        self._epoch += 1
        self._running = False
        self._latency_ms = None
        self._cut_at = math.inf

    def _ended(self) -> None:
        """PortAudio's thread: the stream has ended, asked for or not."""
        epoch, at, loop = self._epoch, self._clock(), self._loop
        if loop is not None:
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(self._note_end, epoch, at)

    def _note_end(self, epoch: int, at: float) -> None:
        if epoch == self._epoch:
            self._lost_at = at
            self._changed.notify()
