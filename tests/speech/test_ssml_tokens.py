"""Tags and texts in one pass."""

import pytest

from chatttsd.speech.ssml_tokens import SsmlError, Token, TokenKind, decoded, error_at, tokens

TEXT, CDATA, START, END, EMPTY = TokenKind


def test_a_document_becomes_tags_and_texts() -> None:
    ssml = "a<X:B c='1' XML:Lang=\"de\"/><![CDATA[<]]><!-- - --><?p?></b >"
    assert list(tokens(ssml)) == [
        Token(TEXT, 0, 1),
        Token(EMPTY, 1, 27, "b", {"c": "1", "xml:lang": "de"}),
        Token(CDATA, 36, 37),
        Token(END, 55, 60, "b"),
    ]


def test_attributes_are_decoded_and_the_last_of_a_name_counts() -> None:
    (token,) = tokens("<a b='&lt;&amp;lt;' c=x/y c = '\"'>")
    assert (token.kind, token.attributes) == (START, {"b": "<&lt;", "c": '"'})


@pytest.mark.parametrize(
    ("written", "text", "origin"),
    [
        ("ab", "ab", [0, 1, 2]),
        ("a&amp;b", "a&b", [0, 1, 6, 7]),
        ("&lt;&gt;", "<>", [0, 4, 8]),
        ("&NotEqualTilde;x", "≂̸x", [0, 0, 15, 16]),
        ("&x&amp", "&x&amp", [0, 1, 2, 3, 4, 5, 6]),
        ("&#x0000041;&#065;", "AA", [0, 11, 17]),
        ("&#55555555555555;", " ", [0, 17]),
    ],
)
def test_entities_stand_where_they_begin(written: str, text: str, origin: list[int]) -> None:
    found = decoded(written, 0, len(written))
    assert (found.text, list(found.origin)) == (text, origin)


def test_a_slice_is_decoded_with_its_places() -> None:
    found = decoded("&lt;a&gt;", 4, 9)
    assert (found.text, list(found.origin)) == ("a>", [4, 5, 9])


def test_errors_name_line_and_character() -> None:
    assert (
        str(error_at("a\nbc<", 4, "it is wrong", "right"))
        == "line 2, character 3: it is wrong; allowed: right"
    )
    with pytest.raises(SsmlError):
        list(tokens("<a"))
