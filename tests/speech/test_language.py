"""Language: told by the script, and the runs that different voices say."""

import itertools

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chatttsd.speech.language import resolve, runs

UNHURRIED = settings(
    deadline=None, suppress_health_check=[HealthCheck.too_slow]
)  # a busy machine is no fault


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("你好", "zh"),
        ("Hello 你好 world", "zh"),
        ("2026年", "zh"),
        ("ひらがな", "ja"),
        ("今日は良い天気です", "ja"),
        ("ロケット", "ja"),
        ("这家店叫优の品而且很好吃", "zh"),
        ("안녕하세요", "ko"),
        ("大韓民國 대한민국은 민주공화국이다", "ko"),
        ("Привет, мир", "ru"),
        ("Привіт, як її звати", "uk"),
        ("Γειά σου", "el"),
        ("مرحبا", "ar"),
        ("چطوری", "fa"),
        ("שלום", "he"),
        ("नमस्ते", "hi"),
        ("สวัสดี", "th"),
        ("Hello", "en"),
        ("Hello Мир", "en"),
        ("123", "en"),
        ("", "en"),
        ("👍", "en"),
    ],
)
def test_auto_is_told_by_the_script(text: str, language: str) -> None:
    assert resolve(text, "auto") == language


def test_latin_script_is_the_configured_default() -> None:
    assert resolve("Guten Tag 123", "auto", "de") == "de"


@pytest.mark.parametrize("wanted", ["en", "zh-Hant-TW", "fr"])
def test_what_the_client_wants_is_not_argued_with(wanted: str) -> None:
    assert resolve("你好 Привет", wanted) == wanted


def split(text: str, language: str) -> list[tuple[str, str]]:
    return [(text[run.start : run.end], run.language) for run in runs(text, language)]


@pytest.mark.parametrize(
    ("text", "language", "parts"),
    [
        ("你好", "zh", [("你好", "zh")]),
        ("Hello, 100% sure.", "en", [("Hello, 100% sure.", "en")]),
        ("Hello, world.", "zh", [("Hello, world.", "en")]),
        ("2026 - 12%", "zh", [("2026 - 12%", "zh")]),
        ("...", "en", [("...", "en")]),
        ("今天是2026年11月22日，-3.5℃。", "zh", [("今天是2026年11月22日，-3.5℃。", "zh")]),
        ("用 GPT-4o 写", "zh", [("用 ", "zh"), ("GPT-4o", "en"), (" 写", "zh")]),
        ("RTX 3060 显卡", "zh", [("RTX 3060", "en"), (" 显卡", "zh")]),
        ("C++ 和 C# 的", "zh", [("C++", "en"), (" 和 ", "zh"), ("C#", "en"), (" 的", "zh")]),
        ("共 GPU 8 块", "zh", [("共 ", "zh"), ("GPU", "en"), (" 8 块", "zh")]),
        ("约 12MB/s 下载", "zh", [("约 12", "zh"), ("MB/s", "en"), (" 下载", "zh")]),
        ("Python 3.11 比 3.9 快", "zh", [("Python 3.11", "en"), (" 比 3.9 快", "zh")]),
        ("他说Hello，然后走", "zh-CN", [("他说", "zh-CN"), ("Hello，", "en"), ("然后走", "zh-CN")]),
        (
            "Das heißt 你好, oder?",
            "de",
            [("Das heißt", "de"), (" ", "zh"), ("你好, ", "zh"), ("oder?", "de")],
        ),
        ("I have 3 cats and 你", "en", [("I have 3 cats and", "en"), (" 你", "zh")]),
        ("これは test です", "ja", [("これは ", "ja"), ("test", "en"), (" です", "ja")]),
        ("Hello 한국", "en", [("Hello", "en"), (" 한국", "ko")]),
        ("Привет, мир 2026", "ru", [("Привет, мир 2026", "ru")]),
        ("", "zh", []),
    ],
)
def test_runs_give_latin_words_to_the_latin_voice_and_all_else_to_the_chinese_one(
    text: str, language: str, parts: list[tuple[str, str]]
) -> None:
    joined = [
        ("".join(piece for piece, _ in group), name)
        for name, group in ((n, list(g)) for n, g in itertools.groupby(parts, key=lambda part: part[1]))
    ]
    assert split(text, language) == joined


TEXT = st.text(st.sampled_from("你好 aB3.,，。-+#かな한é(“ \n👍")) | st.text()


@UNHURRIED
@given(TEXT, st.sampled_from(["zh", "en", "de", "ja", "ko", "ru"]))
def test_runs_partition_the_text_and_neighbours_differ(text: str, language: str) -> None:
    found = runs(text, language)
    assert [0, *(run.end for run in found)] == [*(run.start for run in found), len(text)]
    assert all(run.start < run.end for run in found)
    assert all(left.language != right.language for left, right in itertools.pairwise(found))


@UNHURRIED
@given(TEXT)
def test_a_text_without_chinese_japanese_or_korean_is_one_run(text: str) -> None:
    plain = "".join(c for c in text if ord(c) < 0x1100)
    assert len(runs(plain, "de")) <= 1


@pytest.mark.parametrize("unit", ["a", "好", "a好", "a ", "a-", "a 1", ".", "1", "'"])
def test_long_texts_are_split_too(unit: str) -> None:
    text = unit * 20_000
    assert runs(text, "zh")[-1].end == len(text)
