"""What `'s` and `'d` stand for: `has` and `had` in front of a participle, else `is` and `would`."""

from typing import Final

from .patterns import compiled
from .speller import word_list

_PARTICIPLES: Final = word_list("""
    arisen awoken beaten been begun bent bitten bled blown born borne bought bound bred broken brought built
    burnt caught chosen clung crept dealt done drawn dreamt driven drunk dug eaten fallen fed felt
    fled flown flung forbidden forgiven forgotten fought found frozen given gone got gotten grown had heard
    held hidden hung kept knelt known laid lain leapt learnt led left lent lit lost made meant met mistaken
    overheard overslept overtaken paid proven rebuilt redone retold ridden risen rung said sat seen sent
    sewn shaken shone shot shown shrunk slain slept slid sold sought spelt spent spilt spoilt spoken sprung
    spun stolen stood stuck stung struck sung sunk sworn swept swollen swum swung taken taught thought
    thrown told torn undergone understood undertaken undone unwound withdrawn withheld woken won worn woven
    wound wept written
""")
"""Irregular ones that are no base form."""

_SAME_AS_BASE: Final = word_list("""
    become bet burst cast come cost cut hit hurt let overcome put quit read run set shed shut split spread
    thrust upset
""")
"""Behind `'s` they are participles, behind `'d` rather base forms."""

_BASE_ED: Final = word_list("""
    bed bleed breed embed exceed feed heed indeed need proceed red seed shed shred speed succeed wed weed
""")
_NO_VERB: Final = word_list("""
    aged bed crooked dogged hundred indeed naked red ragged sacred scared shed wicked
""")
_ADJECTIVES: Final = word_list("""
    annoyed ashamed born bored bound broken closed confused crooked delighted disappointed divorced done
    drunk embarrassed engaged excited exhausted frightened gone hurt interested lost married pleased
    relaxed retired satisfied scared set shut stuck surprised tired upset worried
""")
"""Without an object they say how something is: `she's tired`."""

_ACTIVE: Final = word_list("""
    appeared arisen arrived become been begun changed collapsed come crashed decreased died disappeared
    emerged escaped existed failed fallen fled got gotten grown had happened improved increased lasted lived
    occurred overslept remained returned risen slept started stayed stood stopped succeeded survived
    vanished waited won
""")
"""Have no passive that is likelier."""

_OF_PEOPLE: Final = word_list("""
    agreed decided eaten flown forgotten fought heard learned learnt left met promised read refused run said
    seen spoken sung thought tried written
""")
"""Active where somebody does it: `he's left`, but `what's left`."""

_NAMING: Final = word_list("called considered deemed labelled named nicknamed rated ranked titled")
_PEOPLE: Final = word_list("he she who everyone someone")
_PLACES: Final = word_list("there here where when why how")

