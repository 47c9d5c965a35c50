from collections.abc import Callable

import pytest

from chatttsd.ctl.exits import CommandError, Exit
from chatttsd.ctl.faults import ServiceError, as_not_running, code_of

DBUS = "org.freedesktop.DBus.Error"
OURS = "org.chattts.Speech1.Error"


@pytest.mark.parametrize(
    ("name", "code"),
    [
        (f"{DBUS}.LimitsExceeded", 4),
        (f"{OURS}.TextTooLong", 4),
        (f"{DBUS}.InvalidArgs", 2),
        (f"{DBUS}.ServiceUnknown", 3),
        (f"{DBUS}.NoReply", 3),
        (f"{DBUS}.Spawn.ChildExited", 3),
        ("org.freedesktop.systemd1.UnitMasked", 3),
        (f"{OURS}.ModelUnavailable", 1),
        (f"{OURS}.NoSuchUtterance", 1),
        ("com.example.Unheard", 1),
    ],
)
def test_error_names_become_exit_codes(name: str, code: int) -> None:
    assert code_of(name) == code


def test_the_sentence_is_one_line_with_the_short_name_at_its_end() -> None:
    error = ServiceError(f"{OURS}.ModelUnavailable", "still\nloading\x1b[1m")
    assert str(error) == "still loading [1m (ModelUnavailable)"


def test_an_error_without_a_message_shows_its_name() -> None:
    assert str(ServiceError(f"{DBUS}.LimitsExceeded", "")) == "LimitsExceeded"


def test_a_flood_of_a_message_is_cut() -> None:
    assert len(str(ServiceError(f"{DBUS}.Failed", "x" * 100_000))) < 500


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (lambda: TimeoutError(), "no answer in time"),
        (lambda: ConnectionRefusedError(111, "Connection refused"), "Connection refused"),
        (lambda: EOFError(), "the connection was closed"),
        (lambda: OSError(), "OSError"),
    ],
)
def test_a_lost_connection_is_not_running(fault: Callable[[], Exception], told: str) -> None:
    with pytest.raises(CommandError) as refusal, as_not_running("Speak"):
        raise fault()
    assert refusal.value.code is Exit.NOT_RUNNING
    assert str(refusal.value) == f"Speak: {told}"
