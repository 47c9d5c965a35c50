"""Make any text safe to give to an engine, without ever moving a character.

`sanitise` keeps the length, so that a range in its result is the same range in what the client sent;
`spoken` then shortens one slice of it to what is said aloud.
"""

from typing import Final

import regex

CONTEXT: Final = 16
"""How many characters on either side decide what `sanitise` does with one character."""

_BRACKETS: Final = str.maketrans("[]\ufe47\ufe48\uff3b\uff3d", "()()（）")
"""ChatTTS reads `[laugh]`, `[uv_break]`, ... as commands; these six characters are `[` or `]` after NFKC."""

_NEWLINE: Final = regex.compile(r"\r(?!\n)|[\x0b\x0c\x85\u2028\u2029]")

_TAG: Final = r"[\U000E0020-\U000E007F]"
_JOINING: Final = r"[[\p{L}\p{M}]--[\p{Latin}\p{Greek}\p{Cyrillic}\p{Han}]]"
_KEPT: Final = "|".join(
    (
        r"(?<=[\p{Extended_Pictographic}\p{Emoji_Modifier}\ufe0f])\u200d(?=\p{Extended_Pictographic})",
        rf"(?<=\U0001F3F4{_TAG}{{0,6}}){_TAG}",
        rf"(?<={_JOINING})[\u200c\u200d](?={_JOINING})",
        r"(?<=[\p{L}\p{N}])[\u00ad\u2060\ufeff](?=[\p{L}\p{N}])",
        r"[\n\p{Mn}\p{Prepended_Concatenation_Mark}]",
    )
)
"""Invisible characters with a meaning: in emoji, in scripts that join, and inside words."""

_UNSPEAKABLE: Final = regex.compile(
    rf"(?V1)(?!{_KEPT})[\p{{Cc}}\p{{Cf}}\p{{Cs}}\p{{Co}}\p{{NChar}}\p{{Default_Ignorable_Code_Point}}\ufffc]"
)

_UNHEARD: Final = regex.compile(r"[\u00ad\u034f\u2060\ufeff]")
_MARKS: Final = regex.compile(r"(\p{M}{4})\p{M}+")
_DECORATION: Final = regex.compile(r"([=_*#~+|<>^\-])(?:\s?\1){3,}")
_SYMBOLS: Final = regex.compile(r"(?V1)((?!\s)(?=[^\p{L}\p{N}])\X)(?:\s?\1){3,}")
_LETTERS: Final = regex.compile(r"(\p{L}\p{M}*+)\1{7,}")
_LONGEST_LETTERS: Final = 8
_LONGEST_SYMBOLS: Final = 3

_RULE: Final = regex.compile(r"([\p{P}\p{Sm}\p{Sk}])(?:\s?\1){2,}")
_AUDIBLE: Final = regex.compile(r"(?V1)[[\p{L}\p{N}\p{S}@#%&*/\\§¶‰]--[~^`|<>¨´¯¸]]")


def sanitise(text: str) -> str:
    """Replace what no engine may see by a blank and every square bracket by a round one; the length is kept.

    Blanked are control, bidi, invisible, private-use, surrogate and non-characters; every line or paragraph
    separator becomes a newline. Graphemes such as emoji sequences stay whole. Idempotent.
    """
    text = _NEWLINE.sub("\n", text)
    clean: str = _UNSPEAKABLE.sub(" ", text)
    return clean.translate(_BRACKETS)


def sanitised_slice(text: str, start: int, end: int) -> str:
    """Return `sanitise(text)[start:end]` without reading the rest of the text."""
    first = max(0, start - CONTEXT)
    return sanitise(text[first : end + CONTEXT])[start - first : end - first]


def spoken(text: str) -> str:
    """Return what an engine says for a slice of sanitised text; empty when there is nothing to say.

    Blanks are collapsed and stripped; a run of one letter keeps 8, of a symbol 3, of `=_*#~+|<>^-` 1; a base
    keeps 4 combining marks; digits are never dropped. Punctuation alone is silent (`kind=char` says its
    name); emoji and signs such as `+`, `%`, `@` are not.
    """
    text = " ".join(_UNHEARD.sub("", text).split())
    text = _MARKS.sub(r"\1", text)
    if not is_audible(text):
        return ""
    text = _DECORATION.sub(r"\1", text)
    text = _SYMBOLS.sub(lambda run: run[1] * _LONGEST_SYMBOLS, text)
    shortened: str = _LETTERS.sub(lambda run: run[1] * _LONGEST_LETTERS, text)
    return shortened


def is_audible(text: str) -> bool:
    """Tell whether the text has a letter, digit, sign or emoji to say: punctuation and `=====` have none."""
    return _AUDIBLE.search(_RULE.sub(" ", text)) is not None
