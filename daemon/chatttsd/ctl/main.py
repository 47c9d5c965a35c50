"""chatttsctl: parses the command line, imports the one command that is wanted and runs it."""

import os
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Final

from chatttsd.ctl.arguments import parse
from chatttsd.ctl.exits import CommandError, Exit

if TYPE_CHECKING:
    from argparse import Namespace

_PACKAGE: Final = "chatttsd.ctl"


def main(argv: Sequence[str] | None = None) -> int:
    """Run chatttsctl and return its exit code."""
    arguments = parse(argv)
    try:
        module, _, function = arguments.entry.partition(":")
        entry: Callable[[Namespace], int] = getattr(import_module(f"{_PACKAGE}.{module}"), function)
        return int(entry(arguments))
    except CommandError as error:
        print(f"chatttsctl: {error}", file=sys.stderr)
        return error.code
    except KeyboardInterrupt:
        return Exit.INTERRUPTED
    except BrokenPipeError:
        # The reader has gone; Python's own flush at exit must not complain about it again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.FAILURE
    except Exception as error:
        # Neither a traceback nor the message: either could show the text.
        frame = _innermost(error)
        print(
            f"chatttsctl: internal error: {type(error).__name__} at {frame}; please report it",
            file=sys.stderr,
        )
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
