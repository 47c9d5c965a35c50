"""The composition root of the daemon: builds everything in order, stops it in reverse."""

import argparse
import asyncio
import faulthandler
import logging
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from time import monotonic
from typing import Any

from dbus_next.errors import AuthError, InvalidAddressError

from chatttsd import __version__
from chatttsd.audio.output import PortAudioOutput
from chatttsd.bus.mpris_presence import MediaControls
from chatttsd.bus.notifier import PropertyNotifier
from chatttsd.bus.server import ObjectServer
from chatttsd.bus.speech1 import Speech1
from chatttsd.bus.spiel_door import SpielDoor
from chatttsd.bus.transport import NameTakenError
from chatttsd.config import Config, ConfigError, load
from chatttsd.constants import BUS_NAME, OBJECT_PATH
from chatttsd.engine.client import worker_command
from chatttsd.engine.directory import EngineDirectory
from chatttsd.engine.model_setup import Command
from chatttsd.platform import journal
from chatttsd.platform.notify import ServiceManager
from chatttsd.platform.stderr import StderrCapture
from chatttsd.service import Events, Service
from chatttsd.speech.statistics import Statistics

_LOGGER = logging.getLogger("chatttsd")
_SPEAKING = ("State", "Current", "QueueLength", "Reason")
_WATCHED = (*_SPEAKING, "ModelState", "Engine", "Voices", "DefaultVoice", "Rate", "Volume")

_JOIN_SECONDS = 15.0
"""Less than the 25 s for which a caller that activated the service waits."""


