"""Markdown and HTML: the marks go, the words stay."""

import html
from typing import Final

from .patterns import compiled

_LINE_START: Final = compiled(r"(?m)^[ ]*(?:>[ ]*)*(?:[-*+•>]|#{1,6})[ ]+")
_RULE: Final = compiled(r"(?m)^[ ]*(?:[-*_=]{3,}|```[A-Za-z]*)[ ]*$")
_TAG: Final = compiled(
    r"</?(?:p|br|b|i|em|strong|a|div|span|code|li|ul|ol|h[1-6]|pre|img|sub|sup|tt|u|s|td|tr|table)"
    r"(?![A-Za-z0-9])[^<>]{0,300}>",
    ignore_case=True,
)
_ENTITY: Final = compiled(r"&(?:amp|lt|gt|quot|apos|nbsp|#[0-9]{1,5});")
_PLURAL: Final = compiled(r"(?<=[a-z])\(s\)")
_BARE_POINT: Final = compiled(r"(?<![0-9A-Za-z.])(?=\.[0-9])")
_MEASURED: Final = r"(?:[mnμ]?s|min|sec|[kmg]?g|[kcm]?m|[KMGT]B|(?:second|minute|hour|day|week|month|year)s?)"
_SMILEY: Final = compiled(
    r"(?<![A-Za-z0-9)])[:;=8][-^o']?[()DPpO/\\|*]+(?![A-Za-z0-9])"
    rf"|(?<!\S)<3+(?!\S|[ ]{_MEASURED}(?![A-Za-z]))"
)
_STRESS: Final = compiled(r"\*{2,}|\([ ]*\)|`+|(?<![A-Za-z0-9_])_+|_+(?![A-Za-z0-9_])")


def markup(text: str) -> str:
    """Drop bullets, headings, quotes, rules, stress marks, HTML tags and smileys typed in ASCII."""
    text = _TAG.sub(" ", _RULE.sub("", text))
    text = _ENTITY.sub(lambda found: _character(found[0]), text)
    text = _BARE_POINT.sub("0", _PLURAL.sub("s", text))
    text = _LINE_START.sub("", text)
    return _SMILEY.sub(" ", _STRESS.sub("", text))


def _character(entity: str) -> str:
    letter = html.unescape(entity)
    return letter if letter.isprintable() and letter.isascii() else " "
