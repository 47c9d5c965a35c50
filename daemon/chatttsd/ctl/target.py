"""Which chatttsd is meant: the user's own on the session bus, or the machine's on the system bus."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from chatttsd.constants import UNIT
from chatttsd.ctl.exits import CommandError, Exit

SYSTEM_UNIT: Final = "chatttsd-system.service"
BUS_VARIABLE: Final = "CHATTTSD_BUS"
_SYSTEM_SOCKET: Final = "/run/dbus/system_bus_socket"


@dataclass(frozen=True, slots=True)
class Target:
    """One instance of the daemon: its bus and its unit."""

    system: bool = False

    @property
    def bus(self) -> str:
        """`session` or `system`."""
        return "system" if self.system else "session"

    @property
    def unit(self) -> str:
        """The unit's full name."""
        return SYSTEM_UNIT if self.system else UNIT

    @property
    def short_unit(self) -> str:
        """The unit's name as a person types it."""
        return self.unit.removesuffix(".service")

    @property
    def systemctl(self) -> tuple[str, ...]:
        """The start of every systemctl command for this unit's manager."""
        return ("systemctl",) if self.system else ("systemctl", "--user")

    def advise(self, *verbs: str) -> str:
        """Return the shell command that applies these systemctl verbs to the unit, joined with `&&`."""
        prefix = "sudo systemctl" if self.system else "systemctl --user"
        return " && ".join(f"{prefix} {verb} {self.short_unit}" for verb in verbs)

    def journal(self) -> str:
        """Return the shell command that shows the unit's last log lines."""
        return f"journalctl {'' if self.system else '--user '}-u {self.short_unit} -n 20"

    def address(self, environment: Mapping[str, str]) -> str:
        """Return the D-Bus address; raises CommandError (3) when there is no bus to be found."""
        address = self._address(environment)
        if not address:
            raise CommandError(self._no_bus(environment), Exit.NOT_RUNNING)
        return address

    def has_address(self, environment: Mapping[str, str]) -> bool:
        """Return whether there is a bus to be found."""
        return bool(self._address(environment))

    def _address(self, environment: Mapping[str, str]) -> str:
        if self.system:
            return environment.get("DBUS_SYSTEM_BUS_ADDRESS") or f"unix:path={_SYSTEM_SOCKET}"
        named = environment.get("DBUS_SESSION_BUS_ADDRESS")
        runtime = environment.get("XDG_RUNTIME_DIR")
        if named or not runtime or not (Path(runtime) / "bus").exists():
            return named or ""
        return f"unix:path={runtime}/bus"

    @staticmethod
    def _no_bus(environment: Mapping[str, str]) -> str:
        where = environment.get("XDG_RUNTIME_DIR")
        looked = f"{where}/bus does not exist" if where else "XDG_RUNTIME_DIR is not set"
        return (
            f"no D-Bus session bus: DBUS_SESSION_BUS_ADDRESS is not set and {looked}; "
            "log in to a session (or `loginctl enable-linger`), or start one with `dbus-run-session`"
        )


def choose(system: bool, environment: Mapping[str, str] = os.environ) -> Target:
    """Return the instance that `--system` and `$CHATTTSD_BUS` name; raises CommandError (2)."""
    named = environment.get(BUS_VARIABLE) or "session"
    if named not in ("session", "system"):
        raise CommandError(f"{BUS_VARIABLE}: got '{named[:40]}', allowed: session, system", Exit.USAGE)
    return Target(system or named == "system")
