"""`chatttsctl models selftest`: hear and measure the model that is installed, in a process of its own."""

import os
import subprocess
import sys
from argparse import Namespace
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from chatttsd.ctl import models
from chatttsd.ctl.exits import CommandError, Exit
from chatttsd.platform.paths import cache_directory, voices_directory

MODULE: Final = "chatttsd.engine.chattts.selftest"
"""It needs torch: chatttsctl itself stays light."""
_LIBRARY: Final = "torch"
_DEFAULT_OUTPUT: Final = "chatttsd-selftest"
_PASSED_ON: Final = ("voice", "sentences", "precision", "device")


def run(arguments: Namespace) -> int:
    """Speak 20 sentences and measure them; exit code 1 when a verdict is not ok, or it cannot be run."""
    if find_spec(_LIBRARY) is None:
        raise CommandError("the libraries of ChatTTS are not installed (pip install 'chatttsd[chattts]')")
    directory = models.directory_of(arguments)
    output = Path(arguments.output or _DEFAULT_OUTPUT).expanduser()
    # The folders are the user's own, and nothing of it goes through a shell. In a session of its own Ctrl-C
    # does not reach it, and it is ended from here: it would print where it was.
    done = subprocess.run(  # noqa: S603 - see above
        command(arguments, directory, output), env=environment(), check=False, start_new_session=True
    )
    return Exit.OK if done.returncode == 0 else Exit.FAILURE


def command(arguments: Namespace, directory: Path, output: Path) -> list[str]:
    """Return the command of the self-test."""
    places = {"model": directory, "voices": voices_directory(), "output": output}
    chosen = {name: getattr(arguments, name) for name in _PASSED_ON if getattr(arguments, name) is not None}
    options = [f"--{name}={value}" for name, value in (places | chosen).items()]
    flags = ["--json"] if arguments.json else []
    return [sys.executable, "-P", "-m", MODULE, *options, *flags]


def environment() -> dict[str, str]:
    """Return what the libraries are told, as the daemon tells them: no network, kernels kept."""
    told = {
        "NUMBA_CACHE_DIR": str(cache_directory() / "numba"),
        "TOKENIZERS_PARALLELISM": "false",
        "HF_HUB_OFFLINE": "1",
    }
    return dict(os.environ) | told
