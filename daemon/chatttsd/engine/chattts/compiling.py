"""Compiles the kernels in a process of its own: LLVM keeps 170 MB of what it needed for that."""

import os
import subprocess
import sys
import threading

from chatttsd.engine.chattts.api import Precision
from chatttsd.engine.chattts.native import start


def compile_others(precision: Precision) -> None:
    """Compile what a precision runs besides the GPT."""
    # They need numba, which must not be imported before its cache is named.
    from chatttsd.engine.chattts.jitted_sampler import compile_sampler
    from chatttsd.engine.chattts.native.product import compile_product, uses_halves

    compile_sampler()
    compile_product(halves=uses_halves(precision))


def compile_elsewhere(precision: Precision) -> bool:
    """Fill numba's cache, which the environment names; tells whether that worked. Ends with this process."""
    with subprocess.Popen(  # noqa: S603 - our own module and the name of a precision
        [sys.executable, "-m", __name__, precision.value],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        return process.wait() == 0


def _end_with_parent() -> None:
    sys.stdin.buffer.read()
    os._exit(1)


def main() -> None:
    """Compile for the precision that the only argument names."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    start.compile_all(Precision(sys.argv[1]), compile_others)


if __name__ == "__main__":
    main()
