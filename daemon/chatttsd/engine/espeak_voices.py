"""Which voices of espeak-ng are offered, under which ids, and which one speaks a language."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from chatttsd.engine.api import EngineError, Voice
from chatttsd.engine.espeak_library import VoiceEntry

ENGINE: Final = "espeak-ng"

_CHINESE: Final = frozenset({"zh", "cmn", "yue", "hak", "nan", "wuu"})
_UNOFFERED: Final = frozenset(
    # Invented languages, and voices whose dictionary the PyPI package does not hold.
    {"art/jbo", "art/piqd", "art/py", "art/qdb", "art/qya", "art/sjn", "art/xex", "gmq/fo", "trk/kaa"}
)
_ALIASES: Final = {
    "zh": "cmn",
    "zh-hk": "yue",
    "zh-mo": "yue",
    "zh-yue": "yue",
    "zh-hant-hk": "yue",
    "zh-hant-mo": "yue",
    "zh-hak": "hak",
    "zh-latn": "cmn-latn-pinyin",
    "en": "en-us",
    "no": "nb",
    "nn": "nb",
}
"""BCP 47 tags whose best voice the library's own list does not tell."""
_LANGUAGES: Final = {"cmn": ("zh", "zh-CN", "cmn"), "yue": ("yue", "zh-HK")}
"""What these voices are offered for, instead of the library's own tags."""


def is_chinese(language: str) -> bool:
    """Tell whether a BCP 47 tag is one of the Chinese languages."""
    return language.lower().split("-")[0] in _CHINESE


@dataclass(frozen=True, slots=True)
class EspeakVoice:
    """An offered voice, the library's file for it, and whether it speaks a Chinese language."""

    voice: Voice
    identifier: str
    chinese: bool


class VoiceTable:
    """The offered voices by id and by language."""

    def __init__(self, entries: Iterable[VoiceEntry]) -> None:
        self._by_id: dict[str, EspeakVoice] = {}
        self._by_tag: dict[str, tuple[int, EspeakVoice]] = {}
        for entry in entries:
            if entry.identifier not in _UNOFFERED:
                self._add(entry)

    def voices(self) -> tuple[Voice, ...]:
        """List the voices as clients see them."""
        return tuple(item.voice for item in self._by_id.values())

    def by_id(self, voice_id: str) -> EspeakVoice:
        """Find a voice by its id; raises EngineError."""
        found = self._by_id.get(voice_id)
        if found is None:
            raise EngineError(f"voice {voice_id!r} is unknown, allowed are ids such as '{ENGINE}/cmn'")
        return found

    def by_language(self, language: str) -> EspeakVoice:
        """Find the default voice of a BCP 47 tag by its longest known prefix; raises EngineError."""
        parts = language.lower().replace("_", "-").split("-")
        for length in range(len(parts), 0, -1):
            tag = "-".join(parts[:length])
            found = self._by_tag.get(_ALIASES.get(tag, tag))
            if found is not None:
                return found[1]
        raise EngineError(
            f"language {language!r} has no voice in {ENGINE}, allowed are tags such as 'zh', 'en-GB'"
        )

    def _add(self, entry: VoiceEntry) -> None:
        tags = [tag for _, tag in entry.languages]
        name = tags[0] if f"{ENGINE}/{tags[0]}" not in self._by_id else _file_name(entry)
        languages = _LANGUAGES.get(name) or tuple(bcp47(tag) for tag in tags)
        voice = Voice(f"{ENGINE}/{name}", entry.name, ENGINE, languages)
        item = EspeakVoice(voice, entry.identifier, is_chinese(tags[0]))
        self._by_id[voice.id] = item
        for priority, tag in (*entry.languages, (0, name)):
            known = self._by_tag.get(tag)
            if known is None or priority < known[0]:
                self._by_tag[tag] = (priority, item)


def bcp47(tag: str) -> str:
    """Write a language tag the usual way: `en-us` as `en-US`, `cmn-latn-pinyin` as `cmn-Latn-pinyin`."""
    first, *others = tag.split("-")
    return "-".join([first, *(_subtag(part) for part in others)])


def _subtag(part: str) -> str:
    if len(part) == 4 and part.isalpha():
        return part.title()
    return part.upper() if len(part) == 2 else part


def _file_name(entry: VoiceEntry) -> str:
    return entry.identifier.rsplit("/", 1)[-1].lower()
