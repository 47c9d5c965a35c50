"""Where `speak -o` puts the samples: a sound file that appears only when it is whole, or a pipe."""

import os
import secrets
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Final, Protocol, Self

from chatttsd.constants import SAMPLE_BYTES, SAMPLE_RATE
from chatttsd.ctl.exits import CommandError, Exit

FORMATS: Final = {".wav": ("WAV", "PCM_16"), ".flac": ("FLAC", "PCM_16"), ".ogg": ("OGG", "VORBIS")}
"""Format and subtype of libsndfile by file name extension."""


class Sink(Protocol):
    """Takes bytes as they come, then `commit`; leaving it without commit keeps nothing."""

    container: str
    """What the daemon is to write: `raw` or `wav`."""

    def write(self, data: bytes) -> None:
        """Take the next bytes; raises CommandError when they cannot be kept."""

    def commit(self) -> None:
        """All bytes have come and are to be kept."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


def format_of(path: Path) -> tuple[str, str]:
    """Return libsndfile's names for the format; raises CommandError (2) on any other extension."""
    try:
        return FORMATS[path.suffix.lower()]
    except KeyError:
        shown = path.suffix[:20] or "none"
        raise CommandError(
            f"{path}: extension {shown} is unknown, allowed: {', '.join(FORMATS)}, or - for standard output",
            Exit.USAGE,
        ) from None


class FileSink:
    """Writes raw S16LE mono at SAMPLE_RATE into a sound file, as a stream and under a temporary name."""

    container = "raw"

    def __init__(self, path: Path) -> None:
        import soundfile

        kind, subtype = format_of(path)
        # Through a symbolic link the file itself is replaced, not the link.
        self._path = Path(os.path.realpath(path))
        self._temporary = self._path.with_name(f".{self._path.name[:100]}.{secrets.token_hex(6)}.part")
        self._odd = b""
        try:
            if self._path.is_dir():
                raise IsADirectoryError(21, "Is a directory")
            flags = os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC
            self._fd = os.open(self._temporary, flags, 0o666)
        except OSError as error:
            raise CommandError(f"{path}: {error.strerror}") from None
        self._sound = soundfile.SoundFile(
            self._fd, "w", samplerate=SAMPLE_RATE, channels=1, format=kind, subtype=subtype, closefd=False
        )
        self._fault = soundfile.SoundFileError

    def write(self, data: bytes) -> None:
        """Append samples; half a sample waits for its other half."""
        data = self._odd + data
        whole = len(data) - len(data) % SAMPLE_BYTES
        self._odd = data[whole:]
        try:
            self._sound.buffer_write(data[:whole], "int16")
        except (self._fault, OSError, RuntimeError) as error:
            raise CommandError(f"{self._path}: cannot be written ({type(error).__name__})") from None

    def commit(self) -> None:
        """Finish the file and give it its name."""
        try:
            self._sound.close()
            self._temporary.replace(self._path)
        except (self._fault, OSError, RuntimeError) as error:
            raise CommandError(f"{self._path}: cannot be written ({type(error).__name__})") from None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._sound.close()
        os.close(self._fd)
        self._temporary.unlink(missing_ok=True)


class StreamSink:
    """Passes a WAV stream on to standard output."""

    container = "wav"

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def write(self, data: bytes) -> None:
        """Pass bytes on at once; raises BrokenPipeError when the reader has gone."""
        self._stream.write(data)
        self._stream.flush()

    def commit(self) -> None:
        """Everything has been passed on already."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass
