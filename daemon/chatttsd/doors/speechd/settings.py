"""What SET brings, and the daemon's options that it means."""

from collections.abc import Mapping, Sequence
from typing import Final

from chatttsd.doors.speechd.configuration import Configuration

_NULL: Final = "NULL"
_LOWEST: Final = -100
_HIGHEST: Final = 100
_PITCH_OCTAVES: Final = 1.0
"""Up and down at the ends of the scale, which are the daemon's limits 0.5 and 2."""
_LOUDNESS_EXPONENT: Final = 1 / 0.6
"""Loudness grows with the 0.6th power of the sound pressure (S. S. Stevens, 1955)."""
_QUIETEST: Final = 0.01
"""Amplitude of volume -100: a person who hears nothing at all cannot find the way back."""
_KINDS: Final = {"SPEAK": "ssml", "CHAR": "char", "KEY": "key"}
_PUNCTUATION: Final = ("some", "most", "all")
_CAPITALS: Final = ("spell", "icon")


class Settings:
    """The values of SET: only those that changed come, so all are kept."""

    def __init__(self, configuration: Configuration) -> None:
        self._configuration = configuration
        self._values: dict[str, str] = {}

    def update(self, lines: Sequence[str]) -> None:
        """Take `name=value` lines; a line without `=` is left out, NULL takes a value away."""
        for line in lines:
            name, equals, value = line.partition("=")
            if equals:
                self._values[name.strip()] = "" if value.strip() == _NULL else value.strip()

    def options(self, kind: str) -> dict[str, str]:
        """Return the options of `SpeakWith` for a message of this kind; defaults are left out."""
        values = self._values
        options = dict(self._configuration.options)
        options |= {"priority": self._configuration.priority, "bind_to_client": "true", "kind": _KINDS[kind]}
        factors = {
            "rate": (rate_factor(self._number("rate", 0), self._configuration.rate_range), 1.0),
            "pitch": (pitch_factor(self._number("pitch", 0)), 1.0),
            "volume": (volume_factor(self._number("volume", _HIGHEST)), 1.0),
        }
        options |= {name: f"{factor:.4f}" for name, (factor, usual) in factors.items() if factor != usual}
        if values.get("punctuation_mode") in _PUNCTUATION:
            options["punctuation"] = values["punctuation_mode"]
        if values.get("spelling_mode") == "on":
            options["spelling"] = "true"
        if values.get("cap_let_recogn") in _CAPITALS:
            options["capitals"] = values["cap_let_recogn"]
        return options | self._voice()

    def _voice(self) -> dict[str, str]:
        """Return the language and the voice: the one chosen by name, else by the configuration's AddVoice."""
        language = self._values.get("language", "").replace("_", "-")
        kind = self._values.get("voice", "").lower()
        voice = self._values.get("synthesis_voice") or self._configuration.voice(language, kind)
        named = {"language": language, "voice": voice}
        return {name: value for name, value in named.items() if value}

    def _number(self, name: str, usual: int) -> int:
        try:
            value = int(self._values.get(name, usual))
        except ValueError:
            return usual
        return max(_LOWEST, min(_HIGHEST, value))


def rate_factor(value: int, rate_range: float) -> float:
    """Return the rate for -100..100: each step changes it by the same ratio, 1/range..range."""
    return float(rate_range ** (value / _HIGHEST))


def pitch_factor(value: int) -> float:
    """Return the pitch for -100..100: an octave down to an octave up."""
    return float(2.0 ** (_PITCH_OCTAVES * value / _HIGHEST))


def volume_factor(value: int) -> float:
    """Return the amplitude for -100..100 (100 is full), so that loudness as it is felt grows evenly."""
    felt = (value - _LOWEST) / (_HIGHEST - _LOWEST)
    return max(_QUIETEST, float(felt**_LOUDNESS_EXPONENT))


def chosen(options: Mapping[str, str], *without: str) -> dict[str, str]:
    """Return options without some of them."""
    return {name: value for name, value in options.items() if name not in without}
