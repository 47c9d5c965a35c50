"""What PortAudio's callback does: samples from the ring, silence where there are none, no click."""

from array import array
from collections.abc import Callable

from chatttsd.audio.formats import Fill
from chatttsd.audio.ring import PcmRing
from chatttsd.constants import SAMPLE_BYTES, SAMPLE_RATE

GLIDE_SAMPLES = SAMPLE_RATE * 5 // 1000
"""Length of the glide between sound and silence: 5 ms."""
QUIET_STEP = 512
"""A step of at most this much (1/64 of full scale) is left as it is: it does not click."""
_SILENCE = memoryview(bytes(1 << 16))


class RingFeed:
    """Feeds one device stream from a ring; `fill` runs on PortAudio's thread, the loop reads the attributes.

    Where sound stops, a 5 ms glide from the last sample to zero is added, where it starts a glide up to the
    first one: no sample of the ring is changed, left out or said twice by that.
    """

    def __init__(self, ring: PcmRing, clock: Callable[[], float]) -> None:
        self._ring = ring
        self._clock = clock
        self._last = 0
        self._glide = memoryview(b"")
        self._anchor = (0, 0.0)
        self.silent = True
        """The device is given silence: what comes next begins a sound."""
        self.paused = False
        """Only silence is played, nothing is taken from the ring; `cut_off` too."""
        self.cut_off = False
        """The device is being given up: what it still asks for must not cost samples."""
        self.held = False
        """What has begun to come is not enough to be played yet."""
        self.block_seconds = 0.0
        """How much the device asked for last."""
        self.callbacks = 0
        """How often the device asked; stands still when the sound server hangs."""
        self.xruns = 0
        """How often the device said that sound came too late for it."""
        self.delay = 0.0
        """Seconds from the callback to the loudspeaker, as the device reported last."""
        self.dried_at = -1
        """Position at which the ring became empty, or was, when the device asked; -1: that never happened."""
        self.last_sound = clock()
        """When the device last got samples of the ring."""
        self.began = 0
        """Position at which the latest sound began, behind a silence; what is before it was heard."""

    def asked(self, out: memoryview, fill: Fill, delay: float, *, underflow: bool) -> None:
        """Answer one callback; `delay` is the time in seconds until the first frame of `out` is heard."""
        self.callbacks += 1
        self.delay = min(delay, 2.0) if delay > 0 else 0.0  # not a number is no delay
        if underflow and not self.silent:
            self.xruns += 1
        fill(out)

    def fill(self, out: memoryview) -> None:
        """Fill `out` with mono S16LE bytes."""
        at = self._play_glide(out, 0)
        self.block_seconds = len(out) / SAMPLE_BYTES / SAMPLE_RATE
        if at < len(out) and not (self.paused or self.cut_off or self.held):
            at = self._play_ring(out, at)
        if at < len(out):
            self._glide_to(0)
            self.silent = True
            at = self._play_glide(out, at)
            out[at:] = _SILENCE[: len(out) - at]

    def _play_ring(self, out: memoryview, at: int) -> int:
        first = self._ring.peek()
        if first is None:
            self.dried_at = self._ring.end
            return at
        if self.silent:
            self.silent = False
            self.began = self._ring.position
            self._glide_to(first)
            at = self._play_glide(out, at)
        count = self._ring.read_into(out[at:])
        if count:
            at += count * SAMPLE_BYTES
            self._last = int.from_bytes(out[at - SAMPLE_BYTES : at], "little", signed=True)
            self.last_sound = self._clock()
            self._anchor = (
                self._ring.position,
                self.last_sound + self.delay + at / SAMPLE_BYTES / SAMPLE_RATE,
            )
        if at < len(out):
            self.dried_at = self._anchor[0]
        return at

    def _glide_to(self, target: int) -> None:
        step = target - self._last
        if abs(step) > QUIET_STEP:
            ramp = (self._last + step * k // (GLIDE_SAMPLES + 1) for k in range(1, GLIDE_SAMPLES + 1))
            self._glide = memoryview(array("h", ramp)).cast("B")
        self._last = target

    def _play_glide(self, out: memoryview, at: int) -> int:
        count = min(len(self._glide), len(out) - at)
        if count:
            out[at : at + count] = self._glide[:count]
            self._glide = self._glide[count:]
        return at + count

    @property
    def heard_at(self) -> float:
        """When the last sample taken from the ring has been heard."""
        return self._anchor[1]

    def heard(self, now: float) -> int:
        """Return the position of the sample that the loudspeaker plays at `now`."""
        position, at = self._anchor
        read = self._ring.position
        if position != read or now >= at:
            return read
        return read - round((at - now) * SAMPLE_RATE)

    def heard_in(self, position: int, now: float) -> float:
        """Return in how many seconds the sample before `position` will have been heard at the earliest."""
        read = self._ring.position
        if position > read:
            return self.delay + (position - read) / SAMPLE_RATE
        return (position - self.heard(now)) / SAMPLE_RATE

    def restart(self) -> None:
        """Forget what the last stream was amid, `cut_off`, `held`: the next one starts from silence."""
        self._last = 0
        self.silent = True
        self._glide = memoryview(b"")
        self.cut_off = self.held = False
        self.last_sound = self._clock()
