"""English words that are written shorter than they are said: contractions and abbreviations."""

import re
from typing import Final

from .dates import WEEKDAYS
from .participles import stands_for_had, stands_for_has
from .patterns import Match, compiled
from .speller import Speller, word_list

_PRONOUN: Final = r"(?:I|you|he|she|it|we|they|this|that|there|who|what)"
_INVERTED: Final = compiled(
    rf"(?<![A-Za-z'])(?<!(?:\bI|you|he|she|it|we|they|and) )"
    rf"(?P<verb>[A-Za-z]{{2,6}}?)n't (?P<pronoun>{_PRONOUN})(?![A-Za-z'])",
    ignore_case=True,
)
_NOT: Final = compiled(r"(?<![A-Za-z'])(?P<verb>[A-Za-z]{1,6}?)n't(?![A-Za-z])", ignore_case=True)
_STEMS: Final = {"wo": "will", "sha": "shall", "ca": "can", "ai": "is"}
_AUXILIARIES: Final = word_list("""
    is are was were do does did has have had wo would ca could sha should must might need ought ai may
    dare
""")
_FIXED: Final = {
    "let's": "let us",
    "y'all": "you all",
    "ma'am": "mam",
    "o'clock": "o clock",
    "'em": "them",
    "'cause": "because",
    "'til": "until",
    "'tis": "it is",
    "'twas": "it was",
    "'n'": "and",
    "can't": "cannot",
    "c'mon": "come on",
    "how'd": "how did",
    "why'd": "why did",
    "where'd": "where did",
}
_SHORT: Final = compiled(
    rf"(?<![A-Za-z'])(?:{'|'.join(re.escape(key) for key in _FIXED)})(?![A-Za-z'])", ignore_case=True
)
_VERB: Final = compiled(r"(?<=[A-Za-z])'(?P<verb>ll|re|ve|m|d)(?![A-Za-z])", ignore_case=True)
_VERBS: Final = {"ll": "will", "re": "are", "ve": "have", "m": "am"}
_IS: Final = compiled(
    r"(?<![A-Za-z'])(?P<word>it|he|she|that|this|what|who|where|there|here|how|when|why|everything|something|nothing"
    r"|everyone|someone)'s(?![A-Za-z])",
    ignore_case=True,
)
_APOSTROPHE: Final = compiled(r"(?<=[A-Za-z0-9])'(?=[A-Za-z])|(?<=[sS])'(?![A-Za-z])")

_TITLES: Final = {
    "Mr": "Mister",
    "Mrs": "missus",
    "Ms": "Miz",
    "Dr": "doctor",
    "Prof": "Professor",
    "Rev": "Reverend",
    "Gen": "General",
    "Sen": "Senator",
    "Gov": "Governor",
    "Capt": "Captain",
    "Sgt": "Sergeant",
    "Lt": "Lieutenant",
    "Mt": "Mount",
    "Ft": "Fort",
}
_TITLE: Final = compiled(rf"(?<![A-Za-z])(?P<title>{'|'.join(_TITLES)})(?:\.|(?=[ ][A-Z]))")
_NUMBERED: Final = {
    "no": "number",
    "nos": "numbers",
    "fig": "figure",
    "figs": "figures",
    "p": "page",
    "pp": "pages",
    "vol": "volume",
    "ch": "chapter",
    "sec": "section",
    "eq": "equation",
    "ex": "example",
    "art": "article",
}
_NUMBER_WORD: Final = compiled(
    rf"(?<![A-Za-z.])(?P<word>{'|'.join(_NUMBERED)})\.[ ]?(?=[0-9])", ignore_case=True
)
_SHORTENED: Final = {
    "e.g.": "for example",
    "i.e.": "that is",
    "viz.": "namely",
    "etc.": "et cetera",
    "vs.": "versus",
    "vs": "versus",
    "approx.": "approximately",
    "dept.": "department",
    "govt.": "government",
    "inc.": "incorporated",
    "ltd.": "limited",
    "co.": "company",
    "corp.": "corporation",
    "jr.": "junior",
    "sr.": "senior",
    "ave.": "Avenue",
    "blvd.": "Boulevard",
    "rd.": "Road",
    "al.": "al",
    "cf.": "compare",
    "w/o": "without",
    "w/": "with ",
    "a.k.a.": "also known as",
    "aka": "also known as",
}
_CAPITAL_ONLY: Final = frozenset(("inc.", "ltd.", "co.", "corp.", "jr.", "sr.", "ave.", "blvd.", "rd."))
_LONGEST_FIRST: Final = sorted(_SHORTENED, key=len, reverse=True)
_SHORTER: Final = compiled(
    rf"(?<![A-Za-z0-9./])(?:{'|'.join(re.escape(key) for key in _LONGEST_FIRST)})"
    r"(?<=[./]|(?<![A-Za-z])(?:vs|aka|w/o)(?![A-Za-z]))",
    ignore_case=True,
)
_AMOUNT_BEFORE: Final = compiled(r"[0-9][ ]$")
"""What makes watts of a W."""
_SAINT: Final = compiled(r"(?<![A-Za-z])St\.?(?=[ ][A-Z])")
_STREET: Final = compiled(r"(?<![A-Za-z])St\.(?![A-Za-z])")
_AFTER_NAME: Final = compiled(r"[A-Z0-9][A-Za-z0-9]*[ ]$")
_INITIALS: Final = compiled(r"(?<![A-Za-z.])(?:[A-Za-z]\.){2,8}(?P<more>s?)(?![A-Za-z])(?P<end>[ ]*$)?")
_DAY: Final = "|".join(WEEKDAYS)
_DAYS: Final = compiled(rf"(?<![A-Za-z])(?P<one>{_DAY})\.?[ ]?[-–][ ]?(?P<other>{_DAY})[a-z]*+")
_INITIAL: Final = compiled(r"(?<![A-Za-z.]|(?<![A-Za-z])[A-Z][ ])(?P<letter>[A-HJ-Z])\.(?=[ ][A-Z])")


