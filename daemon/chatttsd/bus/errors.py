"""The D-Bus errors that callers see: a name and one line, never a traceback, a path or the text."""

from typing import Final

from chatttsd.constants import ERROR_PREFIX

_STANDARD = "org.freedesktop.DBus.Error"


LIMITS_EXCEEDED: Final = f"{_STANDARD}.LimitsExceeded"
_LONGEST: Final = 1000


def printable(message: str) -> str:
    """Return one bounded line that D-Bus can carry: no NUL, no surrogate, nothing that is not printable."""
    shown = "".join(character if character.isprintable() else "?" for character in message)
    return shown if len(shown) <= _LONGEST else shown[:_LONGEST] + "…"


class BusError(Exception):
    """An error reply: D-Bus error name and message."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(printable(message))
        self.name = name


def invalid_args(message: str) -> BusError:
    """Return `InvalidArgs`; the message names what came and what is allowed."""
    return BusError(f"{_STANDARD}.InvalidArgs", message)


def limits_exceeded(message: str) -> BusError:
    """Return `LimitsExceeded`; the message names the limit."""
    return BusError(LIMITS_EXCEEDED, message)


def unknown_method(message: str) -> BusError:
    """Return `UnknownMethod`."""
    return BusError(f"{_STANDARD}.UnknownMethod", message)


def unknown_interface(message: str) -> BusError:
    """Return `UnknownInterface`."""
    return BusError(f"{_STANDARD}.UnknownInterface", message)


def unknown_object(path: str) -> BusError:
    """Return `UnknownObject`."""
    return BusError(f"{_STANDARD}.UnknownObject", f"there is no object at {path[:200]}")


def unknown_property(message: str) -> BusError:
    """Return `UnknownProperty`."""
    return BusError(f"{_STANDARD}.UnknownProperty", message)


def read_only(message: str) -> BusError:
    """Return `PropertyReadOnly`."""
    return BusError(f"{_STANDARD}.PropertyReadOnly", message)


def not_supported(message: str) -> BusError:
    """Return `NotSupported`."""
    return BusError(f"{_STANDARD}.NotSupported", message)


def text_too_long(length: int, limit: int) -> BusError:
    """Return `TextTooLong` with both lengths, in characters."""
    message = f"the text has {length} characters, allowed: at most {limit}"
    return BusError(f"{ERROR_PREFIX}.TextTooLong", message)


def message_too_long(length: int, limit: int) -> BusError:
    """Return `TextTooLong` for a message whose size, in bytes, already says so."""
    message = f"the message has {length} bytes, allowed: at most {limit}"
    return BusError(f"{ERROR_PREFIX}.TextTooLong", message)


def model_unavailable(reason: str) -> BusError:
    """Return `ModelUnavailable`."""
    return BusError(f"{ERROR_PREFIX}.ModelUnavailable", reason)


def no_such_utterance(utterance_id: int) -> BusError:
    """Return `NoSuchUtterance`."""
    return BusError(f"{ERROR_PREFIX}.NoSuchUtterance", f"there is no utterance {utterance_id}")


def no_machine_id(why: str) -> BusError:
    """Return `FileNotFound` for a machine without an id."""
    return BusError(f"{_STANDARD}.FileNotFound", f"this machine has no id: {why}")


def internal() -> BusError:
    """Return `Internal`, which tells nothing: the reason is in the journal."""
    return BusError(f"{ERROR_PREFIX}.Internal", "internal error; the journal of chatttsd has the details")


def cancelled() -> BusError:
    """Return `Cancelled`: the daemon stopped before the call was answered."""
    return BusError(f"{ERROR_PREFIX}.Cancelled", "the daemon stopped before it could answer")
