"""Emoji named in English and Chinese, or dropped."""

import pytest

from chatttsd.engine.chattts.text.chinese import CHINESE
from chatttsd.engine.chattts.text.emoji import EmojiStyle, name_emoji
from chatttsd.engine.chattts.text.emoji_names import CHINESE as CHINESE_NAMES
from chatttsd.engine.chattts.text.emoji_names import COUNTRIES
from chatttsd.engine.chattts.text.emoji_names import ENGLISH as ENGLISH_NAMES
from chatttsd.engine.chattts.text.english import ENGLISH

FEWEST = 80


@pytest.mark.parametrize(
    ("emoji", "english", "chinese"),
    [
        ("👍", "thumbs up", "点赞"),
        ("👍🏿", "thumbs up", "点赞"),
        ("❤️", "red heart", "红心"),
        ("☀️", "sun", "太阳"),
        ("🇩🇪", "flag of Germany", "德国国旗"),
        ("🇽🇰", "flag of X K", "X K国旗"),
        ("🏴󠁧󠁢󠁥󠁮󠁧󠁿", "flag of England", "英格兰国旗"),
        ("👨‍👩‍👧‍👦", "family", "一家人"),
        ("👩🏽‍🚀", "woman rocket", "表情 火箭"),
        ("🤷‍♀️", "shrug", "耸肩"),
        ("🦩", "flamingo", "表情"),
        ("👍👍👍", "thumbs up", "点赞"),
        ("👍👍 😂", "thumbs up)(face with tears of joy", "点赞)(笑哭"),
    ],
)
def test_an_emoji_has_a_name(emoji: str, english: str, chinese: str) -> None:
    assert name_emoji(emoji, ENGLISH, EmojiStyle.NAME).strip() == f"({english})"
    assert name_emoji(emoji, CHINESE, EmojiStyle.NAME).strip() == f"({chinese})"


@pytest.mark.parametrize("text", ["© 2026", "™", "→", "5 * 3", "#1", "a ♥".replace("♥", "-"), "你好"])
def test_other_signs_are_no_emoji(text: str) -> None:
    assert name_emoji(text, ENGLISH, EmojiStyle.NAME) == text
    assert name_emoji(text, ENGLISH, EmojiStyle.DROP) == text


def test_a_keycap_is_its_digit() -> None:
    assert name_emoji("1️⃣ and 2⃣", ENGLISH, EmojiStyle.NAME) == "1 and 2"


def test_half_a_flag_has_no_name() -> None:
    assert name_emoji("🇩", ENGLISH, EmojiStyle.NAME).strip(" ()") == ""


@pytest.mark.parametrize("emoji", ["👍", "🇩🇪", "👨‍👩‍👧", "❤️‍🔥", "👋🏽"])
def test_a_dropped_emoji_leaves_nothing(emoji: str) -> None:
    assert name_emoji(f"a{emoji}b", CHINESE, EmojiStyle.DROP) == "a b"


def test_the_tables_are_complete() -> None:
    assert len(CHINESE_NAMES) >= FEWEST
    assert all(name and name.isprintable() for name in [*CHINESE_NAMES.values(), *ENGLISH_NAMES.values()])
    assert all(len(code) == 2 and english and chinese for code, (english, chinese) in COUNTRIES.items())
