import pytest

from chatttsd.engine.espeak_names import character_name, key_name


@pytest.mark.parametrize(
    ("character", "language", "name"),
    [
        ("。", "zh", "句号"),
        ("，", "zh-CN", "逗号"),
        (" ", "yue", "空格"),
        ("。", "en", "ideographic full stop"),
        (",", "en", ""),
        ("a", "zh", ""),
        ("好", "zh", ""),
    ],
)
def test_characters_are_named_in_the_language_of_the_listener(
    character: str, language: str, name: str
) -> None:
    assert character_name(character, language) == name


@pytest.mark.parametrize(
    ("key", "language", "name"),
    [
        ("shift_a", "en", "shift A"),
        ("kp-enter", "en", "keypad enter"),
        ("kp-enter", "zh", "小键盘 回车"),
        ("space", "en", "space"),
        ("space", "zh", "空格"),
        ("double-quote", "en", "double quote"),
        ("control_alt_delete", "en", "control alt delete"),
        ("control_Return", "zh", "control 回车"),
        ("Prior", "en", "page up"),
        ("f12", "en", "f12"),
        ("_", "en", "_"),
        ("-", "zh", "-"),
    ],
)
def test_keys_become_words(key: str, language: str, name: str) -> None:
    assert key_name(key, language) == name
