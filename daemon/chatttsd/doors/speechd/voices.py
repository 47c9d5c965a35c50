"""The voices that LIST VOICES tells at once: as the daemon last told them, before that what it ships with."""

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

Row = tuple[str, str, str]
"""Name, language and variant."""

_FOLDER: Final = "chatttsd"
_FILE: Final = "speechd-voices.tsv"
_VARIANT: Final = "none"
_DIALECTS: Final = {"zh": ("zh-CN", "zh-TW", "zh-SG"), "en": ("en-US", "en-GB")}
"""Clients look for the dialect of their user: a voice of the language speaks these too."""
_MODEL: Final = "chattts/"
_NAMES: Final = ("alder", "birch", "cedar", "hazel", "linden")
_ESPEAK_LANGUAGES: Final = (
    "af ar be bg bn bs ca cs cy da de el en-US en-GB eo es et eu fa fi fr-FR ga gu he hi hr hu hy id is it "
    "ja ka kk kn ko ku la lt lv mk ml mr ms mt nb ne nl pa pl pt pt-BR ro ru si sk sl sq sr sv sw ta te th "
    "tr uk ur uz vi"
)


def built_in() -> list[Row]:
    """Return the voices of a fresh installation."""
    own = [(f"{_MODEL}{name}", ("zh", "en")) for name in _NAMES]
    other = [(f"espeak-ng/{tag.lower()}", (tag,)) for tag in _ESPEAK_LANGUAGES.split()]
    chinese = (("espeak-ng/cmn", ("zh", "zh-CN", "cmn")), ("espeak-ng/yue", ("yue", "zh-HK")))
    return rows([*own, *chinese, *other])


def rows(voices: Iterable[tuple[str, Sequence[str]]]) -> list[Row]:
    """Make a row for each voice id and language, those of ChatTTS in their dialects too."""
    found: dict[Row, None] = {}
    for voice, languages in voices:
        dialects = _DIALECTS if voice.startswith(_MODEL) else {}
        tags = [tag for language in languages for tag in (language, *dialects.get(language, ()))]
        found.update(dict.fromkeys((voice, tag, _VARIANT) for tag in tags if _printable(voice, tag)))
    return list(found)


def _printable(*parts: str) -> bool:
    """Tell whether a name fits into the line of a reply."""
    return all(part and part.isprintable() for part in parts)


def filtered(found: Sequence[Row], language: str, variant: str) -> list[Row]:
    """Return the rows of a language (`en` has `en-US`, not the other way) and a variant, as 0.12 filters."""
    wanted = language.lower()
    return [
        row
        for row in found
        if (not wanted or wanted in (row[1].lower(), row[1].lower().partition("-")[0]))
        and (not variant or variant.lower() == row[2].lower())
    ]


def cache_file(environment: Mapping[str, str]) -> Path:
    """Return where the list is kept, in the same folder as the daemon's `cache_directory()`."""
    base = environment.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")  # noqa: PTH111 - any HOME
    return Path(base) / _FOLDER / _FILE


class VoiceList:
    """The rows to tell; kept in a file over restarts."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._rows: list[Row] = []

    def listed(self, language: str = "", variant: str = "") -> Sequence[Row]:
        """Return the rows of a language, of all with an empty one."""
        self._rows = self._rows or self._read() or built_in()
        return filtered(self._rows, language, variant)

    def learn(self, voices: Iterable[tuple[str, Sequence[str]]]) -> None:
        """Take what the daemon told; an empty list is one that is not ready yet."""
        found = rows(voices)
        if found and found != self._rows:
            self._rows = found
            self._write()

    def _read(self) -> list[Row]:
        try:
            lines = self._path.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError):
            return []
        parts = [line.split("\t") for line in lines]
        return [(part[0], part[1], part[2]) for part in parts if len(part) == 3 and _printable(*part)]

    def _write(self) -> None:
        fresh = self._path.with_name(f"{self._path.name}.{os.getpid()}")
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            fresh.write_text("".join("\t".join(row) + "\n" for row in self._rows), encoding="utf-8")
            fresh.replace(self._path)
        except OSError:
            return  # it is only a cache
