"""Where speech-dispatcher looks for modules, configuration and its server (speechd.c, 0.11 and 0.12)."""

import os
import pwd
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from chatttsd.ctl.exits import CommandError
from chatttsd.ctl.output import clean

MODULE: Final = "chattts"
"""The module's name in speech-dispatcher: `spd-say -o chattts`."""
PROGRAM: Final = f"sd_{MODULE}"
INSTALL: Final = "apt install speech-dispatcher, dnf install speech-dispatcher or pacman -S speech-dispatcher"
_GLOBAL: Final = Path("/etc/speech-dispatcher")
_NAME: Final = "speechd.conf"


@dataclass(frozen=True, slots=True)
class Places:
    """The folders that matter to one user's speech-dispatcher."""

    data: Path
    """XDG_DATA_HOME; speech-dispatcher finds the modules only where this folder exists."""
    config: Path
    runtime: Path
    system: Path = _GLOBAL

    @property
    def modules(self) -> Path:
        """The user's folder of modules, found through `data/..` as speech-dispatcher does."""
        # Where ~/.local/share is a symbolic link, `..` is the folder that the link leads into.
        return Path(os.path.realpath(self.data)).parent / "libexec" / "speech-dispatcher-modules"

    @property
    def module(self) -> Path:
        """Our module in the user's folder."""
        return self.modules / PROGRAM

    @property
    def user_config(self) -> Path:
        """The user's file, which replaces the machine's completely."""
        return self.config / "speech-dispatcher" / _NAME

    @property
    def global_config(self) -> Path:
        """The machine's file."""
        return self.system / _NAME

    @property
    def in_force(self) -> Path:
        """The file that the server reads, there or not."""
        return self.user_config if self.user_config.is_file() else self.global_config

    @property
    def module_config(self) -> Path:
        """What the server gives the module as its argument; it need not exist."""
        return self.config / "speech-dispatcher" / "modules" / f"{MODULE}.conf"


def places(environment: Mapping[str, str] = os.environ) -> Places:
    """Return the places of the user of this environment, with GLib's own defaults; raises CommandError."""
    home = _home(environment)
    return Places(
        data=_absolute(environment.get("XDG_DATA_HOME"), home / ".local" / "share"),
        config=_absolute(environment.get("XDG_CONFIG_HOME"), home / ".config"),
        runtime=_absolute(environment.get("XDG_RUNTIME_DIR"), home / ".cache"),
    )


def _home(environment: Mapping[str, str]) -> Path:
    named = environment.get("HOME")
    try:
        home = Path(named) if named else Path(pwd.getpwuid(os.getuid()).pw_dir)
    except KeyError:
        raise CommandError("HOME is not set, and this user has no home directory: set HOME") from None
    if not home.is_absolute():
        raise CommandError(f"HOME: got '{clean(str(home), 200)}', allowed: an absolute path")
    return home


def _absolute(named: str | None, otherwise: Path) -> Path:
    return Path(named) if named and Path(named).is_absolute() else otherwise


def program() -> Path:
    """Return the module's program of this installation, there or not."""
    # Not resolved: the interpreter of a virtual environment is a link to the machine's own.
    return Path(sys.executable).with_name(PROGRAM)


def installed(where: Places) -> bool:
    """Tell whether there is a speech-dispatcher on this machine."""
    return where.global_config.is_file() or shutil.which("speech-dispatcher") is not None
