"""Options of one utterance, parsed strictly from the strings that dbus-send can send (`a{ss}`)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from enum import StrEnum
from math import isfinite
from typing import Any, Final


class Priority(StrEnum):
    """The five priorities of SSIP, highest first."""

    IMPORTANT = "important"
    MESSAGE = "message"
    TEXT = "text"
    NOTIFICATION = "notification"
    PROGRESS = "progress"


class Kind(StrEnum):
    """What the text is: prose, prose in SSML, the name of one character, or the name of a key."""

    TEXT = "text"
    SSML = "ssml"
    CHAR = "char"
    KEY = "key"


class Punctuation(StrEnum):
    """How much punctuation is said by its name."""

    NONE = "none"
    SOME = "some"
    MOST = "most"
    ALL = "all"


class Capitals(StrEnum):
    """How a capital letter is told: not at all, by a word before it, or by a short sound."""

    NONE = "none"
    SPELL = "spell"
    ICON = "icon"


class OptionError(ValueError):
    """An unknown option or a bad value; the message names the key, what came and what is allowed."""


@dataclass(frozen=True, slots=True)
class SpeakOptions:
    """What a client may choose for one utterance; defaults come from the configuration."""

    voice: str = ""
    language: str = "auto"
    engine: str = "auto"
    rate: float = 1.0
    pitch: float = 1.0
    volume: float = 1.0
    priority: Priority = Priority.MESSAGE
    kind: Kind = Kind.TEXT
    punctuation: Punctuation = Punctuation.NONE
    spelling: bool = False
    """Say every character by its name."""
    capitals: Capitals = Capitals.NONE
    bind_to_client: bool = False
    container: str = "raw"
    parameters: Mapping[str, str] = field(default_factory=dict)
    """ChatTTS options by name, checked for range and kept as the strings that came."""


Parser = Callable[[str], Any]  # each option has a type of its own; `_PARSERS` is where they meet

LONGEST_NAME: Final = 128
RATES: Final = (0.25, 4.0)
PITCHES: Final = (0.5, 2.0)
VOLUMES: Final = (0.0, 1.0)


def one_of(*allowed: str) -> Parser:
    """Make a parser that takes exactly one of these words."""

    def parse(value: str) -> str:
        if value not in allowed:
            raise OptionError(f"allowed: {', '.join(allowed)}")
        return value

    return parse


def number(low: float, high: float) -> Parser:
    """Make a parser for a decimal number in low..high."""

    def parse(value: str) -> float:
        try:
            parsed = float(value)
        except ValueError:
            parsed = float("nan")
        if not isfinite(parsed) or not low <= parsed <= high:
            raise OptionError(f"allowed: a number from {low:g} to {high:g}")
        return parsed

    return parse


def integer(low: int, high: int) -> Parser:
    """Make a parser for a whole number in low..high."""

    def parse(value: str) -> int:
        if not (value.isascii() and value.isdigit() and len(value) <= 20 and low <= int(value) <= high):
            raise OptionError(f"allowed: a whole number from {low} to {high}")
        return int(value)

    return parse


def boolean(value: str) -> bool:
    """Parse `true` or `false`."""
    return bool(one_of("true", "false")(value) == "true")


def name(value: str) -> str:
    """Parse a printable name of at most `LONGEST_NAME` characters."""
    if not value or len(value) > LONGEST_NAME or not value.isprintable():
        raise OptionError(f"allowed: 1 to {LONGEST_NAME} printable characters")
    return value


def language_tag(value: str) -> str:
    """Parse `auto` or a BCP 47 tag such as `zh`, `en-GB`, `zh-Hant-TW`."""
    subtags = value.split("-")
    well_formed = all(1 <= len(tag) <= 8 and tag.isascii() and tag.isalnum() for tag in subtags)
    if not (well_formed and len(subtags) <= 8 and subtags[0].isalpha() and 2 <= len(subtags[0]) <= 4):
        raise OptionError("allowed: auto or a BCP 47 tag such as zh, en or en-GB")
    return value


_PARSERS: Final[Mapping[str, Parser]] = {
    "voice": name,
    "language": language_tag,
    "engine": one_of("auto", "chattts", "espeak-ng"),
    "rate": number(*RATES),
    "pitch": number(*PITCHES),
    "volume": number(*VOLUMES),
    "priority": lambda value: Priority(one_of(*Priority)(value)),
    "kind": lambda value: Kind(one_of(*Kind)(value)),
    "punctuation": lambda value: Punctuation(one_of(*Punctuation)(value)),
    "spelling": boolean,
    "capitals": lambda value: Capitals(one_of(*Capitals)(value)),
    "bind_to_client": boolean,
    "container": one_of("raw", "wav"),
}

_PARAMETERS: Final[Mapping[str, Parser]] = {
    "seed": integer(0, 2**63 - 1),
    "temperature": number(0.01, 2.0),
    "top_p": number(0.01, 1.0),
    "top_k": integer(1, 626),
    "refine": boolean,
    "oral": integer(0, 9),
    "laugh": integer(0, 2),
    "break": integer(0, 7),
    "speed": integer(0, 9),
}

OPTION_NAMES: Final = (*_PARSERS, *_PARAMETERS)


def parse_options(values: Mapping[str, str], defaults: SpeakOptions) -> SpeakOptions:
    """Return `defaults` with these values; raises OptionError on an unknown key or a bad value."""
    known: dict[str, Any] = {}
    parameters = dict(defaults.parameters)
    for key, value in values.items():
        if key in _PARAMETERS:
            _parse(key, value, _PARAMETERS[key])
            parameters[key] = value
        else:
            known[key] = _parse(key, value, _parser(key))
    return replace(defaults, **known, parameters=parameters)


def parse_option(key: str, value: str) -> object:
    """Parse one option by name; raises OptionError."""
    return _parse(key, value, _PARAMETERS.get(key) or _parser(key))


def _parser(key: str) -> Parser:
    try:
        return _PARSERS[key]
    except KeyError:
        near = get_close_matches(key[:LONGEST_NAME], OPTION_NAMES, 1)
        hint = f"did you mean '{near[0]}'? " if near else ""
        raise OptionError(f"unknown option {_quote(key)}: {hint}allowed: {', '.join(OPTION_NAMES)}") from None


def _parse(key: str, value: str, parser: Parser) -> object:
    try:
        return parser(value)
    except OptionError as error:
        raise OptionError(f"option '{key}': got {_quote(value)}, {error}") from None


def _quote(value: str) -> str:
    """Show what came, bounded and printable: an error reply never carries a flood or control characters."""
    shown = "".join(c if c.isprintable() else "?" for c in value[:40])
    return f"'{shown}…'" if len(value) > 40 else f"'{shown}'"
