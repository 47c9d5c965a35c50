"""From the text of a segment to the words that ChatTTS is given."""

from dataclasses import dataclass, field
from typing import Final
from unicodedata import normalize

from chatttsd.engine.api import EngineError
from chatttsd.speech.language import resolve

from . import (
    angles,
    comparisons,
    dates,
    english_words,
    maths,
    names,
    phones,
    quantities,
    standards,
    times,
    web,
)
from .characters import clean
from .emoji import EmojiStyle, name_emoji
from .languages import main_speller, runs
from .markup import markup
from .numbers import NumberReader, spelt
from .patterns import compiled
from .punctuation import punctuate, symbols
from .speller import Rule, Speller

RULES: Final[tuple[Rule, ...]] = (
    web.urls,
    web.emails,
    web.ip_addresses,
    web.paths,
    web.flags,
    web.mentions,
    standards.standards,
    angles.angles,
    dates.dates,
    times.times,
    phones.phones,
    dates.decades,
    dates.ordinals,
    maths.grouped,
    comparisons.comparisons,
    maths.notations,
    quantities.ranges,
    quantities.about,
    english_words.contractions,
    english_words.abbreviations,
    maths.roman_numerals,
    quantities.money,
    quantities.percent,
    quantities.measures,
    maths.fractions,
    maths.ratios,
    maths.thousands,
    names.versions,
    names.model_names,
    web.alternatives,
    names.identifiers,
    maths.greek_letters,
    maths.formulas,
    maths.negatives,
    symbols,
)
"""In this order: what has a shape of its own (addresses, dates, phone numbers) before its parts."""

_LETTER: Final = compiled(r"\p{L}")
_SAYABLE: Final = compiled(r"(?V1)[\p{Latin}\u4e00-\u9fff々〇]")
_WORD: Final = compiled(r"[A-Za-z\u4e00-\u9fff]")
_SPACED_NUMBER: Final = compiled(r"(?<=[\u4e00-\u9fff])[ ]+(?=[+]?[0-9])|(?<=[0-9%])[ ]+(?=[\u4e00-\u9fff])")
_SCRIPTS: Final = {
    script: compiled(rf"\p{{{script}}}")
    for script in (
        "Latin",
        "Han",
        "Hiragana",
        "Katakana",
        "Hangul",
        "Cyrillic",
        "Greek",
        "Arabic",
        "Hebrew",
        "Thai",
    )
}
_NOT_CHINESE: Final = frozenset(("ja", "ko"))


class UnspeakableError(EngineError):
    """Nothing of a segment can be said by ChatTTS; the message counts its letters by script."""


@dataclass(frozen=True, slots=True)
class Spoken:
    """What is said for a segment, and the share 0..1 of its letters that ChatTTS can say."""

    text: str = field(repr=False)
    kept: float = 1.0


class FrontEnd:
    """Turns any text into characters that ChatTTS's own normaliser leaves alone; loads wetext when made.

    `numbers` says the digits that the rules leave; wetext and our own spellers unless given. `emoji` is
    `name` or `drop`; ValueError for another one.
    """

    def __init__(self, numbers: NumberReader | None = None, *, emoji: str = EmojiStyle.NAME) -> None:
        self._emoji = _style(emoji)
        self._numbers = numbers or NumberReader()

    def spoken(self, text: str, language: str) -> Spoken:
        """Return the words for a segment of BCP 47 `language`: only Chinese, ASCII letters and `，。、,. `.

        Square brackets are never passed on: `[laugh]` is said. Raises UnspeakableError for a text of which
        nothing is left to say.
        """
        plain = clean(name_emoji(text, main_speller(text, language), self._emoji))
        said = "".join(self._run(run, speller) for run, speller in runs(markup(plain), language))
        words = punctuate(said)
        if not _WORD.search(words):
            told = _scripts(text)
            raise UnspeakableError(f"nothing that ChatTTS can say: {told}")
        return Spoken(words, _share(text, language))

    def _run(self, run: str, speller: Speller) -> str:
        if speller.language == "zh":
            run = _SPACED_NUMBER.sub("", run)
        for rule in RULES:
            run = rule(run, speller)
        return spelt(self._numbers(run, speller), speller)


def _style(emoji: str) -> EmojiStyle:
    try:
        return EmojiStyle(emoji)
    except ValueError:
        raise ValueError(f"emoji: got {emoji!r}, allowed: name, drop") from None


def _share(text: str, language: str) -> float:
    """Return the share of the letters that are Latin or Chinese; Han in Japanese is not Chinese."""
    text = normalize("NFKC", text)
    letters = len(_LETTER.findall(text))
    if not letters:
        return 1.0
    sayable = len(_SAYABLE.findall(text))
    if resolve(text, "auto") in _NOT_CHINESE or language.partition("-")[0] in _NOT_CHINESE:
        sayable -= len(_SCRIPTS["Han"].findall(text))
    return max(0.0, min(1.0, sayable / letters))


def _scripts(text: str) -> str:
    counts = {script: len(found.findall(text)) for script, found in _SCRIPTS.items()}
    told = ", ".join(f"{count} {script}" for script, count in counts.items() if count)
    return f"letters by script: {told or 'none'}, {len(text)} characters"
