"""Writes the introspection XML that is kept in the tree: `python tests/support/introspect.py`."""

from pathlib import Path
from typing import TYPE_CHECKING, cast

import chatttsd.bus
from chatttsd.bus.introspection import document
from chatttsd.bus.speech1 import Speech1
from chatttsd.bus.spiel import SpielProvider

if TYPE_CHECKING:
    from chatttsd.bus.service import SpeechService

KEPT = Path(chatttsd.bus.__file__).parent / "org.chattts.Speech1.xml"
KEPT_SPIEL = KEPT.with_name("org.freedesktop.Speech.Provider.xml")


def generated() -> str:
    """Return the document that the running daemon answers with."""
    return document([Speech1(cast("SpeechService", None), 0)])


def generated_spiel() -> str:
    """Return the document of the Spiel provider's object."""
    return document([SpielProvider(cast("SpeechService", None), 0)])


if __name__ == "__main__":
    KEPT.write_text(generated(), encoding="utf-8")
    KEPT_SPIEL.write_text(generated_spiel(), encoding="utf-8")
