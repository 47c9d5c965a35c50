"""Which verb a contraction stands for, where the letters do not tell."""

import pytest

from chatttsd.engine.chattts.text.english import ENGLISH
from chatttsd.engine.chattts.text.english_words import contractions
from support.front_end import heard

HAD = """told me|left
    finished|forgotten|never done that|already put it there|better go|no idea|been|just arrived"""
WOULD = """go|like it|need it|speed up|never do that|put it there|rather not|come|exceed it|not say so"""
HAS = """he's won 3|he's won|she's lost it|he's gone to London|it's been done|he's done it|it's closed the gap
    it's taken me years|it's taken 3 years|he's left|what's happened|it's started to rain|she's said so
    she's written 3 books|she's finished the book|it's got worse|he's not finished it|he's just arrived
    she's always wanted a dog|he's put it away|there's been one|that's changed|he's married her
    she's known him long|who's taken my pen|it's come back|it's had its day"""
IS = """she's tired|it's closed|it's closed the whole day|he's gone|it's done|it's made of wood
    it's taken by him|what's left|it's called the Louvre|he's said to be rich|it's written in C
    she's finished|it's used 30 times
    it's ranked 3rd|it's red|he's in bed|it's run by us|he's married|she's known for it|it's changed by us
    she's 3|that's the one|there's one left|he's aged 5|it's lost|everyone's tired of it"""


def cases(listed: str) -> list[str]:
    return [case.strip() for line in listed.splitlines() for case in line.split("|")]


@pytest.mark.parametrize("written", cases(HAD))
def test_a_participle_makes_the_d_had(written: str) -> None:
    assert heard(contractions, f"She'd {written}", ENGLISH) == f"She had {written}"


@pytest.mark.parametrize("written", cases(WOULD))
def test_a_base_form_makes_the_d_would(written: str) -> None:
    assert heard(contractions, f"She'd {written}", ENGLISH) == f"She would {written}"


@pytest.mark.parametrize("written", cases(HAS))
def test_a_participle_with_an_object_or_without_a_passive_makes_the_s_has(written: str) -> None:
    assert heard(contractions, written, ENGLISH) == written.replace("'s", " has", 1)


@pytest.mark.parametrize("written", cases(IS))
def test_an_adjective_or_a_passive_makes_the_s_is(written: str) -> None:
    assert heard(contractions, written, ENGLISH) == written.replace("'s", " is", 1)
