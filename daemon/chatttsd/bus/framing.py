"""Cut the byte stream of a D-Bus connection into messages without holding the ones that are too long.

Sans-I/O. The layout is that of the D-Bus specification, "Message Format".
"""

from collections import deque
from dataclasses import dataclass
from struct import unpack_from
from typing import Final

from chatttsd.bus.head import Head, HeadError, byte_order, parse_head

_FIXED: Final = 16


@dataclass(slots=True)
class Frame:
    """One message; of one that is too long only the head is kept, with its body length set to zero."""

    data: bytes
    head: Head

    @property
    def whole(self) -> bool:
        """Tell whether the body was kept."""
        return len(self.data) == self.head.size


class Framer:
    """Takes bytes and descriptors as they come, gives messages; holds at most one of `max_size` bytes."""

    def __init__(self, max_size: int) -> None:
        self.max_size = max_size
        self._buffer = bytearray()
        self._start = 0
        self._skip = 0
        self._fds: deque[int] = deque()

    def feed(self, data: bytes, fds: list[int]) -> None:
        """Add what was read; the descriptors belong to the messages that begin in these bytes."""
        self._fds.extend(fds)
        skipped = min(self._skip, len(data))
        self._skip -= skipped
        self._buffer += memoryview(data)[skipped:]

    def next(self) -> Frame | None:
        """Return the next message, None when it is not complete yet; raises HeadError."""
        held = len(self._buffer) - self._start
        if held < _FIXED:
            self._compact()
            return None
        head, size = self._sizes()
        whole = size <= self.max_size
        if held < (size if whole else head):
            self._compact()
            return None
        start = self._start
        data = bytes(self._buffer[start : start + (size if whole else head)])
        taken = min(held, size)
        self._start += taken
        self._skip = size - taken
        message = parse_head(data)
        message.size = size
        message.fds = [self._fds.popleft() for _ in range(min(message.unix_fds, len(self._fds)))]
        return Frame(data if whole else _without_body(data), message)

    def take_fds(self) -> list[int]:
        """Return the descriptors that no message has claimed, for closing."""
        rest = list(self._fds)
        self._fds.clear()
        return rest

    def _compact(self) -> None:
        del self._buffer[: self._start]
        self._start = 0

    def _sizes(self) -> tuple[int, int]:
        """Return the bytes of head and of the whole message."""
        order = byte_order(self._buffer[self._start])
        body, _serial, fields = unpack_from(order + "III", self._buffer, self._start + 4)
        head = _FIXED + (fields + 7 & ~7)
        if fields > 2**26 or head + body > 2**27:
            raise HeadError(f"a D-Bus message of {head + body} bytes, allowed: at most {2**27}")
        return head, head + body


def _without_body(head: bytes) -> bytes:
    return head[:4] + b"\0\0\0\0" + head[8:]
