"""`chatttsctl config check` and `config path`: needs neither the daemon nor a bus."""

from argparse import Namespace
from pathlib import Path

from chatttsd.config import ConfigError, default_path, load
from chatttsd.ctl import output
from chatttsd.ctl.exits import Exit


def run_path(arguments: Namespace) -> int:
    """Print the file that the daemon reads, there or not."""
    path = default_path()
    if arguments.json:
        output.record({"path": str(path), "exists": path.exists()})
    else:
        output.line(str(path))
    return Exit.OK


def run_check(arguments: Namespace) -> int:
    """Read a configuration as the daemon would; exit code 1 and the error when it would refuse it."""
    path, fault = check(Path(arguments.path) if arguments.path else None)
    absent = "" if path.exists() else " (there is no such file: the defaults hold)"
    if arguments.json:
        output.record({"path": str(path), "ok": not fault, "error": fault or None})
    elif fault:
        output.note(fault)
    else:
        output.line(f"{path}: ok{absent}")
    return Exit.FAILURE if fault else Exit.OK


def check(named: Path | None) -> tuple[Path, str]:
    """Return the file that was read, and the fault ('' when the daemon would take it)."""
    try:
        load(named)
    except ConfigError as error:
        return named or default_path(), output.clean(error)
    return named or default_path(), ""
