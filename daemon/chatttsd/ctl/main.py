"""chatttsctl: parses the command line, imports the one command that is wanted and runs it."""

import signal
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Final

from chatttsd.ctl import standard
from chatttsd.ctl.arguments import parse
from chatttsd.ctl.exits import CommandError, Exit
from chatttsd.ctl.output import note

if TYPE_CHECKING:
    from argparse import Namespace

_PACKAGE: Final = "chatttsd.ctl"


def main(argv: Sequence[str] | None = None) -> int:
    """Run chatttsctl and return its exit code."""
    standard.fill()
    code = _run(argv)
    fault = standard.settle()
    if fault:
        note(f"cannot write: {fault}")
    return Exit.FAILURE if fault and code == Exit.OK else code


def _run(argv: Sequence[str] | None) -> int:
    try:
        arguments = parse(argv)
        module, _, function = arguments.entry.partition(":")
        entry: Callable[[Namespace], int] = getattr(import_module(f"{_PACKAGE}.{module}"), function)
        return int(entry(arguments))
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else Exit.OK
    except CommandError as error:
        note(str(error))
        return error.code
    except KeyboardInterrupt:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        return Exit.INTERRUPTED
    except BrokenPipeError:
        return Exit.FAILURE
    except Exception as error:
        # Neither a traceback nor the message: either could show the text.
        frame = _innermost(error)
        note(f"internal error: {type(error).__name__} at {frame}; please report it")
        return Exit.FAILURE


def _innermost(error: BaseException) -> str:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return "an unknown place"
    return f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}"


if __name__ == "__main__":
    sys.exit(main())
