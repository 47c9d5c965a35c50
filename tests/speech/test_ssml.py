"""What SSML means: passages, their manners, marks and rests, and where each character stood."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chatttsd.speech.options import Kind
from chatttsd.speech.script import PLAIN, Manner, Passage
from chatttsd.speech.ssml import SsmlError, parse_ssml
from chatttsd.speech.ssml_script import PARAGRAPH_REST, SENTENCE_REST
from chatttsd.speech.ssml_values import PITCHES, RATES, VOLUMES

UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


def texts(ssml: str) -> list[str]:
    return [passage.text for passage in parse_ssml(ssml)]


def only(ssml: str) -> Passage:
    (passage,) = parse_ssml(ssml)
    return passage


def manner(ssml: str) -> Manner:
    return only(ssml).manner


def marks(passage: Passage) -> list[tuple[int, str]]:
    return [(mark.position, mark.name) for mark in passage.marks]


def test_marks_between_words_cut_nothing() -> None:
    ssml = '<speak><mark name="0:5"/>Hello <mark name="6:11"/>world.<mark name="end"/></speak>'
    passage = only(ssml)
    assert passage.text == "Hello world."
    assert marks(passage) == [(0, "0:5"), (6, "6:11"), (12, "end")]
    assert [ssml[place] for place in passage.origin[:-1]] == list("Hello world.")
    assert passage.origin[-1] == ssml.index('<mark name="end"')
    assert passage.rest is None


def test_a_mark_goes_with_the_words_of_another_manner_behind_it() -> None:
    first, second = parse_ssml("one <mark name='m'/><emphasis> two</emphasis>")
    assert (marks(first), marks(second)) == ([], [(0, "m")])


def test_a_mark_before_a_rest_is_told_before_it() -> None:
    first, second = parse_ssml("one<mark name='a'/><break/><mark name='b'/>two")
    assert (marks(first), marks(second)) == ([(3, "a")], [(0, "b")])


def test_a_mark_at_the_end_of_a_sentence_stays_in_it() -> None:
    first, second = parse_ssml("<s>one<mark name='a'/> </s><mark name='b'/><s>two</s>")
    assert (marks(first), marks(second)) == ([(4, "a")], [(0, "b")])


def test_marks_without_text_are_kept_where_they_stood() -> None:
    passage = only("<speak> <mark name='a'/> <mark name='b&amp;'/></speak>")
    assert (passage.text, marks(passage)) == ("", [(0, "a"), (0, "b&")])
    assert list(passage.origin) == [25]


def test_a_mark_in_what_is_said_by_another_name_is_told_before_it() -> None:
    passage = only("a <sub alias='World Wide Web'>W<mark name='m'/>WW</sub> b")
    assert (passage.text, marks(passage)) == ("a World Wide Web b", [(2, "m")])


def test_a_mark_in_what_is_not_said_is_none() -> None:
    assert marks(only("<desc><sub alias='no'><mark name='a'/></sub></desc>x")) == []

    assert marks(only("<desc><mark name='a'/></desc>x")) == []


@pytest.mark.parametrize(
    ("ssml", "rest"),
    [
        ("a<break time='500ms'/>", 0.5),
        ("a<break time='2s'/>", 2.0),
        ("a<break time='.5S'/>", 0.5),
        ("a<break time='60s'/>", 10.0),
        ("a<break time='7s'/> <break time='7s'/>", 10.0),
        ("a<break strength='none'/>", 0.0),
        ("a<break strength='x-strong'/>", 1.2),
        ("a<break/>", 0.4),
        ("a<break time='soon'/>", 0.4),
        ("<break time='1s'/>", 1.0),
        ("<break time='1s'/><p/><break time='1s'/>", 2.0),
    ],
)
def test_breaks_rest(ssml: str, rest: float) -> None:
    assert only(ssml).rest == pytest.approx(rest)


def test_a_break_cuts_and_the_manner_goes_on() -> None:
    first, second = parse_ssml("<prosody rate='slow'>a.<break time='1s'/>b</prosody>")
    assert (first.text, first.rest, second.text, second.rest) == ("a.", 1.0, "b", None)
    assert first.manner == second.manner != PLAIN


def test_a_sentence_rests_even_without_its_stop() -> None:
    ssml = "<s>One</s><s>Two.</s><s>Three!”</s><s>四</s>"
    assert [(passage.text, passage.rest) for passage in parse_ssml(ssml)] == [
        ("One", SENTENCE_REST),
        ("Two. Three!” 四", SENTENCE_REST),
    ]


def test_paragraphs_end_as_empty_lines_do() -> None:
    assert texts("<p>One</p><p>Two.</p> Three<p/>") == ["One\n\nTwo.\n\n Three\n\n"]
    slow, plain = parse_ssml("<p><prosody rate='slow'>One</prosody><break time='10ms'/></p><p>Two</p>")
    assert (slow.rest, plain.text) == (PARAGRAPH_REST, "Two\n\n")


def test_line_breaks_that_lay_out_the_markup_are_blanks_and_others_are_kept() -> None:
    assert texts("<speak>\n  <b>one</b>\n  <i>two</i>\n</speak>") == ["   one   two "]
    assert texts("<speak>one\n<mark name='m'/>two\n\nthree</speak>") == ["one\ntwo\n\nthree"]


def test_blanks_have_no_manner() -> None:
    assert texts("<emphasis>one</emphasis> <emphasis>two</emphasis>") == ["one two"]
    assert texts("a<emphasis> </emphasis>b") == ["a b"]
    assert texts("a<prosody rate='100%'>b</prosody>c") == ["abc"]


@pytest.mark.parametrize(
    ("ssml", "expected"),
    [
        ("<prosody rate='80%'>x</prosody>", Manner(rate=0.8)),
        ("<prosody rate='+20%'>x</prosody>", Manner(rate=1.2)),
        ("<prosody rate='FAST'>x</prosody>", Manner(rate=1.4)),
        ("<prosody rate='2'><prosody rate='50%' pitch='+12st'>x</prosody></prosody>", Manner(pitch=2.0)),
        ("<prosody rate='fast'><prosody rate='default'>x</prosody></prosody>", PLAIN),
        ("<prosody rate='3'><prosody rate='3'>x</prosody></prosody>", Manner(rate=RATES[1])),
        ("<prosody rate='1%' pitch='-90%' volume='silent'>x", Manner("", "", RATES[0], PITCHES[0], 0.0)),
        ("<prosody volume='+60dB'>x</prosody>", Manner(volume=VOLUMES[1])),
        ("<prosody volume='50'>x</prosody>", Manner(volume=0.5)),
        ("<prosody rate='quick' pitch='' volume='11dBm'>x</prosody>", PLAIN),
        ("<emphasis level='none'>x</emphasis>", PLAIN),
        ("<emphasis level='reduced'>x</emphasis>", Manner(rate=1.05, pitch=0.95, volume=0.8)),
        ("<emphasis>x</emphasis>", Manner(rate=0.95, pitch=1.08, volume=1.15)),
        ("<lang xml:lang='zh-Hant_TW'>x</lang>", Manner(language="zh-Hant-TW")),
        ("<speak xml:lang='de'><p xml:lang='fr'>x</p></speak>", Manner(language="fr")),
        ("<lang xml:lang='und'>x</lang>", PLAIN),
        ("<speak xml:lang='en'><lang xml:lang='!'>x</lang></speak>", Manner(language="en")),
        ("<voice name='chattts/zoe'>x</voice>", Manner(voice="chattts/zoe")),
        ("<voice name='a' xml:lang='zh' gender='female'>x</voice>", Manner(language="zh", voice="a")),
        ("<voice name='a'><voice languages='zh en'>x</voice></voice>", Manner(language="zh")),
        ("<say-as interpret-as='tts:key'>shift_a</say-as>", Manner(kind=Kind.KEY)),
    ],
)
def test_elements_set_the_manner(ssml: str, expected: Manner) -> None:
    found = manner(ssml)
    assert (found.language, found.voice, found.kind) == (expected.language, expected.voice, expected.kind)
    assert (found.rate, found.pitch, found.volume) == pytest.approx(
        (expected.rate, expected.pitch, expected.volume)
    )


def test_characters_are_passages_of_their_own() -> None:
    ssml = "<speak>按 <say-as interpret-as='characters'>A<mark name='m'/>&amp;é</say-as> 键</speak>"
    script = parse_ssml(ssml)
    assert [passage.text for passage in script] == ["按 ", "A", "&é", " 键"]
    assert [passage.manner.kind for passage in script] == ["text", "char", "char", "text"]
    assert marks(script[2]) == [(0, "m")]
    assert [ssml[passage.origin[0]] for passage in script] == list("按A& ")


def test_say_as_reads_in_the_language_around_it() -> None:
    ssml = "<say-as interpret-as='telephone'>138-1</say-as>"
    assert texts(f"电话 {ssml}") == ["电话 幺三八，幺"]
    assert texts(f"Call {ssml}") == ["Call 1 3 8, 1"]
    assert texts(f"<speak xml:lang='zh'>{ssml}</speak>") == ["幺三八，幺"]


def test_an_alias_is_spread_over_what_it_stands_for() -> None:
    ssml = "the <sub alias='World Wide Web'>WWW</sub>!"
    passage = only(ssml)
    assert passage.text == "the World Wide Web!"
    places = {ssml[place] for place in passage.origin[4:18]}
    assert places == {"W"}
    assert ssml[passage.origin[18]] == "!"


def test_an_entity_stands_at_its_ampersand() -> None:
    passage = only("a&amp;b&#x1F600;")
    assert passage.text == "a&b😀"
    assert list(passage.origin) == [0, 1, 6, 7, 16]


PIECES = st.sampled_from(
    [
        "<s>", "</s>", "<p>", "</p>", "<emphasis>", "</emphasis>", "<prosody rate='fast'>", "</prosody>",
        "<break/>", "<mark name='m'/>", "<say-as interpret-as='characters'>", "</say-as>", "<x>", "</x>",
        "<!-- c -->", "<![CDATA[d]]>", "Hello. ", "你好。", " ", "\n", "a", "é", "👍🏽", "<desc>", "</desc>",
    ]
)  # fmt: skip


@UNHURRIED
@given(st.lists(PIECES | st.text(st.characters(exclude_characters="&<"), max_size=5), max_size=30))
def test_every_character_is_the_clients_at_its_origin(pieces: list[str]) -> None:
    ssml = "".join(pieces)
    script = parse_ssml(ssml)
    before = 0
    for passage in script:
        assert len(passage.origin) == len(passage.text) + 1
        places = list(passage.origin)
        assert [before, *places] == sorted([before, *places])
        assert places[-1] <= len(ssml)
        for character, place in zip(passage.text, places, strict=False):
            added = character in " \n" and ssml[place : place + 1] in ("<", "")
            assert added or ssml[place] == character or (character == " " and ssml[place].isspace())
        before = places[-1]
    assert sum(len(passage.marks) for passage in script) <= ssml.count("<mark")


@UNHURRIED
@given(st.text(st.sampled_from("<>/&;'\"= abs!-[]?#x1\n你\ud800") | st.characters(exclude_categories=())))
def test_whatever_comes_is_read_or_refused(ssml: str) -> None:
    try:
        script = parse_ssml(ssml)
    except SsmlError:
        return
    for passage in script:
        assert len(passage.origin) == len(passage.text) + 1
        assert all(0 <= mark.position <= len(passage.text) for mark in passage.marks)


@pytest.mark.parametrize("text", ["word_" * 20, "a\u202eb", "one\ntwo"])
def test_what_is_no_name_of_a_key_is_a_text(text: str) -> None:
    (passage,) = parse_ssml(f"<say-as interpret-as='key'>{text}</say-as>")
    assert passage.manner.kind is Kind.TEXT
