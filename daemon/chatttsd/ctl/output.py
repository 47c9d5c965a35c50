"""What a person or a script sees: lines, JSON, colours, and the one-line progress indicator."""

import json
import os
import sys
from collections.abc import Mapping
from typing import Any, Final, TextIO

_CLEAR: Final = "\r\x1b[K"
_LONGEST: Final = 400


def clean(text: object, longest: int = _LONGEST) -> str:
    """Return foreign text as one bounded line without control characters: it may reach a terminal."""
    shown = "".join(c if c.isprintable() else " " for c in str(text)[: longest + 1])
    return shown if len(shown) <= longest else shown[:longest] + "…"


def line(text: str) -> None:
    """Print one line to stdout at once, so that a reader behind a pipe sees it when it happens."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def record(value: Any) -> None:  # noqa: ANN401 - whatever JSON can hold
    """Print one JSON value on one line."""
    line(json.dumps(value, ensure_ascii=False))


def note(text: str) -> None:
    """Tell the person something on stderr."""
    print(f"chatttsctl: {text}", file=sys.stderr, flush=True)


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
            self._stream.write(_CLEAR + dim)
            self._stream.flush()
            self._shown = True

    def clear(self) -> None:
        """Remove the line."""
        if self._shown:
            self._stream.write(_CLEAR)
            self._stream.flush()
            self._shown = False
