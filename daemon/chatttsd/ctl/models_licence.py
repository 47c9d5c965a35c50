"""Asks for a model's licence once and remembers the answer in the model directory."""

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from chatttsd.ctl.exits import CommandError, Exit
from chatttsd.models.manifest import Licence

NAME: Final = ".licence.json"


def accepted(directory: Path, licence: Licence) -> bool:
    """Return whether this very licence was accepted for this directory."""
    try:
        found = json.loads((directory / NAME).read_text(encoding="utf-8"))
        return bool(found["name"] == licence.name and found["url"] == licence.url)
    except (OSError, ValueError, KeyError, TypeError):
        return False


def require(directory: Path, licence: Licence, *, given: bool) -> None:
    """Return when the licence was accepted, `given` on the command line or now; the directory must exist.

    Raises CommandError when it is refused, or when nobody can be asked (2).
    """
    if accepted(directory, licence):
        return
    if not given:
        _ask(licence)
    answer = {"name": licence.name, "url": licence.url, "accepted_at": datetime.now(UTC).isoformat()}
    try:
        (directory / NAME).write_text(json.dumps(answer) + "\n", encoding="utf-8")
    except OSError as error:
        raise CommandError(f"{directory / NAME}: {error.strerror}") from None


def _ask(licence: Licence) -> None:
    if not sys.stdin.isatty():
        raise CommandError(
            f"the model's licence is {licence.name} ({licence.url}); "
            "nobody can be asked here, so give --accept-licence if you accept it",
            Exit.USAGE,
        )
    parts = [licence.name, licence.url, licence.terms.strip(), licence.disclaimer.strip()]
    print("\n".join(part for part in parts if part), file=sys.stderr)
    if not agreed("Do you accept this licence?"):
        raise CommandError("the licence was not accepted; nothing was fetched")


def agreed(question: str) -> bool:
    """Ask on stderr and return whether the person typed y or yes; the end of the input means no."""
    print(f"{question} [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")
