"""Tells what a key stroke is answered with from what is read, by the whole text of an utterance."""

import re
import unicodedata
from collections.abc import Iterator
from typing import Final

from chatttsd.speech.names import COMMON_KEYS, character_name, key_name

_MOST_WORDS: Final = 5
_MOST_HAN: Final = 8
"""Chinese has no blanks between words: a name is no longer than that, a sentence mostly is."""
_LANGUAGES: Final = ("en", "zh")
_NAME: Final = re.compile(rf"\w[\w'-]*(?: \w[\w'-]*){{,{_MOST_WORDS - 1}}}")
_HAN: Final = re.compile(r"[\u3400-\u9fff]")
_THEIRS: Final = {
    ",": "", "，": "全角逗号|逗號", "、": "全角顿号|頓號", ";": "semi",
    "；": "fullwidth semicolon|全角分号|分號",
    "：": "全角冒号|冒號", "！": "全角感叹号|感嘆號|驚嘆號", "。": "句號",
    "?": "半形問號", "？": "fullwidth question mark|全角问号|問號",
    "…": "dot dot dot|水平省略号|省略號|點點點", "-": "减", "–": "短破折号", "—": "破折號|連接號",
    "(": "半形左括號", "（": "左小括号|左小括號|左夾注號|開括號",
    ")": "半形右括號", "）": "右小括号|右小括號|右夾注號|關括號",
    "[": "半形左中括號", "]": "半形右中括號", "{": "半形左大括號", "}": "半形右大括號",
    "【": "左粗中括号|左粗中括號|開方括號", "】": "右粗中括号|右粗中括號|關方括號",
    "《": "左書名號|開雙書名號", "》": "右書名號|關雙書名號",
    "〈": "左單書名號|開單書名號", "〉": "右單書名號|關單書名號",
    "「": "左单引号|左單引號|左上單引號|開單引號", "」": "右单引号|右單引號|右下單引號|關單引號",
    "『": "左双引号|左雙引號|左上雙引號|開雙引號", "』": "右双引号|右雙引號|右下雙引號|關雙引號",
    "‘": "left tick|左單引號", "’": "right tick|右單引號", "“": "左雙引號", "”": "右雙引號",
    "«": "double left pointing angle bracket|左双尖括号",
    "»": "double right pointing angle bracket|右双尖括号", "€": "歐元", "£": "英鎊",
}  # fmt: skip
"""What speech-dispatcher may leave behind its name, and names of its own for it in English and Chinese."""
_BARE: Final = frozenset({"space", "newline"})
"""How clients of SSIP write two characters; speech-dispatcher hands these words on in any language."""
_SPOKEN_KEYS: Final = frozenset(
    key_name(key, language).casefold() for key in COMMON_KEYS for language in _LANGUAGES
)


def stroke(text: str, language: str) -> str:
    """Return the name of what was typed, if a whole text is what answers a key stroke; else an empty string.

    That is the name of a key, as Orca sends it; or that of a character as speech-dispatcher sends it: a few
    words between two blanks, or a name it has for a character, behind a blank and before the character. It
    is none if `key_name` has other words for it, since what may be a text is said as it is written.
    """
    name = text.strip()
    if text == f" {name} ":
        name = name if _is_short(name) else ""
    elif text.startswith(" "):
        name = _BEFORE_MARKS.get(text, "")
    elif name.casefold() not in _SPOKEN_KEYS | _BARE:
        return ""
    spoken = name.casefold()
    return name if spoken in _BARE or key_name(name, language).casefold() == spoken else ""


def _is_short(name: str) -> bool:
    return _NAME.fullmatch(name) is not None and len(_HAN.findall(name)) <= _MOST_HAN


def _before_marks() -> Iterator[tuple[str, str]]:
    """Yield each text that is a name before its character, and the name."""
    for mark, theirs in _THEIRS.items():
        names = {*theirs.split("|"), *(character_name(mark, language) for language in _LANGUAGES)} - {""}
        # speech-dispatcher normalises what was typed, a wide comma to a comma.
        for form in (mark, unicodedata.normalize("NFKC", mark)):
            yield from ((f" {name}{form}", name) for name in names)


_BEFORE_MARKS: Final = dict(_before_marks())
