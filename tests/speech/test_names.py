"""Names of characters and keys in the listener's language."""

import string

import pytest

from chatttsd.speech.names import (
    capital_word,
    character_name,
    echo_characters,
    echo_keys,
    is_chinese,
    is_english,
    key_name,
)


@pytest.mark.parametrize(
    ("character", "language", "name"),
    [
        ("。", "zh", "句号"),
        ("，", "zh-CN", "逗号"),
        (" ", "yue", "空格"),
        ("。", "en", "ideographic full stop"),
        ("。", "de", "ideographic full stop"),
        (",", "en", "comma"),
        (",", "en-gb", "comma"),
        (",", "de", ""),
        ("\t", "en", "tab"),
        ("→", "zh", "右箭头"),
        ("a", "zh", ""),
        ("a", "en", ""),
        ("好", "zh", ""),
        ("5", "zh", ""),
        ("", "zh", ""),
        ("\u2028", "en", "line separator"),
        ("\u00ad", "zh", "软连字符"),
        ("\x85", "de", "next line"),
    ],
)
def test_characters_are_named_in_the_language_of_the_listener(
    character: str, language: str, name: str
) -> None:
    assert character_name(character, language) == name


@pytest.mark.parametrize("language", ["zh", "en"])
def test_all_punctuation_of_a_keyboard_has_a_name(language: str) -> None:
    assert all(character_name(mark, language) for mark in string.punctuation + " \n\t\r")


@pytest.mark.parametrize("character", "，。、；：？！（）《》【】「」『』〈〉￥\u3000")
def test_wide_punctuation_has_a_name_in_every_language(character: str) -> None:
    assert all(character_name(character, language) for language in ("zh", "en", "fr"))


@pytest.mark.parametrize(
    ("key", "language", "name"),
    [
        ("shift_a", "en", "shift A"),
        ("kp-enter", "en", "keypad enter"),
        ("kp-enter", "zh", "小键盘 回车"),
        ("KP_Enter", "zh", "小键盘 回车"),
        ("kp-*", "en", "keypad star"),
        ("kp--", "zh", "小键盘 减号"),
        ("kp-7", "en", "keypad 7"),
        ("kp-", "en", "keypad"),
        ("space", "en", "space"),
        ("space", "zh", "空格"),
        ("double-quote", "en", "double quote"),
        ("double-quote", "zh", "双引号"),
        ("control_alt_delete", "en", "control alt delete"),
        ("control_Return", "zh", "control 回车"),
        ("ctrl_Esc", "zh", "control 退出"),
        ("Ctrl_Esc", "en", "control escape"),
        ("Prior", "en", "page up"),
        ("num-lock", "zh", "数字锁定"),
        ("num-lock", "en", "num lock"),
        ("caps-lock", "en", "caps lock"),
        ("f12", "en", "f12"),
        ("shift_f24", "zh", "shift f24"),
        ("underscore", "zh", "下划线"),
        ("_", "en", "underscore"),
        ("-", "zh", "减号"),
        ("shift_-", "en", "shift dash"),
        ("", "en", ""),
        ("__", "en", "__"),
        ("x-y-", "en", "x y"),
    ],
)
def test_keys_become_words(key: str, language: str, name: str) -> None:
    assert key_name(key, language) == name


@pytest.mark.parametrize("language", ["zh", "en"])
def test_what_is_prepared_for_echo_is_typed_in_that_language(language: str) -> None:
    characters, keys = echo_characters(language), echo_keys(language)
    assert set(string.ascii_letters + string.digits + string.punctuation + " ") <= set(characters)
    assert ("。" in characters) is (language == "zh")
    assert {"alt", "hyper", "f24", "kp-*", "kp-9", "backspace", "return"} <= set(keys)
    typed = {"zh": {"逗号", "句号", "减", "左书名号"}, "en": {"dot", "comma", "left paren", "bang", "semi"}}
    assert typed[language] <= set(keys), "as speech-dispatcher calls what is typed"
    assert key_name(capital_word(language), language) == capital_word(language)
    assert capital_word(language) in keys
    for prepared in (characters, keys):
        assert len(set(prepared)) == len(prepared)
    assert all(key_name(key, language) for key in keys)


def test_languages_are_told_by_their_first_subtag() -> None:
    assert is_chinese("zh-Hant-TW")
    assert is_chinese("CMN")
    assert not is_chinese("zho-x")
    assert is_english("en-US")
    assert not is_english("eng")
    assert (capital_word("yue"), capital_word("fr")) == ("大写", "capital")
