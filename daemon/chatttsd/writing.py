"""One utterance's way to a client's descriptor: the same sound as it would be played, and its events."""

from collections.abc import Callable
from contextlib import suppress

from chatttsd.audio.api import Sink
from chatttsd.audio.descriptor import SinkError
from chatttsd.audio.sinks import open_sink
from chatttsd.bus import errors
from chatttsd.pipeline import Recipe
from chatttsd.speech.events import EventKind, SpeechEvent
from chatttsd.speech.segment import Segment


def sink_of(fd: int, container: str) -> Sink:
    """Return the sink for a client's descriptor, which is the sink's from now on; raises BusError."""
    try:
        return open_sink(fd, container)
    except SinkError as error:
        raise errors.invalid_args(f"fd: {error}") from None


def decline(fd: int, container: str) -> None:
    """Close a descriptor as the end of a stream without a sound, whatever descriptor it is."""
    with suppress(SinkError, OSError):
        open_sink(fd, container).close()


async def write(
    recipe: Recipe, sink: Sink, on_heard: Callable[[Segment], None], on_event: Callable[[SpeechEvent], None]
) -> None:
    """Write all segments and close the sink; `on_heard` and `on_event` hear what is being written.

    Raises EngineError, or SinkClosedError when the client has gone.
    """
    try:
        async for piece in recipe.pieces(0):
            if piece.begins:
                on_heard(piece.segment)
                await _begin(sink, piece.segment)
            for event in piece.events:
                on_event(event)
                await sink.event(event)
            await sink.write(piece.pcm)
        await sink.finish()
    finally:
        sink.close()


async def _begin(sink: Sink, segment: Segment) -> None:
    if segment.text:
        await sink.event(SpeechEvent(EventKind.SENTENCE, segment.start, segment.end))
