"""Which sink writes what a client asked for."""

from typing import Final

from chatttsd.audio.api import Sink
from chatttsd.audio.filesink import FileSink
from chatttsd.audio.spielsink import SpielSink

SPIEL: Final = "spiel"
"""The container `audio/x-spiel`; `raw` and `wav` are FileSink's."""


def open_sink(fd: int, container: str) -> Sink:
    """Return the sink of a container, which owns `fd` from now on, also when it raises.

    Raises SinkError for a descriptor that cannot be written to, ValueError for an unknown container.
    """
    return SpielSink(fd) if container == SPIEL else FileSink(fd, container)
