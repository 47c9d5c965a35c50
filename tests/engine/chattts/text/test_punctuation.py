"""Pauses stay, marks go; markup goes, words stay."""

import pytest

from chatttsd.engine.chattts.text.markup import markup
from chatttsd.engine.chattts.text.punctuation import punctuate


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("Yes! No? Well: so; (yes)", "Yes. No. Well, so, yes"),
        ("好！吗？是：的；（对）", "好。吗。是，的，对"),
        ("one... two", "one, two"),
        ("one...", "one."),
        ("?!?!", ""),
        ("a ,, . b", "a. b"),
        ("(a) (b)", "a, b"),
        ("你 好 a", "你好 a"),
        ("你好a世界", "你好 a 世界"),
        ("one\n\ntwo", "one. two"),
        ("one.\ntwo", "one. two"),
        ("a — b -- c", "a, b, c"),
        ("well-known", "well known"),
        ("苹果、梨", "苹果、梨"),
        ("apples、pears", "apples, pears"),
        ("《书》好", "书，好"),
        ("end,", "end,"),
        ("don't", "don t"),
        ("abc Привет 123", "abc"),
    ],
)
def test_a_row_of_marks_becomes_one_pause(written: str, said: str) -> None:
    assert punctuate(written) == said


def test_a_chinese_text_has_wide_marks_only() -> None:
    assert punctuate("我用 GPU, 你用 CPU. 好的") == "我用 GPU，你用 CPU。好的"


def test_an_english_text_has_wide_marks_behind_chinese_only() -> None:
    assert punctuate("the word 你好, is here, too.") == "the word 你好，is here, too."


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("# Title", "Title"),
        ("- item", "item"),
        ("* item\n+ other", "item\nother"),
        ("> quote", "quote"),
        ("**bold** __strong__ `code`", "bold strong code"),
        ("```python\nx\n```", "\nx\n"),
        ("-----", ""),
        ("a <b>c</b><br/>", "a  c  "),
        ("a < b and c > d", "a < b and c > d"),
        ("AT&amp;T", "AT&T"),
        ("file(s) f()", "files f"),
        ("ok :-) :D", "ok    "),
        (".5", "0.5"),
        ("snake_case 2*3", "snake_case 2*3"),
    ],
)
def test_markup_goes_and_words_stay(written: str, said: str) -> None:
    assert markup(written) == said
