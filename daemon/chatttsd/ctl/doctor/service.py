"""Checks of the bus, the unit, the activation file and the daemon itself."""

import configparser
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from chatttsd import __version__
from chatttsd.constants import BUS_NAME
from chatttsd.ctl import guard, model_step, output, unit
from chatttsd.ctl.bus import Speech, connect
from chatttsd.ctl.doctor.finding import Finding, fail, ok, warn
from chatttsd.ctl.exits import CommandError
from chatttsd.ctl.target import Target

ANSWER_TIMEOUT: Final = 10.0
"""Seconds that the daemon may take to start and answer."""
INSTALL: Final = "./packaging/install.sh"
_RELOAD: Final = "log in again, or make the bus of this session read its files: ReloadConfig"


def check_unit(target: Target) -> list[Finding]:
    """Whether systemd knows the unit, starts it at login, and has not given up on it."""
    what = f"unit {target.unit}"
    state = unit.show(target)
    if state is None:
        mend = f"start the daemon by hand: {unit.by_hand(target)}" if target.has_address(os.environ) else ""
        return [warn("systemd", f"no systemd {target.bus} manager", mend)]
    if state.masked:
        return [fail(what, state.describe(), target.advise("unmask", "start"))]
    if not state.installed:
        return [warn(what, state.describe(), INSTALL)]
    if state.failed:
        return [fail(what, state.describe(), f"{target.advise('reset-failed', 'start')}; {target.journal()}")]
    findings = [ok(what, state.describe())]
    if state.file_state == "disabled":
        detail = "disabled: it starts with the first call, not at login"
        findings.append(warn(what, detail, target.advise("enable")))
    return findings


async def check_activation(target: Target, environment: Mapping[str, str] = os.environ) -> list[Finding]:
    """Whether the bus can start the daemon, and its activation file does so through the unit."""
    try:
        async with connect(target, ANSWER_TIMEOUT) as speech:
            known, systemd = await speech.activatable(), await speech.bus_has_systemd()
    except CommandError:
        # That the bus cannot be reached is a finding of check_daemon.
        return check_files(target, environment)
    files = check_files(target, environment)
    if not known:
        unread = files[0].level != "ok"
        return files if unread else [warn("activation", "the bus has not read the activation file", _RELOAD)]
    if not systemd:
        detail = f"no systemd on this bus: {target.unit} cannot be started"
        return [warn("activation", detail, f"start the daemon by hand: {unit.by_hand(target)}")]
    return [
        ok("activation", "the bus can start the daemon"),
        *(each for each in files if each.mend != INSTALL),
    ]


def check_files(target: Target, environment: Mapping[str, str]) -> list[Finding]:
    """Whether there is an activation file where a bus looks by default, and what it would start."""
    what = "activation file"
    found = [path for folder in _folders(target, environment) for path in _files(folder)]
    if not found:
        return [warn(what, f"no {BUS_NAME}.service for the {target.bus} bus", INSTALL)]
    service = _service(found[0])
    named = service.get("SystemdService", "")
    if service.get("Name") != BUS_NAME:
        return [fail(what, f"{found[0]} names {service.get('Name', 'nothing')}, not {BUS_NAME}", INSTALL)]
    if named != target.unit:
        shown = named or "no unit"
        return [warn(what, f"{found[0]} starts {shown}, not {target.unit}", f"{INSTALL} (or edit it)")]
    return [ok(what, f"{found[0]} starts {named}")]


def _folders(target: Target, environment: Mapping[str, str]) -> Iterator[Path]:
    """Yield where dbus-daemon(1) looks, in its order."""
    if target.system:
        roots, leaf = ["/usr/local/share", "/usr/share", "/lib"], "system-services"
        yield Path("/etc/dbus-1/system-services")
    else:
        home = environment.get("XDG_DATA_HOME") or str(Path.home() / ".local/share")
        shared = environment.get("XDG_DATA_DIRS") or "/usr/local/share:/usr/share"
        roots, leaf = [home, *shared.split(":")], "services"
        if environment.get("XDG_RUNTIME_DIR"):
            yield Path(environment["XDG_RUNTIME_DIR"]) / "dbus-1/services"
    for root in roots:
        yield Path(root) / "dbus-1" / leaf


def _files(folder: Path) -> list[Path]:
    path = folder / f"{BUS_NAME}.service"
    return [path] if path.is_file() else []


def _service(path: Path) -> Mapping[str, str]:
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    parser.optionxform = str  # type: ignore[assignment,method-assign]  # D-Bus keys are case sensitive
    try:
        parser.read(path, encoding="utf-8")
        return dict(parser["D-BUS Service"])
    except (configparser.Error, KeyError, OSError, UnicodeDecodeError):
        return {}


async def check_daemon(target: Target) -> list[Finding]:
    """Whether the bus can be reached, and the daemon on it answers with this command's version."""
    what = f"{target.bus} bus"
    try:
        async with connect(target, ANSWER_TIMEOUT) as speech:
            return [ok(what, "reachable"), *await _check_answer(speech, target)]
    except CommandError as error:
        return [fail(what, str(error), "run this in a desktop session, or under dbus-run-session")]


async def _check_answer(speech: Speech, target: Target) -> list[Finding]:
    try:
        await guard.require(speech, target, start=True)
        version = str(await speech.property("Version", start=True))
        properties = await speech.properties()
    except CommandError as error:
        # The rest of the message is what the other findings and the mend say.
        detail = str(error).partition("\n")[0].partition("; ")[0]
        return [fail("daemon", detail, unit.next_step(target, unit.show(target)))]
    return [_version(version, target), _voice(properties)]


def _version(version: str, target: Target) -> Finding:
    if version == __version__:
        return ok("daemon", f"answers, version {version}")
    detail = f"runs version {version}, this command is {__version__}"
    return warn("daemon", detail, target.advise("restart"))


def _voice(properties: Mapping[str, object]) -> Finding:
    detail = (
        f"{properties.get('Engine', 'nobody')} speaks, the model is {properties.get('ModelState', 'unknown')}"
    )
    figures = properties.get("Statistics")
    if isinstance(figures, Mapping) and (on := output.clause(figures.get("engine_detail", ""))):
        detail += f" ({on})"
    reason = output.clause(properties.get("Reason", ""))
    if not reason:
        return ok("voice", detail)
    return warn("voice", f"{detail}: {reason}", model_step.next_step(properties))
