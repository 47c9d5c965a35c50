"""Where compiled kernels are kept between starts, checked against damage.

A folder belongs to one version of these sources, numba and llvmlite; numba itself tells CPUs apart. It must
be named before numba is imported, so nothing here imports numba.
"""

import hashlib
import os
import shutil
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import Final

SUMS: Final = "sums"
_VARIABLE: Final = "NUMBA_CACHE_DIR"
_KEY_LENGTH: Final = 16


def prepare(folder: Path) -> Path | None:
    """Make numba keep what it compiles in `folder`; what is old or damaged there is removed first.

    Returns where, or None where nothing can be written: then every start compiles again.
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
        os.environ.pop(_VARIABLE, None)
        return None
    os.environ[_VARIABLE] = str(kept)
    return kept


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
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:_KEY_LENGTH]


def _remove_others(folder: Path, kept: Path) -> None:
    for path in folder.iterdir():
        if path.is_dir() and path != kept:
            shutil.rmtree(path, ignore_errors=True)
        elif not path.is_dir():
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
