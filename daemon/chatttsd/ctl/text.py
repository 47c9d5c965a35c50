"""The text to speak: from arguments, standard input or a file, checked before it goes anywhere.

No message of this module contains any of the text.
"""

import codecs
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO, Final

from chatttsd.ctl.exits import CommandError, Exit

CHARACTERS: Final = 100_000
"""The daemon's default limit, in code points; a higher `limits.text_characters` is looked up when needed."""
_BYTES: Final = 64 * 1024 * 1024
_UTF16: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def gather(words: Sequence[str], file: str | None) -> str:
    """Return the text that the command line names; raises CommandError (2, or 4 when it is too long)."""
    if words and file is not None:
        raise CommandError("give the text either as arguments or with --file, not both", Exit.USAGE)
    if file is not None and file != "-":
        text = _from_file(Path(file))
    elif file or list(words) == ["-"] or (not words and not sys.stdin.isatty()):
        text = decode(_read(sys.stdin.buffer, "standard input"), "standard input")
    elif words:
        text = " ".join(words)
    else:
        raise CommandError("no text: give it as an argument, with --file, or on standard input", Exit.USAGE)
    return check(text, "the text" if words else file or "standard input")


def _from_file(path: Path) -> str:
    try:
        with path.open("rb") as stream:
            return decode(_read(stream, str(path)), str(path))
    except OSError as error:
        raise CommandError(f"{path}: {error.strerror}", Exit.USAGE) from None


def _read(stream: BinaryIO, source: str) -> bytes:
    raw = stream.read(_BYTES + 1)
    if len(raw) > _BYTES:
        raise CommandError(f"{source}: more than {_BYTES >> 20} MiB is not a text to speak", Exit.LIMIT)
    return raw


def decode(raw: bytes, source: str) -> str:
    """Decode UTF-8 and drop a byte order mark; raises CommandError (2) naming the offset of the bad byte."""
    if raw.startswith(_UTF16):
        advice = "iconv -f UTF-16 -t UTF-8"
        raise CommandError(f"{source}: this is UTF-16, allowed: UTF-8 (convert it: {advice})", Exit.USAGE)
    try:
        return raw.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        raise CommandError(
            f"{source}: not UTF-8: {error.reason} at byte offset {error.start}", Exit.USAGE
        ) from None


def check(text: str, source: str) -> str:
    """Return `text` when D-Bus can carry it and the daemon will take it; raises CommandError (2 or 4)."""
    if not text:
        raise CommandError(f"{source}: nothing to say, it is empty", Exit.USAGE)
    for place, character in enumerate(text):
        if character == "\0" or "\ud800" <= character <= "\udfff":
            kind = "a NUL" if character == "\0" else "not valid UTF-8"
            raise CommandError(f"{source}: {kind} at character offset {place}", Exit.USAGE)
    allowed = CHARACTERS if len(text) <= CHARACTERS else _configured_limit()
    if len(text) > allowed:
        raise CommandError(
            f"{source}: {len(text)} characters, allowed: at most {allowed} in one call", Exit.LIMIT
        )
    return text


def _configured_limit() -> int:
    # Imported here: only a text beyond the default pays for reading the configuration.
    from chatttsd.config import ConfigError, load

    try:
        return load(None).limits.text_characters
    except ConfigError:
        return CHARACTERS
