"""`chatttsctl speechd install`, `remove` and `status`."""

import re
from argparse import Namespace
from collections.abc import Sequence
from typing import Final

from chatttsd.ctl import output
from chatttsd.ctl.doctor.command import describe
from chatttsd.ctl.exits import CommandError, Exit
from chatttsd.ctl.speechd import places, server, status
from chatttsd.ctl.speechd.configuration import Choices
from chatttsd.ctl.speechd.places import MODULE, Places
from chatttsd.ctl.speechd.setup import Change, Setup

_TAG: Final = re.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*")
_MODULE: Final = re.compile(r"[A-Za-z0-9_.-]+")


def run_install(arguments: Namespace) -> int:
    """Put the module where speech-dispatcher finds it, and choose it where that was asked for."""
    where = places.places()
    setup = Setup(where, places.program())
    choices = chosen(arguments.default, arguments.language)
    placed = setup.place()
    if not places.installed(where):
        output.note(f"speech-dispatcher is not installed; its packages: {places.INSTALL}")
    change = setup.configure(choices)
    _tell(arguments.json, f"{where.module}{'' if placed else ' was there already'}", placed, change, where)
    if choices and choices.languages and not choices.default and set(choices.languages.values()) == {MODULE}:
        output.note(
            "speech-dispatcher stays with a language's module until a language names another: "
            "add for example --language en=espeak-ng"
        )
    return Exit.OK


def run_remove(arguments: Namespace) -> int:
    """Take the module out; speechd.conf becomes what it was before."""
    where = places.places()
    setup = Setup(where, places.program())
    change = setup.restore()
    gone = setup.unplace()
    _tell(arguments.json, f"removed {where.module}" if gone else "no module was there", gone, change, where)
    return Exit.OK


def run_status(arguments: Namespace) -> int:
    """Tell point by point what is found; exit code 1 when the module cannot be used."""
    findings = status.look(places.places())
    healthy = all(finding.level != "fail" for finding in findings)
    if arguments.json:
        output.record({"ok": healthy, "findings": [finding.as_json() for finding in findings]})
    else:
        for finding in findings:
            output.line(describe(finding))
    return Exit.OK if healthy else Exit.FAILURE


def chosen(default: bool, languages: Sequence[str] | None) -> Choices | None:
    """Return the choices of a command line, None when it makes none; raises CommandError (2)."""
    if not default and not languages:
        return None
    pairs = (entry.partition("=") for entry in languages or ())
    named = {tag: module if equals else MODULE for tag, equals, module in pairs}
    for tag, module in named.items():
        if not _TAG.fullmatch(tag) or not _MODULE.fullmatch(module):
            raise CommandError(
                f"--language: got '{output.clean(f'{tag}={module}', 60)}', allowed: a tag such as zh, "
                "or a tag and a module of speech-dispatcher such as en=espeak-ng",
                Exit.USAGE,
            )
    return Choices(default, named)


def _tell(as_json: bool, first: str, changed: bool, change: Change, where: Places) -> None:
    running = server.find(where.runtime) if changed or change.path else None
    restart = running.restart if running else None
    if as_json:
        told = {"module": str(where.module), "changed": changed or change.path is not None}
        output.record({**told, "configuration": change.told, "restart": restart})
        return
    output.line(first)
    output.line(change.told)
    if change.edited:
        output.note("speechd.conf was not as chatttsctl had left it; please look at it")
    if restart:
        output.line(f"the running speech-dispatcher takes it over after: {restart}")
