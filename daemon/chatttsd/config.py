"""The configuration: one frozen dataclass tree read from TOML; every key has a default."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from math import isfinite
from pathlib import Path
from typing import Any, get_type_hints

from chatttsd.audio.api import AudioSettings
from chatttsd.engine.api import ModelSettings, WorkerSettings
from chatttsd.engine.cache import CacheSettings
from chatttsd.platform.paths import config_files
from chatttsd.speech.limits import Limits
from chatttsd.speech.options import OptionError, Priority, SpeakOptions, parse_option

ENGINES = ("auto", "chattts", "espeak-ng", "tone")
LOG_LEVELS = ("debug", "info", "warning", "error")
_LONGEST = 500


class ConfigError(ValueError):
    """The configuration cannot be used; one line names file, key, what came and what is allowed."""

    def __init__(self, message: str) -> None:
        shown = "".join(character if character.isprintable() else "?" for character in message)
        super().__init__(shown if len(shown) <= _LONGEST else shown[:_LONGEST] + "…")


@dataclass(frozen=True, slots=True)
class SpeechSettings:
    """What is spoken when a client does not say otherwise: `[speech]`."""

    engine: str = "auto"
    """`auto` (ChatTTS when it is ready, else espeak-ng), `chattts`, `espeak-ng`, or `tone` (for tests)."""
    voice: str = ""
    language: str = "auto"
    default_language: str = "en"
    """What `auto` means for text without a telling script."""
    rate: float = 1.0
    volume: float = 1.0
    priority: str = "message"
    first_segment_weight: float = 30.0
    """Longest first segment in Chinese characters: short, so that sound starts early."""
    later_segment_weight: float = 80.0
    sentence_pause_seconds: float = 0.25
    """Rest between sentences at rate 1; paragraphs rest longer, clauses less."""

    def options(self) -> SpeakOptions:
        """Return the options of an utterance that chooses nothing."""
        return SpeakOptions(
            voice=self.voice,
            language=self.language,
            rate=self.rate,
            volume=self.volume,
            priority=Priority(self.priority),
        )


@dataclass(frozen=True, slots=True)
class DesktopSettings:
    """`[desktop]`: what the session sees of the voice besides its sound."""

    mpris_min_characters: int = 400
    """Media keys and widgets control the reading of a text of at least this many characters; 0: of none."""


@dataclass(frozen=True, slots=True)
class LoggingSettings:
    """`[logging]`: no level ever shows the text of an utterance."""

    level: str = "info"


@dataclass(frozen=True, slots=True)
class Config:
    """The whole configuration."""

    speech: SpeechSettings = field(default_factory=SpeechSettings)
    audio: AudioSettings = field(default_factory=AudioSettings)
    chattts: ModelSettings = field(default_factory=ModelSettings)
    worker: WorkerSettings = field(default_factory=WorkerSettings)
    cache: CacheSettings = field(default_factory=CacheSettings)
    limits: Limits = field(default_factory=Limits)
    desktop: DesktopSettings = field(default_factory=DesktopSettings)
    logging: LoggingSettings = field(default_factory=LoggingSettings)


_RANGES: Mapping[str, tuple[float, float]] = {
    "speech.first_segment_weight": (5, 200),
    "speech.later_segment_weight": (5, 200),
    "speech.sentence_pause_seconds": (0, 5),
    "audio.latency_ms": (5, 500),
    "audio.echo_latency_ms": (5, 500),
    "audio.idle_close_seconds": (0, 3600),
    "audio.wait_seconds": (0.5, 3600),
    "audio.stall_seconds": (0.2, 60),
    "chattts.threads": (0, 256),
    "chattts.idle_unload_seconds": (0, 604_800),
    "chattts.batch": (1, 4),
    "chattts.retries": (0, 5),
    "worker.hang_seconds": (0.5, 600),
    "worker.start_seconds": (0.5, 600),
    "worker.backoff_first_seconds": (0, 60),
    "worker.backoff_max_seconds": (0, 3600),
    "cache.megabytes": (0, 4096),
    "limits.text_characters": (1, 10_000_000),
    "limits.calls_per_second": (1, 100_000),
    "limits.call_burst": (1, 100_000),
    "limits.queued_per_sender": (1, 10_000),
    "limits.queued_total": (1, 100_000),
    "limits.waits_per_sender": (1, 10_000),
    "desktop.mpris_min_characters": (0, 10_000_000),
}
_CHOICES: Mapping[str, tuple[str, ...]] = {
    "speech.engine": ENGINES,
    "speech.priority": tuple(Priority),
    "chattts.backend": ("fast", "reference"),
    "chattts.device": ("auto", "cpu", "cuda"),
    "chattts.precision": ("auto", "fp32", "bf16", "int8", "int4"),
    "chattts.load": ("start", "request"),
    "chattts.while_loading": ("fallback", "wait"),
    "chattts.emoji": ("name", "drop"),
    "logging.level": LOG_LEVELS,
}
_FOLDERS = frozenset({"chattts.model_dir"})
_AS_OPTION = {
    "speech.voice": "voice",
    "speech.language": "language",
    "speech.rate": "rate",
    "speech.volume": "volume",
}


def default_path() -> Path:
    """Return the file that `load()` reads: the first that exists, else the user's."""
    candidates = config_files()
    return next((path for path in candidates if _exists(path)), candidates[0])


