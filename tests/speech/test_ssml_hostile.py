"""Markup that is broken, strange or meant to harm: a clear error, or exactly what a reader would say."""

import time
import tracemalloc
from collections.abc import Callable
from functools import partial

import pytest

from chatttsd.speech.ssml import DEEPEST, SsmlError, check_ssml, parse_ssml
from support.steps import steps

INCOMPLETE = "a tag is not complete"
REFUSED = "a declaration such as DOCTYPE or ENTITY is refused"
ENDLESS = "a comment, CDATA section or instruction has no end"
DEEP = "elements are nested too deep"

SPOKEN = [
    ("", ""),
    ("plain text", "plain text"),
    ("<speak/>", ""),
    ("<speak></speak>", ""),
    ("<speak>Hello</speak>", "Hello"),
    ('<?xml version="1.0" encoding="UTF-8"?><speak>Hello</speak>', "Hello"),
    ('<speak xmlns="http://www.w3.org/2001/10/synthesis" version="1.1" xml:lang="en-US">Hi</speak>', "Hi"),
    ('<ssml:speak xmlns:ssml="x"><ssml:p>Hi</ssml:p></ssml:speak>', "Hi"),
    ("<SPEAK>Hello <Emphasis>you</EMPHASIS></speak>", "Hello you"),
    ("before<speak>in</speak>after", "beforeinafter"),
    ("<speak>one</speak><speak>two</speak>", "onetwo"),
    ("a < b and b > a", "a < b and b > a"),
    ("I <3 you <-", "I <3 you <-"),
    ("a <= b << c <", "a <= b << c <"),
    ("请看<说明>第三节", "请看<说明>第三节"),
    ("<标记/>你好<é b='1'>x</é>", "你好x"),
    ("<问候>你好</问候>", "<问候>你好"),
    ("a<你 b<你好", "a<你 b<你好"),
    ("<我的:标 b='1'/>x</我的:标>", "x"),
    ("wow <! and <?", "wow <! and <?"),
    ("Tom & Jerry &", "Tom & Jerry &"),
    ("AT&T; R&D &unknown; &", "AT&T; R&D &unknown; &"),
    ("&amp;&lt;&gt;&quot;&apos;", "&<>\"'"),
    ("&amp;lt;b&amp;gt;", "&lt;b&gt;"),
    ("&#20320;&#x597D; &copy;&nbsp;x", "你好 ©\u00a0x"),
    ("a&#0;b&#xD800;c&#x110000;d", "a b c d"),
    ("a&#99999999999999999999;b", "a b"),
    ("a&#;b&#x;c&;", "a&#;b&#x;c&;"),
    ("<![CDATA[a < b & <c>]]>", "a < b & <c>"),
    ("x<![CDATA[]]>y<![CDATA[ ]] > ]]>z", "xy ]] > z"),
    ("a<!-- <b>never</b> & --><!-- -- -->b", "ab"),
    ("a<!---->b", "ab"),
    ("a<?php echo '<b>'; ?>b", "ab"),
    ("a > b ]]> c", "a > b ]]> c"),
    ("<emphasis>never closed", "never closed"),
    ("<p>one<p>two", "one\n\ntwo"),
    ("stray end</p></speak></x>", "stray end"),
    ("<b><i>crossed</b></i> tags", "crossed tags"),
    ("<unknown a='1' b=\"2\" c=3>text</unknown>", "text"),
    ("<mstts:express-as style='sad'>text</mstts:express-as>", "text"),
    ("<audio src='a.wav'>fallback<desc>a dog</desc></audio>", "fallback"),
    ("<metadata><dc:title>never</dc:title></metadata>said", "said"),
    ("<phoneme alphabet='ipa' ph='təˈmeɪtoʊ'>tomato</phoneme>", "tomato"),
    ("<w>two</w> <token>words</token>", "two words"),
    ("<meta name='x' content='y'>a<lexicon uri='z'>b", "ab"),
    ("one<br>two<br/>three", "onetwothree"),
    ("<sub alias='World Wide Web'>WWW</sub>", "World Wide Web"),
    ("<sub alias='&lt;x&gt; &amp; y'><b>a</b></sub>", "<x> & y"),
    ("<sub alias=''>kept</sub><sub>kept too</sub>", "keptkept too"),
    ("<sub alias='said'/><sub alias='unclosed'>never", "saidunclosed"),
    ("<prosody rate='fast\"er' pitch='a' volume='1e9999'>x</prosody>", "x"),
    ("<prosody rate='-999999%' pitch='nan' volume='-inf'>x</prosody>", "x"),
    ("<break time='1e9s' strength='?'/>x<break time='-3s'/>", "x"),
    ("<mark/><mark name=''/><mark name='&#10;'/>x", "x"),
    ("<mark name='" + "n" * 70_000 + "'/>x", "x"),
    ("<say-as>1</say-as><say-as interpret-as='&lt;'>2</say-as>", "12"),
    ("<lang xml:lang='not a language!'>x</lang>", "x"),
    ("<voice name='\t'>x</voice>", "x"),
    ("nul \0 and \x1b[31m escape", "nul \0 and \x1b[31m escape"),
    ("lone \ud800 surrogate", "lone \ud800 surrogate"),
    ("\ufeff<speak>bom</speak>", "\ufeffbom"),
    ("<b\n\t\rattribute\n=\n'v'\n>wide</b\n>", "wide"),
    ("<a b=c/>x<a b=http://x/y>z</a>", "xz"),
    ("<a " + " ".join(f"a{n}='{n}'" for n in range(5000)) + ">x</a>", "x"),
    ("<a b='&lol;&lol;&#60;script&#62;'>x</a>", "x"),
    ("<b>" * DEEPEST + "deep", "deep"),
    ("<a/>" * 1000 + "x", "x"),
    ("<mark name='m'/>" * 1000 + "x", "x"),
]


