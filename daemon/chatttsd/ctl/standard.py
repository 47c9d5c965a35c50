"""The three standard streams, whatever state the parent has left them in."""

import os
import sys
from typing import Final

from chatttsd.ctl.output import discard

_STREAMS: Final = (("stdin", os.O_RDONLY, "r"), ("stdout", os.O_WRONLY, "w"), ("stderr", os.O_WRONLY, "w"))


def fill() -> None:
    """Open the null device for each closed standard stream: else a socket would get its number."""
    for number, (name, flags, mode) in enumerate(_STREAMS):
        _fill(number, flags)
        if getattr(sys, name) is None:
            # Not closed: it lives as long as the process.
            stream = open(number, mode, encoding="utf-8", closefd=False)  # noqa: SIM115 - see above
            setattr(sys, name, stream)


def _fill(number: int, flags: int) -> None:
    try:
        os.fstat(number)
    except OSError:
        null = os.open(os.devnull, flags)
        if null != number:
            os.dup2(null, number)
            os.close(null)


def settle() -> str:
    """Write out what is buffered; returns why stdout could not be written, '' when it could."""
    fault = ""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError as error:
            discard(stream)
            if stream is sys.stdout and not isinstance(error, BrokenPipeError):
                fault = error.strerror or type(error).__name__
    return fault
