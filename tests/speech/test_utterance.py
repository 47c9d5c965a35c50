"""An utterance moves forward only and ends once."""

import pytest

from chatttsd.speech.options import SpeakOptions
from chatttsd.speech.utterance import Outcome, State, Utterance, UtteranceEndedError


def utterance() -> Utterance:
    return Utterance(7, ":1.1", "a secret", SpeakOptions())


def test_the_text_is_neither_shown_nor_kept_after_the_end() -> None:
    one = utterance()
    assert "secret" not in repr(one)
    one.end(Outcome.CANCELLED)
    assert (one.text, one.state, one.outcome) == ("", State.ENDED, Outcome.CANCELLED)


def test_a_second_outcome_is_a_fault() -> None:
    one = utterance()
    one.start()
    one.end(Outcome.FINISHED)
    with pytest.raises(UtteranceEndedError, match="utterance 7 has already ended as finished"):
        one.end(Outcome.CANCELLED)
    with pytest.raises(UtteranceEndedError, match="cannot start: it is ended"):
        one.start()


def test_it_starts_once() -> None:
    one = utterance()
    one.start()
    with pytest.raises(UtteranceEndedError, match="cannot start: it is speaking"):
        one.start()
