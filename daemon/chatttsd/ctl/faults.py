"""D-Bus errors as sentences and exit codes."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from chatttsd.constants import ERROR_PREFIX
from chatttsd.ctl.exits import CommandError, Exit
from chatttsd.ctl.output import clean

_STANDARD: Final = "org.freedesktop.DBus.Error."
_CODES: Final = {
    f"{_STANDARD}LimitsExceeded": Exit.LIMIT,
    f"{ERROR_PREFIX}.TextTooLong": Exit.LIMIT,
    f"{_STANDARD}InvalidArgs": Exit.USAGE,
    f"{_STANDARD}ServiceUnknown": Exit.NOT_RUNNING,
    f"{_STANDARD}NameHasNoOwner": Exit.NOT_RUNNING,
    f"{_STANDARD}NoReply": Exit.NOT_RUNNING,
    f"{_STANDARD}Timeout": Exit.NOT_RUNNING,
    f"{_STANDARD}TimedOut": Exit.NOT_RUNNING,
    f"{_STANDARD}Disconnected": Exit.NOT_RUNNING,
}
SPAWN: Final = f"{_STANDARD}Spawn."
"""How the names of the errors begin with which a bus itself fails to start a program."""
_NOT_STARTED: Final = (SPAWN, "org.freedesktop.systemd1.")


class ServiceError(CommandError):
    """The daemon, or the bus for it, answered with a D-Bus error; `name` is the error's name."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(_sentence(name, message), code_of(name))
        self.name = name


def code_of(name: str) -> Exit:
    """Return the exit code for a D-Bus error name."""
    if name.startswith(_NOT_STARTED):
        return Exit.NOT_RUNNING
    return _CODES.get(name, Exit.FAILURE)


def from_reply(reply: Any) -> ServiceError:  # noqa: ANN401 - dbus_next.Message, an untyped library
    """Turn an error message into the exception that says it."""
    text = reply.body[0] if reply.body and isinstance(reply.body[0], str) else ""
    return ServiceError(str(reply.error_name), text)


def _sentence(name: str, message: str) -> str:
    short = clean(name.removeprefix(f"{ERROR_PREFIX}.").removeprefix(_STANDARD), 100)
    return f"{clean(message)} ({short})" if message.strip() else short


def not_running(message: str) -> CommandError:
    """Make the error of a daemon or bus that is not there (exit code 3)."""
    return CommandError(message, Exit.NOT_RUNNING)


@contextmanager
def as_not_running(doing: str) -> Iterator[None]:
    """Turn a lost connection into an error that says what was tried; its message may hold no text."""
    try:
        yield
    except TimeoutError:
        raise not_running(f"{doing}: no answer in time") from None
    except OSError as error:
        raise not_running(f"{doing}: {error.strerror or type(error).__name__}") from None
    except EOFError:
        raise not_running(f"{doing}: the connection was closed") from None
