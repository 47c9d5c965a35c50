"""Runs every check and prints what it found."""

import sys
from argparse import Namespace
from collections.abc import Awaitable, Callable
from inspect import isawaitable
from typing import Final

from chatttsd.ctl import output, session
from chatttsd.ctl.doctor import audio, engine, host, service
from chatttsd.ctl.doctor.finding import Finding, fail
from chatttsd.ctl.exits import Exit
from chatttsd.ctl.speechd import status
from chatttsd.ctl.speechd.places import places
from chatttsd.ctl.target import Target, choose

Check = Callable[[], list[Finding] | Awaitable[list[Finding]]]

_COLOURS: Final = {"ok": 32, "warn": 33, "fail": 31}


def run(arguments: Namespace) -> int:
    """Print one line a finding; exit code 1 when something fails."""
    target = choose(arguments.system)
    return session.run(lambda: _diagnose(checks(target), arguments.json))


def checks(target: Target) -> dict[str, Check]:
    """Return all checks by name, in the order in which they are told."""
    return {
        "Python": host.check_python,
        "C library": host.check_libc,
        "configuration": host.check_configuration,
        "unit": lambda: service.check_unit(target),
        "activation file": lambda: service.check_activation(target),
        "daemon": lambda: service.check_daemon(target),
        "PortAudio": audio.check_portaudio,
        "sound server": audio.check_sound_server,
        "sound cards": audio.check_cards,
        "espeak-ng": engine.check_espeak,
        "torch": engine.check_model_libraries,
        "GPU": engine.check_gpu,
        "speech-dispatcher": lambda: status.summarise(places()),
    }


async def _diagnose(all_checks: dict[str, Check], as_json: bool) -> int:
    findings: list[Finding] = []
    for name, check in all_checks.items():
        found = await examine(name, check)
        findings += found
        if not as_json:
            for finding in found:
                output.line(describe(finding))
    healthy = all(finding.level != "fail" for finding in findings)
    if as_json:
        output.record({"ok": healthy, "findings": [finding.as_json() for finding in findings]})
    return Exit.OK if healthy else Exit.FAILURE


async def examine(name: str, check: Check) -> list[Finding]:
    """Run one check; its own fault is a finding too, so that the others are still told."""
    try:
        found = check()
        return await found if isawaitable(found) else found
    except Exception as error:
        return [fail(name, f"the check itself broke ({type(error).__name__})", "please report this")]


def describe(finding: Finding) -> str:
    """Return one line: the level (coloured on a terminal), the finding, how to mend it."""
    level = output.paint(f"{finding.level:<4}", _COLOURS[finding.level], sys.stdout)
    return f"{level}  {output.clean(finding.line(), 1000)}"
