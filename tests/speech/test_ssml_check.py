"""The quick check of SSML finds what the reader would find, word for word, in whatever is thrown at both."""

from collections.abc import Callable
from functools import partial

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from chatttsd.speech.ssml import DEEPEST, SsmlError, check_ssml, parse_ssml
from chatttsd.speech.ssml_tokens import EMPTY, END, START, TokenKind, tags, tokens
from support.steps import steps

PIECES = [
    "<b>", "</b>", "<B/>", "<p>", "</p>", "<s>", "<p/>", "<mark/>", "<br>", "<x:b>", "</y:b >", "<x:p>",
    "<b a='1' c = \"2\">", "<b a=/>", "<b a='<'>", "<b a=1/>", "<b\n>", "<b /", "<1>", "< b>", "</ b>", "</",
    "<", "<!-- <b> -->", "<!-->", "<!--->", "<!-", "<!", "<!D", "<![CDATA[<b>]]>", "<![CDATA[", "<![x", "]]>",
    "-->", "<?x <b> ?>", "<?x", "<? ", "?>", "<x:>", "<x:1>", "<:b>", "<x:y:b>", "<desc>", "&lt;", "\n", "文",
    "a", ">",
]  # fmt: skip
MARKUP = st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=2)), max_size=30).map("".join)
DEEP = "<b>" * DEEPEST


def refusal(read: Callable[[str], object], text: str) -> str:
    try:
        read(text)
    except SsmlError as error:
        return str(error)
    return ""


@settings(max_examples=300)
@given(MARKUP)
def test_it_refuses_what_the_reader_refuses_in_the_same_words(text: str) -> None:
    assert refusal(check_ssml, text) == refusal(parse_ssml, text)


@settings(max_examples=300)
@given(st.sampled_from([DEEP, "<b><p>" * (DEEPEST // 2), "<p>" + DEEP[3:], "<x:b>" + DEEP[3:]]), MARKUP)
@example(DEEP, "<x:p>")
@example(DEEP, "</b><b>")
@example(DEEP, "<mark/><!-- <b>")
def test_it_refuses_no_more_and_no_less_where_much_is_open(before: str, text: str) -> None:
    assert bool(refusal(check_ssml, before + text)) == bool(refusal(parse_ssml, before + text))


def test_what_is_too_deep_is_named_where_its_tag_begins() -> None:
    assert refusal(check_ssml, f"{DEEP}\n <x:b a='1'/>").startswith(
        "line 2, character 2: elements are nested"
    )


KINDS = {END: TokenKind.END, START: TokenKind.START, EMPTY: TokenKind.EMPTY}


@given(MARKUP)
def test_the_tags_are_those_among_the_tokens(text: str) -> None:
    try:
        wanted = [(token.kind, token.name) for token in tokens(text) if token.name]
    except SsmlError:
        with pytest.raises(SsmlError):
            list(tags(text))
    else:
        found = [(KINDS[tag.lastindex or 0], (tag[END] or tag[START]).lower()) for tag in tags(text)]
        assert found == wanted


@pytest.mark.parametrize("unit", ["<b/>", "<b></b>", "</b>", "<p>", "<mark name='a'/>x "])
def test_it_takes_a_half_of_the_readers_steps_and_less(unit: str) -> None:
    text = unit * 200
    assert 2 * steps(partial(check_ssml, text)) <= steps(partial(parse_ssml, text))


@pytest.mark.parametrize("unit", ["a", "< ", "<!---->", "&lt;", "<?x?>", "<![CDATA[x]]>"])
def test_what_is_no_tag_costs_no_step(unit: str) -> None:
    assert steps(partial(check_ssml, unit * 200)) == steps(partial(check_ssml, unit))
