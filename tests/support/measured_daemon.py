"""The real daemon with a probe of its event loop: prints `LAG <ms>` to stderr, the worst since the last one.

`python measured_daemon.py ARGUMENTS…` is `chatttsd ARGUMENTS…`; SIGUSR1 asks for the line.
"""

import asyncio
import signal
import sys
import time

from chatttsd import app


class MeasuredDaemon(app.Daemon):
    """Notes how late a timer of 2 ms comes."""

    _worst = 0.0

    async def _watchdog(self) -> None:
        asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, self._tell)
        while True:
            due = time.monotonic() + 0.002
            await asyncio.sleep(0.002)
            self._worst = max(self._worst, time.monotonic() - due)

    def _tell(self) -> None:
        self._log.stream.write(f"LAG {self._worst * 1000:.1f}\n")
        self._log.stream.flush()
        self._worst = 0.0


if __name__ == "__main__":
    app.Daemon = MeasuredDaemon  # type: ignore[misc]  # the composition root builds this one instead
    sys.exit(app.main())
