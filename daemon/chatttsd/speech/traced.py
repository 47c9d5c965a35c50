"""Text of which every character knows where it stood in what the client sent."""

from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

Origin = Sequence[int]
_PLACES: Final = "I"
"""The type code of an array of 32-bit places."""


@dataclass(frozen=True, slots=True)
class Traced:
    """A text and the origin of each of its characters and of its end (one more), rising."""

    text: str = field(repr=False)
    origin: Origin = field(repr=False)

    def part(self, start: int, end: int) -> "Traced":
        """Return the characters start..end; its end is where the last of them is followed by the next one."""
        return Traced(self.text[start:end], self.origin[start : end + 1])


def spread(said: str, start: int, end: int) -> Traced:
    """Return a text that stands for the client's characters start..end, spread evenly over them."""
    length = max(1, len(said))
    origin = array(_PLACES, [start + (end - start) * index // length for index in range(len(said))])
    origin.append(end)
    return Traced(said, origin)


class Tracer:
    """Puts a traced text together from pieces whose origins rise."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._origin = array(_PLACES)
        self._end = 0

    def __len__(self) -> int:
        return len(self._origin)

    def add(self, piece: Traced) -> None:
        """Append a piece."""
        self._parts.append(piece.text)
        self._origin.extend(piece.origin[: len(piece.text)])
        self._end = piece.origin[-1]

    def whole(self) -> Traced:
        """Return all pieces as one; the end of the last is the end."""
        origin = self._origin[:]
        origin.append(self._end)
        return Traced("".join(self._parts), origin)
