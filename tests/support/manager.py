"""A real `systemd --user` of the test's own, with its own folders, session bus and control group."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from chatttsd.constants import BUS_NAME, INTERFACE, OBJECT_PATH, SPIEL_NAME, UNIT
from support.cgroup import ControlGroup, pretend_booted

UNITS: Final = Path(__file__).parents[2] / "systemd"
MANAGER: Final = "/usr/lib/systemd/systemd"
# What a desktop would start in the background, and what would play through the machine's own sound card.
MASKED: Final = ("pulseaudio", "pipewire", "pipewire-pulse", "wireplumber")
KEPT: Final = ("PATH", "LANG", "LC_ALL", "TZ", "PYTHONPATH", "COVERAGE_PROCESS_START")
START_SECONDS: Final = 30.0


class UserManager:
    """Starts `systemd --user` and its D-Bus session bus; use it as a context manager.

    Nothing of the user's session is seen or changed. `root` is a short temporary folder that holds HOME, the
    XDG directories and XDG_RUNTIME_DIR. On exit every process that the manager started, however deep, is dead
    and `root` is gone. Several may run at once.
    """

    def __init__(self, environment: Mapping[str, str] | None = None) -> None:
        self.root = Path(tempfile.mkdtemp(prefix="chatttsd-sd-"))
        home = self.root / "home"
        inherited = {name: value for name, value in os.environ.items() if name in KEPT}
        self.environment: dict[str, str] = {
            **inherited,
            "HOME": str(home),
            "XDG_CONFIG_HOME": str(home / ".config"),
            "XDG_DATA_HOME": str(home / ".local/share"),
            "XDG_STATE_HOME": str(home / ".local/state"),
            "XDG_CACHE_HOME": str(home / ".cache"),
            "XDG_RUNTIME_DIR": str(self.root / "run"),
            "DBUS_SESSION_BUS_ADDRESS": f"unix:path={self.root}/run/bus",
            **(environment or {}),
        }
        self._group = ControlGroup(self.root.name)
        self._process: subprocess.Popen[bytes] | None = None
        self._undo = contextlib.ExitStack()

    @property
    def unit_folder(self) -> Path:
        """Where units of programs installed in the home directory go (systemd.unit(5))."""
        return Path(self.environment["XDG_DATA_HOME"], "systemd/user")

    @property
    def activation_folder(self) -> Path:
        """Where the session bus looks for services to activate."""
        return Path(self.environment["XDG_DATA_HOME"], "dbus-1/services")

    @property
    def log_file(self) -> Path:
        """What the service of `install()` wrote to stdout and stderr (there is no journald here)."""
        return self.root / "service.log"

    def start(self) -> None:
        """Return when basic.target and the bus socket are up; raises RuntimeError when it takes too long."""
        self._make_folders()
        self._undo.enter_context(pretend_booted())
        self._group.create()
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ready:
            ready.bind(str(self.root / "notify"))
            ready.settimeout(START_SECONDS)
            self._process = self._spawn()
            try:
                while b"READY=1" not in ready.recv(65536).splitlines():
                    pass
            except TimeoutError:
                raise RuntimeError(
                    f"systemd --user did not start; exit status: {self._process.poll()}"
                ) from None
        self.systemctl("start", "dbus.socket")

    def _make_folders(self) -> None:
        Path(self.environment["XDG_RUNTIME_DIR"]).mkdir(mode=0o700)
        masked = Path(self.environment["XDG_CONFIG_HOME"], "systemd/user")
        for folder in (masked, self.unit_folder, self.activation_folder):
            folder.mkdir(parents=True)
        for name in MASKED:
            for kind in ("service", "socket"):
                (masked / f"{name}.{kind}").symlink_to("/dev/null")

    def _spawn(self) -> subprocess.Popen[bytes]:
        own = {**self.environment, "NOTIFY_SOCKET": str(self.root / "notify")}
        assigned = [f"{name}={value}" for name, value in own.items()]
        # It logs to the journal, the kernel or /dev/console, never to stderr: ask `show()` instead.
        command = [MANAGER, "--user", "--unit=basic.target", "--log-target=null"]
        return subprocess.Popen(
            [*self._group.launcher(), "env", "-i", *assigned, *command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            preexec_fn=self._group.enter,
            start_new_session=True,
        )

    def stop(self) -> None:
        """Let the manager stop its units, then end what is left of its control group."""
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(timeout=15)
            self._process.kill()
            self._process.wait()
            self._process = None
        self._group.remove()
        self._undo.close()
        shutil.rmtree(self.root, ignore_errors=True)

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def install(
        self,
        commands: Path,
        *,
        service: Mapping[str, str] | None = None,
        unit: Mapping[str, str] | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """Install the tree's unit and activation files; `commands` is the folder that holds `chatttsd`.

        `service` and `unit` are directives of a drop-in over [Service] and [Unit] ("RestartSec": "100ms");
        `environment` reaches the service, and so does the file that `log()` reads as its output.
        """
        text = (UNITS / UNIT).read_text().replace("@BINDIR@", str(commands))
        (self.unit_folder / UNIT).write_text(text)
        for name in (BUS_NAME, SPIEL_NAME):
            shutil.copy(UNITS / f"{name}.service", self.activation_folder)
        output = {"StandardOutput": f"append:{self.log_file}", "StandardError": f"append:{self.log_file}"}
        lines = ["[Unit]", *_directives(unit or {}), "[Service]", *_directives({**output, **(service or {})})]
        lines += [f'Environment="{name}={value}"' for name, value in (environment or {}).items()]
        drop_in = self.unit_folder / f"{UNIT}.d" / "test.conf"
        drop_in.parent.mkdir(exist_ok=True)
        drop_in.write_text("\n".join(lines) + "\n")
        self.systemctl("daemon-reload")
        self.reload_bus()

    def run(
        self, command: Sequence[str], *, check: bool = False, timeout: float = 30
    ) -> subprocess.CompletedProcess[str]:
        """Run a command in this session's environment and return its captured output."""
        return subprocess.run(
            command, env=self.environment, capture_output=True, text=True, check=check, timeout=timeout
        )

    def begin(self, command: Sequence[str]) -> subprocess.Popen[str]:
        """Start a command in this session's environment; the caller waits for it."""
        pipe = subprocess.PIPE
        return subprocess.Popen(command, env=self.environment, stdout=pipe, stderr=pipe, text=True)

    def systemctl(self, *arguments: str) -> str:
        """Return the output of `systemctl --user …`; raises CalledProcessError when it fails."""
        return self.run(["systemctl", "--user", "--no-pager", *arguments], check=True).stdout

    def busctl(self, *arguments: str) -> str:
        """Return the output of `busctl --user …`; raises CalledProcessError when it fails."""
        return self.run(["busctl", "--user", *arguments], check=True).stdout.strip()

    def reload_bus(self) -> None:
        """Make the session bus read its activation files again."""
        bus = ("org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus")
        self.busctl("call", *bus, "ReloadConfig")

    @staticmethod
    def call(member: str, *arguments: str, reply_timeout_ms: int = 25_000) -> list[str]:
        """Return a `dbus-send` command line that calls a method of chatttsd, for `run` or `begin`."""
        options = ["--session", "--print-reply=literal", f"--reply-timeout={reply_timeout_ms}"]
        return ["dbus-send", *options, f"--dest={BUS_NAME}", OBJECT_PATH, f"{INTERFACE}.{member}", *arguments]

    def show(self, name: str, unit: str = UNIT) -> str:
        """Return one property of a unit, such as "ActiveState", "MainPID", "NRestarts" or "Result"."""
        return self.systemctl("show", "--value", f"--property={name}", unit).strip()

    def main_pid(self) -> int:
        """Return the process id of the running service, 0 when there is none."""
        return int(self.show("MainPID"))

    def wait_until(self, condition: Callable[[], bool], what: str, seconds: float = 20) -> None:
        """Return when `condition` holds; raises AssertionError with `what`, state and log after `seconds`."""
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                state = self.systemctl("show", "--property=ActiveState,SubState,Result,NRestarts", UNIT)
                raise AssertionError(f"not within {seconds} s: {what}\n{state}{self.log()}")
            time.sleep(0.02)

    def wait_for(self, name: str, value: str, seconds: float = 20) -> None:
        """Return when a property of the service has this value."""
        self.wait_until(lambda: self.show(name) == value, f"{name}={value}", seconds)

    def log(self) -> str:
        """Return what the service has written so far."""
        return self.log_file.read_text(errors="replace") if self.log_file.exists() else ""


def _directives(settings: Mapping[str, str]) -> list[str]:
    return [f"{name}={value}" for name, value in settings.items()]
