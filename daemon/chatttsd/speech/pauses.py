"""How long the voice rests between two segments, by what the first of them ends with."""

from typing import Final

_SENTENCE_ENDS: Final = frozenset("。！？!?.…｡؟۔।")
_CLAUSE_ENDS: Final = frozenset("，、；：,;:—–")
_CLOSING: Final = frozenset("\"'”’»)）】」』〉》]")
PARAGRAPH: Final = 1.8
CLAUSE: Final = 0.4


def pause_after(ending: str, sentence_seconds: float) -> float:
    """Return the seconds of rest after a segment of the original text, blanks at its end included.

    A sentence rests `sentence_seconds`, a paragraph 1.8 times as long, a clause 0.4 times; a segment that was
    cut for its length alone does not rest.
    """
    body = ending.rstrip()
    if "\n" in ending[len(body) :]:
        return sentence_seconds * PARAGRAPH
    if ends_sentence(body):
        return sentence_seconds
    return sentence_seconds * CLAUSE if _last_mark(body) in _CLAUSE_ENDS else 0.0


def ends_sentence(text: str) -> bool:
    """Tell whether a text ends with the mark of a sentence's end, quotes and brackets behind it apart."""
    return _last_mark(text.rstrip()) in _SENTENCE_ENDS


def _last_mark(body: str) -> str:
    return next((character for character in reversed(body[-8:]) if character not in _CLOSING), "")
