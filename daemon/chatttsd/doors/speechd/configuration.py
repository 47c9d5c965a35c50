"""`chattts.conf`: a name and its values a line, as in speech-dispatcher's other files; it may not exist."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

PRIORITIES: Final = ("important", "message", "text", "notification", "progress")
BUSES: Final = ("session", "system")
_RATE_LIMIT: Final = 4.0
"""The daemon's highest rate."""


class Configuration:
    """What may be set; `faults` holds a line for each thing in the file that was not understood."""

    def __init__(self) -> None:
        self.priority = "important"
        """speech-dispatcher has ordered its messages already: none waits behind other clients' texts."""
        self.bus = "session"
        self.rate_range = 3.0
        """The rate of a client's 100; its -100 is one over it."""
        self.options: dict[str, str] = {}
        """Further options of every `SpeakWith`, such as engine or seed."""
        self.faults: list[str] = []
        self._voices: dict[tuple[str, str], str] = {}
        self._takers: dict[str, tuple[Callable[..., None], int]] = {
            "priority": (self._take_priority, 1),
            "bus": (self._take_bus, 1),
            "raterange": (self._take_rate_range, 1),
            "option": (self._take_option, 2),
            "addvoice": (self._take_voice, 3),
            "debug": (self._take_nothing, 1),
        }

    def voice(self, language: str, kind: str) -> str:
        """Return the voice that AddVoice names for a BCP 47 tag and a type such as `female1`, or ""."""
        primary = language.partition("-")[0].lower()
        tags = (language.lower(), primary)
        return next((self._voices[tag, kind] for tag in tags if (tag, kind) in self._voices), "")

    def take(self, line: str) -> None:
        """Take one line; raises ValueError that says what is allowed."""
        words = split(line)
        if not words:
            return
        name, *values = words
        taker = self._takers.get(name.lower())
        if taker is None:
            known = "Priority, Bus, RateRange, Option, AddVoice, Debug"
            raise ValueError(f"'{name}' is unknown, allowed: {known}")
        function, count = taker
        if len(values) != count:
            raise ValueError(f"{name} has {len(values)} values, allowed: {count}")
        function(*values)

    def _take_priority(self, value: str) -> None:
        self.priority = _one_of(value.lower(), PRIORITIES)

    def _take_bus(self, value: str) -> None:
        if ":" not in value:
            _one_of(value, BUSES)
        self.bus = value

    def _take_rate_range(self, value: str) -> None:
        try:
            number = float(value)
        except ValueError:
            number = 0.0
        if not 1.0 <= number <= _RATE_LIMIT:
            raise ValueError(f"RateRange is '{value}', allowed: a number from 1 to {_RATE_LIMIT:g}")
        self.rate_range = number

    def _take_option(self, name: str, value: str) -> None:
        self.options[name] = value

    def _take_voice(self, language: str, kind: str, voice: str) -> None:
        self._voices[language.lower(), kind.lower()] = voice

    def _take_nothing(self, _value: str) -> None:
        """Accept what speech-dispatcher itself puts into every module's file."""


def _one_of(value: str, allowed: tuple[str, ...]) -> str:
    if value not in allowed:
        raise ValueError(f"got '{value}', allowed: {', '.join(allowed)}")
    return value


def split(line: str) -> list[str]:
    """Split a line at blanks outside double quotes; `#` outside quotes begins a comment."""
    words: list[str] = []
    word, quoted, inside = "", False, False
    for character in line.strip():
        if character == '"':
            inside, quoted = not inside, True
        elif character == "#" and not inside:
            break
        elif character.isspace() and not inside:
            words += [word] if word or quoted else []
            word, quoted = "", False
        else:
            word += character
    return words + ([word] if word or quoted else [])


def read(path: Path | None) -> Configuration:
    """Read a file; one that does not exist is empty, a line that is wrong changes nothing and is told."""
    configuration = Configuration()
    for number, line in enumerate(_lines(path, configuration), 1):
        try:
            configuration.take(line)
        except ValueError as error:
            configuration.faults.append(f"{path}, line {number}: {error}")
    return configuration


def _lines(path: Path | None, configuration: Configuration) -> list[str]:
    if path is None:
        return []
    try:
        return path.read_text(encoding="utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        return []
    except OSError as error:
        configuration.faults.append(f"{path} cannot be read: {error.strerror}")
        return []


def bus_address(bus: str, environment: Mapping[str, str]) -> str:
    """Return the D-Bus address of `session`, of `system` or of an address; empty when there is none."""
    if ":" in bus:
        return bus
    if bus == "system":
        return environment.get("DBUS_SYSTEM_BUS_ADDRESS") or "unix:path=/run/dbus/system_bus_socket"
    named = environment.get("DBUS_SESSION_BUS_ADDRESS")
    runtime = environment.get("XDG_RUNTIME_DIR")
    return named or (f"unix:path={runtime}/bus" if runtime else "")
