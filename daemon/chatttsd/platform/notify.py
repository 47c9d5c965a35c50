"""sd_notify(3): tell the service manager READY, STATUS, WATCHDOG and STOPPING, where there is one."""

import contextlib
import os
import socket
from collections.abc import Mapping


class ServiceManager:
    """Sends state datagrams to `$NOTIFY_SOCKET`; every method does nothing without one."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._address = _address(environment.get("NOTIFY_SOCKET", ""))
        self._watchdog_seconds = _watchdog_seconds(environment)
        self._status = ""

    @property
    def ping_seconds(self) -> float:
        """Interval of `ping` wanted by the unit's WatchdogSec: a quarter of it, 0 when no watchdog is set.

        The longest stall that is survived is WatchdogSec minus one interval.
        """
        return self._watchdog_seconds / 4

    def ready(self) -> None:
        """Say that the name is owned and calls are answered."""
        self._send("READY=1")

    def status(self, text: str) -> None:
        """Show one line in `systemctl status`; the same line is not sent twice."""
        if text != self._status:
            self._status = text
            self._send(f"STATUS={text}")

    def ping(self) -> None:
        """Prove that the event loop is alive."""
        self._send("WATCHDOG=1")

    def stopping(self) -> None:
        """Say that the daemon is going down on purpose."""
        self._send("STOPPING=1")

    def _send(self, state: str) -> None:
        if self._address is None:
            return
        # A manager that is gone or busy must not take the voice down with it.
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as datagram:
            datagram.setblocking(False)
            datagram.sendto(state.replace("\n", " ").encode(errors="replace"), self._address)


def _address(path: str) -> str | None:
    """Return the socket address of `$NOTIFY_SOCKET`; a leading `@` means the abstract namespace."""
    if path.startswith("@"):
        return "\0" + path[1:]
    return path if path.startswith("/") else None


def _watchdog_seconds(environment: Mapping[str, str]) -> float:
    """Return WatchdogSec, 0 when it is not meant for this process (`$WATCHDOG_PID`)."""
    pid = environment.get("WATCHDOG_PID", str(os.getpid()))
    micros = environment.get("WATCHDOG_USEC", "0")
    digits = micros.isascii() and micros.isdigit()
    return int(micros) / 1e6 if digits and pid == str(os.getpid()) else 0.0
