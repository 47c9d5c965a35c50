"""Words, marks and pieces of a message's SSML."""

import pytest

from chatttsd.doors.speechd.markup import Markup, escaped
from chatttsd.speech.ssml import parse_ssml

BODY = (
    '<speak>Hello &amp; <prosody rate="fast">dear <mark name="a"/>世界!</prosody>'
    '<break/> <mark name="b c"/>Bye.</speak>'
)


def words(source: str) -> list[str]:
    return [word.text for word in Markup(source).words]


def spoken(source: str) -> str:
    """What the daemon's own parser finds to say."""
    return "".join(passage.text for passage in parse_ssml(source))


def test_words_are_those_between_the_tags_and_have_their_places() -> None:
    found = Markup(BODY).words
    assert [word.text for word in found] == ["hello", "dear", "世", "界", "bye"]
    assert [BODY[word.position] for word in found] == ["H", "d", "世", "界", "B"]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("", []),
        ("a&lt;b&gt;c", ["a", "b", "c"]),
        ("don't stop_it", ["don", "t", "stop", "it"]),
        ("&#20320;好&#x597d;", ["你", "好", "好"]),
        ("1 < 2 & 3", ["1", "2", "3"]),
        ("<!-- not <this> --> that", ["that"]),
        ("Größe ÉTÉ ひらがな한글", ["grösse", "été", "ひ", "ら", "が", "な", "한", "글"]),
        ("<unclosed tag", ["unclosed", "tag"]),
    ],
)
def test_words_of_odd_sources(source: str, expected: list[str]) -> None:
    assert words(source) == expected


def test_plain_text_is_without_tags_and_entities() -> None:
    assert Markup(BODY).plain == "Hello & dear 世界! Bye."


def test_marks_have_names_and_places() -> None:
    marks = Markup(BODY).marks
    assert list(marks) == ["a", "b c"]
    assert BODY[marks["b c"] :].startswith('<mark name="b c"/>Bye')
    assert list(Markup("<mark  name='x&amp;y' /><MARK name=\"z\"></MARK>").marks) == ["x&y", "z"]


@pytest.mark.parametrize(
    ("source", "blank"),
    [
        ("", True),
        ("<speak> \n</speak>", True),
        ("<speak/>", True),
        ("<speak><mark name='a'/></speak>", True),
        ("<SPEAK><p ><s><!-- a --><emphasis level='strong'></emphasis>&#32;</s></p></SPEAK>", True),
        ("<a>.</a>", False),
        ("<speak><![CDATA[hello world]]></speak>", False),
        ("<speak><!-- c --><![CDATA[你好]]></speak>", False),
        ("<speak><sub alias='World Wide Web'/></speak>", False),
        ("<speak><sub alias='World Wide Web'></sub></speak>", False),
        ("<speak>< hello ></speak>", False),
        ("<speak><hello></speak>", False),
        ("<speak><speaker></speak>", False),
        ("<speak><break time='600ms'/></speak>", False),
        ("<speak><mark name='a'/><break/><mark name='b'/></speak>", False),
        ("<speak><? hello ?></speak>", False),
        ("<speak>😀</speak>", False),
        ("<speak>&lt;</speak>", False),
        ("<!-- a", False),
    ],
)
def test_only_a_message_that_surely_says_nothing_is_blank(source: str, blank: bool) -> None:
    assert Markup(source).blank is blank


def test_the_piece_from_the_start_is_the_message_itself() -> None:
    piece = Markup(BODY).piece(0)
    assert (piece.text, piece.start, piece.end, piece.prefix) == (BODY, 0, len(BODY), 0)


@pytest.mark.parametrize("start", range(len(BODY)))
def test_a_piece_from_anywhere_is_ssml_that_says_the_rest(start: int) -> None:
    piece = Markup(BODY).piece(start)
    assert spoken(BODY).endswith(spoken(piece.text))
    assert piece.text[piece.prefix :] == BODY[piece.start :]
    assert piece.start <= start
    assert piece.origin(piece.prefix + 3) == min(len(BODY), piece.start + 3)
    assert piece.origin(0) == piece.start


def test_a_piece_opens_the_tags_that_were_open() -> None:
    piece = Markup(BODY).piece(BODY.index("世"))
    assert piece.text.startswith('<speak><prosody rate="fast">世界!</prosody>')


def test_pieces_with_a_limit_say_everything_once() -> None:
    source = (
        "<speak>" + "<emphasis>One two three. 四五六。</emphasis> And more &lt;here&gt;. " * 20 + "</speak>"
    )
    markup, said, position = Markup(source), "", 0
    while position < len(source):
        piece = markup.piece(position, 60)
        assert len(piece.text) < 60 + 60
        assert piece.end > position
        said += spoken(piece.text)
        position = piece.end
    assert said.split() == spoken(source).split()


def test_a_piece_of_one_endless_word_is_cut_somewhere() -> None:
    markup = Markup("<speak>" + "x" * 500 + "</speak>")
    piece = markup.piece(0, 100)
    assert 0 < piece.end < 500


def test_an_element_that_holds_nothing_is_not_opened_again() -> None:
    markup = Markup("<speak>One.<break time='2s'> <mark name='a'>Two.</speak>")
    assert markup.piece(markup.source.index("Two")).text == "<speak>Two.</speak>"


@pytest.mark.parametrize("text", ["a < b & c > d", '"quoted"', "</speak>", "<mark name='x'/>"])
def test_plain_text_is_escaped_so_that_it_is_said_as_it_is(text: str) -> None:
    assert Markup(escaped(text)).plain == text
    assert spoken(escaped(text)).strip() == text


def test_comments_that_never_end_are_looked_through_once() -> None:
    # Quadratic, this would take minutes: the test's timeout would end it.
    source = "<!-- a --> b " + "<!--" * 100_000
    markup = Markup(source)
    assert not markup.blank
    assert [word.text for word in markup.words] == ["b"]
