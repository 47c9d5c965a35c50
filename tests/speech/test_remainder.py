"""What another voice goes on with when the first one broke off."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatttsd.speech.expected import expected_seconds
from chatttsd.speech.remainder import remainder

ENGLISH = "The quick brown fox jumps over the lazy dog."
CHINESE = "今天天气很好，我们去公园。"


@pytest.mark.parametrize(
    ("text", "heard", "rest"),
    [
        (ENGLISH, 0.0, ENGLISH),
        (ENGLISH, 0.2, ENGLISH),
        (ENGLISH, 0.4, "quick brown fox jumps over the lazy dog."),
        (ENGLISH, 1.2, "fox jumps over the lazy dog."),
        (ENGLISH, 60.0, ""),
        (CHINESE, 0.39, CHINESE[1:]),
        (CHINESE, 1.0, CHINESE[5:]),
        ("打开 README 文件", 0.5, "README 文件"),
        ("3 apples", 0.1, "3 apples"),
        ("", 1.0, ""),
    ],
)
def test_it_goes_on_at_the_word_that_was_cut_off(text: str, heard: float, rest: str) -> None:
    assert remainder(text, heard) == rest


def test_a_quicker_voice_has_said_more() -> None:
    assert remainder(ENGLISH, 0.6, rate=2.0) == remainder(ENGLISH, 1.2)


@given(text=st.text(), share=st.floats(0, 1), rate=st.floats(0.25, 4))
def test_nothing_that_was_not_heard_is_left_out(text: str, share: float, rate: float) -> None:
    heard = share * expected_seconds(text, rate)
    rest = remainder(text, heard, rate)
    assert text.endswith(rest)
    skipped = text[: len(text) - len(rest)]
    if skipped.strip() and rest:
        assert expected_seconds(skipped, rate) <= max(heard, expected_seconds("", rate)) + 1e-6
