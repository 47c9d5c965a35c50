"""Options from strings: what is taken, and the exact words of what is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatttsd.speech.options import OPTION_NAMES, Kind, OptionError, Priority, SpeakOptions, parse_options

ACCEPTED = [
    ("voice", "espeak-ng/cmn", "voice", "espeak-ng/cmn"),
    ("language", "auto", "language", "auto"),
    ("language", "zh-Hant-TW", "language", "zh-Hant-TW"),
    ("engine", "espeak-ng", "engine", "espeak-ng"),
    ("rate", "0.25", "rate", 0.25),
    ("rate", "4", "rate", 4.0),
    ("rate", "1.5e0", "rate", 1.5),
    ("pitch", "2.0", "pitch", 2.0),
    ("volume", "0", "volume", 0.0),
    ("priority", "important", "priority", Priority.IMPORTANT),
    ("kind", "char", "kind", Kind.CHAR),
    ("bind_to_client", "true", "bind_to_client", True),
    ("container", "wav", "container", "wav"),
]

REFUSED = [
    ("rate", "fast", "option 'rate': got 'fast', allowed: a number from 0.25 to 4"),
    ("rate", "", "option 'rate': got '', allowed: a number from 0.25 to 4"),
    ("rate", "nan", "option 'rate': got 'nan', allowed: a number from 0.25 to 4"),
    ("rate", "inf", "option 'rate': got 'inf', allowed: a number from 0.25 to 4"),
    ("rate", "4.01", "option 'rate': got '4.01', allowed: a number from 0.25 to 4"),
    ("pitch", "0.49", "option 'pitch': got '0.49', allowed: a number from 0.5 to 2"),
    ("volume", "-0.1", "option 'volume': got '-0.1', allowed: a number from 0 to 1"),
    (
        "priority",
        "urgent",
        "option 'priority': got 'urgent', allowed: important, message, text, notification, progress",
    ),
    ("kind", "song", "option 'kind': got 'song', allowed: text, ssml, char, key"),
    ("engine", "festival", "option 'engine': got 'festival', allowed: auto, chattts, espeak-ng"),
    ("bind_to_client", "yes", "option 'bind_to_client': got 'yes', allowed: true, false"),
    (
        "language",
        "中文",
        "option 'language': got '中文', allowed: auto or a BCP 47 tag such as zh, en or en-GB",
    ),
    ("language", "x", "option 'language': got 'x', allowed: auto or a BCP 47 tag such as zh, en or en-GB"),
    ("voice", "", "option 'voice': got '', allowed: 1 to 128 printable characters"),
    ("voice", "a\nb", "option 'voice': got 'a?b', allowed: 1 to 128 printable characters"),
    ("seed", "-1", "option 'seed': got '-1', allowed: a whole number from 0 to 9223372036854775807"),
    ("seed", "٣", "option 'seed': got '٣', allowed: a whole number from 0 to 9223372036854775807"),
    ("top_k", "0", "option 'top_k': got '0', allowed: a whole number from 1 to 626"),
    ("oral", "10", "option 'oral': got '10', allowed: a whole number from 0 to 9"),
    ("laugh", "3", "option 'laugh': got '3', allowed: a whole number from 0 to 2"),
    ("break", "8", "option 'break': got '8', allowed: a whole number from 0 to 7"),
    ("speed", "1.0", "option 'speed': got '1.0', allowed: a whole number from 0 to 9"),
    ("refine", "True", "option 'refine': got 'True', allowed: true, false"),
    ("container", "ogg", "option 'container': got 'ogg', allowed: raw, wav"),
]


@pytest.mark.parametrize(("key", "value", "field", "parsed"), ACCEPTED)
def test_a_good_value_is_parsed(key: str, value: str, field: str, parsed: object) -> None:
    assert getattr(parse_options({key: value}, SpeakOptions()), field) == parsed


@pytest.mark.parametrize(("key", "value", "message"), REFUSED)
def test_a_bad_value_is_named_with_what_is_allowed(key: str, value: str, message: str) -> None:
    with pytest.raises(OptionError) as caught:
        parse_options({key: value}, SpeakOptions())
    assert str(caught.value) == message


def test_an_unknown_key_names_the_nearest() -> None:
    with pytest.raises(OptionError) as caught:
        parse_options({"rat": "1"}, SpeakOptions())
    assert (
        str(caught.value) == f"unknown option 'rat': did you mean 'rate'? allowed: {', '.join(OPTION_NAMES)}"
    )


def test_chattts_options_are_checked_and_kept_as_they_came() -> None:
    parsed = parse_options({"seed": "007", "temperature": "0.3", "refine": "true"}, SpeakOptions())
    assert parsed.parameters == {"seed": "007", "temperature": "0.3", "refine": "true"}


def test_defaults_stay_where_nothing_is_chosen() -> None:
    defaults = SpeakOptions(voice="v", rate=2.0, parameters={"seed": "1"})
    assert parse_options({}, defaults) == defaults
    assert parse_options({"oral": "2"}, defaults).parameters == {"seed": "1", "oral": "2"}


@given(st.text(max_size=50), st.text(max_size=10_000))
def test_whatever_comes_is_parsed_or_refused_in_a_short_printable_line(key: str, value: str) -> None:
    message = ""
    try:
        parse_options({key: value}, SpeakOptions())
    except OptionError as error:
        message = str(error)
    assert len(message) < 500
    assert not message or message.isprintable()
