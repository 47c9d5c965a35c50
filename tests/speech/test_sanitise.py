"""Sanitiser: the length stays, nothing dangerous passes, nothing that carries meaning is lost."""

import sys
import unicodedata

import pytest
import regex
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chatttsd.speech.sanitise import is_audible, sanitise, sanitised_slice, spoken

UNHURRIED = settings(
    deadline=None, suppress_health_check=[HealthCheck.too_slow]
)  # a busy machine is no fault

ANY = st.text(st.characters(exclude_categories=()), max_size=300)
TRICKY = st.text(
    st.sampled_from(
        "a好3 .\r\n\u2028\u200d\u200c\ufe0f\u00ad\u2060\u202e[]［］👩👍🏽🇩🏴\U000e0067\u0301ب\ud800"
    )
)
INVISIBLE = regex.compile(r"[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{NChar}]")


@UNHURRIED
@given(ANY | TRICKY)
def test_the_length_is_kept_and_a_second_pass_changes_nothing(text: str) -> None:
    clean = sanitise(text)
    assert len(clean) == len(text)
    assert sanitise(clean) == clean


@UNHURRIED
@given(ANY | TRICKY, st.data())
def test_a_slice_is_the_same_as_the_slice_of_the_whole(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    assert sanitised_slice(text, start, end) == sanitise(text)[start:end]


@UNHURRIED
@given(ANY | TRICKY)
def test_no_square_bracket_comes_out_even_after_any_normalisation(text: str) -> None:
    for form in ("NFC", "NFD", "NFKC", "NFKD"):
        assert not set("[]") & set(unicodedata.normalize(form, spoken(sanitise(text))))


def test_no_character_of_unicode_becomes_a_square_bracket() -> None:
    everything = "".join(map(chr, range(sys.maxunicode + 1)))
    assert not set("[]") & set(unicodedata.normalize("NFKC", sanitise(everything)))


def test_every_character_that_engines_may_not_see_is_blank_when_alone() -> None:
    everything = [chr(code) for code in range(sys.maxunicode + 1)]
    left = [c for c in everything if INVISIBLE.match(sanitise(c)) and sanitise(c) != "\n"]
    assert all(unicodedata.category(c) == "Cf" and c.isprintable() is False for c in left)
    assert len(left) == 13, "only the visible Arabic, Syriac and Kaithi number signs are kept"


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("[laugh]", "(laugh)"),
        ("[uv_break]你好[oral_2]", "(uv_break)你好(oral_2)"),
        ("a [ lonely", "a ( lonely"),
        ("［Stts］", "（Stts）"),
        ("﹇spk_emb﹈", "(spk_emb)"),
        ("a\x00b\x1b[31m\x7f\x9f", "a b (31m  "),
        ("tab\tnbsp\u00a0", "tab nbsp\u00a0"),
        ("a\nb\rc\r\nd\x0be\x0cf\x85g\u2028h\u2029i", "a\nb\nc \nd\ne\nf\ng\nh\ni"),
        ("\u202egnihton\u202c \u2066x\u2069\u200e\u200f", " gnihton   x   "),
        ("zero\u200bwidth", "zero width"),
        ("\ufeffstart", " start"),
        ("lone \ud800 \udfff", "lone    "),
        ("\ue000\U000f0000\U0010ffff\ufffe\ufdd0\ufffc", "      "),
        ("\u115f\u1160\u3164\uffa0", "    "),
    ],
)
def test_what_is_replaced(text: str, clean: str) -> None:
    assert sanitise(text) == clean


@pytest.mark.parametrize(
    "text",
    [
        "👨‍👩‍👧‍👦",
        "👩🏽‍💻",
        "❤️‍🔥",
        "☺️",
        "1️⃣",
        "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
        "🇩🇪",
        "e\u0301",
        "葛\U000e0100",
        "می\u200cخواهم",
        "क्\u200dष",
        "Donau\u00addampf",
        "\u0600١",
        "3.5℃，“好”——（嗯）……",
    ],
)
def test_what_is_kept(text: str) -> None:
    assert sanitise(text) == text


@pytest.mark.parametrize(
    "text", ["a\u200db", "👍\u200d", "\u200d👍", "x\U000e0067", " \u00ad ", "好\u200c好"]
)
def test_joiners_that_join_nothing_are_blanked(text: str) -> None:
    assert any(sanitise(text)[i] == " " != c for i, c in enumerate(text))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("  a \n\n b\u3000c  ", "a b c"),
        ("=====\nTitle", "= Title"),
        ("done ---------- next", "done - next"),
        ("a - - - - - b", "a - b"),
        ("wow!!!!!!!!", "wow!!!"),
        ("wait...... ok", "wait... ok"),
        ("嗯…………", "嗯………"),
        ("哈哈~~~~~", "哈哈~"),
        ("a" * 5000, "a" * 8),
        ("哈" * 100, "哈" * 8),
        ("bookkeeper mooo", "bookkeeper mooo"),
        ("10000000000000000", "10000000000000000"),
        ("1111111111.0000000000", "1111111111.0000000000"),
        ("Z" + "\u0301" * 100 + "algo", "Z" + "\u0301" * 4 + "algo"),
        ("👍" * 50, "👍" * 3),
        ("👩🏽‍💻" * 9 + " ok", "👩🏽‍💻" * 3 + " ok"),
        ("Donau\u00addampf", "Donaudampf"),
        ("C++", "C++"),
        ("x == y", "x == y"),
    ],
)
def test_what_is_said_is_short_and_clean(text: str, said: str) -> None:
    assert spoken(text) == said


@pytest.mark.parametrize(
    "text",
    ["", " ", "\n", "!", "?!", "……", "。", "“”", "-", "=====", "* * *", "___", "~~~", "\u0301", "（）"],
)
def test_punctuation_and_rules_alone_are_silent(text: str) -> None:
    assert spoken(text) == ""
    assert not is_audible(text)


@pytest.mark.parametrize(
    "text", ["a", "好", "7", "①", "👍", "+", "=", "%", "@", "$", "€", "&", "©", "👍👍👍👍", "!a!"]
)
def test_letters_digits_signs_and_emoji_are_heard(text: str) -> None:
    assert spoken(text)
    assert is_audible(text)


@UNHURRIED
@given(ANY | TRICKY)
def test_spoken_text_keeps_every_digit_and_has_no_blanks_to_spare(text: str) -> None:
    said = spoken(sanitise(text))
    assert said == " ".join(said.split())
    if said:
        assert [c for c in said if c.isdigit()] == [c for c in sanitise(text) if c.isdigit()]


@pytest.mark.parametrize(
    "unit", ["a", "=", "= ", "!", "\u0301", "a\u0301", "👩\u200d", "🇩", "好", "-=", " ", "("]
)
def test_a_hundred_thousand_characters_of_anything_are_sanitised_and_shortened(unit: str) -> None:
    text = (unit * 100_000)[:100_000]
    assert len(sanitise(text)) == 100_000
    assert len(spoken(text[:2_000])) <= 2_000
