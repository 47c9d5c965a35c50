"""The voices of the model by id: those that are built in, and those in a folder of the user's.

`VoiceStore(directory).scan()` looks at the folder and reads only what has changed since the last time, so
that it may be called before every use (`find`). Used from one thread at a time.
"""

import errno
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from chatttsd.voices import files
from chatttsd.voices.codec import VoiceError
from chatttsd.voices.files import StoredVoice

BUILT_IN: Final = Path(__file__).parent / "builtin"
MOST_FILES: Final = 512
"""Voice files of the user's that are read, by name; a client gets all of them in one message."""
_PASSING: Final = (errno.EMFILE, errno.ENFILE, errno.ENOMEM)
"""Errors that are the machine's for a while, and not the file's."""

Stamp = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class BrokenFile:
    """A file that is no voice; equal to an earlier one only when the file has not changed since."""

    file: str
    """Its name without folder, printable."""
    reason: str
    """One line without anything of its content."""
    stamp: Stamp = ()


@dataclass(frozen=True, slots=True)
class Scan:
    """What is there: the user's voices win over built-in ones of the same id."""

    voices: tuple[StoredVoice, ...] = ()
    """By id."""
    broken: tuple[BrokenFile, ...] = ()


class VoiceStore:
    """The voices in `directory` (it need not exist) and the built-in ones."""

    def __init__(self, directory: Path, built_in: Path = BUILT_IN) -> None:
        self.directory = directory
        self._built_in = built_in
        self._known: dict[Path, tuple[Stamp, StoredVoice | BrokenFile]] = {}
        self._shipped: tuple[StoredVoice, ...] | None = None

    def scan(self) -> Scan:
        """Look at every file; raises OSError only when the machine lacks files or memory at the moment."""
        found: dict[str, StoredVoice] = {voice.id: voice for voice in self.built_in()}
        broken: list[BrokenFile] = []
        known: dict[Path, tuple[Stamp, StoredVoice | BrokenFile]] = {}
        mine: dict[str, str] = {}
        for path in self._files(broken):
            stamped = self._load(path)
            if stamped is None:
                continue
            known[path] = stamped
            voice = stamped[1]
            if isinstance(voice, BrokenFile):
                broken.append(voice)
            elif voice.id in mine:
                reason = f"{mine[voice.id]} has the same name and is used"
                broken.append(BrokenFile(printable(path.name), reason, stamped[0]))
            else:
                mine[voice.id] = path.name
                found[voice.id] = voice
        self._known = known
        return Scan(tuple(sorted(found.values(), key=lambda voice: voice.id)), tuple(broken))

    def find(self, voice_id: str) -> StoredVoice | None:
        """Return a voice as it is now; raises OSError like `scan`."""
        return next((voice for voice in self.scan().voices if voice.id == voice_id), None)

    def built_in(self) -> tuple[StoredVoice, ...]:
        """Return the voices that come with the program."""
        if self._shipped is None:
            paths = sorted(self._built_in.glob("*.txt"))
            self._shipped = tuple(_shipped(path) for path in paths)
        return self._shipped

    def paths(self, voice_id: str) -> tuple[Path, ...]:
        """Return the user's files of an id, whether or not they can be read."""
        named = (self.directory / f"{files.check_id(voice_id)}{suffix}" for suffix in files.SUFFIXES)
        return tuple(path for path in named if os.path.lexists(path))

    def stamps(self, voice_id: str) -> tuple[Stamp, ...]:
        """Return what differs after any change of the user's files of an id; none for a built-in voice.

        Raises OSError when one cannot be looked at.
        """
        return tuple(_stamp(path) for path in self.paths(voice_id))

    def _files(self, broken: list[BrokenFile]) -> list[Path]:
        """List the voice files by name, `.txt` before `.pt`."""
        try:
            with os.scandir(self.directory) as entries:
                names = [entry.name for entry in entries if is_voice_file(entry.name)]
        except (FileNotFoundError, NotADirectoryError):
            return []
        except OSError as error:
            _raise_passing(error)
            broken.append(BrokenFile(printable(self.directory.name), _why(error)))
            return []
        if len(names) > MOST_FILES:
            reason = f"{len(names)} voice files, of which {MOST_FILES} are read"
            broken.append(BrokenFile(printable(self.directory.name), reason))
        names.sort(key=lambda name: (Path(name).stem, name.endswith(".pt")))
        return [self.directory / name for name in names[:MOST_FILES]]

    def _load(self, path: Path) -> tuple[Stamp, StoredVoice | BrokenFile] | None:
        """Return a file's voice or what is wrong with it; None when it is gone."""
        stamp: Stamp = ()
        try:
            stamp = _stamp(path)
            known = self._known.get(path)
            if known is not None and known[0] == stamp:
                return known
            return stamp, files.read(path, files.check_id(path.name.removesuffix(path.suffix)))
        except FileNotFoundError:
            if not path.is_symlink():
                return None
            reason = "a link to a file that is not there"
        except VoiceError as error:
            reason = str(error)
        except OSError as error:
            _raise_passing(error)
            # Not kept: the next look may succeed although the file is the same.
            return (), BrokenFile(printable(path.name), _why(error), stamp)
        return stamp, BrokenFile(printable(path.name), reason, stamp)


def is_voice_file(name: str) -> bool:
    """Tell by its name whether a file may be a voice; hidden ones are an editor's."""
    return name.endswith(files.SUFFIXES) and not name.startswith(".")


def printable(name: str) -> str:
    """Return a file's name as it can be shown: one line, and no bytes that are not UTF-8."""
    return "".join(letter if letter.isprintable() else "?" for letter in name)


def _shipped(path: Path) -> StoredVoice:
    voice = files.read(path, path.stem)
    return StoredVoice(voice.id, voice.name, voice.languages, voice.source, voice.speaker, built_in=True)


def _stamp(path: Path) -> Stamp:
    """Return what differs after any change, that of its permissions included."""
    status = path.stat()
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


def _why(error: OSError) -> str:
    return error.strerror or type(error).__name__


def _raise_passing(error: OSError) -> None:
    if error.errno in _PASSING:
        raise error
