"""What the model's worker needs: files, libraries, a command line and an environment. Loads nothing."""

import importlib.util
import json
import stat
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Final

from chatttsd.engine.api import ModelSettings
from chatttsd.engine.client import worker_command
from chatttsd.models.manifest import OWN, PART
from chatttsd.platform.paths import cache_directory, model_directory, voices_directory

MODEL_ENGINE: Final = "chattts"
MODEL_VOICE: Final = f"{MODEL_ENGINE}/"
"""How the ids of its voices begin."""
_ASSETS: Final = "asset"
_LIBRARY: Final = "torch"
NO_LIBRARIES: Final = "the libraries of ChatTTS are not installed (pip install 'chatttsd[chattts]')"
NO_MODEL: Final = "the ChatTTS model is not installed (chatttsctl models fetch)"
NO_MODEL_THERE: Final = "there is no ChatTTS model in the folder that [chattts] model_dir names"
UNREADABLE: Final = "the folder of the ChatTTS model cannot be looked at"

Command = Callable[[str, str], tuple[str, ...]]
"""Returns the command of a worker, given its engine and its settings; `client.worker_command` is one."""
Fingerprint = tuple[tuple[str, int, int], ...]


def locate(settings: ModelSettings) -> Path:
    """Return the folder of the model, whether it is there or not."""
    return Path(settings.model_dir).expanduser() if settings.model_dir else model_directory()


def absence(settings: ModelSettings) -> str:
    """Return why there is nothing to load; empty when a worker may try."""
    if importlib.util.find_spec(_LIBRARY) is None:
        return NO_LIBRARIES
    try:
        there = stat.S_ISDIR((locate(settings) / _ASSETS).stat().st_mode)
    except (FileNotFoundError, NotADirectoryError, ValueError):
        there = False
    except OSError as error:
        return f"{UNREADABLE}: {error.strerror}"
    if there:
        return ""
    return NO_MODEL_THERE if settings.model_dir else NO_MODEL


def fingerprint(settings: ModelSettings) -> Fingerprint:
    """Return name, size and time of change (ns) of each file of the model, which a fetch changes.

    Its time of change is that of its permissions, too; what is still being fetched does not count.
    """
    found = []
    for path in _files(locate(settings)):
        try:
            status = path.stat()
        except (OSError, ValueError):
            continue
        found.append((path.name, status.st_size, status.st_ctime_ns))
    return tuple(found)


def _files(folder: Path) -> list[Path]:
    """Return what lies in the model's folder, as far as it may be looked at."""
    try:
        inside = sorted(path for path in (folder / _ASSETS).rglob("*") if path.suffix != PART)
    except OSError:
        return []
    return [folder / OWN, *inside]


def model_command(settings: ModelSettings, command: Command = worker_command) -> tuple[str, ...]:
    """Return the command of the model's worker; it names folders and figures, nothing that is spoken."""
    places = {"model_dir": str(locate(settings))}
    chosen = {"model": asdict(settings) | places, "voices_directory": str(voices_directory())}
    return command(MODEL_ENGINE, json.dumps(chosen))


def model_environment(settings: ModelSettings) -> dict[str, str]:
    """Return what the worker's libraries are told before they are imported.

    They must not look for a network, nor start threads beside those of the decoder; compiled kernels are kept
    where the unit's sandbox lets them be written.
    """
    # Not niced: the worker must keep up with real time beside other programs. A thread that wakes like the
    # daemon's audio was at most 20 ms late beside two busy processes of nice 0, and of nice 5 too.
    threads = {"OMP_NUM_THREADS": str(settings.threads)} if settings.threads else {}
    return threads | {
        "NUMBA_CACHE_DIR": str(cache_directory() / "numba"),
        "TOKENIZERS_PARALLELISM": "false",
        "HF_HUB_OFFLINE": "1",
        "TRANSFORMERS_OFFLINE": "1",
    }
