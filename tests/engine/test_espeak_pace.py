"""A text takes as long as its rate says, whatever is in it, with the real library."""

import numpy as np
import pytest

from chatttsd.constants import SAMPLE_RATE
from chatttsd.engine.api import SynthesisRequest
from chatttsd.engine.espeak import EspeakEngine
from chatttsd.engine.espeak_pace import NORMAL_SPEED, SPEEDS, near_speed, shares, speed_of
from support.ear import Samples, chunks_of, sound_of

RATES = (0.25, 0.4, 0.5, 0.75, 0.9, 0.95, 1.05, 1.1, 1.25, 1.5, 2.0, 2.25, 2.5, 3.0, 4.0)
SENTENCES = [
    ("en", "All human beings are born free and equal in dignity and rights. They are endowed with reason."),
    ("en", "Everyone has the right to life, liberty and security of person."),
    ("en", "The quick brown fox jumps over the lazy dog, and then it runs away."),
    ("en", "Python reads the file, closes it, and tells you how many lines there were in it."),
    ("zh", "人人生而自由，在尊严和权利上一律平等。他们赋有理性和良心。"),
    ("zh", "任何人不得使为奴隶或奴役；一切形式的奴隶制度和奴隶买卖，均应予以禁止。"),
    ("zh", "今天天气很好，我们一起去公园散步吧。"),
    ("zh", "银行行长说，明天还要开会，请大家准时到场。"),
    ("zh", "我们用Python写代码，然后运行hello world。"),
    ("de", "Alle Menschen sind frei und gleich an Würde und Rechten geboren."),
]


@pytest.fixture(scope="module")
def engine() -> EspeakEngine:
    return EspeakEngine()


def said(engine: EspeakEngine, text: str, language: str, rate: float) -> Samples:
    return sound_of(engine, SynthesisRequest(text, language, rate=rate))


@pytest.mark.parametrize(("language", "text"), SENTENCES)
def test_a_sentence_takes_as_long_as_its_rate_says(engine: EspeakEngine, language: str, text: str) -> None:
    normal = said(engine, text, language, 1.0).size
    assert normal > 2.5 * SAMPLE_RATE
    attained = [normal / said(engine, text, language, rate).size for rate in RATES]
    assert attained == pytest.approx(RATES, rel=0.05)


def test_what_was_said_before_and_measured_changes_no_sample(engine: EspeakEngine) -> None:
    (_, english), (_, chinese) = SENTENCES[1], SENTENCES[6]
    first = said(engine, english, "en", 1.7)
    said(engine, chinese, "zh", 0.6)
    said(engine, chinese, "zh", 3.0)
    assert np.array_equal(said(engine, english, "en", 1.7), first)


def test_a_request_that_is_cancelled_is_not_measured_to_its_end(engine: EspeakEngine) -> None:
    looks = []

    def cancelled() -> bool:
        looks.append(1)
        return True

    assert chunks_of(engine, SynthesisRequest(SENTENCES[0][1], "en", rate=2.0), cancelled) == []
    assert len(looks) == 1


@pytest.mark.parametrize(
    ("rate", "own", "played"),
    [(0.25, 0.5, 0.5), (0.5, 0.5, 1.0), (1.0, 1.0, 1.0), (2.25, 2.25, 1.0), (3.0, 1.0, 3.0)],
)
def test_what_the_library_cannot_do_is_left_to_stretching(rate: float, own: float, played: float) -> None:
    assert shares(rate) == (own, played)


def test_speeds_about_the_normal_one_are_not_measured() -> None:
    for rate in (0.9, 1.0, 1.05):
        assert speed_of(rate, lambda _speed: pytest.fail("measured")) == pytest.approx(
            rate * NORMAL_SPEED, abs=0.5
        )


@pytest.mark.parametrize("power", [0.9, 1.0, 1.3])
@pytest.mark.parametrize("rate", [0.5, 1.5, 2.0])
def test_a_text_that_goes_by_a_power_of_the_speed_is_solved_at_once(rate: float, power: float) -> None:
    speed = speed_of(rate, lambda speed: round(1e6 * (speed / NORMAL_SPEED) ** -power))
    assert (speed / NORMAL_SPEED) ** power == pytest.approx(rate, rel=0.02)


@pytest.mark.parametrize("length", [0, 1, 100_000])
def test_a_text_without_a_length_or_with_the_same_at_any_speed_gets_a_speed(length: int) -> None:
    assert SPEEDS[0] <= speed_of(1.7, lambda _speed: length) <= SPEEDS[1]
    assert near_speed(4.0) == SPEEDS[1]
    assert near_speed(0.25) == SPEEDS[0]
