"""Packages that are installed and yet not there, for a process and all that it starts."""

from collections.abc import Iterable
from pathlib import Path
from typing import Final

_ASKED: Final = ".asked"
_MODULE: Final = f"""
from pathlib import Path
Path(__file__).with_suffix("{_ASKED}").touch()
raise ModuleNotFoundError(f"No module named {{__name__!r}}", name=__name__)
"""


def hide(folder: Path, names: Iterable[str]) -> dict[str, str]:
    """Return an environment in which these packages cannot be imported; `folder` is made for it."""
    folder.mkdir()
    for name in names:
        (folder / f"{name}.py").write_text(_MODULE)
    return {"PYTHONPATH": str(folder)}


def asked(folder: Path) -> set[str]:
    """Return those of the hidden packages that somebody tried to import."""
    return {path.stem for path in folder.glob(f"*{_ASKED}")}
