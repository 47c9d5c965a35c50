"""Where `speak -o` puts the samples: a sound file that appears only when it is whole, or a pipe."""

import os
import secrets
import stat
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Final, Protocol, Self

from chatttsd.constants import SAMPLE_BYTES, SAMPLE_RATE
from chatttsd.ctl.exits import CommandError, Exit
from chatttsd.ctl.output import writing

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


def refuse_special(path: Path) -> None:
    """Raise CommandError when there is something at `path` that is no regular file; links are followed."""
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return
    except OSError as error:
        raise CommandError(f"{path}: {error.strerror}") from None
    if stat.S_ISDIR(mode):
        raise CommandError(f"{path}: Is a directory")
    if not stat.S_ISREG(mode):
        raise CommandError(f"{path}: not a regular file")


class FileSink:
    """Writes raw S16LE mono at SAMPLE_RATE into a sound file, as a stream and under a temporary name."""

    container = "raw"

    def __init__(self, path: Path) -> None:
        import soundfile

        kind, subtype = format_of(path)
        refuse_special(path)
        self._named = path
        # Through a symbolic link the file itself is replaced, not the link.
        self._path = Path(os.path.realpath(path))
        self._temporary = self._path.with_name(f".{self._path.name[:100]}.{secrets.token_hex(6)}.part")
        self._odd = b""
        try:
            flags = os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC
            self._fd = os.open(self._temporary, flags, 0o666)
        except OSError as error:
            raise CommandError(f"{path}: {error.strerror}") from None
        self._fault = soundfile.SoundFileError
        try:
            self._sound = soundfile.SoundFile(
                self._fd, "w", samplerate=SAMPLE_RATE, channels=1, format=kind, subtype=subtype, closefd=False
            )
        except (self._fault, OSError, RuntimeError, ValueError) as error:
            self._forget()
            raise CommandError(f"{path}: cannot be written ({type(error).__name__})") from None

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
            # Looked at again: a synthesis takes long enough for something else to appear there.
            for each in (self._named, self._path):
                refuse_special(each)
            self._temporary.replace(self._path)
        except (self._fault, OSError, RuntimeError) as error:
            raise CommandError(f"{self._path}: cannot be written ({type(error).__name__})") from None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._temporary.unlink(missing_ok=True)
        self._sound.close()
        os.close(self._fd)

    def _forget(self) -> None:
        self._temporary.unlink(missing_ok=True)
        os.close(self._fd)


class StreamSink:
    """Passes a WAV stream on to standard output."""

    container = "wav"

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def write(self, data: bytes) -> None:
        """Pass bytes on at once; raises BrokenPipeError when the reader has gone."""
        with writing():
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
