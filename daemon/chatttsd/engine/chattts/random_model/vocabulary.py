"""The word pieces of a random model and how long each of them sounds."""

import string
from collections.abc import Iterator
from itertools import islice, product
from typing import Final

SIZE: Final = 21128
"""Word pieces of bert-base-chinese; the special tokens follow."""
UNKNOWN: Final = "[UNK]"

_KNOWN: Final = {
    0: "[Sasr]", 1: "[Pasr]", 2: "[Easr]", 3: "[Stts]", 4: "[Ptts]", 5: "[Etts]",
    6: "[Sbreak]", 7: "[Pbreak]", 8: "[Ebreak]", 9: "[uv_break]", 10: "[v_break]",
    11: "[lbreak]", 12: "[llbreak]", 13: "[undefine]", 14: "[laugh]", 15: "[spk_emb]",
    16: "[empty_spk]", 17: "[music]", 18: "[pure]",
}  # fmt: skip
"""Special tokens by their place after the word pieces; 0-2, 5, 13, 17 and 18 are names of our own."""
SPECIAL: Final = (
    *_KNOWN.values(),
    *(f"[break_{n}]" for n in range(8)),
    *(f"[laugh_{n}]" for n in range(3)),
    *(f"[oral_{n}]" for n in range(10)),
    *(f"[speed_{n}]" for n in range(10)),
)

_BERT: Final = ("[PAD]", *(f"[unused{n}]" for n in range(1, 100)), UNKNOWN, "[CLS]", "[SEP]", "[MASK]")
_MARKS: Final = "，。！？、；：（）《》〈〉【】「」『』“”‘’…—·～￥％℃°±×÷→←↑↓■●▲★☆"
_COMMON: Final = (
    "the of and to in is you that it he was for on are as with his they at be this have from or one had by "
    "word but not what all were we when your can said there use an each which she do how their if will up "
    "other about out many then them these so some her would make like him into time has look two more write "
    "go see number no way could people my than first water been call who oil its now find long down day did "
    "get come made may part over new sound take only little work know place year live me back give most very "
    "after thing our just name good sentence man think say great where help through much before line right "
    "too mean old any same tell boy follow came want show also around form three small set put end does "
    "another well large must big even such because turn here why ask went men read need land different home "
    "us move try kind hand picture again change off play spell air away animal house point letter mother "
    "page answer found study still learn should world hello human rights free equal born dignity everyone "
    "article law person without freedom right nations computer speech voice music system model english"
)
"""English words that are one piece."""
_HAN: Final = range(0x4E00, 0x9FA5 + 1)
_KANA: Final = range(0x3041, 0x30FF)

_SYLLABLE: Final = 1 / 5.0
_WORD: Final = 1 / 2.7
_LETTER: Final = 1 / 15.0
_LATER_LETTER: Final = 0.03
_DIGIT: Final = 0.35
_SIGN: Final = 0.5
"""Seconds; they follow `chatttsd.speech.expected`."""
_SIGNS: Final = frozenset("@#%&*/\\$+<=>^`|~￥％℃°±×÷→←↑↓")
_CONTINUATION: Final = "##"


def pieces() -> tuple[str, ...]:
    """Return the `SIZE` word pieces by id: BERT's own, signs, digits, Chinese, English words and bits."""
    return tuple(islice(dict.fromkeys(_candidates()), SIZE))


def _candidates() -> Iterator[str]:
    yield from _BERT
    single = [*string.digits, *string.ascii_lowercase]
    yield from [*string.punctuation, *_MARKS, *single]
    yield from (_CONTINUATION + sign for sign in single)
    yield from (chr(code) for code in _KANA)
    han = [chr(code) for code in _HAN if _is_common(chr(code))]
    yield from han
    yield from _COMMON.split()
    pairs = ["".join(pair) for pair in product(string.ascii_lowercase, repeat=2)]
    yield from pairs
    yield from (_CONTINUATION + pair for pair in pairs)
    yield from (_CONTINUATION + sign for sign in han)
    triples = ["".join(triple) for triple in product(string.ascii_lowercase, repeat=3)]
    yield from (piece for triple in triples for piece in (triple, _CONTINUATION + triple))


def _is_common(character: str) -> bool:
    """Tell whether a character is in everyday use: all of GB 2312, and Big5's first level."""
    try:
        character.encode("gb2312")
    except UnicodeEncodeError:
        code = character.encode("big5", "ignore")
        return b"\xa4\x40" <= code <= b"\xc6\x7e"
    return True


def seconds(piece: str) -> float:
    """Return how long a word piece sounds when it is read out; 0 for punctuation and special tokens."""
    if piece == UNKNOWN:
        return _WORD
    bare = piece.removeprefix(_CONTINUATION) if len(piece) > len(_CONTINUATION) else piece
    if bare.isdigit():
        return _DIGIT * len(bare)
    if bare.isascii() and bare.isalpha():
        return _LATER_LETTER * len(bare) if piece != bare else max(_WORD, _LETTER * len(bare))
    if bare in _SIGNS:
        return _SIGN
    return _SYLLABLE if len(bare) == 1 and bare.isalpha() else 0.0
