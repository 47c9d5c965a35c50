"""From any punctuation to the comma, the stop and the enumeration comma: pauses stay, marks go."""

import re
from collections.abc import Mapping
from typing import Final

from .patterns import Match, compiled
from .speller import Speller, aside

_HASH: Final = compiled(r"#[ ]?(?=[0-9])")
_SECTION: Final = compiled(r"§+")
_SIGNS: Final[Mapping[str, tuple[str, str]]] = {
    "&": ("and", "和"),
    "@": ("at", "at"),
    "+": ("plus", "加"),
    "=": ("equals", "等于"),
    "%": ("percent", "百分号"),
    "‰": ("per mille", "千分号"),
    "$": ("dollar", "美元"),
    "€": ("euro", "欧元"),
    "£": ("pound", "英镑"),
    "¥": ("yuan", "元"),
    "°": ("degrees", "度"),
    "÷": ("divided by", "除以"),
}
_SIGN: Final = compiled("[" + "".join(re.escape(sign) for sign in _SIGNS) + "]")
_BETWEEN_DAYS: Final = compiled(r"(?<=[周期][一二三四五六日天])[ ]?[-–~—]{1,2}[ ]?(?=周|星期)")

SOFT: Final = "("
"""A pause only between words."""
_STOP: Final = "."
_COMMA: Final = ","
_LIST: Final = "、"

_MARKS: Final = str.maketrans(
    {
        **dict.fromkeys("。！？!?‽؟।｡", _STOP),
        **dict.fromkeys("，,;；:：—–|،؛→←↔⇒⇐↑↓•", _COMMA),
        **dict.fromkeys("~()《》「」『』〈〉", SOFT),
        "、": _LIST,
        "\n": _STOP,
    }
)
_ELLIPSIS: Final = compiled(r"\.(?:[ ]?\.)+(?P<end>[ ]*+(?:\Z|\n))?")
_SINGLE_DASH: Final = compiled(r"(?<=\s)-+(?=\s)|--+")
_LINE: Final = compiled(r"[ ]*\n\s*")
_SILENT: Final = compiled(r"[^\u4e00-\u9fffA-Za-z.,、( ]")
_PAUSE: Final = compiled(r"[ ]*[.,、(](?:[ ]*[.,、(])*[ ]*")
_HAN: Final = r"[\u4e00-\u9fff]"
_TIGHT: Final = compiled(rf"(?<={_HAN})[ ]+(?={_HAN})")
_LOOSE: Final = compiled(rf"(?<={_HAN})(?=[A-Za-z])|(?<=[A-Za-z])(?={_HAN})")
_WORDS: Final = compiled(r"(?<![A-Za-z\u4e00-\u9fff])[A-Za-z]+(?![A-Za-z\u4e00-\u9fff])")
_LONG: Final = compiled(r"[A-Za-z]{50}(?=[A-Za-z])")
"""More than any word has; of one with over a hundred letters the tokenizer makes one unknown sign."""
_ONE_HAN: Final = compiled(_HAN)
_WIDE: Final = {_STOP: "。", _COMMA: "，", _LIST: "、"}
_NARROW: Final = {_STOP: ". ", _COMMA: ", ", _LIST: ", "}


def symbols(text: str, speller: Speller) -> str:
    """Name the signs that are said wherever they stand: `&`, `@`, `+`, `#5`."""
    chinese = speller.language == "zh"
    text = _BETWEEN_DAYS.sub("至", text)
    text = _HASH.sub(" 第 " if chinese else " number ", text)
    text = _SECTION.sub(" 章节 " if chinese else " section ", text)
    return _SIGN.sub(lambda found: aside(_SIGNS[found[0]][chinese]), text)


def punctuate(text: str) -> str:
    """Return the text with nothing but Chinese characters, ASCII letters, blanks and `，。、,.` in it.

    A row of marks becomes the strongest of them; none is left in front, and brackets make no pause at the
    end. Text that upstream's normaliser takes for Chinese has only full-width marks. What is longer than any
    word is cut.
    """
    text = _ELLIPSIS.sub(lambda found: ". " if found["end"] is not None else ", ", text)
    text = _SINGLE_DASH.sub(",", _LINE.sub("\n", text))
    text = " ".join(_SILENT.sub(" ", text.translate(_MARKS)).split())
    text = _LONG.sub(r"\g<0> ", _LOOSE.sub(" ", _TIGHT.sub("", text)))
    chinese = _is_chinese(text)
    return _PAUSE.sub(lambda found: _pause(found, chinese=chinese), text).strip()


def _is_chinese(text: str) -> bool:
    """Decide as upstream's normaliser does: more Chinese characters than English words."""
    return len(_ONE_HAN.findall(text)) > len(_WORDS.findall(text))


def _pause(found: Match, *, chinese: bool) -> str:
    marks, before = found[0], found.string[found.start() - 1 : found.start()]
    mark = next((mark for mark in (_STOP, _COMMA, _LIST) if mark in marks), None)
    if not before or (mark is None and found.end() == len(found.string)):
        return ""
    wide = chinese or "\u4e00" <= before <= "\u9fff"
    return (_WIDE if wide else _NARROW)[mark or _COMMA]
