"""Whatever comes in: only known characters come out, the same again, and only one error."""

import re

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chatttsd.engine.chattts.text import UnspeakableError
from support.front_end import front_end, say

UNHURRIED = settings(
    deadline=None, max_examples=150, suppress_health_check=[HealthCheck.too_slow]
)  # a busy machine is no fault
ALLOWED = re.compile(r"[\u4e00-\u9fffA-Za-z，。、,. ]+")

LANGUAGES = st.sampled_from(("en", "zh", "fr", "ja", "zh-TW"))
EMOJI = st.sampled_from(("name", "drop"))
SPICY = st.text(
    st.sampled_from(
        "0123456789 abcXYZIVmps你好年月日点个第.,;:!?-–—~()[]<>@#$%^&*_+=|\\/'\"`，。、：“”"
        "é²½①🙂👍🇩🇪\u200d\ufe0f°℃αあр€×→•\n"
    ),
    max_size=40,
)
WRITTEN = """10:30 2026-11-23 5kg MB/s 3/4 1990s John's GPT-4o Mr.¦Smith e.g. No.¦5 1,234 $5 100% RTX¦3060 A4
    Chapter¦IV http://a.com v1.2.3 hello 世界 第3章 3个 don't isn't¦it 555-1234 👍 😂 C++ x² -5 ±2 and ， 。 !
    — (yes) “好” 2–3 the 30¦s 5¦kg 138¦1234¦5678 Feb.¦3rd St. iPhone¦15 3pm a.m. U.S. etc. {x}
    [laugh] ~5 #5 #topic @me 10^6"""
PIECES = WRITTEN.split()
PHRASES = st.lists(st.sampled_from(PIECES), min_size=1, max_size=8).map(
    lambda pieces: " ".join(pieces).replace("¦", " ")
)
WORDS = st.lists(
    st.sampled_from(
        ["apple", "river", "seven", "quickly", "苹果", "河流", "很快", "zebra", "mountain", "城市"]
    ),
    min_size=1,
    max_size=8,
)
GAPS = " 3 |, | 40% | (|) |; | 12:30 |！| $5 | 5-10 | 👍 |，| 1/2 | 🇩🇪 | — "
BETWEEN = st.lists(st.sampled_from(GAPS.split("|")), min_size=9, max_size=9)


def check(text: str, language: str, emoji: str) -> None:
    """Say a text: known characters or a refusal."""
    try:
        spoken = front_end(emoji).spoken(text, language)
    except UnspeakableError:
        return
    assert ALLOWED.fullmatch(spoken.text)
    assert 0 <= spoken.kept <= 1


@UNHURRIED
@given(st.text(max_size=60), LANGUAGES, EMOJI)
def test_any_text_is_said_with_known_characters_or_refused(text: str, language: str, emoji: str) -> None:
    check(text, language, emoji)


@UNHURRIED
@given(SPICY, LANGUAGES, EMOJI)
def test_any_signs_are_said_with_known_characters_or_refused(text: str, language: str, emoji: str) -> None:
    check(text, language, emoji)


@UNHURRIED
@given(PHRASES, st.sampled_from(("en", "zh")))
def test_what_is_said_is_said_the_same_again(text: str, language: str) -> None:
    try:
        said = say(text, language)
    except UnspeakableError:
        return
    assert say(said, language) == said


@UNHURRIED
@given(WORDS, BETWEEN, st.sampled_from(("en", "zh")))
def test_no_word_is_lost_between_numbers_and_signs(
    words: list[str], between: list[str], language: str
) -> None:
    text = "".join(word + gap for word, gap in zip(words, between, strict=False))
    said = say(text, language)
    position = 0
    for word in words:
        position = said.find(word, position)
        assert position >= 0
        position += len(word)


@UNHURRIED
@given(st.integers(0, 10**12), st.sampled_from(("en", "zh")))
def test_every_number_is_said(number: int, language: str) -> None:
    assert len(say(f"{number}", language)) >= 1
    assert not re.search("[0-9]", say(f"{number:,}", language))
