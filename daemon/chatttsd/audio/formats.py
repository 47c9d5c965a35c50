"""From mono 24 kHz to what a device accepts that takes nothing else: two channels, 48 kHz, or both."""

from array import array
from collections.abc import Callable
from dataclasses import dataclass

from chatttsd.constants import SAMPLE_BYTES, SAMPLE_RATE

Fill = Callable[[memoryview], None]
"""Fills a buffer with mono S16LE bytes at `SAMPLE_RATE`."""


@dataclass(frozen=True, slots=True)
class StreamFormat:
    """Rate in Hz and number of channels of a device stream."""

    rate: int = SAMPLE_RATE
    channels: int = 1


FORMATS = (StreamFormat(), StreamFormat(channels=2), StreamFormat(rate=48_000), StreamFormat(48_000, 2))
"""What a device is asked for, in this order."""


def adapt(fill: Fill, stream_format: StreamFormat) -> Fill:
    """Return a function that fills a device buffer of `stream_format` from `fill`."""
    if stream_format.rate == 2 * SAMPLE_RATE:
        fill = Doubler(fill).fill
    elif stream_format.rate != SAMPLE_RATE:
        raise ValueError(f"{stream_format.rate} Hz: allowed are {SAMPLE_RATE} and {2 * SAMPLE_RATE}")
    return fill if stream_format.channels == 1 else Spreader(fill, stream_format.channels).fill


class Spreader:
    """Copies the one channel to every channel."""

    def __init__(self, fill: Fill, channels: int) -> None:
        self._fill = fill
        self._channels = channels
        self._mono = memoryview(b"")

    def fill(self, out: memoryview) -> None:
        """Fill an interleaved buffer."""
        size = len(out) // self._channels
        if len(self._mono) != size:
            self._mono = memoryview(bytearray(size))
        self._fill(self._mono)
        samples, frames = self._mono.cast("h"), out.cast("h")
        for channel in range(self._channels):
            frames[channel :: self._channels] = samples


class Doubler:
    """Doubles the rate: samples stay as they are, between two goes the half-band average (-1, 9, 9, -1)/16.

    Two samples (83 us) late, because it looks that far ahead.
    """

    def __init__(self, fill: Fill) -> None:
        self._fill = fill
        self._tail = array("h", (0, 0, 0))
        self._left = array("h")

    def fill(self, out: memoryview) -> None:
        """Fill a mono buffer of twice the rate."""
        wanted = len(out) // SAMPLE_BYTES
        ready = self._left + self._doubled((wanted - len(self._left) + 1) // 2)
        out.cast("h")[:] = memoryview(ready)[:wanted]
        self._left = ready[wanted:]

    def _doubled(self, count: int) -> "array[int]":
        block = array("h", bytes(count * SAMPLE_BYTES))
        self._fill(memoryview(block).cast("B"))
        line = self._tail + block
        result = array("h", bytes(2 * count * SAMPLE_BYTES))
        result[0::2] = line[1 : count + 1]
        result[1::2] = array("h", map(_between, line, line[1:], line[2:], line[3:]))
        self._tail = line[count:]
        return result


def _between(before: int, left: int, right: int, after: int) -> int:
    return max(-32768, min(32767, (9 * (left + right) - before - after) >> 4))
