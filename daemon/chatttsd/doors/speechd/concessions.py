"""What to do without when the daemon refuses a message: it must be heard, if in another voice. No I/O."""

from collections.abc import Mapping
from enum import Enum
from typing import Final

from chatttsd.constants import ERROR_PREFIX

_INVALID: Final = "org.freedesktop.DBus.Error.InvalidArgs"
_LIMITS: Final = "org.freedesktop.DBus.Error.LimitsExceeded"
_TOO_LONG: Final = f"{ERROR_PREFIX}.TextTooLong"
_NO_MODEL: Final = f"{ERROR_PREFIX}.ModelUnavailable"
_NEEDED: Final = frozenset({"kind", "priority", "bind_to_client"})


class Way(Enum):
    """How to try again."""

    AGAIN_LATER = "again later"
    IN_PARTS = "in parts"
    AS_PLAIN_TEXT = "as plain text"
    GIVE_UP = "give up"


def concession(name: str, message: str, options: Mapping[str, str]) -> str | Way:
    """Return the name of the option to leave out, or another way to try again.

    `name` and `message` are those of the daemon's error, `options` what it refused.
    """
    if name == _LIMITS:
        return Way.AGAIN_LATER
    if name == _TOO_LONG:
        return Way.IN_PARTS
    if name == _NO_MODEL and "engine" in options:
        return "engine"
    if name != _INVALID:
        return Way.GIVE_UP
    named = [option for option in options if option not in _NEEDED and f"option '{option}'" in message]
    if named:
        return named[0]
    spare = [option for option in options if option not in _NEEDED]
    if message.startswith(("option ", "unknown option ")) and spare:
        return spare[-1]
    return Way.AS_PLAIN_TEXT
