"""A text takes as long as its rate says, whatever is in it, with the real library."""

from collections.abc import Iterator
from contextlib import closing
from itertools import pairwise

import numpy as np
import pytest

from chatttsd.constants import SAMPLE_RATE
from chatttsd.engine.api import SynthesisRequest
from chatttsd.engine.espeak import EspeakEngine
from chatttsd.engine.espeak_pace import NORMAL_SPEED, SPEEDS, shares, speed_of
from support.ear import Samples, base_frequency, sound_of
from support.scene import TEXTS

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
def engine() -> Iterator[EspeakEngine]:
    with closing(EspeakEngine()) as engine:
        yield engine


def said(engine: EspeakEngine, text: str, language: str, rate: float) -> Samples:
    return sound_of(engine, SynthesisRequest(text, language, rate=rate))


@pytest.mark.parametrize(("language", "text"), SENTENCES)
def test_a_sentence_takes_as_long_as_its_rate_says(engine: EspeakEngine, language: str, text: str) -> None:
    normal = said(engine, text, language, 1.0).size
    assert normal > 2.5 * SAMPLE_RATE
    off = {rate: normal / said(engine, text, language, rate).size / rate - 1 for rate in RATES}
    assert {rate: share for rate, share in off.items() if abs(share) > (0.02 if rate == 4 else 0.09)} == {}


@pytest.mark.parametrize("language", ["en", "zh"])
def test_ten_seconds_at_rate_3_last_a_third_with_the_pitch_kept(engine: EspeakEngine, language: str) -> None:
    text = next(
        line for line in (TEXTS / f"udhr-{language}.txt").read_text(encoding="utf-8").splitlines() if line
    )
    normal, fast = (said(engine, text, language, rate) for rate in (1.0, 3.0))
    assert 8 * SAMPLE_RATE < normal.size < 12 * SAMPLE_RATE
    assert normal.size / fast.size == pytest.approx(3.0, rel=0.03)
    assert base_frequency(fast) == pytest.approx(base_frequency(normal), rel=0.05)


@pytest.mark.parametrize("kind", ["text", "key"])
@pytest.mark.parametrize("text", ["no", "Save, button", "One, two, three."])
def test_a_higher_rate_is_never_slower(engine: EspeakEngine, text: str, kind: str) -> None:
    rates = (1.0, 1.5, 1.9, 2.0, 2.05, 2.25, 2.5, 3.0, 3.5, 4.0)
    sizes = [sound_of(engine, SynthesisRequest(text, "en", rate=rate, kind=kind)).size for rate in rates]
    assert all(after < 1.07 * before for before, after in pairwise(sizes))


def test_what_was_said_before_at_another_rate_changes_no_sample(engine: EspeakEngine) -> None:
    (_, english), (_, chinese) = SENTENCES[1], SENTENCES[6]
    first = said(engine, english, "en", 1.7)
    said(engine, chinese, "zh", 0.6)
    said(engine, chinese, "zh", 3.0)
    assert np.array_equal(said(engine, english, "en", 1.7), first)


@pytest.mark.parametrize(
    ("rate", "own", "played"),
    [
        (0.25, 0.5, 0.5),
        (0.5, 0.5, 1.0),
        (1.0, 1.0, 1.0),
        (2.0, 2.0, 1.0),
        (2.5, 1.6, 1.5625),
        (4.0, 1.0, 4.0),
    ],
)
def test_what_the_library_cannot_do_is_left_to_stretching(rate: float, own: float, played: float) -> None:
    assert shares(rate) == pytest.approx((own, played))


@pytest.mark.parametrize("chinese", [True, False])
def test_speeds_rise_with_the_rate_and_stay_where_the_library_speaks_by_itself(*, chinese: bool) -> None:
    speeds = [speed_of(rate, chinese=chinese) for rate in (0.25, 0.5, 1.0, 1.5, 2.25, 4.0)]
    assert speeds == sorted(speeds)
    assert (speeds[0], speeds[2], speeds[-1]) == (SPEEDS[0], NORMAL_SPEED, SPEEDS[1])
