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
    last = next((character for character in reversed(body[-8:]) if character not in _CLOSING), "")
    if last in _SENTENCE_ENDS:
        return sentence_seconds
    return sentence_seconds * CLAUSE if last in _CLAUSE_ENDS else 0.0
