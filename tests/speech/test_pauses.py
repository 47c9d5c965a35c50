"""The rest between segments follows the punctuation of the text."""

import pytest

from chatttsd.speech.pauses import CLAUSE, PARAGRAPH, ends_sentence, pause_after

CASES = [
    ("One sentence. ", 1.0),
    ("一句话。", 1.0),
    ("真的吗？", 1.0),
    ("Well… ", 1.0),
    ("他说：“好。”", 1.0),
    ('"Stop!" ', 1.0),
    ("(In brackets.) ", 1.0),
    ("第一，", CLAUSE),
    ("first, ", CLAUSE),
    ("a list: ", CLAUSE),
    ("cut in the middle ", 0.0),
    ("中间切开", 0.0),
    ("A paragraph.\n\n", PARAGRAPH),
    ("A heading\n", PARAGRAPH),
    ("第一段。\n", PARAGRAPH),
    ("   ", 0.0),
    ("", 0.0),
    ("”", 0.0),
]


@pytest.mark.parametrize(("ending", "share"), CASES)
def test_the_rest_follows_the_end(ending: str, share: float) -> None:
    assert pause_after(ending, 0.25) == pytest.approx(0.25 * share)


def test_no_rest_is_wanted_by_zero() -> None:
    assert all(pause_after(ending, 0.0) == 0 for ending, _ in CASES)


@pytest.mark.parametrize("text", ["Yes.", "好。", "Yes?” \n", "啊！）"])
def test_a_sentence_ends_with_its_mark(text: str) -> None:
    assert ends_sentence(text)
    assert not ends_sentence(f"{text} and")