def _exists(path: Path) -> bool:
    """Tell whether there is a file; one that cannot be looked at is there, so that reading it says why."""
    try:
        return path.exists()
    except OSError:
        return True


def load(path: Path | None = None) -> Config:
    """Read the configuration; only a named file must exist, else the defaults hold. Raises ConfigError."""
    file = path or default_path()
    try:
        return parse(tomllib.loads(file.read_text(encoding="utf-8")), str(file))
    except FileNotFoundError:
        if path is None:
            return Config()
        raise ConfigError(f"{file}: there is no such file") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file}: cannot be read: {error}") from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{file}: not valid TOML: {error}") from None


def parse(tables: Mapping[str, Any], source: str) -> Config:
    """Build the tree from parsed TOML; raises ConfigError naming `source`, the key and what is allowed."""
    sections: dict[str, Any] = {}
    known = {section.name: section.default_factory for section in fields(Config)}
    for name, values in tables.items():
        if name not in known:
            raise ConfigError(f"{source}: unknown section [{name}]{_nearest(name, known)}")
        if not isinstance(values, dict):
            raise ConfigError(f"{source}: '{name}' must be a section, written [{name}]")
        sections[name] = _section(known[name], name, values, source)
    return Config(**sections)


def _section(kind: Any, section: str, values: Mapping[str, Any], source: str) -> Any:  # noqa: ANN401 - a dataclass of Config
    types = get_type_hints(kind)
    for key, value in values.items():
        if key not in types:
            raise ConfigError(f"{source}: unknown key '{key}' in [{section}]{_nearest(key, types)}")
        try:
            _check(f"{section}.{key}", value, types[key])
        except (OptionError, ConfigError) as error:
            raise ConfigError(f"{source}: {section}.{key}: {error}") from None
    return kind(**{key: types[key](value) if types[key] is float else value for key, value in values.items()})


def _check(name: str, value: object, kind: Any) -> None:  # noqa: ANN401 - a type read from a dataclass field
    accepted = (int, float) if kind is float else (kind,)
    if isinstance(value, bool) != (kind is bool) or not isinstance(value, accepted):
        wanted = {float: "a number", int: "a whole number", str: "a string", bool: "true or false"}[kind]
        raise ConfigError(f"got {_show(value)}, allowed: {wanted}")
    if name in _CHOICES and value not in _CHOICES[name]:
        raise ConfigError(f"got {_show(value)}, allowed: {', '.join(_CHOICES[name])}")
    if name in _RANGES:
        _check_range(value, *_RANGES[name])
    if name in _FOLDERS and value and not str(value).startswith(("/", "~/")):
        raise ConfigError(f"got {_show(value)}, allowed: a path that begins with / or ~/")
    if name in _AS_OPTION and value != "":
        parse_option(_AS_OPTION[name], str(value))


def _check_range(value: Any, low: float, high: float) -> None:  # noqa: ANN401 - int or float, checked before
    if not isfinite(value) or not low <= value <= high:
        raise ConfigError(f"got {_show(value)}, allowed: {low:g} to {high:g}")


def _show(value: object) -> str:
    shown = repr(value)
    return shown if len(shown) <= 60 else shown[:60] + "…"


def _nearest(name: str, known: Mapping[str, object]) -> str:
    near = get_close_matches(name, known, 1)
    return f"; did you mean '{near[0]}'?" if near else f"; allowed: {', '.join(known)}"
