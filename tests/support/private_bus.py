"""A real dbus-daemon of the test's own: nothing of the user's session is seen or disturbed."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

CONFIGURATION = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>{kind}</type>
  <listen>unix:path={socket}</listen>
  <auth>EXTERNAL</auth>
{services}
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
  <limit name="max_incoming_bytes">1000000000</limit>
  <limit name="max_incoming_unix_fds">250000000</limit>
  <limit name="max_outgoing_bytes">1000000000</limit>
  <limit name="max_outgoing_unix_fds">250000000</limit>
  <limit name="max_message_size">1000000000</limit>
  <limit name="max_message_unix_fds">4096</limit>
  <limit name="service_start_timeout">{activation_timeout_ms}</limit>
  <limit name="max_completed_connections">100000</limit>
  <limit name="max_incomplete_connections">10000</limit>
  <limit name="max_connections_per_user">100000</limit>
  <limit name="max_pending_service_starts">10000</limit>
  <limit name="max_names_per_connection">50000</limit>
  <limit name="max_match_rules_per_connection">50000</limit>
  <limit name="max_replies_per_connection">50000</limit>
</busconfig>
"""
VARIABLES = {"session": "DBUS_SESSION_BUS_ADDRESS", "system": "DBUS_SYSTEM_BUS_ADDRESS"}


class PrivateBus:
    """A dbus-daemon with its own socket; the limits are those of a desktop's session bus.

    `activation` is a folder of `*.service` files (it may be filled before or after the start);
    `kind` chooses the environment variable that names the bus. Use it as a context manager.
    """

    def __init__(
        self,
        activation: Path | None = None,
        kind: Literal["session", "system"] = "session",
        activation_timeout_ms: int = 120_000,
    ) -> None:
        self.kind = kind
        self.variable = VARIABLES[kind]
        self._folder = Path(tempfile.mkdtemp(prefix="chatttsd-bus-"))
        self._socket = self._folder / "bus"
        self._configuration = self._folder / "bus.conf"
        services = f"  <servicedir>{activation}</servicedir>" if activation else ""
        self._configuration.write_text(
            CONFIGURATION.format(
                kind=kind,
                socket=self._socket,
                services=services,
                activation_timeout_ms=activation_timeout_ms,
            )
        )
        self._process: subprocess.Popen[str] | None = None
        # Without the guid that dbus-daemon prints: that one changes with every restart.
        self.address = f"unix:path={self._socket}"

    @property
    def environment(self) -> dict[str, str]:
        """A whole environment for a child process whose bus this is."""
        others = {name: value for name, value in os.environ.items() if not name.startswith("DBUS_")}
        return {**others, self.variable: self.address}

    @property
    def pid(self) -> int:
        """The process id of the running dbus-daemon."""
        assert self._process is not None, "the bus is not running"
        return self._process.pid

    def start(self) -> None:
        """Return when the dbus-daemon accepts connections; raises RuntimeError with its stderr."""
        self._socket.unlink(missing_ok=True)
        complaints = self._folder / "stderr"
        with complaints.open("w") as stderr:
            self._process = subprocess.Popen(
                ["dbus-daemon", "--nofork", "--print-address=1", f"--config-file={self._configuration}"],
                stdout=subprocess.PIPE,
                stderr=stderr,
                text=True,
                env={name: value for name, value in os.environ.items() if not name.startswith("DBUS_")},
            )
        assert self._process.stdout is not None
        with self._process.stdout as stdout:
            started = stdout.readline().strip()
        if not started:
            self.kill()
            raise RuntimeError(f"dbus-daemon did not start: {complaints.read_text()}")

    def kill(self) -> None:
        """End the dbus-daemon at once, as a crash would; harmless when it is gone already."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def restart(self) -> None:
        """Kill it and start a fresh one at the same path; old connections are lost."""
        self.kill()
        self.start()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()
        shutil.rmtree(self._folder, ignore_errors=True)
