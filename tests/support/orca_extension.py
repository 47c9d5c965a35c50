"""The chatttsd extension of Orca in a process of its own, hosted by a stand-in for Orca 51 (`orca_host`)."""

import contextlib
import json
import queue
import subprocess
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from support.pulse import wait_for

EXTENSION: Final = Path(__file__).parents[2] / "daemon" / "chatttsd" / "doors" / "orca" / "extension.py"
SYSTEM_PYTHON: Final = "/usr/bin/python3"
"""Orca runs in the distribution's Python, which has GObject introspection (python3-gi)."""
_HERE: Final = Path(__file__).parent
_ANSWER: Final = 20.0


class OrcaHost:
    """A running host; `said` is what Orca's own voice was left with."""

    def __init__(self, environment: Mapping[str, str], extension: Path = EXTENSION) -> None:
        self.said: list[str] = []
        self._answers: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        self._number = 0
        self._process = subprocess.Popen(
            [SYSTEM_PYTHON, "-P", "-B", str(_HERE / "orca_host.py"), str(extension)],
            env={**environment, "PYTHONPATH": str(_HERE / "orca_stand_in")},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            value = json.loads(line)
            if "orca" in value:
                self.said.append(value["orca"])
            else:
                self._answers.put(value)
        self._answers.put({"done": "Orca has ended"})

    def do(self, **command: Any) -> bool:  # noqa: ANN401 - JSON
        """Give a command, wait until it was carried out, and return whether the extension sees the daemon."""
        assert self._process.stdin is not None
        self._number += 1
        self._process.stdin.write(json.dumps({**command, "number": self._number}) + "\n")
        self._process.stdin.flush()
        answer = self._answers.get(timeout=_ANSWER)
        assert answer["done"] == self._number
        return bool(answer["there"])

    def present(self, *texts: str) -> list[str]:
        """Have Orca present texts as one presentation and return those that Orca's own voice got."""
        before = len(self.said)
        self.do(present=texts)
        return self.said[before:]

    def wait_there(self, there: bool = True) -> None:
        """Wait until the extension sees the daemon, or sees that it is gone."""
        wait_for(lambda: self.do() is there, f"the extension to see that the daemon is there: {there}")

    def close(self) -> int:
        """End the host as Orca's end would; returns its exit status."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        try:
            code = self._process.wait(_ANSWER)
        finally:
            self._process.kill()
            self._process.wait()
        self._thread.join()
        self._process.stdout.close()
        return code


@contextlib.contextmanager
def orca_host(environment: Mapping[str, str]) -> Iterator[OrcaHost]:
    """A host for a `with` block."""
    host = OrcaHost(environment)
    try:
        yield host
    finally:
        host.close()