def said(ssml: str) -> str:
    return "".join(passage.text for passage in parse_ssml(ssml))


@pytest.mark.parametrize(("ssml", "text"), SPOKEN)
def test_what_can_be_read_is_spoken_without_its_markup(ssml: str, text: str) -> None:
    assert said(ssml).rstrip() == text.rstrip()


ERRORS = [
    ("a<b", INCOMPLETE, 1, 2),
    ("x<y and y>z", INCOMPLETE, 1, 2),
    ("<speak>cut off <emph", INCOMPLETE, 1, 16),
    ("<speak>cut off</spea", INCOMPLETE, 1, 15),
    ("<speak>cut off <mark name='a", INCOMPLETE, 1, 16),
    ('<mark name="a/>text <mark name="b"/>', INCOMPLETE, 1, 1),
    ("<mark name='a/>secret<mark name='/>", INCOMPLETE, 1, 1),
    ("<a b>x</a>", INCOMPLETE, 1, 1),
    ("<a b=>x</a>", INCOMPLETE, 1, 1),
    ("<a b='1'c='2'>x</a>", INCOMPLETE, 1, 1),
    ("<a <b>>x", INCOMPLETE, 1, 1),
    ("line\nline <b", INCOMPLETE, 2, 6),
    ("</ p>x", INCOMPLETE, 1, 1),
    ("</>", INCOMPLETE, 1, 1),
    ("</p class='x'>", INCOMPLETE, 1, 1),
    ("<_" + "a" * 90_000, INCOMPLETE, 1, 1),
    ("<a" + " " * 90_000, INCOMPLETE, 1, 1),
    ("<a" + " b='c'" * 15_000, INCOMPLETE, 1, 1),
    ("<a b='" + "c" * 90_000, INCOMPLETE, 1, 1),
    ("<!DOCTYPE speak><speak>x</speak>", REFUSED, 1, 1),
    ("<!doctype html>", REFUSED, 1, 1),
    ('<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]><speak>&b;</speak>', REFUSED, 1, 1),
    ('<speak><!ENTITY a SYSTEM "file:///etc/passwd">&a;</speak>', REFUSED, 1, 8),
    ("<![INCLUDE[x]]>", REFUSED, 1, 1),
    ("<!ELEMENT", REFUSED, 1, 1),
    ("a<!-- never closed", ENDLESS, 1, 2),
    ("a<!-->b", ENDLESS, 1, 2),
    ("a<![CDATA[never closed ]>", ENDLESS, 1, 2),
    ("a\n\n<?php never closed >", ENDLESS, 3, 1),
    ("<b>" * (DEEPEST + 1), DEEP, 1, 3 * DEEPEST + 1),
    ("<a>" * 33_000, DEEP, 1, 3 * DEEPEST + 1),
    ("<desc>" * (DEEPEST + 1), DEEP, 1, 6 * DEEPEST + 1),
]


