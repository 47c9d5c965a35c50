"""A scene whose daemon is the unit under a real `systemd --user`, in the unit's sandbox."""

import contextlib
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from chatttsd.constants import UNIT
from support.daemon import Client, DaemonProcess
from support.manager import UserManager
from support.pulse import pulse_server
from support.scene import Scene

_SOUND = ("PULSE_SERVER", "ALSA_CONFIG_PATH")


class UnitDaemon(DaemonProcess):
    """The running unit; what starts and ends it is the manager."""

    def __init__(self, manager: UserManager) -> None:
        self._manager = manager

    @property
    def environment(self) -> dict[str, str]:
        """The environment of commands in the manager's session."""
        return self._manager.environment

    @property
    def log(self) -> str:
        """What the unit has printed."""
        return self._manager.log()

    @property
    def pid(self) -> int:
        """The unit's main process."""
        return self._manager.main_pid()


@contextlib.contextmanager
def unit_scene(config: str, environment: Mapping[str, str] | None = None) -> Iterator[Scene]:
    """A scene for a `with` block, its client listening; `environment` reaches the unit."""
    with contextlib.ExitStack() as stack:
        pulse = stack.enter_context(pulse_server())
        sound = {name: pulse.environment[name] for name in _SOUND}
        manager = stack.enter_context(UserManager(sound))
        commands = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="chatttsd-bin-")))
        _write(commands / "chatttsd", f'#!/bin/sh\nexec "{sys.executable}" -m chatttsd.app "$@"\n', 0o755)
        folder = Path(manager.environment["XDG_CONFIG_HOME"], "chatttsd")
        folder.mkdir(parents=True)
        _write(folder / "config.toml", config, 0o600)
        manager.install(commands, environment=environment)
        manager.systemctl("start", UNIT)
        client = Client(manager.environment["DBUS_SESSION_BUS_ADDRESS"])
        stack.callback(client.close)
        client.listen()
        client.wait_property("Voices", bool)
        yield Scene(pulse, UnitDaemon(manager), client)


def _write(path: Path, text: str, mode: int) -> None:
    path.write_text(text)
    path.chmod(mode)
