"""Logging to stderr, with the `<N>` priority prefix that journald understands when it is listening."""

import logging
import sys
from collections.abc import Mapping
from typing import Final, TextIO

_PRIORITIES: Final = ((logging.CRITICAL, 2), (logging.ERROR, 3), (logging.WARNING, 4), (logging.INFO, 6))


Handler = logging.StreamHandler[TextIO]


def set_up(level: str, environment: Mapping[str, str], stream: TextIO | None = None) -> Handler:
    """Send the root logger to `stream` (default stderr) and return the handler."""
    handler = Handler(stream or sys.stderr)
    under_journald = "JOURNAL_STREAM" in environment
    handler.setFormatter(JournalFormatter() if under_journald else PlainFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    # A failing write to stderr must not print the record, and with it anything it holds, somewhere else.
    logging.raiseExceptions = False
    return handler


class PlainFormatter(logging.Formatter):
    """`level: message`, and of an exception only its type and place: its message may hold what was spoken."""

    def __init__(self) -> None:
        super().__init__("%(levelname)s: %(message)s")

    def formatException(self, ei: object) -> str:  # noqa: N802 - the name logging.Formatter gives it
        """Return `Type at file:line` of the innermost frame, never the exception's message."""
        return where(ei[1]) if isinstance(ei, tuple) and isinstance(ei[1], BaseException) else ""


class JournalFormatter(PlainFormatter):
    """The same behind `<N>`, the syslog priority (sd-daemon(3)), on every line."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record with its priority in front of each line."""
        prefix = f"<{priority(record.levelno)}>"
        return "\n".join(prefix + line for line in super().format(record).splitlines() or [""])


def priority(level: int) -> int:
    """Return the syslog priority of a logging level (7 is debug)."""
    return next((number for floor, number in _PRIORITIES if level >= floor), 7)


def where(error: BaseException) -> str:
    """Return `Type at module:line` of the place that raised; safe to log, since messages are left out."""
    trace = error.__traceback__
    if trace is None:
        return type(error).__name__
    while trace.tb_next is not None:
        trace = trace.tb_next
    return f"{type(error).__name__} at {trace.tb_frame.f_globals.get('__name__', '?')}:{trace.tb_lineno}"
