"""Where compiled kernels are kept between starts, checked against damage.

A folder belongs to one version of the sources, numba and llvmlite; numba itself tells CPUs apart. It must be
named before numba is imported, so nothing here imports numba.
"""

import contextlib
import errno
import fcntl
import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Final

SUMS: Final = "sums"
LOCK: Final = "lock"
LONGEST_WAIT_SECONDS: Final = 40.0
"""For another process that compiles; it takes half of that on a slow machine."""
_LOOK_SECONDS: Final = 0.05
_BESIDE: Final = ("sampler.py", "jitted_sampler.py")
"""What is compiled besides the sources of this folder, and what its constants come from."""
_VARIABLE: Final = "NUMBA_CACHE_DIR"
_KEY_LENGTH: Final = 16


@contextlib.contextmanager
def alone(folder: Path, longest_wait: float | None = None) -> Iterator[bool]:
    """Keep other processes out of `folder` meanwhile: what one has half written is damage to another.

    Tells whether it may be used: not when another process has it for longer than `longest_wait` seconds,
    LONGEST_WAIT_SECONDS unless given.
    """
    wait = LONGEST_WAIT_SECONDS if longest_wait is None else longest_wait
    try:
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError:
        yield True  # nothing can be written there anyway
        return
    try:
        yield _lock(descriptor, time.monotonic() + wait)
    finally:
        os.close(descriptor)


def _lock(descriptor: int, deadline: float) -> bool:
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno != errno.EWOULDBLOCK:
                return True  # a file system without locks
        else:
            return True
        if time.monotonic() > deadline:
            return False
        time.sleep(_LOOK_SECONDS)


def keep_nothing() -> None:
    """Make numba keep nothing."""
    os.environ.pop(_VARIABLE, None)


def prepare(folder: Path) -> Path | None:
    """Make numba keep what it compiles in `folder`; what is old or damaged there is removed first.

    Returns where, or None where nothing can be written: then every start compiles again. To be used `alone`.
    """
    kept = folder / _key()
    try:
        kept.mkdir(parents=True, exist_ok=True)
        _remove_others(folder, kept)
        if not _is_whole(kept):
            shutil.rmtree(kept)
            kept.mkdir()
        with tempfile.TemporaryFile(dir=kept):
            pass
    except OSError:
        keep_nothing()
        return None
    os.environ[_VARIABLE] = str(kept)
    return kept


def is_sealed(kept: Path) -> bool:
    """Tell whether it was written down what a folder of `prepare` holds."""
    return (kept / SUMS).exists()


def seal(kept: Path) -> None:
    """Write down what the folder holds now, so that damage is seen at the next start."""
    lines = [f"{_sum(path)} {path.relative_to(kept)}\n" for path in _files(kept)]
    try:
        with tempfile.NamedTemporaryFile("w", dir=kept.parent, delete=False, encoding="utf-8") as file:
            file.writelines(lines)
        Path(file.name).replace(kept / SUMS)
    except OSError:
        return


def _key() -> str:
    digest = hashlib.sha256(f"{version('numba')} {version('llvmlite')}".encode())
    here = Path(__file__).parent
    for path in (*sorted(here.glob("*.py")), *(here.parent / name for name in _BESIDE)):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:_KEY_LENGTH]


def _remove_others(folder: Path, kept: Path) -> None:
    for path in folder.iterdir():
        if path.is_dir() and path != kept:
            shutil.rmtree(path, ignore_errors=True)
        elif not path.is_dir() and path.name != LOCK:
            path.unlink(missing_ok=True)


def _is_whole(kept: Path) -> bool:
    """Tell whether every file is as it was sealed; an empty folder is."""
    sums = kept / SUMS
    sealed = sums.read_text("utf-8", errors="replace").splitlines() if sums.exists() else []
    return sorted(sealed) == sorted(f"{_sum(path)} {path.relative_to(kept)}" for path in _files(kept))


def _files(kept: Path) -> list[Path]:
    return [path for path in sorted(kept.rglob("*")) if path.is_file() and path.name != SUMS]


def _sum(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