_ADVERB: Final = (
    "already|also|always|barely|certainly|clearly|ever|finally|hardly|just|long|never|not|now|obviously|once"
    "|only|previously|probably|rarely|really|recently|simply|since|still|surely"
)
_NEXT: Final = compiled(
    rf"(?:[ ](?P<adverb>{_ADVERB})(?![A-Za-z'])){{0,2}}[ ](?P<word>[A-Za-z]+)(?![A-Za-z'-])", ignore_case=True
)
_WHILE: Final = (
    r"(?![ ](?:[0-9]+[ ])?(?:(?:second|minute|hour|day|night|week|month|year|time|morning|evening|way)s?"
    r"|afternoons?|whole|entire|moment|first|second|last|most|least|best)(?![A-Za-z]))"
)
"""What follows the article of a time rather than of an object: `closed the whole day`."""
_OBJECT: Final = compiled(
    r"[ ](?:(?:me|him|them|us|you|it|her|my|your|his|its|our|their)(?![A-Za-z'])"
    rf"|(?:an?|the)(?![A-Za-z']){_WHILE})",
    ignore_case=True,
)
_LOOSE_OBJECT: Final = compiled(
    r"[ ](?:(?:this|that|these|those|some|any|no|every|each|many|several|two|three|nothing|something"
    rf"|everything|anything|what|how)(?![A-Za-z']){_WHILE}"
    r"|[$€£]?[0-9][0-9.,]*(?![0-9]|st|nd|rd|th"
    r"|[ ](?:time|second|minute|hour|day|week|month|year|k?m)s?(?![a-z])))",
    ignore_case=True,
)
_GONE_ON: Final = compiled(r"[ ](?!now|forever|already|for|and|but|or|too|when|because|if|so)[A-Za-z]")
_LASTING: Final = compiled(
    r"[ ](?:[0-9]|(?:a|so|too|two|three|many|several|all|some|long|ages|years|time|forever)(?![A-Za-z']))",
    ignore_case=True,
)
_BY: Final = compiled(r"[ ]by(?![A-Za-z])", ignore_case=True)
_NO_HAVING: Final = compiled(r"[ ](?:by|to|as)(?![A-Za-z])", ignore_case=True)
_OWNED: Final = compiled(r"[ ](?:an?|no(?! longer| more| sooner)|better|the)(?![A-Za-z'])", ignore_case=True)
_QUESTION: Final = compiled(r"(?<![A-Za-z])(?:what|who|where|how|why|when)'?d?$", ignore_case=True)
_THINGS: Final = word_list("it that this what which everything something")
_DONE_TO_THINGS: Final = word_list("returned started stopped")
"""Active of a person; a thing is rather started, unless it has started to do something."""
_GIVEN: Final = word_list("asked assigned awarded given granted offered paid promised sent shown taught told")
"""Whoever is given something has an object in the passive, too."""
_STATED: Final = word_list("dated estimated located priced")
_CLAUSE: Final = compiled(r"[ ]that(?![A-Za-z'])", ignore_case=True)
_BEGINS: Final = compiled(
    r"[ ](?:to(?![A-Za-z]| (?:the|an?|its|my|your|his|her|our|their) )|[a-z]+ing(?![A-Za-z]))",
    ignore_case=True,
)
_TO_SOMEBODY: Final = compiled(r"[ ](?:me|him|them|us|you|it|her)(?![A-Za-z'])", ignore_case=True)


def stands_for_had(text: str, position: int) -> bool:
    """Tell whether the `'d` that ends at `position` is `had`: a participle follows, no base form."""
    if _OWNED.match(text, position):
        return _QUESTION.search(text, max(0, position - 8), position) is None
    found = _NEXT.match(text, position)
    if not found:
        return False
    word = found["word"].lower()
    if word in _SAME_AS_BASE:
        return (found["adverb"] or "").lower() in ("already", "just", "once", "recently")
    return word in _PARTICIPLES or (word.endswith("ed") and word not in _BASE_ED and len(word) > 3)


def stands_for_has(subject: str, text: str, position: int) -> bool:
    """Tell whether the `'s` behind `subject` that ends at `position` is `has`.

    A participle may be a passive or an adjective as well: an object behind it tells, else what is likelier.
    """
    found = _NEXT.match(text, position)
    if not found:
        return False
    word, subject = found["word"].lower(), subject.lower()
    if subject in _THINGS and (word in _DONE_TO_THINGS or _CLAUSE.match(text, found.end())):
        return _BEGINS.match(text, found.end()) is not None
    if word in _ACTIVE:
        return _BY.match(text, found.end()) is None
    if subject in _PLACES or not _is_participle(word):
        return False
    return _has_object(word, text, found.end()) or (
        subject in _PEOPLE and word in _OF_PEOPLE and not _NO_HAVING.match(text, found.end())
    )


def _is_participle(word: str) -> bool:
    regular = word.endswith("ed") and len(word) > 3 and word not in _NO_VERB
    return regular or word in _PARTICIPLES or word in _SAME_AS_BASE


def _has_object(word: str, text: str, end: int) -> bool:
    if word == "gone":
        return _GONE_ON.match(text, end) is not None
    if word == "taken" and _LASTING.match(text, end):
        return True
    if word in _NAMING or word in _STATED:
        return False
    if word in _GIVEN:
        return _TO_SOMEBODY.match(text, end) is not None
    if _OBJECT.match(text, end):
        return True
    return word not in _ADJECTIVES and _LOOSE_OBJECT.match(text, end) is not None
