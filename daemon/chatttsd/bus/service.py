"""What the bus needs of the daemon; the service behind it raises BusError and LimitError."""

from collections.abc import Awaitable, Sequence
from typing import Protocol

from chatttsd.speech.options import SpeakOptions

VoiceRow = tuple[str, str, str, Sequence[str]]
"""Id, name, engine, languages."""


class SpeechService(Protocol):
    """The daemon as its D-Bus doors see it."""

    options: SpeakOptions
    """What an utterance gets that chooses nothing; its voice, rate and volume can be set over the bus."""

    def speak(self, sender: str, text: str, options: SpeakOptions) -> int:
        """Queue an utterance and return its id; raises BusError."""

    def synthesize(self, sender: str, fd: int, text: str, options: SpeakOptions) -> int:
        """Start writing speech to a descriptor, which now belongs to the service; raises BusError."""

    def synthesize_in_turn(self, sender: str, fd: int, text: str, options: SpeakOptions) -> None:
        """Do the nearest to it once there is room; raises BusError for a bad descriptor and nothing else."""

    def decline(self, fd: int, container: str) -> None:
        """End a stream that will not be written, without a sound; it closes whatever descriptor it gets."""

    def wait(self, sender: str, utterance_id: int) -> Awaitable[str]:
        """Return the utterance's outcome once it has one; raises BusError for an unknown id."""

    def cancel(self, utterance_id: int) -> None:
        """End an utterance; one that has ended is fine, an unknown id raises BusError."""

    def cancel_all(self) -> None:
        """End everything."""

    def pause(self) -> None:
        """Hold the present sample."""

    def resume(self) -> None:
        """Go on."""

    def skip(self) -> None:
        """Go on with the next segment."""

    async def load_model(self) -> None:
        """Begin to load the model; raises BusError when it cannot be loaded."""

    async def unload_model(self) -> None:
        """Give the model's memory back."""

    async def reload(self) -> None:
        """Read the configuration again; raises BusError and changes nothing when it is invalid."""

    def set_options(self, options: SpeakOptions) -> None:
        """Change the defaults."""

    @property
    def state(self) -> str:
        """`idle`, `speaking` or `paused`."""

    @property
    def model_state(self) -> str:
        """`absent`, `unloaded`, `loading`, `warming`, `ready` or `failed`."""

    @property
    def engine(self) -> str:
        """The engine that speaks when none is asked for."""

    @property
    def reason(self) -> str:
        """Why it is silent or on the fallback; empty when all is well."""

    @property
    def voices(self) -> Sequence[VoiceRow]:
        """Every voice that can be asked for."""

    @property
    def queue_length(self) -> int:
        """How many utterances wait."""

    @property
    def current(self) -> int:
        """The id of the utterance being spoken, 0 for none."""

    @property
    def current_characters(self) -> int:
        """How many characters the text being spoken has, 0 for none."""

    @property
    def statistics(self) -> dict[str, float | int | str]:
        """Counters and latencies by name, and lines for people."""
