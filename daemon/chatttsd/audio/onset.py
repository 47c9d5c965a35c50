"""The first moment of sound in a stream that is open: held until no hole can follow it at once."""

import asyncio
from typing import Final

from chatttsd.audio.feed import RingFeed
from chatttsd.audio.ring import PcmRing
from chatttsd.constants import SAMPLE_RATE

MARGIN_SECONDS: Final = 0.01
"""How much later than asked for the second piece may come: the first lasts so long beyond a block."""


class Onset:
    """Lets a ring that was empty be played once it holds a block of the device and a margin, or soon anyway.

    A device takes whole blocks, a quarter of its latency each, and engines begin with a small piece: taken
    alone it would be followed by silence up to the end of the block, in the middle of a word.
    """

    def __init__(self, ring: PcmRing, feed: RingFeed) -> None:
        self._ring = ring
        self._feed = feed
        self._timer: asyncio.TimerHandle | None = None

    def begin(self) -> None:
        """Hold what is written next where it begins a sound."""
        if self._ring.level or not self._feed.silent:
            return
        self.end()
        self._feed.held = True
        self._timer = asyncio.get_running_loop().call_later(self._seconds(), self.end)

    def grown(self) -> None:
        """Look whether there is enough now."""
        if self._feed.held and self._ring.level >= self._seconds() * SAMPLE_RATE:
            self.end()

    def end(self) -> None:
        """Hold nothing: all of it is there, it is not wanted any more, or it has waited for long enough."""
        self._feed.held = False
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _seconds(self) -> float:
        return self._feed.block_seconds + MARGIN_SECONDS
