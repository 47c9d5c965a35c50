"""The whole front end: what comes out, what is left out, and what it says of that."""

import re
import time
from contextlib import suppress

import pytest

from chatttsd.engine.api import EngineError
from chatttsd.engine.chattts.text import EmojiStyle, FrontEnd, Spoken, UnspeakableError
from chatttsd.engine.chattts.text.front_end import RULES
from chatttsd.engine.chattts.text.numbers import NumberReader
from chatttsd.speech.language import resolve
from support.front_end import DATA, front_end, say

ALLOWED = re.compile(r"[\u4e00-\u9fffA-Za-z，。、,. ]*")
TEXTS = DATA / "texts"
SILENT_OR_REPLACED = {
    # what mixed.txt has that is said with other words
    *("Feb", "Dr", "it", "d", "isn", "t", "rd", "st", "a", "m", "https", "MB", "s", "C", "v", "GB", "s"),
}


def lines(name: str) -> list[str]:
    return (TEXTS / name).read_text(encoding="utf-8").splitlines()


@pytest.mark.parametrize("name", ["mixed.txt", "udhr-en.txt", "udhr-zh.txt"])
def test_only_what_the_model_knows_comes_out(name: str) -> None:
    for line in filter(None, lines(name)):
        said = say(line, resolve(line, "auto"))
        assert ALLOWED.fullmatch(said)


def test_a_text_of_every_kind_loses_no_word() -> None:
    for line in filter(None, lines("mixed.txt")):
        said = say(line, resolve(line, "auto"))
        sounds = re.sub("[^a-z\u4e00-\u9fff]", "", said.lower())
        for word in re.findall("[A-Za-z]+|[\u4e00-\u9fff]+", line):
            if word not in SILENT_OR_REPLACED:
                assert word.lower() in sounds or word == "月" or word in sounds


def test_plain_english_stays_word_for_word() -> None:
    for line in filter(None, lines("udhr-en.txt")[2:]):
        if not re.search("[0-9'’]", line):
            words = re.findall("[A-Za-z]+", line)
            assert re.findall("[A-Za-z]+", say(line)) == words


@pytest.mark.parametrize(
    "tag", ["[laugh]", "[uv_break]", "[break_3]", "[speed_9]", "[Stts]", "［laugh］", "【laugh】"]
)
@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_tag_in_a_text_is_no_command(tag: str, language: str) -> None:
    said = say(f"one {tag} two", language)
    assert "[" not in said
    assert "]" not in said
    assert "one" in said
    assert "two" in said


@pytest.mark.parametrize("text", ["a [ b c", "a ] b c", "a [[ b ]] c", "[", "a [x", "a ⁅ b c"])
def test_an_open_bracket_swallows_nothing(text: str) -> None:
    if text == "[":
        with pytest.raises(UnspeakableError):
            say(text)
        return
    assert {"a", text[-1]} <= set(say(text).replace(",", "").split())


def test_a_script_that_chattts_cannot_say_is_told_in_counts() -> None:
    with pytest.raises(UnspeakableError, match="6 Cyrillic") as caught:
        front_end().spoken("Привет!", "ru")
    assert isinstance(caught.value, EngineError)
    assert "Привет" not in str(caught.value)


@pytest.mark.parametrize(
    "text", ["", " ", "\n", "...", "-", "()", "こんにちは", "안녕하세요", "مرحبا", "שלום", "ไทย", "\u200b"]
)
def test_nothing_to_say_is_an_error_without_the_text(text: str) -> None:
    with pytest.raises(UnspeakableError) as caught:
        front_end().spoken(text, "en")
    assert not text.strip(" .-()\u200b\n") or text not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "language", "least", "most"),
    [
        ("Hello world", "en", 1.0, 1.0),
        ("你好，世界", "zh", 1.0, 1.0),
        ("3.5%", "en", 1.0, 1.0),
        ("这家店叫优の品而且很好吃", "zh", 0.9, 0.95),
        ("今日は良い天気です", "ja", 0.0, 0.0),
        ("東京 A", "ja", 0.3, 0.4),
        ("He said Привет мир друзья", "en", 0.2, 0.4),
        ("café", "en", 1.0, 1.0),
    ],
)
def test_the_share_of_letters_that_are_said_is_told(
    text: str, language: str, least: float, most: float
) -> None:
    try:
        kept = front_end().spoken(text, language).kept
    except UnspeakableError:
        kept = 0.0
    assert least <= kept <= most


def test_the_words_are_not_in_the_repr() -> None:
    assert "secret" not in repr(Spoken("secret", 0.5))


def test_emoji_are_named_or_dropped() -> None:
    assert say("Good 👍 job", emoji="name") == "Good, thumbs up, job"
    assert say("Good 👍 job", emoji="drop") == "Good job"
    assert say("好的👍", "zh", emoji=EmojiStyle.DROP) == "好的"
    with pytest.raises(UnspeakableError):
        say("👍", emoji="drop")


def test_another_word_for_emoji_is_named() -> None:
    with pytest.raises(ValueError, match="got 'sing', allowed: name, drop"):
        say("Hi", emoji="sing")


@pytest.mark.parametrize("language", ["zh", "zh-CN", "zh-Hant-TW", "cmn", "yue"])
def test_digits_alone_follow_the_language(language: str) -> None:
    assert say("3.5", language) == "三点五"


def test_a_sentence_of_english_in_a_chinese_segment_keeps_english_numbers() -> None:
    assert say("I have 2 dogs", "zh") == "I have two dogs"


TOKENIZERS_LIMIT = 100
"""Letters of a word; of a longer one BERT's tokenizer makes [UNK]."""


@pytest.mark.parametrize("length", [51, 99, 100, 101, 250, 1000])
@pytest.mark.parametrize("sentence", ["see {} here", "看{}吧", "{}", "see{}, then"])
def test_a_word_that_the_tokenizer_would_lose_is_cut(length: int, sentence: str) -> None:
    written = sentence.format("ab" * (length // 2) + "a" * (length % 2))
    said = say(written)
    assert max(len(word) for word in re.findall("[A-Za-z]+", said)) <= TOKENIZERS_LIMIT // 2
    assert re.sub("[^a-z\u4e00-\u9fff]", "", said) == re.sub("[^a-z\u4e00-\u9fff]", "", written)


def test_the_longest_words_that_there_are_stay_whole() -> None:
    longest = "pneumonoultramicroscopicsilicovolcanoconiosis"
    assert say(f"It is {longest}.") == f"It is {longest}."
    assert say("a" * 50) == "a" * 50


def test_the_order_of_the_rules_names_each_once() -> None:
    assert len(set(RULES)) == len(RULES)


def test_a_reader_of_numbers_can_be_given() -> None:
    reader = NumberReader(english=lambda _: "many", chinese=lambda _: "多")
    assert FrontEnd(reader).spoken("7", "en").text == "many"
    assert FrontEnd(reader).spoken("7", "zh").text == "多"


WRITTEN = "a 1 1, a- a/ a. A _ 1: ½ 👍 ( 1\" http:// <b. n't α :: $ 1/2 U.S."


@pytest.mark.parametrize("unit", WRITTEN.split())
def test_the_time_grows_with_the_length_and_not_with_its_square(unit: str) -> None:
    """Four times the text takes 16 times as long where something is quadratic; this is processor time."""
    times = []
    for length in (3_000, 12_000):
        text = (unit * length)[:length]
        best = 60.0
        for _ in range(2):
            start = time.process_time()
            with suppress(UnspeakableError):
                say(text)
            best = min(best, time.process_time() - start)
        times.append(best)
    assert times[1] < 10 * times[0] + 0.1