class Daemon:
    """All parts of the daemon and what joins them."""

    def __init__(
        self,
        config: Config,
        config_file: Path | None,
        notice: str,
        log: journal.Handler,
        command: Command = worker_command,
    ) -> None:
        self._log = log
        self._told_progress = ""
        self._manager = ServiceManager(os.environ)
        statistics = Statistics()
        self._output = PortAudioOutput(
            config.audio,
            on_reason=lambda _: self._touch("Reason"),
            on_underrun=statistics.underrun,
            clock=monotonic,
        )
        self._engines = EngineDirectory(
            config.speech.engine,
            config.worker,
            config.chattts,
            config.cache,
            on_change=self._engines_changed,
            on_restart=statistics.restarted,
            figures=statistics.cache,
            command=command,
        )
        events = Events(
            self._started, self._progress, self._mark, self._finished, self._touch, self._configured
        )
        self._service = Service(config, config_file, self._output, self._engines, statistics, events)
        self._service.notice = notice
        self._speech = Speech1(self._service, config.limits.text_characters)
        self._server = ObjectServer(config.limits, _longest_message(config))
        self._server.export(OBJECT_PATH, self._speech)
        self._spiel = SpielDoor(self._service, self._server, config.limits.text_characters)
        self._notifier = PropertyNotifier(self._speech.get, self._emit_changed)
        self._controls = MediaControls(
            self._service, self._server, config.desktop.mpris_min_characters, monotonic
        )

    async def run(self, *, system: bool) -> int:
        """Serve until a signal or the end of the bus; returns the exit code."""
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        if not await self._joined(stop, system=system):
            return 0
        self._manager.ready()
        self._show_status()
        _LOGGER.info("chatttsd %s is on the bus", __version__)
        if self._service.model_state == "absent":  # nobody looks for a change of that
            self._log_reason()
        capture = StderrCapture(lambda line: _LOGGER.debug("library: %s", line), monotonic)
        capture.start(loop)
        self._log.setStream(capture.stream)
        faulthandler.enable(capture.stream)
        try:
            return await self._serve(stop)
        finally:
            faulthandler.disable()
            self._log.setStream(sys.stderr)
            capture.close()

    async def _joined(self, stop: asyncio.Event, *, system: bool) -> bool:
        """Join the bus; False when a signal came first. Raises OSError when the bus does not answer."""
        joining = asyncio.create_task(self._join_bus(system=system))
        asked = asyncio.create_task(stop.wait())
        await asyncio.wait({joining, asked}, timeout=_JOIN_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        asked.cancel()
        if joining.done():
            await joining
            return True
        joining.cancel()
        await asyncio.wait({joining})
        if stop.is_set():
            return False
        raise TimeoutError(f"it did not answer within {_JOIN_SECONDS:g} s")

    async def _join_bus(self, *, system: bool) -> None:
        connection = self._server.connection
        await connection.connect(system=system)
        await connection.watch_leavers(self._sender_left)
        self._notifier.start_from(*_WATCHED)
        if not system:
            self._controls.export()
        await connection.own_name(BUS_NAME)
        if not system:
            await self._spiel.open()

    async def _serve(self, stop: asyncio.Event) -> int:
        lost = asyncio.create_task(self._server.connection.wait_lost())
        asked = asyncio.create_task(stop.wait())
        helpers = [
            asyncio.create_task(work)
            for work in (self._service.run(), self._engines.start(), self._output.probe(), self._watchdog())
        ]
        done, _ = await asyncio.wait([lost, asked, helpers[0]], return_when=asyncio.FIRST_COMPLETED)
        self._manager.stopping()
        await self._service.close()
        for task in (lost, asked, *helpers):
            task.cancel()
        await asyncio.gather(lost, asked, *helpers, return_exceptions=True)
        await self._engines.stop()
        self._controls.close()
        await self._server.close()
        return self._exit_code(done, lost, asked)

    def _exit_code(self, done: set[asyncio.Task[Any]], lost: object, asked: object) -> int:
        if asked in done:
            return 0
        if lost in done:
            _LOGGER.error("the connection to the bus is lost")
        else:
            _LOGGER.error("the speech loop ended", exc_info=done.pop().exception())
        return 1

    async def _watchdog(self) -> None:
        """Ping the service manager from the event loop, which proves that the loop runs."""
        interval = self._manager.ping_seconds
        while interval:
            self._manager.ping()
            await asyncio.sleep(interval)

    def _sender_left(self, sender: str) -> None:
        self._server.sender_left(sender)
        self._service.sender_left(sender)

    def _started(self, utterance_id: int) -> None:
        self._server.emit(OBJECT_PATH, self._speech, "Started", utterance_id)
        self._controls.started(utterance_id)

    def _progress(self, utterance_id: int, start: int, end: int) -> None:
        self._server.emit(OBJECT_PATH, self._speech, "Progress", utterance_id, start, end)

    def _mark(self, sender: str, utterance_id: int, name: str) -> None:
        self._server.emit_to(sender, OBJECT_PATH, self._speech, "Mark", utterance_id, name)

    def _finished(self, utterance_id: int, outcome: str) -> None:
        self._server.emit(OBJECT_PATH, self._speech, "Finished", utterance_id, outcome)

    def _touch(self, *names: str) -> None:
        self._notifier.touch(*names)
        self._controls.changed()

    def _engines_changed(self) -> None:
        self._touch("Engine", "ModelState", "Reason", "Voices")
        self._spiel.voices_changed()
        if self._engines.progress != self._told_progress:
            self._told_progress = self._engines.progress
            self._show_status()

    def _emit_changed(self, *names: str) -> None:
        self._server.properties_changed(OBJECT_PATH, self._speech, *names)
        if "Reason" in names:
            self._log_reason()
        self._show_status()

    def _log_reason(self) -> None:
        if reason := self._service.reason:
            expected = reason == self._engines.reason and self._engines.expected
            _LOGGER.log(logging.INFO if expected else logging.WARNING, "%s", reason)

    def _show_status(self) -> None:
        service = self._service
        parts = [service.state, service.engine]
        if service.queue_length:
            parts.append(f"{service.queue_length} waiting")
        if self._engines.progress:
            parts.append(self._engines.progress)
        self._manager.status(", ".join(parts) + (f" ({service.reason})" if service.reason else ""))

    def _configured(self, config: Config) -> None:
        logging.getLogger().setLevel(config.logging.level.upper())
        self._output.configure(config.audio)
        self._engines.configure(config.worker, config.chattts, config.cache)
        self._server.configure(config.limits, _longest_message(config))
        self._speech.text_limit = config.limits.text_characters
        self._spiel.configure(config.limits.text_characters)
        self._controls.configure(config.desktop.mpris_min_characters)


def _longest_message(config: Config) -> int:
    """Return the bytes of the longest call that can be right: UTF-8 text, options and head."""
    return config.limits.text_characters * 4 + 2**16


def _arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="chatttsd", description="Speak texts that come over D-Bus.")
    parser.add_argument(
        "--config", type=Path, metavar="FILE", help="read this instead of the usual config.toml"
    )
    parser.add_argument(
        "--system", action="store_true", help="serve the system bus instead of the session bus"
    )
    parser.add_argument("--version", action="version", version=f"chatttsd {__version__}")
    return parser.parse_args(arguments)


def _open_standard_streams() -> None:
    """Give descriptors 0 to 2 to /dev/null where they are closed: nothing else may get their numbers."""
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    if sys.stderr is None:
        sys.stderr = os.fdopen(2, "w")


def _load(path: Path | None) -> tuple[Config, str]:
    """Return the configuration; a bad file must not make the voice mute, so defaults and a notice."""
    try:
        return load(path), ""
    except ConfigError as error:
        return Config(), f"the configuration is not used, defaults are: {error}"


def main(arguments: Sequence[str] | None = None, command: Command = worker_command) -> int:
    """Run the daemon; returns 0 after SIGTERM, 1 without a bus, with the name taken or the bus lost.

    `command` makes the command lines of its workers.
    """
    _open_standard_streams()
    options = _arguments(arguments)
    config, notice = _load(options.config)
    log = journal.set_up(config.logging.level, os.environ)
    if notice:
        _LOGGER.error("%s", notice)
    daemon = Daemon(config, options.config, notice, log, command)
    try:
        return asyncio.run(daemon.run(system=options.system))
    except NameTakenError as error:
        _LOGGER.error("%s: chatttsd is running already", error)  # noqa: TRY400 - one clear line
    except (OSError, AuthError, InvalidAddressError) as error:
        _LOGGER.error("there is no D-Bus to serve: %s", error)  # noqa: TRY400 - likewise
    except Exception:
        _LOGGER.exception("chatttsd ends")
    return 1


if __name__ == "__main__":
    sys.exit(main())
