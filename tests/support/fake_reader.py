"""What the media player sees of the service: an utterance of some length, read, paused or not at all."""

from dataclasses import dataclass, field

from chatttsd.speech.options import SpeakOptions


@dataclass
class FakeReader:
    """Stands in for the service; `did` holds what it was told to do."""

    current: int = 0
    current_characters: int = 0
    paused: bool = False
    options: SpeakOptions = field(default_factory=SpeakOptions)
    did: list[str] = field(default_factory=list)

    @property
    def state(self) -> str:
        """As that of the service."""
        if not self.current:
            return "idle"
        return "paused" if self.paused else "speaking"

    def read(self, utterance_id: int, characters: int) -> None:
        """Begin with an utterance."""
        self.current, self.current_characters, self.paused = utterance_id, characters, False

    def end(self) -> None:
        """Fall silent."""
        self.read(0, 0)

    def pause(self) -> None:
        """Hold."""
        self.did.append("pause")
        self.paused = True

    def resume(self) -> None:
        """Go on."""
        self.did.append("resume")
        self.paused = False

    def skip(self) -> None:
        """Note it."""
        self.did.append("skip")

    def cancel(self, utterance_id: int) -> None:
        """Note it, and fall silent."""
        self.did.append(f"cancel {utterance_id}")
        self.end()

    def set_options(self, options: SpeakOptions) -> None:
        """Take them."""
        self.options = options
