"""A service that takes requests for streams, keeps what was asked and says nothing."""

import os
from dataclasses import dataclass, field

from chatttsd.bus.service import VoiceRow
from chatttsd.speech.options import SpeakOptions

ROWS: list[VoiceRow] = [
    ("chattts/alder", "Alder", "chattts", ("zh", "en")),
    ("espeak-ng/af", "Afrikaans", "espeak-ng", ("af",)),
    ("espeak-ng/en-us", "English (America)", "espeak-ng", ("en-US", "en")),
]


@dataclass
class Asked:
    """Takes requests as the daemon does, and keeps their options."""

    voices: list[VoiceRow] = field(default_factory=lambda: list(ROWS))
    options: SpeakOptions = field(default_factory=SpeakOptions)
    taken: list[tuple[str, SpeakOptions]] = field(default_factory=list)
    declined: list[str] = field(default_factory=list)
    """The container of each stream that ended without a sound."""

    def synthesize_in_turn(self, _sender: str, fd: int, text: str, options: SpeakOptions) -> None:
        os.close(fd)
        self.taken.append((text, options))

    def decline(self, fd: int, container: str) -> None:
        os.close(fd)
        self.declined.append(container)