def abbreviations(text: str, speller: Speller) -> str:
    """Say `Dr. Smith` as `doctor Smith`, `No. 5` as `number 5`, `e.g.` as `for example`, `U.S.` as `U S`."""
    del speller
    text = _TITLE.sub(lambda found: _TITLES[found["title"]], text)
    text = _SAINT.sub(_saint, text)
    text = _STREET.sub("Street", text)
    text = _NUMBER_WORD.sub(lambda found: f"{_NUMBERED[found['word'].lower()]} ", text)
    text = _SHORTER.sub(_shortened, text)
    text = _INITIAL.sub(r"\g<letter>", text)
    text = _DAYS.sub(lambda found: f"{WEEKDAYS[found['one']]} to {WEEKDAYS[found['other']]}", text)
    return _INITIALS.sub(_initials, text)


def _initials(found: Match) -> str:
    spaced = found[0].replace(".", " ")
    return spaced.rstrip() + "." if found["end"] is not None and not found["more"] else str(spaced)


def _saint(found: Match) -> str:
    """Say `St.` as Saint before a name, as Street behind one that ends there: `Main St. in`."""
    before = found.string[max(0, found.start() - 30) : found.start()]
    return "Street" if _AFTER_NAME.search(before) else "Saint"


def _shortened(found: Match) -> str:
    written = found[0]
    if written.lower() in _CAPITAL_ONLY and not written[0].isupper():
        return str(written)
    if written == "W/" and _AMOUNT_BEFORE.search(found.string, max(0, found.start() - 2), found.start()):
        return str(written)
    said = _SHORTENED[written.lower()]
    rest = found.string[found.end() : found.end() + 3]
    ends = written.endswith(".") and (not rest.strip() or "\n" in rest)
    return f"{said}." if ends else said


def contractions(text: str, speller: Speller) -> str:
    """Write out `it's`, `don't`, `isn't it`, `we'll`, `let's`; the s of a possessive stays: `Johns`.

    The model's own normaliser deletes apostrophes, which leaves `its` and `dont`.
    """
    del speller
    text = _SHORT.sub(lambda found: _as_written(found[0], _FIXED[found[0].lower()]), text)
    text = _INVERTED.sub(_inverted, text)
    text = _NOT.sub(_not, text)
    text = _IS.sub(_is, text)
    text = _VERB.sub(_verb, text)
    return _APOSTROPHE.sub("", text)


def _as_written(written: str, said: str) -> str:
    first = written.lstrip("'")[:1]
    return said[:1].upper() + said[1:] if first.isupper() else said


def _inverted(found: Match) -> str:
    verb = found["verb"]
    if verb.lower() not in _AUXILIARIES:
        return str(found[0])
    stem = _as_written(verb, _STEMS.get(verb.lower(), verb))
    return f"{stem} {found['pronoun']} not"


def _not(found: Match) -> str:
    verb = found["verb"]
    if verb.lower() not in _AUXILIARIES:
        return str(found[0])
    return _as_written(verb, _STEMS.get(verb.lower(), verb)) + " not"


def _is(found: Match) -> str:
    verb = "has" if stands_for_has(found["word"], found.string, found.end()) else "is"
    return f"{found['word']} {verb}"


def _verb(found: Match) -> str:
    verb = found["verb"].lower()
    if verb == "d":
        return " had" if stands_for_had(found.string, found.end()) else " would"
    return f" {_VERBS[verb]}"