@pytest.mark.parametrize(("ssml", "wrong", "line", "character"), ERRORS)
def test_what_cannot_be_read_is_named_with_its_place(
    ssml: str, wrong: str, line: int, character: int
) -> None:
    with pytest.raises(SsmlError, match=wrong) as raised:
        parse_ssml(ssml)
    assert str(raised.value).startswith(f"line {line}, character {character}: ")
    assert "allowed: " in str(raised.value)


@pytest.mark.parametrize("ssml", [ssml for ssml, *_ in ERRORS])
def test_the_check_refuses_what_cannot_be_read_in_the_same_words(ssml: str) -> None:
    with pytest.raises(SsmlError) as raised:
        parse_ssml(ssml)
    with pytest.raises(SsmlError) as checked:
        check_ssml(ssml)
    assert str(checked.value) == str(raised.value)


def test_the_check_lets_everything_else_pass_in_half_the_work() -> None:
    for ssml, _ in SPOKEN:
        check_ssml(ssml)
    for opening in ("<p>", "<s>", "<li>", "<mark>", "<b></b>", "</p>"):
        check_ssml(opening * 2 * DEEPEST)
    orca = "<mark name='1:5'/>word " * 100
    assert 2 * steps(partial(check_ssml, orca)) <= steps(partial(parse_ssml, orca))


@pytest.mark.parametrize("ssml", ["secret <b", "<b secret>", "<!-- secret", "<!DOCTYPE secret>"])
def test_errors_never_show_the_text(ssml: str) -> None:
    with pytest.raises(SsmlError) as raised:
        parse_ssml(ssml)
    assert "secret" not in str(raised.value)


def test_the_table_is_large() -> None:
    assert len(SPOKEN) + len(ERRORS) >= 60


FLOODS = [
    "<a/>", "</a>", "<p>x", "<s>x", "<s/>", "<br>", "&amp;", "&", "&a", "&#1", "< ", "<!", "\n<b/>",
    "<!---->", "<![CDATA[x]]>",
    "<mark name='a'/>", "x<break/>", "<b>x</b>", "<sub alias='abc'/>", "<prosody rate='slow'>x</prosody>",
    "<say-as interpret-as='digits'>1</say-as>", "<say-as interpret-as='characters'>1 </say-as>",
]  # fmt: skip


@pytest.mark.parametrize("unit", FLOODS)
def test_twice_as_much_takes_twice_as_many_steps(unit: str) -> None:
    assert steps(partial(parse_ssml, unit * 200)) <= 2.1 * steps(partial(parse_ssml, unit * 100))


def seconds(work: Callable[[], object]) -> float:
    best = float("inf")
    for _ in range(3):
        start = time.process_time()
        work()
        best = min(best, time.process_time() - start)
    return best


@pytest.mark.parametrize("unit", ["&a", "< ", "<b/>", "<mark name='a'/>x ", "<br>&amp;"])
def test_what_runs_below_python_grows_no_faster(unit: str) -> None:
    few = 8000 // len(unit)
    assert seconds(lambda: parse_ssml(unit * few * 8)) < 30 * seconds(lambda: parse_ssml(unit * few))


LETTERS = "<say-as interpret-as='characters'>"


@pytest.mark.parametrize("unit", ["<mark name='a'/>", "x<break/>", "&amp;", "<s>x", "<b>x</b>", LETTERS])
def test_the_longest_text_needs_bounded_memory(unit: str) -> None:
    ssml = (unit * (100_000 // len(unit)) if unit != LETTERS else unit).ljust(100_000, "x")
    tracemalloc.start()
    try:
        script = parse_ssml(ssml)
        assert script
        assert tracemalloc.get_traced_memory()[1] < 8_000_000
    finally:
        tracemalloc.stop()
