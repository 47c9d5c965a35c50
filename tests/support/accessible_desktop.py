"""A display without a screen and an accessibility bus: what Orca needs to run in a test."""

import contextlib
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from jeepney import DBusAddress, MessageType, new_method_call
from jeepney.io.blocking import open_dbus_connection

from support.private_bus import PrivateBus

SERVICES: Final = Path("/usr/share/dbus-1/services")
"""Where at-spi2-core tells how the accessibility bus is started."""
_DRIVER: Final = DBusAddress("/org/freedesktop/DBus", "org.freedesktop.DBus", "org.freedesktop.DBus")


@contextlib.contextmanager
def display() -> Iterator[str]:
    """An X server that draws into memory; gives its `$DISPLAY`."""
    command = ["Xvfb", "-displayfd", "1", "-screen", "0", "640x480x24", "-nolisten", "tcp"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as server:
        try:
            assert server.stdout is not None
            yield f":{server.stdout.readline().strip()}"
        finally:
            server.terminate()


def let_activated_programs_see(bus: PrivateBus, environment: Mapping[str, str]) -> None:
    """Give the programs that this bus starts a home, a runtime folder and the display of a test."""
    wanted = ("HOME", "XDG_RUNTIME_DIR", "DISPLAY", "GSETTINGS_BACKEND", bus.variable)
    chosen = {name: environment[name] for name in wanted}
    with open_dbus_connection(bus.address) as connection:
        call = new_method_call(_DRIVER, "UpdateActivationEnvironment", "a{ss}", (chosen,))
        reply = connection.send_and_get_reply(call)
        assert reply.header.message_type is MessageType.method_return, reply.body
