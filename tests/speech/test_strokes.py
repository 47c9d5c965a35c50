"""What answers a key stroke is told from what is read."""

import pytest

from chatttsd.speech.strokes import stroke


@pytest.mark.parametrize(
    ("text", "language", "name"),
    [
        (" dot ", "en", "dot"),
        (" left paren ", "de", "left paren"),
        (" 逗號 ", "zh", "逗號"),
        (" space ", "zh", "space"),
        (" the quick brown fox jumps over ", "en", ""),
        ("  dot ", "en", ""),
        ("dot", "en", ""),
        ("", "en", ""),
        (" ", "en", ""),
    ],
)
def test_a_few_words_between_two_blanks_are_a_typed_character(text: str, language: str, name: str) -> None:
    assert stroke(text, language) == name


@pytest.mark.parametrize(
    ("text", "language", "name"),
    [
        (" comma,", "en", "comma"),
        (" left paren(", "en", "left paren"),
        (" Runde Klammer auf(", "de", "Runde Klammer auf"),
        (" 逗号,", "zh", "逗号"),
        (" 左书名号《", "zh-CN", "左书名号"),
        (" 句号。", "zh-CN", "句号"),
        (" 省略号...", "zh-CN", "省略号"),
        (" dot dot dot...", "en", "dot dot dot"),
        (" dash-", "en", "dash"),
        (" tiret cadratin—", "fr", "tiret cadratin"),
        (" guillemet ouvert«", "fr", "guillemet ouvert"),
        (" 问号?", "zh-CN", "问号"),
        (" 句號。", "zh-TW", "句號"),
        (" 點點點...", "zh-TW", "點點點"),
        (" Hello.", "en", ""),
        (" 你好。", "zh-CN", ""),
        (" 你好?", "zh-CN", ""),
        (" Really?", "en", ""),
        (" well-known", "en", ""),
        (" wait...", "en", ""),
        (" (optional)", "en", ""),
        (" one, two,", "en", ""),
        ("comma,", "en", ""),
        (" the quick brown fox jumps over,", "en", ""),
        (" ,", "en", ""),
    ],
)
def test_a_typed_character_may_stand_behind_its_name(text: str, language: str, name: str) -> None:
    assert stroke(text, language) == name


@pytest.mark.parametrize(
    ("text", "language", "name"),
    [
        ("backspace", "en", "backspace"),
        ("Control", "en", "Control"),
        ("page up", "en", "page up"),
        ("退格", "zh", "退格"),
        ("Home", "zh", ""),
        ("next", "en", ""),
        ("save", "en", ""),
        ("space", "en", "space"),
        ("space", "zh-CN", "space"),
        ("newline", "fr", "newline"),
    ],
)
def test_the_name_of_a_key_is_known_if_it_is_said_as_it_is(text: str, language: str, name: str) -> None:
    assert stroke(text, language) == name
