"""What is left out when the daemon refuses a message: each refusal is one that the daemon really gives."""

import pytest

from chatttsd.bus import errors
from chatttsd.doors.speechd.concessions import Way, concession
from chatttsd.speech.options import OptionError, SpeakOptions, parse_options

OPTIONS = {"kind": "ssml", "priority": "important", "bind_to_client": "true"}


@pytest.mark.parametrize(
    ("name", "value"),
    [("voice", "\n"), ("language", "english (UK)"), ("rate", "9"), ("seed", "x"), ("engine", "y")],
)
def test_the_option_that_is_refused_is_left_out(name: str, value: str) -> None:
    options = {**OPTIONS, "punctuation": "all", name: value}
    with pytest.raises(OptionError) as refused:
        parse_options(options, SpeakOptions())
    error = errors.invalid_args(str(refused.value))
    assert concession(error.name, str(refused.value), options) == name


def test_an_option_that_an_older_daemon_does_not_know_is_left_out() -> None:
    options = {**OPTIONS, "colour": "red"}
    with pytest.raises(OptionError) as refused:
        parse_options(options, SpeakOptions())
    assert concession("org.freedesktop.DBus.Error.InvalidArgs", str(refused.value), options) == "colour"


def test_what_the_module_needs_is_never_left_out() -> None:
    name = "org.freedesktop.DBus.Error.InvalidArgs"
    assert concession(name, "option 'kind': got 'ssml', allowed: text", OPTIONS) is Way.AS_PLAIN_TEXT


@pytest.mark.parametrize(
    ("name", "way"),
    [
        ("org.freedesktop.DBus.Error.LimitsExceeded", Way.AGAIN_LATER),
        ("org.chattts.Speech1.Error.TextTooLong", Way.IN_PARTS),
        ("org.freedesktop.DBus.Error.InvalidArgs", Way.AS_PLAIN_TEXT),
        ("org.chattts.Speech1.Error.ModelUnavailable", Way.GIVE_UP),
        ("org.chattts.Speech1.Error.Internal", Way.GIVE_UP),
        ("org.example.Other", Way.GIVE_UP),
    ],
)
def test_other_refusals_have_their_ways(name: str, way: Way) -> None:
    assert concession(name, "text: it cannot be said", OPTIONS) is way


def test_an_engine_without_its_model_is_not_asked_for() -> None:
    options = {**OPTIONS, "engine": "chattts"}
    assert concession("org.chattts.Speech1.Error.ModelUnavailable", "no model", options) == "engine"
