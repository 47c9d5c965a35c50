"""Cut the byte stream of a D-Bus connection into messages without holding the ones that are too long.

Sans-I/O. The layout is that of the D-Bus specification, "Message Format".
"""

from collections import deque
from dataclasses import dataclass, field
from struct import error, unpack_from
from typing import Final

_FIXED: Final = 16
_LITTLE: Final = ord("l")
_BIG: Final = ord("B")
_UNIX_FDS: Final = 9


class FramingError(ValueError):
    """The bytes are not D-Bus messages; the connection cannot be used any more."""


@dataclass(slots=True)
class Frame:
    """One message; of one that is too long only the head is kept, with its body length set to zero."""

    data: bytes
    size: int
    """Bytes of the whole message on the wire."""
    fds: list[int] = field(default_factory=list)

    @property
    def whole(self) -> bool:
        """Tell whether the body was kept."""
        return len(self.data) == self.size


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
        """Return the next message, None when it is not complete yet; raises FramingError."""
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
        frame = Frame(data if whole else _without_body(data), size)
        frame.fds = [self._fds.popleft() for _ in range(min(_fd_count(data), len(self._fds)))]
        return frame

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
        order = _order(self._buffer[self._start])
        body, _serial, fields = unpack_from(order + "III", self._buffer, self._start + 4)
        head = _FIXED + (fields + 7 & ~7)
        if fields > 2**26 or head + body > 2**27:
            raise FramingError(f"a D-Bus message of {head + body} bytes, allowed: at most {2**27}")
        return head, head + body


def _order(first: int) -> str:
    if first == _LITTLE:
        return "<"
    if first == _BIG:
        return ">"
    raise FramingError(f"got byte {first} where a D-Bus message begins, allowed: 'l' or 'B'")


def _without_body(head: bytes) -> bytes:
    return head[:4] + b"\0\0\0\0" + head[8:]


def _fd_count(data: bytes) -> int:
    """Return the UNIX_FDS header field, 0 when there is none; raises FramingError on a broken header."""
    try:
        return _header_field(data, _UNIX_FDS)
    except (IndexError, error) as broken:
        raise FramingError("a D-Bus message with a broken header") from broken


def _header_field(data: bytes, wanted: int) -> int:
    """Return a header field that is a number, 0 when it is not there."""
    order = _order(data[0])
    end = _FIXED + unpack_from(order + "I", data, 12)[0]
    offset = _FIXED
    while offset < end:
        offset = offset + 7 & ~7
        code, length = data[offset], data[offset + 1]
        kind = chr(data[offset + 2])
        offset += 2 + length + 1
        if kind == "g":
            offset += 1 + data[offset] + 1
            continue
        offset = offset + 3 & ~3
        number = unpack_from(order + "I", data, offset)[0]
        if code == wanted and kind == "u":
            return int(number)
        offset += 4 if kind == "u" else 4 + number + 1
    return 0
