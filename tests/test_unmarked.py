"""SSML that cannot be read is said without its markup, and every character stays in its place."""

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatttsd.speech.ssml import SsmlError, check_ssml, parse_ssml
from chatttsd.unmarked import unmarked

BROKEN = [
    ("<speak>a</speak", "a"),
    ("<speak>Fish &amp; chips <emph", "Fish & chips"),
    ("a<b", "a"),
    ("if a <b then c", "if a then c"),
    ("x<y and y>z", "x z"),
    ("cut off <mark name='a", "cut off"),
    ('<mark name="a/>text <mark name="b"/>', "text"),
    ("<a b>x</a>", "x"),
    ("<a b='1'c='2'>x</a>", "x"),
    ("<a b='>'c>x</a>", "x"),
    ("<a <b>>x", ">x"),
    ("</ p>x", "x"),
    ("</>x", "x"),
    ("</p class='x'>y", "y"),
    ("<!DOCTYPE speak><speak>x</speak>", "x"),
    ('<!DOCTYPE speak PUBLIC "-//W3C//DTD SYNTHESIS 1.0//EN" "synthesis.dtd"><speak>x</speak>', "x"),
    ('<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]><speak>y</speak>', "y"),
    ('<speak><!ENTITY a SYSTEM "file:///etc/passwd">b</speak>', "b"),
    ("<!ELEMENT", ""),
    ("a<!-- never closed", "a"),
    ("<!-- <b>never</b> -->said <b", "said"),
    ("a<!-- never <b> read", "a read"),
    ("a<![CDATA[said ]>", "a said ]>"),
    ("<![CDATA[a &amp;]]> b <c", "a & b"),
    ("a<?php never closed", "a"),
    ("1 < 2 <3 <b", "1 < 2 <3"),
    ("你好<b 世界", "你好 世界"),
    ("<标 a='1'/>你好<é/>，<说明>第三节<b", "你好 ，<说明>第三节"),
    ("<b>" * 65 + "deep", "deep"),
    ('<p>Hi <mark name="1 < 2"/>there</p>', "Hi there"),
    ('<sub alias="less < more">lt</sub> ok', "lt ok"),
    ("Hello <mark name=", "Hello"),
    ("<?php echo 'a>b' ?>hi<b", "hi"),
    ("Joe <joe@x.org> wrote", "Joe joe@x.org> wrote"),
    ("see <https://x.org/a> now", "see https://x.org/a> now"),
]


@pytest.mark.parametrize(("ssml", "text"), BROKEN)
def test_the_text_is_said_and_no_markup(ssml: str, text: str) -> None:
    with pytest.raises(SsmlError):
        check_ssml(ssml)
    script = parse_ssml(unmarked(ssml))
    assert " ".join("".join(passage.text for passage in script).split()) == text


PIECES = [
    "<",
    ">",
    "</",
    "/>",
    "<!--",
    "-->",
    "<![CDATA[",
    "]]>",
    "<?x",
    "?>",
    "<!D",
    "[",
    "]",
    "a",
    "b='",
    '"',
]


@given(st.lists(st.one_of(st.sampled_from([*PIECES, " ", "="]), st.text(max_size=3))).map("".join))
def test_whatever_it_was_can_be_read_and_is_in_its_place(text: str) -> None:
    plain = unmarked(text)
    check_ssml(plain)
    assert len(plain) == len(text)
    assert all(after in (" ", before) for before, after in zip(text, plain, strict=True))
    assert not re.search(r"<[A-Za-z_/]|<!--|<![A-Za-z]", plain)


def seconds(text: str) -> float:
    best = float("inf")
    for _ in range(3):
        start = time.process_time()
        unmarked(text)
        best = min(best, time.process_time() - start)
    return best


@pytest.mark.parametrize("unit", ["<!--", "<!A[", "<a", "<a b='", "<![CDATA[", "<a b=c "])
def test_eight_times_as_much_takes_no_more_than_its_share(unit: str) -> None:
    few = 8000 // len(unit)
    assert seconds(unit * few * 8) < 30 * seconds(unit * few)
