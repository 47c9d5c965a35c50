"""Which part of a segment is said in which language."""

import pytest

from chatttsd.engine.chattts.text.languages import is_chinese, main_speller, runs


def marked(text: str, language: str = "zh") -> str:
    """Show the English runs in brackets."""
    parts = [f"<{run}>" if speller.language == "en" else run for run, speller in runs(text, language) if run]
    return "".join(parts)


@pytest.mark.parametrize(
    ("text", "language", "said"),
    [
        ("我有RTX 3060和H200", "zh", "我有RTX 3060和H200"),
        ("Python 3.11 比 3.9 快", "zh", "Python 3.11 比 3.9 快"),
        ("他说：I have 3 apples", "zh", "他说：<I have 3 apples>"),
        ("we are here 3次 today", "en", "<we are here >3次< today>"),
        ("共3 apples are here", "zh", "共3< apples are here>"),
        ("Welcome to 北京 in 2026", "en", "<Welcome to >北京< in 2026>"),
        ("3.5", "zh", "3.5"),
        ("3.5", "en", "<3.5>"),
        ("Windows 11", "zh", "Windows 11"),
        ("It is 11 o'clock", "zh", "<It is 11 o'clock>"),
        ("用 journalctl -f 看日志", "zh", "用 journalctl -f 看日志"),
    ],
)
def test_a_phrase_is_english_and_a_name_is_not(text: str, language: str, said: str) -> None:
    assert marked(text, language) == said


@pytest.mark.parametrize("text", ["", "a", "你", "你a", "a你a", "3个 and the 4 of them 你好 5"])
def test_runs_make_up_the_text_again(text: str) -> None:
    assert "".join(run for run, _ in runs(text, "zh")) == text


def test_most_of_a_segment_decides_its_main_language() -> None:
    assert main_speller("你好 hello", "en").language == "zh"
    assert main_speller("the word 好", "zh").language == "en"
    assert main_speller("👍", "zh").language == "zh"
    assert main_speller("👍", "de").language == "en"


def test_chinese_has_several_tags() -> None:
    assert all(map(is_chinese, ("zh", "zh-CN", "cmn", "yue-HK", "ZH")))
    assert not any(map(is_chinese, ("en", "ja", "zho-x")))
