"""What options make of a script: spelling, names of punctuation, capitals."""

from collections.abc import Iterable, Iterator
from itertools import chain, islice
from typing import Final

from chatttsd.speech.capitals import told
from chatttsd.speech.language import AUTO, LATIN_DEFAULT, resolve
from chatttsd.speech.options import Capitals, Kind, Punctuation, SpeakOptions
from chatttsd.speech.punctuation import named
from chatttsd.speech.script import Manner, Passage, Script, plain
from chatttsd.speech.spelling import spelled
from chatttsd.speech.ssml import parse_ssml
from chatttsd.speech.traced import Traced

_SAMPLE_PASSAGES: Final = 16
_SAMPLE_CHARACTERS: Final = 512
"""How much of a script decides its language."""


def script_of(text: str, options: SpeakOptions, default_language: str = LATIN_DEFAULT) -> Iterable[Passage]:
    """Return what is to be said of an utterance; raises SsmlError for `kind=ssml`.

    `default_language` is that of Latin script, for the names of punctuation and capitals.
    """
    if options.kind is Kind.SSML:
        script = parse_ssml(text)
    elif options.kind is Kind.TEXT:
        script = plain(text)
    else:
        script = (Passage(text, range(len(text) + 1), Manner(kind=options.kind)),)
    return dress(script, options, default_language)


def dress(script: Script, options: SpeakOptions, default_language: str = LATIN_DEFAULT) -> Iterable[Passage]:
    """Return the script as its options want it said, for one reading; one with nothing to change as it is.

    Made while it is read: a long text spelled is a passage a letter.

    Spelled text tells every capital letter, other text a word that begins with one.
    """
    plainly = options.punctuation is Punctuation.NONE and options.capitals is Capitals.NONE
    if plainly and not options.spelling:
        named_ones = any(_is_named(passage) for passage in script)
        return chain.from_iterable(_letters(passage) for passage in script) if named_ones else script
    usual = _language(script, options, default_language)
    parts = (_dressed(passage, options, passage.manner.language or usual) for passage in script)
    return chain.from_iterable(parts)


def _dressed(passage: Passage, options: SpeakOptions, language: str) -> Iterator[Passage]:
    for part in _named(passage, options, language):
        yield from told(part, options.capitals, language)


def _named(passage: Passage, options: SpeakOptions, language: str) -> Iterator[Passage]:
    """Yield the passage spelled, or with the names of its punctuation."""
    if passage.manner.kind is not Kind.TEXT or not passage.text:
        yield from _letters(passage)
    elif options.spelling:
        yield from _spelled(passage)
    else:
        yield named(passage, options.punctuation, language)


def _letters(passage: Passage) -> Iterable[Passage]:
    """Return a passage of characters that are named as one of each."""
    return _spelled(passage) if _is_named(passage) else (passage,)


def _is_named(passage: Passage) -> bool:
    return passage.manner.kind is Kind.CHAR and bool(passage.text)


def _spelled(passage: Passage) -> Iterator[Passage]:
    return spelled(Traced(passage.text, passage.origin), passage.manner, passage.marks, passage.rest)


def _language(script: Script, options: SpeakOptions, default: str) -> str:
    if options.language != AUTO:
        return options.language
    sample = "".join(passage.text[:_SAMPLE_CHARACTERS] for passage in islice(script, _SAMPLE_PASSAGES))
    return resolve(sample, AUTO, default)
