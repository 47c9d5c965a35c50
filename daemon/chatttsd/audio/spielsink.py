"""PCM with events to a client's pipe, framed as `audio/x-spiel`.

The format is version 0.01 of libspeechprovider's `speech-provider-common.h`, in the machine's byte order:
"0.01" once, then chunks: u8 1, u32 size, samples; or u8 2, u8 type, u32 start, u32 end, u32 length, name.
Its reader (libspiel) takes what one read(2) returns for a whole chunk, and after an event it waits for the
next chunk where nothing can interrupt it. So whole chunks are written in packets of at most PIPE_BUF bytes,
which a pipe takes all or not at all (pipe(7)), and an event goes into the packet of the samples that it
begins with.
"""

import select
import struct
from collections.abc import Iterator
from typing import Final, Self

from chatttsd.audio.descriptor import Descriptor
from chatttsd.audio.hangups import Gone, HangUps
from chatttsd.constants import SAMPLE_BYTES
from chatttsd.speech.events import EventKind, SpeechEvent

HEADER: Final = b"0.01"
PACKET_BYTES: Final = select.PIPE_BUF
LONGEST_MARK: Final = 256
"""Characters of a mark's name, as many as the SSML may have; a longer one is left out."""

_AUDIO: Final = 1
_EVENT: Final = 2
_AUDIO_HEAD: Final = struct.Struct("=BI")
_EVENT_HEAD: Final = struct.Struct("=BBIII")
_TYPES: Final = {EventKind.WORD: 1, EventKind.SENTENCE: 2, EventKind.MARK: 4}
_SMALLEST_ROOM: Final = 1024
"""Bytes: samples begin a new packet rather than to fill up one that has less room."""


class SpielSink:
    """Writes mono S16LE at `SAMPLE_RATE` and events to a descriptor, which it owns.

    Raises SinkError for a descriptor that cannot be written to.
    """

    def __init__(self, fd: int) -> None:
        self._descriptor = Descriptor(fd)
        self._begun = False
        self._waiting: list[bytes] = [HEADER]

    def watch(self, hangups: HangUps, gone: Gone) -> None:
        """Have `gone` called when the reader leaves; a file has none."""
        self._descriptor.watch(hangups, gone)

    async def write(self, pcm: bytes) -> None:
        """Write samples with the events before them; raises SinkClosedError when the reader has gone."""
        if pcm:
            await self._send(pcm)

    async def event(self, event: SpeechEvent) -> None:
        """Keep an event until the next samples; a mark is left out unless its name is short and ASCII.

        Readers do not agree whether a name is counted in bytes or in characters.
        """
        name = event.name
        if len(name) <= LONGEST_MARK and name.isascii():
            head = _EVENT_HEAD.pack(_EVENT, _TYPES[event.kind], event.start, event.end, len(name))
            self._waiting.append(head + name.encode("ascii"))

    async def finish(self) -> None:
        """Write what a reader still needs (the header of no sound, the last events) and close."""
        try:
            await self._send(b"")
            await self._descriptor.finish()
        finally:
            self.close()

    def close(self) -> None:
        """Close the descriptor; a second call does nothing.

        libspiel's source fails without a header, so that one is left behind if nothing was written.
        """
        if not self._begun:
            self._begun = True
            self._descriptor.offer(HEADER)
        self._descriptor.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.close()

    async def _send(self, pcm: bytes) -> None:
        before, self._waiting = self._waiting, []
        self._begun = True
        for packet in packets(before, pcm):
            await self._descriptor.write(packet)


def packets(before: list[bytes], pcm: bytes) -> Iterator[bytes]:
    """Yield `before` (chunks that are sent first) and samples as packets of whole chunks."""
    packet = b""
    for chunk in before:
        if len(packet) + len(chunk) > PACKET_BYTES:
            yield packet
            packet = b""
        packet += chunk
    rest = memoryview(pcm)
    while rest:
        room = PACKET_BYTES - len(packet) - _AUDIO_HEAD.size
        if packet and room < _SMALLEST_ROOM:
            yield packet
            packet = b""
            continue
        size = min(len(rest), room - room % SAMPLE_BYTES)
        yield b"".join((packet, _AUDIO_HEAD.pack(_AUDIO, size), rest[:size]))
        packet, rest = b"", rest[size:]
    if packet:
        yield packet
