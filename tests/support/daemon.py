"""The real daemon as a child process on a private bus, with or without a real PulseAudio."""

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Self

import psutil
from jeepney import DBusAddress, MatchRule, Message, MessageType, new_method_call
from jeepney.bus_messages import message_bus
from jeepney.io.blocking import DBusConnection, open_dbus_connection

from chatttsd.constants import BUS_NAME, INTERFACE, OBJECT_PATH
from support.private_bus import PrivateBus
from support.pulse import wait_for

PROPERTIES = "org.freedesktop.DBus.Properties"
Event = tuple[str, tuple[Any, ...]]


class CallError(Exception):
    """A D-Bus error reply: `name` and message."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(f"{name}: {message}")
        self.name = name
        self.message = message


class Client:
    """A blocking client of the daemon's interface; `events` holds every signal since `listen`."""

    def __init__(self, address: str, *, enable_fds: bool = False) -> None:
        self.connection: DBusConnection = open_dbus_connection(address, enable_fds=enable_fds)
        self.address = address
        self.events: list[Event] = []
        self._listener: DBusConnection | None = None
        self._thread: threading.Thread | None = None
        self._arrived = threading.Condition()

    @property
    def name(self) -> str:
        """The unique name on the bus."""
        return str(self.connection.unique_name)

    def call(
        self, member: str, signature: str = "", *body: object, interface: str = INTERFACE, timeout: float = 30
    ) -> Any:  # noqa: ANN401 - whatever the method returns
        """Call a method and return its result (a tuple if there are several); raises CallError."""
        address = DBusAddress(OBJECT_PATH, BUS_NAME, interface)
        message = new_method_call(address, member, signature or None, body)
        reply = self.connection.send_and_get_reply(message, timeout=timeout)
        if reply.header.message_type is MessageType.error:
            raise CallError(reply.header.fields[4], str(reply.body[0]) if reply.body else "")
        return reply.body[0] if len(reply.body) == 1 else reply.body

    def get(self, name: str) -> Any:  # noqa: ANN401 - whatever type the property has
        """Read a property."""
        return self.call("Get", "ss", INTERFACE, name, interface=PROPERTIES)[1]

    def wait_property(self, name: str, wanted: Callable[[Any], bool], timeout: float = 20) -> None:
        """Read a property every 100 ms, which keeps below the quota of reads, until it is as wanted."""
        deadline = time.monotonic() + timeout
        while not wanted(value := self.get(name)):
            if time.monotonic() > deadline:
                raise TimeoutError(f"{name} is still {value!r} after {timeout} s")
            time.sleep(0.1)

    def speak(self, text: str, **options: str) -> int:
        """Queue an utterance."""
        return int(self.call("SpeakWith", "sa{ss}", text, options))

    def wait(self, utterance: int, timeout: float = 60) -> str:
        """Return an utterance's outcome."""
        return str(self.call("Wait", "u", utterance, timeout=timeout))

    def listen(self) -> Self:
        """Collect the daemon's signals from now on."""
        self._listener = open_dbus_connection(self.address)
        rule = MatchRule(type="signal", path=OBJECT_PATH)
        self._listener.send_and_get_reply(message_bus.AddMatch(rule))
        self._thread = threading.Thread(target=self._collect, args=(self._listener,), daemon=True)
        self._thread.start()
        return self

    def _collect(self, listener: DBusConnection) -> None:
        with contextlib.suppress(Exception):  # the connection is closed under it at the end
            while True:
                self._take(listener.receive())

    def _take(self, message: Message) -> None:
        if message.header.message_type is MessageType.signal:
            with self._arrived:
                self.events.append((message.header.fields[3], message.body))
                self._arrived.notify_all()

    def wait_event(self, name: str, *start: object, timeout: float = 30) -> Event:
        """Return the first signal with this name whose arguments begin like this, waiting for it."""

        def found() -> Event | None:
            return next((e for e in self.events if e[0] == name and e[1][: len(start)] == start), None)

        with self._arrived:
            if not self._arrived.wait_for(lambda: found() is not None, timeout):
                raise TimeoutError(f"no {name}{start} within {timeout} s; came: {self.events[-5:]}")
            event = found()
        assert event is not None
        return event

    def close(self) -> None:
        """Leave the bus."""
        self.connection.close()
        if self._listener is not None and self._thread is not None:
            with contextlib.suppress(OSError):
                self._listener.sock.shutdown(2)
            self._thread.join(10)
            self._listener.close()


