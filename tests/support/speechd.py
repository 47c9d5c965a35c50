"""The real speech-dispatcher, started by a test in a home of its own, with the modules that it names."""

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

import psutil

from support.pulse import wait_for
from support.ssip import SsipClient

GLOBAL_CONFIGURATION: Final = Path("/etc/speech-dispatcher/speechd.conf")
_PROGRAM: Final = (sys.executable, "-m", "chatttsd.doors.speechd")


@dataclass(frozen=True, slots=True)
class Module:
    """An `AddModule` line: name for clients, program (a path or a name that is searched for), file."""

    name: str
    program: str
    configuration: str = ""

    @property
    def line(self) -> str:
        """The line in speechd.conf."""
        return f'AddModule "{self.name}" "{self.program}" "{self.configuration or f"{self.name}.conf"}"\n'


ESPEAK: Final = Module("espeak-ng", "sd_espeak-ng")
"""Debian's own module, package speech-dispatcher-espeak-ng."""


def chattts_module(folder: Path, *arguments: str, program: Sequence[str] = _PROGRAM) -> Module:
    """Write a launcher of the module from this tree into `folder` (elsewhere that is pip's script)."""
    launcher = folder / "sd_chattts"
    command = " ".join(f"'{part}'" for part in (*program, *arguments))
    launcher.write_text(f'#!/bin/sh\nexec {command} "$@"\n')
    launcher.chmod(0o755)
    return Module("chattts", str(launcher))


class SpeechDispatcher:
    """A server with its own HOME, XDG folders and socket; `folder` goes with it.

    `environment` is laid over a desktop-free environment: where PulseAudio is, which bus to use; its HOME and
    XDG folders are not taken over. The user configuration is Debian's own file with `modules` and
    `configuration` appended; without both there is none, and the server looks for modules itself. Use it as
    a context manager, or `launch` it later. Without `symbols` the server leaves punctuation to the modules.
    """

    def __init__(
        self,
        environment: Mapping[str, str],
        modules: Sequence[Module] = (),
        configuration: str = "",
        *,
        home: Path | None = None,
        symbols: bool = True,
    ) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="spd-")
        self.folder = Path(self._folder.name)
        self.home = home or self.folder / "home"
        self.runtime = self.folder / "run"
        self._given = dict(environment)
        self.modules = list(modules)
        self.configuration = configuration
        self._symbols = symbols
        self.process: subprocess.Popen[bytes] | None = None
        (self.home / ".local" / "share").mkdir(parents=True, exist_ok=True)
        (self.home / ".config" / "speech-dispatcher" / "modules").mkdir(parents=True, exist_ok=True)
        self.runtime.mkdir(mode=0o700)

    @property
    def environment(self) -> dict[str, str]:
        """The environment of the server, of its modules and of its clients (spd-say, Orca)."""
        foreign = ("PULSE_", "PIPEWIRE_", "DBUS_", "DISPLAY", "WAYLAND_", "ALSA_", "XDG_", "SPEECHD_")
        kept = {key: value for key, value in os.environ.items() if not key.startswith(foreign)}
        given = {key: value for key, value in self._given.items() if not key.startswith("XDG_")}
        own = {"HOME": str(self.home), "XDG_RUNTIME_DIR": str(self.runtime), "LANG": "C.UTF-8"}
        return kept | given | own

    @property
    def socket(self) -> Path:
        """Where the server listens."""
        return self.runtime / "speech-dispatcher" / "speechd.sock"

    @property
    def user_configuration(self) -> Path:
        """The user's speechd.conf, which replaces the global one."""
        return self.home / ".config" / "speech-dispatcher" / "speechd.conf"

    def module_configuration(self, name: str) -> Path:
        """Return the user's configuration file of a module."""
        return self.user_configuration.parent / "modules" / f"{name}.conf"

    def log(self, name: str = "speech-dispatcher") -> str:
        """Return a log: the server's own, or what a module has printed to stderr."""
        path = self.runtime / "speech-dispatcher" / "log" / f"{name}.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def write_configuration(self) -> None:
        """Write the user's configuration file."""
        added = "".join(module.line for module in self.modules)
        base = GLOBAL_CONFIGURATION.read_text(encoding="utf-8").splitlines()
        kept = [line for line in base if self._symbols or not line.startswith("SymbolsPreproc")]
        text = "\n".join([*kept, added, self.configuration, ""])
        self.user_configuration.write_text(text, encoding="utf-8")

    def start(self) -> Self:
        """Write the configuration, start the server and return when it accepts clients."""
        if self.modules or self.configuration:
            self.write_configuration()
        return self.launch()

    def launch(self, timeout: float = 20) -> Self:
        """Start the server with the configuration as it lies there; return when it accepts clients."""
        program = shutil.which("speech-dispatcher")
        if program is None:
            raise RuntimeError(
                "speech-dispatcher is not installed; on Debian: apt-get install speech-dispatcher"
            )
        with (self.folder / "stderr").open("ab") as log:
            self.process = subprocess.Popen(
                [program, "--run-single", "--timeout", "0", "--log-level", "4"],
                env=self.environment,
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        wait_for(self._listens, "speech-dispatcher's socket", timeout)
        return self

    def _listens(self) -> bool:
        if self.process is not None and self.process.poll() is not None:
            stderr = (self.folder / "stderr").read_text(errors="replace")
            raise RuntimeError(
                f"speech-dispatcher ended with {self.process.returncode}: {stderr}{self.log()}"
            )
        if not self.socket.exists():
            return False
        with contextlib.suppress(OSError), SsipClient(self.socket, "tester:probe:main"):
            return True
        return False

    @contextlib.contextmanager
    def client(self, module: str = "", name: str = "tester:ssip:main") -> Iterator[SsipClient]:
        """An SSIP client for a `with` block that uses this output module."""
        with SsipClient(self.socket, name, module) as client:
            yield client

    def say(self, *arguments: str, timeout: float = 60) -> "subprocess.CompletedProcess[str]":
        """Run spd-say against this server."""
        return subprocess.run(
            ["spd-say", *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=timeout,
        )

    def module_process(self, part: str = "chatttsd.doors.speechd") -> psutil.Process:
        """Return the running module whose command line holds `part`, waiting for it."""
        assert self.process is not None
        server = psutil.Process(self.process.pid)

        def running() -> list[psutil.Process]:
            found = []
            for child in server.children():
                with contextlib.suppress(psutil.Error):
                    if part in " ".join(child.cmdline()):
                        found.append(child)
            return found

        wait_for(lambda: bool(running()), f"the module {part}")
        return running()[0]

    def stop(self) -> None:
        """End the server and its modules."""
        if self.process is not None:
            self.process.terminate()
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
            self.process = None

    def __enter__(self) -> Self:
        try:
            return self.start()
        except BaseException:
            self.__exit__()
            raise

    def __exit__(self, *_: object) -> None:
        self.stop()
        self._folder.cleanup()
