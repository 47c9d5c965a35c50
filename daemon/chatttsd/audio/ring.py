"""The buffer between the event loop, which writes, and PortAudio's callback thread, which reads: no lock."""

from collections import deque

from chatttsd.audio.api import Heard
from chatttsd.constants import SAMPLE_BYTES, SAMPLE_RATE


class PcmRing:
    """A ring of mono S16LE samples with absolute positions: one thread writes and flushes, another one reads.

    Every position is one attribute that only one side stores, so the GIL makes each step atomic.
    The last `history` samples before the read position stay readable for `rewind`.
    """

    def __init__(self, capacity: int = 2 * SAMPLE_RATE, history: int = SAMPLE_RATE) -> None:
        if not 0 <= history < capacity:
            raise ValueError(
                f"history of {history} samples: allowed are 0 to {capacity - 1}, less than the capacity"
            )
        self._capacity = capacity
        self._history = history
        self._view = memoryview(bytearray(capacity * SAMPLE_BYTES))
        self._written = 0
        self._read = 0
        self._flushed = 0

    @property
    def end(self) -> int:
        """Position after the last sample written."""
        return self._written

    @property
    def position(self) -> int:
        """Position of the next sample that will be read."""
        return max(self._read, self._flushed)

    @property
    def level(self) -> int:
        """How many samples wait to be read."""
        return self._written - self.position

    def write(self, pcm: memoryview) -> int:
        """Copy as many samples as fit, return how many bytes that was; ValueError for half a sample."""
        if len(pcm) % SAMPLE_BYTES:
            raise ValueError(f"{len(pcm)} bytes of PCM: allowed are whole samples of {SAMPLE_BYTES} bytes")
        count = min(len(pcm) // SAMPLE_BYTES, self._capacity - self._history - self.level)
        at = self._written % self._capacity
        first = min(count, self._capacity - at)
        self._copy_in(pcm[: first * SAMPLE_BYTES], at)
        self._copy_in(pcm[first * SAMPLE_BYTES : count * SAMPLE_BYTES], 0)
        self._written += count
        return count * SAMPLE_BYTES

    def _copy_in(self, pcm: memoryview, at: int) -> None:
        self._view[at * SAMPLE_BYTES : at * SAMPLE_BYTES + len(pcm)] = pcm

    def read_into(self, out: memoryview) -> int:
        """Move samples into `out` (bytes) and return how many there were, at most as many as fit."""
        start = self.position
        count = min(len(out) // SAMPLE_BYTES, self._written - start)
        at = start % self._capacity
        first = min(count, self._capacity - at)
        out[: first * SAMPLE_BYTES] = self._view[at * SAMPLE_BYTES : (at + first) * SAMPLE_BYTES]
        out[first * SAMPLE_BYTES : count * SAMPLE_BYTES] = self._view[: (count - first) * SAMPLE_BYTES]
        self._read = start + count
        return count

    def peek(self) -> int | None:
        """Return the next sample without taking it, None when there is none."""
        position = self.position
        if position >= self._written:
            return None
        at = position % self._capacity * SAMPLE_BYTES
        return int.from_bytes(self._view[at : at + SAMPLE_BYTES], "little", signed=True)

    def flush(self) -> None:
        """Forget everything not yet read; `rewind` never goes back past this point."""
        self._flushed = self._written

    def rewind(self, samples: int) -> int:
        """Go back so that the last `samples` are read again, as far as they are kept; returns how far.

        Only while nobody reads (the device is gone).
        """
        position = self.position
        oldest = max(self._flushed, self._written - self._capacity, position - self._history)
        self._read = max(oldest, position - max(0, samples))
        return position - self._read


class Marks:
    """Callbacks bound to sample positions, in the order in which they were set."""

    def __init__(self) -> None:
        self._marks: deque[tuple[int, Heard]] = deque()

    def add(self, position: int, heard: Heard) -> None:
        """Set a mark; positions never fall."""
        self._marks.append((position, heard))

    @property
    def next_position(self) -> int | None:
        """Position of the first mark that has not fired."""
        return self._marks[0][0] if self._marks else None

    def take(self, position: int) -> list[Heard]:
        """Remove and return the callbacks of all marks up to `position`."""
        due = []
        while self._marks and self._marks[0][0] <= position:
            due.append(self._marks.popleft()[1])
        return due

    def clear(self) -> None:
        """Drop every mark."""
        self._marks.clear()
