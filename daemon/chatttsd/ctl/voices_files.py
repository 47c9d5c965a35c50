"""`chatttsctl voices new` and `voices remove`: the voice files of the user's."""

import secrets
import sys
from argparse import Namespace
from difflib import get_close_matches
from pathlib import Path

from chatttsd.ctl import output
from chatttsd.ctl.exits import CommandError, Exit
from chatttsd.platform.paths import voices_directory
from chatttsd.voices import files, sampling
from chatttsd.voices.codec import VoiceError
from chatttsd.voices.files import StoredVoice
from chatttsd.voices.store import VoiceStore


def run_new(arguments: Namespace) -> int:
    """Sample a voice and store it under a name."""
    place = Place(arguments.name, replace=arguments.force)
    seed = secrets.randbelow(sampling.MAX_SEED + 1) if arguments.seed is None else arguments.seed
    source = f"sampled from the model's speaker statistics, seed {seed}"
    path = place.write(
        StoredVoice(arguments.name, arguments.name, source=source, speaker=sampling.sample(seed))
    )
    if arguments.json:
        output.record({"id": arguments.name, "path": str(path), "seed": seed})
    else:
        output.line(f"{path} (seed {seed})")
    return Exit.OK


def run_remove(arguments: Namespace) -> int:
    """Remove a voice's files; exit code 1 when there are none or the answer is no."""
    name = checked(arguments.name)
    store = VoiceStore(voices_directory())
    built_in = any(voice.id == name for voice in store.built_in())
    paths = store.paths(name)
    if not paths:
        raise CommandError(f"{name} is built in and cannot be removed" if built_in else _unknown(store, name))
    if not arguments.yes and not _confirmed(f"remove {', '.join(str(path) for path in paths)}?"):
        output.note("nothing removed")
        return Exit.FAILURE
    for path in paths:
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise CommandError(f"{path}: {error.strerror}") from None
    if built_in:
        output.note(f"{name} is the built-in voice again")
    return Exit.OK


def checked(name: str) -> str:
    """Return a name that a voice may have; raises CommandError (2)."""
    try:
        return files.check_id(name)
    except VoiceError as error:
        raise CommandError(str(error), Exit.USAGE) from None


class Place:
    """Where a new voice will be; raises CommandError for a bad name, or one taken and not to be replaced."""

    def __init__(self, name: str, *, replace: bool) -> None:
        self._store = VoiceStore(voices_directory())
        self._path = self._store.directory / f"{checked(name)}.txt"
        taken = self._store.paths(name)
        built_in = any(voice.id == name for voice in self._store.built_in())
        if (taken or built_in) and not replace:
            what = str(taken[0]) if taken else f"the built-in voice {name}"
            raise CommandError(f"there is {what} already; choose another name, or --force to replace it")

    def write(self, voice: StoredVoice) -> Path:
        """Store the voice in place of any other of the name, and return its file; raises CommandError."""
        try:
            files.write(self._path, voice)
            for other in self._store.paths(voice.id):
                if other != self._path:
                    other.unlink()
        except OSError as error:
            # Making the folder may be what failed; the temporary file's name says nothing to anybody.
            folder = str(self._path.parent)
            named = folder if error.filename == folder else self._path
            raise CommandError(f"{named}: {error.strerror}") from None
        return self._path


def _unknown(store: VoiceStore, name: str) -> str:
    try:
        own = [voice.id for voice in store.scan().voices if not voice.built_in]
    except OSError as error:
        return f"{store.directory}: {error.strerror}"
    near = get_close_matches(name, own, 1)
    hint = f"; did you mean {near[0]}?" if near else ""
    return f"there is no voice {name} in {store.directory}{hint}"


def _confirmed(question: str) -> bool:
    if not sys.stdin.isatty():
        raise CommandError("no terminal to ask on: add --yes", Exit.USAGE)
    print(f"{output.clean(question)} [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")
