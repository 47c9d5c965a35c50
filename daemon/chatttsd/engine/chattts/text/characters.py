"""One spelling for every character: compatibility forms, accents, digits, quotes, dashes and brackets."""

import unicodedata
from typing import Final

from .patterns import compiled

_SUPERSCRIPTS: Final = "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻"
_RAISED: Final = str.maketrans(_SUPERSCRIPTS, "0123456789+-")
_SUPERSCRIPT: Final = compiled(rf"[{_SUPERSCRIPTS}]+")
_VULGAR: Final = compiled(r"(?<=[0-9])(?=[¼-¾⅐-⅞↉])")
_CIRCLED: Final = compiled(r"[①-⑳❶-❿➀-➓⓫-⓴]")

_BEFORE: Final = str.maketrans(
    {"㎡": "m^2", "㎢": "km^2", "㎥": "m^3", "№": "No. ", "™": "", "®": "", "㏄": "ml", "…": "...", "﹏": ""}
)
"""Characters whose compatibility form would lose what they mean."""

_PLAIN: Final = str.maketrans(
    {
        **dict.fromkeys("‘’‛ʼ′´", "'"),
        **dict.fromkeys("“”„‟«»″〝〞", '"'),
        **dict.fromkeys("‐‑⁃−﹣", "-"),
        **dict.fromkeys("‒–", "–"),
        **dict.fromkeys("―─━⸺", "—"),
        **dict.fromkeys("〜∼˜", "~"),
        **dict.fromkeys("[{【〔〖﹇⟨", "("),
        **dict.fromkeys("]}】〕〗﹈⟩", ")"),
        **dict.fromkeys("•‣◦▪●○■□◆◇★☆※", "•"),
        **dict.fromkeys("·・‧∙", "·"),
        "⁄": "/",
        "∕": "/",
        "∶": ":",
        "∗": "*",
        "⋅": "·",
        "。": "。",
        "〇": "零",
        "µ": "μ",
        "Ω": "Ω",
        "¿": " ",
        "¡": " ",
        "\r": "\n",
        "\u2028": "\n",
        "\u2029": "\n",
        "\t": " ",
    }
)
_LETTERS: Final = str.maketrans(
    dict(
        zip(
            "ßæœøłđðþıŋħŧƒʃəÆŒØŁĐÐÞẞ",
            [
                "ss",
                "ae",
                "oe",
                "o",
                "l",
                "d",
                "d",
                "th",
                "i",
                "ng",
                "h",
                "t",
                "f",
                "sh",
                "e",
                "AE",
                "OE",
                "O",
                "L",
                "D",
                "D",
                "Th",
                "SS",
            ],
            strict=True,
        )
    )
)
_UNSEEN: Final = compiled(r"(?V1)[\p{Cf}\p{M}\p{Cs}\p{Co}\p{Cn}\p{Default_Ignorable_Code_Point}]")
_CONTROL: Final = compiled(r"(?V1)[\p{Cc}--\n]|(?V1)\p{Zs}")
_ACCENTED: Final = compiled(r"(?V1)[\p{Latin}--[A-Za-z]]")
_FOREIGN_DIGIT: Final = compiled(r"(?V1)[\p{Nd}--[0-9]]")
_REPEAT: Final = compiled(r"(\p{Han})々")
_WIDE_COMMA: Final = "，"


def clean(text: str) -> str:
    """Return the text in ASCII and Chinese as far as it can be: `Ｈｉ` is `Hi`, `m²` is `m^2`, `é` is `e`.

    Square and other brackets become round ones; invisible characters and combining marks go. Letters of
    other scripts stay. The full-width comma stays too: `100，200` is no number.
    """
    text = _SUPERSCRIPT.sub(lambda found: "^" + found[0].translate(_RAISED), text)
    text = _VULGAR.sub(" ", text)
    text = _CIRCLED.sub(lambda found: f" {int(unicodedata.numeric(found[0]))}, ", text)
    text = text.translate(_BEFORE)
    text = _WIDE_COMMA.join(unicodedata.normalize("NFKC", part) for part in text.split(_WIDE_COMMA))
    text = _FOREIGN_DIGIT.sub(lambda found: str(unicodedata.digit(found[0], " ")), text.translate(_PLAIN))
    text = _ACCENTED.sub(lambda found: unaccented(found[0]), text)
    text = _CONTROL.sub(" ", _UNSEEN.sub("", text))
    return _REPEAT.sub(r"\1\1", text)


def unaccented(letter: str) -> str:
    """Return a Latin letter in ASCII, or nothing where there is no such spelling."""
    letters = unicodedata.normalize("NFKD", letter.translate(_LETTERS))
    return "".join(each for each in letters if each.isascii() and each.isalpha())
