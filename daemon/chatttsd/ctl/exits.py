"""How chatttsctl ends: its exit codes and the one exception that carries a code."""

from enum import IntEnum


class Exit(IntEnum):
    """The exit codes, part of the command's contract; a signal N ends it with 128 + N."""

    OK = 0
    FAILURE = 1
    USAGE = 2
    NOT_RUNNING = 3
    LIMIT = 4
    INTERRUPTED = 130


class CommandError(Exception):
    """A command cannot go on: `str()` is what the user reads, `code` the exit code."""

    def __init__(self, message: str, code: Exit = Exit.FAILURE) -> None:
        super().__init__(message)
        self.code = code


class UnansweredError(CommandError):
    """The daemon is on the bus, or being started, but did not answer in time."""

    def __init__(self, message: str) -> None:
        super().__init__(message, Exit.NOT_RUNNING)
