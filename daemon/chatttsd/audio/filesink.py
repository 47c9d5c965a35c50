"""PCM to a client's file descriptor: raw S16LE or WAV."""

import os
import struct
from contextlib import suppress
from typing import Final, Self

from chatttsd.audio.descriptor import Descriptor, SinkClosedError, SinkError
from chatttsd.audio.hangups import Gone, HangUps
from chatttsd.constants import SAMPLE_BYTES, SAMPLE_RATE
from chatttsd.speech.events import SpeechEvent

__all__ = ["CONTAINERS", "FileSink", "SinkClosedError", "SinkError"]

CONTAINERS: Final = ("raw", "wav")
_UNKNOWN = 0xFFFFFFFF
_HEADER_BYTES = 44
_WAV_LIMIT = _UNKNOWN - _HEADER_BYTES


class FileSink:
    """Writes mono S16LE at `SAMPLE_RATE` to a descriptor, which it owns: it is closed whatever happens.

    Raises SinkError for a descriptor that cannot be written to, ValueError for an unknown container.
    """

    def __init__(self, fd: int, container: str = "raw") -> None:
        if container not in CONTAINERS:
            with suppress(OSError):
                os.close(fd)
            raise ValueError(f"container {container!r}: allowed are {', '.join(CONTAINERS)}")
        self._descriptor = Descriptor(fd)
        self._header = _wav_header(None) if container == "wav" else b""
        self._wav = container == "wav"
        self._bytes = 0

    def watch(self, hangups: HangUps, gone: Gone) -> None:
        """Have `gone` called when the reader leaves; a file has none."""
        self._descriptor.watch(hangups, gone)

    async def write(self, pcm: bytes) -> None:
        """Write samples, waiting for a slow reader; raises SinkClosedError when the reader has gone."""
        header, self._header = self._header, b""
        await self._descriptor.write(header + pcm)
        self._bytes += len(pcm)

    async def event(self, event: SpeechEvent) -> None:
        """Do nothing: neither raw PCM nor WAV has events."""

    async def finish(self) -> None:
        """Write what a reader still needs (the WAV header of no sound, the sizes in a file) and close."""
        try:
            if self._header:
                await self.write(b"")
            if self._wav and self._descriptor.rewritable and self._bytes <= _WAV_LIMIT:
                await self._descriptor.rewrite(_wav_header(self._bytes))
            await self._descriptor.finish()
        finally:
            self.close()

    def close(self) -> None:
        """Close the descriptor, after a write to a file that is under way; a second call does nothing."""
        self._descriptor.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.close()


def _wav_header(size: int | None) -> bytes:
    """Return the canonical 44 bytes for mono S16LE; an unknown size is the greatest one, as for a stream."""
    riff, data = (_UNKNOWN, _UNKNOWN - 36) if size is None else (size + 36, size)
    rate, width = SAMPLE_RATE, SAMPLE_BYTES
    fields = (b"RIFF", riff, b"WAVEfmt ", 16, 1, 1, rate, rate * width, width, 8 * width, b"data", data)
    return struct.pack("<4sI8sIHHIIHH4sI", *fields)
