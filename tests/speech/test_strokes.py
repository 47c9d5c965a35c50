"""What answers a key stroke is told from what is read."""

import pytest

from chatttsd.speech.names import key_name
from chatttsd.speech.strokes import stroke


@pytest.mark.parametrize(
    ("text", "language", "name"),
    [
        (" dot ", "en", "dot"),
        (" left paren ", "de", "left paren"),
        (" 逗號 ", "zh", "逗號"),
        (" space ", "zh", "space"),
        (" the quick brown fox jumps over ", "en", ""),
        (" 双左书名号 ", "zh", "双左书名号"),
        (" next ", "en", ""),
        (" Ins ", "en", ""),
        (" snake_case ", "en", ""),
        (" plus ", "zh-TW", ""),
        (" 10€ ", "en", ""),
        (" Is it? ", "en", ""),
        (" 今天天气很好，我们一起去公园散步然后吃饭吧。 ", "zh", ""),
        (" 我们一起去公园散步 ", "zh", ""),
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
        (" comma,", "de", "comma"),
        (" Runde Klammer auf(", "de", ""),
        (" 逗号,", "zh", "逗号"),
        (" 左书名号《", "zh-CN", "左书名号"),
        (" 句号。", "zh-CN", "句号"),
        (" 省略号...", "zh-CN", "省略号"),
        (" dot dot dot...", "en", "dot dot dot"),
        (" dash-", "en", "dash"),
        (" em dash—", "en", "em dash"),
        (" double left pointing angle bracket«", "en", "double left pointing angle bracket"),
        (" 英镑£", "zh-CN", "英镑"),
        (" 全角逗号，", "zh-CN", "全角逗号"),
        (" 水平省略号…", "zh-CN", "水平省略号"),
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


@pytest.mark.parametrize("language", ["en", "zh", "de", "fr"])
@pytest.mark.parametrize(
    "text",
    [
        *(" However,", " and so on,", " delete all files)", " Next,", " Ins,", " up-left,", " snake_case,"),
        *(" 你好，", " 好；", " 10€", " 25£", " C£", " 5–", " 3-", " tiret cadratin—", " question?", " dot,"),
    ],
)
def test_a_piece_of_a_text_is_no_stroke_whatever_mark_ends_it(text: str, language: str) -> None:
    assert stroke(text, language) == ""


@pytest.mark.parametrize("language", ["en", "zh", "zh-TW", "de"])
@pytest.mark.parametrize("text", [" next ", " comma,", " Prior ", " slash ", " decimal ", " dot ", " 逗号,"])
def test_a_typed_character_is_said_as_it_is_written(text: str, language: str) -> None:
    name = stroke(text, language)
    assert name == "" or key_name(name, language).casefold() == name.casefold()


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
