"""What a person or a script sees: lines, JSON, colours, and the one-line progress indicator."""

import os
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, Final, TextIO

from chatttsd.ctl.exits import CommandError

_CLEAR: Final = "\r\x1b[K"
_LONGEST: Final = 400


def clean(text: object, longest: int = _LONGEST) -> str:
    """Return foreign text as one bounded line without control characters: it may reach a terminal."""
    shown = "".join(c if c.isprintable() else " " for c in str(text)[: longest + 1])
    return shown if len(shown) <= longest else shown[:longest] + "…"


def clause(text: object, longest: int = _LONGEST) -> str:
    """Return foreign sentences as a part of a sentence of ours: `clean`, without full stops at its ends."""
    return re.sub(r"\.+(?=;)", "", clean(text, longest)).strip().rstrip(".")


def line(text: str) -> None:
    """Print one line to stdout at once, so that a reader behind a pipe sees it when it happens.

    Raises BrokenPipeError when the reader has gone, CommandError when stdout takes no more.
    """
    with writing():
        sys.stdout.write(text + "\n")
        sys.stdout.flush()


@contextmanager
def writing() -> Iterator[None]:
    """Tell why stdout cannot be written; what it still holds is thrown away."""
    try:
        yield
    except OSError as error:
        # Python's own flush at exit must not complain about it again.
        discard(sys.stdout)
        if isinstance(error, BrokenPipeError):
            raise
        raise CommandError(f"cannot write: {error.strerror or type(error).__name__}") from None


def discard(stream: TextIO) -> None:
    """Let everything that is still written to a standard stream vanish."""
    null = os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)
    os.dup2(null, stream.fileno())
    os.close(null)


def record(value: Any) -> None:  # noqa: ANN401 - whatever JSON can hold
    """Print one JSON value on one line."""
    # Imported here: --help and the plain commands do without.
    import json

    line(json.dumps(value, ensure_ascii=False))


def note(text: str) -> None:
    """Tell the person something on stderr; where that takes nothing, nobody can be told."""
    try:
        print(f"chatttsctl: {text}", file=sys.stderr, flush=True)
    except OSError:
        discard(sys.stderr)


def coloured(stream: TextIO, environment: Mapping[str, str] = os.environ) -> bool:
    """Return whether colours are wanted: a terminal, no `NO_COLOR`, not a dumb one."""
    return stream.isatty() and not environment.get("NO_COLOR") and environment.get("TERM") != "dumb"


def paint(text: str, colour: int, stream: TextIO) -> str:
    """Return `text` in an SGR colour (30..37) where the stream wants colours."""
    return f"\x1b[{colour}m{text}\x1b[0m" if coloured(stream) else text


class Indicator:
    """One line on a terminal that is overwritten; silent everywhere else."""

    def __init__(self, stream: TextIO, wanted: bool = True) -> None:
        self._stream = stream
        self._enabled = wanted and stream.isatty() and os.environ.get("TERM") != "dumb"
        self._shown = False

    def show(self, text: str) -> None:
        """Replace the line."""
        if self._enabled:
            dim = f"\x1b[2m{text}\x1b[0m" if coloured(self._stream) else text
            self._put(_CLEAR + dim)
            self._shown = True

    def clear(self) -> None:
        """Remove the line."""
        if self._shown:
            self._put(_CLEAR)
            self._shown = False

    def _put(self, text: str) -> None:
        # A terminal that has gone is no reason to stop speaking.
        with suppress(OSError):
            self._stream.write(text)
            self._stream.flush()
