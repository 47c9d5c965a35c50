"""What `chatttsctl speechd status` looks at: the module, its answer, speechd.conf, the server."""

import os
import subprocess
from typing import Final

from chatttsd.ctl import files
from chatttsd.ctl.doctor.finding import Finding, fail, ok, warn
from chatttsd.ctl.exits import CommandError
from chatttsd.ctl.speechd import configuration, places, server
from chatttsd.ctl.speechd.places import MODULE, Places

_ANSWER: Final = 5.0
"""Seconds in which a module must have answered INIT: the server itself would wait for ever."""
_LOADED: Final = b"299 "
_KEPT: Final = ("HOME", "LANG", "USER", "DBUS_SESSION_BUS_ADDRESS")
_PATH: Final = "/usr/bin:/bin"
"""All that a server started by systemd may have."""
_INSTALL: Final = "chatttsctl speechd install"


def look(where: Places) -> list[Finding]:
    """Return a finding for every point; none of them starts a speech-dispatcher."""
    checks = (check_dispatcher, check_module, check_answer, check_configuration, check_server)
    return [check(where) for check in checks]


def summarise(where: Places) -> list[Finding]:
    """Return what the doctor tells: one line when all is well, else each point that is not.

    Nothing here keeps the daemon itself from speaking, so nothing fails.
    """
    what = "speech-dispatcher"
    if not places.installed(where):
        return [ok(what, "not installed")]
    if not where.module.is_symlink():
        return [ok(what, f"does not know chatttsd; to change that: {_INSTALL}")]
    wrong = [finding for finding in look(where) if finding.level != "ok"]
    told = [warn(f"{what}, {each.what}", each.detail, each.mend) for each in wrong]
    return told or [ok(what, "finds the module")]


def check_dispatcher(where: Places) -> Finding:
    """Whether there is a speech-dispatcher, and which."""
    what = "speech-dispatcher"
    if not places.installed(where):
        return fail(what, "not installed", places.INSTALL)
    return ok(what, server.version() or "installed, its program is not on the PATH")


def check_module(where: Places) -> Finding:
    """Whether the module is where speech-dispatcher looks for it."""
    what, module = "module", where.module
    if not module.is_symlink() and not module.exists():
        return fail(what, f"{module} is not there", _INSTALL)
    if not module.is_file():
        return fail(what, f"{module} leads to {module.readlink()}, which is not there", _INSTALL)
    if not where.data.is_dir():
        return fail(what, f"without {where.data} speech-dispatcher does not find it", _INSTALL)
    return ok(what, f"{module} -> {module.readlink()}" if module.is_symlink() else f"{module}")


def check_answer(where: Places) -> Finding:
    """Whether the module's interpreter runs and the module says that it can be loaded."""
    what = "INIT"
    if not where.module.is_file():
        return fail(what, "there is no module to ask", _INSTALL)
    kept = {name: value for name, value in os.environ.items() if name in _KEPT or name.startswith("XDG_")}
    try:
        done = subprocess.run(  # noqa: S603 - the module that the user has installed, as the server runs it
            [where.module, where.module_config],
            input=b"INIT\nQUIT\n",
            capture_output=True,
            timeout=_ANSWER,
            check=False,
            env={**kept, "PATH": _PATH},
        )
    except OSError as error:
        return fail(what, f"the module does not start: {error.strerror}", _INSTALL)
    except subprocess.TimeoutExpired:
        return fail(what, f"no answer within {_ANSWER:g} s", "please report this")
    if not any(line.startswith(_LOADED) for line in done.stdout.splitlines()):
        return fail(what, f"the module ended with exit status {done.returncode} unanswered", _INSTALL)
    return ok(what, "the module answers")


def check_configuration(where: Places) -> Finding:
    """Whether the speechd.conf in force lets the module be found, and what it chooses."""
    what, path = "speechd.conf", where.in_force
    try:
        content = files.read(path)
        marked = configuration.take_apart(content or b"", path)
        names = configuration.modules(content or b"", where.system)
    except CommandError as error:
        return fail(what, str(error))
    if content is None:
        return warn(what, f"there is no {path}")
    if names and MODULE not in names:
        return fail(what, f"{path} names other modules with AddModule, which hides ours", _INSTALL)
    if marked.copied and marked.base != files.read(where.global_config):
        return warn(what, f"{path} is a copy of an older {where.global_config}", _INSTALL)
    lines = marked.choices.lines() if marked.choices else []
    return ok(what, f"{path}" + (f": {'; '.join(lines)}" if lines else ""))


def check_server(where: Places) -> Finding:
    """Whether the server that runs now knows the module."""
    what, running = "server", server.find(where.runtime)
    if running is None:
        return ok(what, "not running; it starts with the first program that speaks")
    if running.modules is None:
        return warn(what, f"process {running.pid} does not answer", running.restart)
    if MODULE not in running.modules:
        return warn(what, f"process {running.pid} does not know {MODULE} yet", running.restart)
    return ok(what, f"process {running.pid} has {', '.join(running.modules)}")