class DaemonProcess:
    """`python -m chatttsd.app` with its own home, its log kept in `log`."""

    program: tuple[str, ...] = ("-m", "chatttsd.app")

    def __init__(
        self, bus: PrivateBus, config: str = "", environment: Mapping[str, str] | None = None
    ) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="chatttsd-daemon-")
        self.folder = Path(self._folder.name)
        self.bus = bus
        self._environment = dict(environment or {})
        (self.folder / "config.toml").write_text(config)
        self._log = self.folder / "log"
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def environment(self) -> dict[str, str]:
        """The environment of the daemon and of commands that talk to it."""
        home = str(self.folder)
        places = {
            f"XDG_{kind}_HOME": f"{home}/{kind.lower()}" for kind in ("CONFIG", "DATA", "STATE", "CACHE")
        }
        base = {name: value for name, value in self.bus.environment.items() if name != "XDG_RUNTIME_DIR"}
        return {**base, "HOME": home, **places, **self._environment}

    @property
    def log(self) -> str:
        """Everything the daemon has printed."""
        return self._log.read_text() if self._log.exists() else ""

    @property
    def pid(self) -> int:
        """The daemon's process id."""
        assert self.process is not None
        return self.process.pid

    @property
    def worker(self) -> psutil.Process:
        """The running engine worker; waits for one that is being started."""
        wait_for(lambda: bool(self.workers()), "a worker")
        return self.workers()[0]

    def workers(self, engine: str = "") -> list[psutil.Process]:
        """List the running workers, or those of one engine."""
        found = []
        for child in psutil.Process(self.pid).children():
            with contextlib.suppress(psutil.NoSuchProcess, psutil.ZombieProcess):
                command = child.cmdline()
                if "--engine" in command and engine in ("", command[command.index("--engine") + 1]):
                    found.append(child)
        return found

    def start(self) -> Self:
        """Return when the name is on the bus; raises RuntimeError with the log otherwise."""
        self.launch()
        with self.client() as client:
            wait_for(lambda: self._answers(client), "the daemon's name on the bus", 20)
        return self

    def launch(self) -> None:
        """Start the process without waiting for it."""
        command = [sys.executable, *self.program, "--config", str(self.folder / "config.toml")]
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(
                command, stderr=log, stdout=log, env=self.environment, cwd=self.folder
            )

    def _answers(self, client: Client) -> bool:
        assert self.process is not None
        if self.process.poll() is not None:
            raise RuntimeError(f"the daemon ended with {self.process.returncode}: {self.log}")
        return bool(client.connection.send_and_get_reply(message_bus.NameHasOwner(BUS_NAME)).body[0])

    def handles(self, number: signal.Signals) -> bool:
        """Tell whether the process has a handler for a signal (proc(5), SigCgt)."""
        status = Path(f"/proc/{self.pid}/status").read_text(encoding="ascii")
        caught = int(status.split("SigCgt:")[1].split()[0], 16)
        return bool(caught & 1 << (number - 1))

    @contextlib.contextmanager
    def client(self, *, enable_fds: bool = False) -> Iterator[Client]:
        """A client for a `with` block."""
        client = Client(self.bus.address, enable_fds=enable_fds)
        try:
            yield client
        finally:
            client.close()

    def terminate(self, timeout: float = 10) -> int:
        """Send SIGTERM and return the exit code."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        if self.process is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.terminate()
            if self.process.poll() is None:
                os.kill(self.pid, signal.SIGCONT)
                self.process.kill()
                self.process.wait()
        self._folder.cleanup()
