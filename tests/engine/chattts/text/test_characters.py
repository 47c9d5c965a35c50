"""One spelling for every character."""

import pytest

from chatttsd.engine.chattts.text.characters import clean, unaccented


@pytest.mark.parametrize(
    ("written", "plain"),
    [
        ("Ｈｉ！", "Hi!"),
        ("１２３", "123"),
        ("٣४", "34"),
        ("m²", "m^2"),
        ("10⁻⁶", "10^-6"),
        ("2½", "2 1/2"),
        ("½", "1/2"),
        ("37℃", "37°C"),
        ("10㎡", "10m^2"),
        ("①", " 1, "),
        ("Ⅳ", "IV"),
        ("［laugh］【x】〔y〕{z}", "(laugh)(x)(y)(z)"),
        ("“a” ‘b’", "\"a\" 'b'"),
        ("a–b—c‐d", "a–b—c-d"),
        ("café naïve", "cafe naive"),
        ("a\u200bb\u00adc", "abc"),
        ("a\tb\r\nc", "a b\n\nc"),
        ("100，200", "100，200"),
        ("人々", "人人"),
        ("二〇二六", "二零二六"),
        ("Привет", "Привет"),
        ("Brand™", "Brand"),
    ],
)
def test_a_text_gets_one_spelling(written: str, plain: str) -> None:
    assert clean(written) == plain


@pytest.mark.parametrize(
    ("letter", "plain"), [("é", "e"), ("ß", "ss"), ("Ł", "L"), ("æ", "ae"), ("ø", "o"), ("ñ", "n"), ("ʘ", "")]
)
def test_a_latin_letter_is_written_in_ascii(letter: str, plain: str) -> None:
    assert unaccented(letter) == plain


def test_cleaning_twice_changes_nothing() -> None:
    text = clean("Ｃａｆé m² ½ “x” ① 《书》")
    assert clean(text) == text


def test_a_digit_of_a_newer_unicode_than_pythons_is_no_error() -> None:
    assert clean("a\U0001e5f1b5") in ("a b5", "a0b5")
