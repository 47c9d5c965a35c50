"""The base class of extensions, and what goes in and out of its hook for speech."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True)
class SpeechOutput:
    """Text that Orca is about to say."""

    text: str
    obj: Any | None = None


@dataclass(frozen=True)
class SpeechOutputResult:
    """What an extension makes of it."""

    text: str | None = None
    consume: bool = False

    @classmethod
    def replace(cls, text: str) -> Self:
        return cls(text=text)

    @classmethod
    def consume_output(cls) -> Self:
        return cls(consume=True)


@dataclass(frozen=True)
class ExtensionPreference:
    """A setting that Orca's preferences show."""

    key: str
    label: str
    default: Any
    limits: tuple[int, int] | None = None

    @classmethod
    def integer(cls, key: str, label: str, default: int, minimum: int, maximum: int) -> Self:
        return cls(key, label, default, (minimum, maximum))

    @classmethod
    def boolean(cls, key: str, label: str, default: bool) -> Self:
        return cls(key, label, default)


class Settings:
    """What the user has set."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}

    def get(self, key: str, default: Any = None) -> Any:  # noqa: ANN401 - Orca's own signature
        return self.values.get(key, default)


class Controller:
    """The remote controller: what an extension may have Orca do."""

    def __init__(self) -> None:
        self.rate = 50
        self.speak: Callable[[str], object] = print

    def get_value_internal(self, module_name: str, property_name: str) -> object:
        return self.rate if (module_name, property_name) == ("SpeechManager", "Rate") else None

    def speak_message_internal(self, message: str) -> bool:
        self.speak(message)
        return True


class Extension:
    """The base class; Orca makes one object of the one subclass that a file has."""

    GROUP_LABEL: ClassVar[str]

    def __init__(self) -> None:
        self.settings = Settings()
        self.controller = Controller()

    def get_preferences(self) -> list[ExtensionPreference]:
        return []

    def _get_commands(self) -> list[Any]:
        return []

    def on_speech_output(self, output: SpeechOutput) -> SpeechOutputResult | None:
        return None
