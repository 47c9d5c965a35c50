"""The voices of espeak-ng are as loud as the target, in their own language."""

from collections.abc import Iterator
from contextlib import closing

import numpy as np
import pyloudnorm
import pytest

from chatttsd.constants import SAMPLE_RATE
from chatttsd.engine.api import SynthesisRequest
from chatttsd.engine.espeak import EspeakEngine
from chatttsd.engine.espeak_loudness import GAINS_DB, gain_of
from chatttsd.engine.voice_levels import TARGET
from support.ear import sound_of

TEXTS = {
    "cmn": "今天天气很好，我们一起去公园散步吧。银行行长说，明天还要开会。",
    "yue": "今天天气很好，我们一起去公园散步吧。银行行长说，明天还要开会。",
    "en-us": "The quick brown fox jumps over the lazy dog, and then it runs away into the wood.",
    "en-gb": "The quick brown fox jumps over the lazy dog, and then it runs away into the wood.",
    "de": "Guten Tag, wie geht es Ihnen? Morgen fahren wir mit dem Zug an die See.",
    "fr-fr": "Bonjour, comment allez-vous ? Demain nous prendrons le train pour aller à la mer.",
    "ru": "Добрый день, как ваши дела? Завтра мы поедем на море, а вечером вернёмся домой.",
    "mi": "Tēnā koe, kei te pēhea koe? Ka haere mātou ki te moana āpōpō.",
}


@pytest.fixture(scope="module")
def engine() -> Iterator[EspeakEngine]:
    with closing(EspeakEngine()) as engine:
        yield engine


def lufs(engine: EspeakEngine, voice: str, **options: object) -> float:
    request = SynthesisRequest(TEXTS[voice], voice=f"espeak-ng/{voice}", **options)  # type: ignore[arg-type] # options differ in type
    return float(pyloudnorm.Meter(SAMPLE_RATE).integrated_loudness(sound_of(engine, request) / 32768))


@pytest.mark.parametrize("voice", list(TEXTS))
def test_every_voice_is_within_1_lu_of_the_target(engine: EspeakEngine, voice: str) -> None:
    assert lufs(engine, voice) == pytest.approx(TARGET, abs=1.0)


@pytest.mark.parametrize("voice", ["cmn", "en-us"])
@pytest.mark.parametrize(
    "options", [{"rate": 0.3}, {"rate": 2.0}, {"rate": 4.0}, {"pitch": 0.5}, {"pitch": 2.0}]
)
def test_rate_and_pitch_change_the_loudness_by_less_than_1_5_lu(
    engine: EspeakEngine, voice: str, options: dict[str, float]
) -> None:
    assert lufs(engine, voice, **options) == pytest.approx(lufs(engine, voice), abs=1.5)


def test_a_switch_from_chinese_to_english_does_not_jump(engine: EspeakEngine) -> None:
    assert lufs(engine, "cmn") == pytest.approx(lufs(engine, "en-us"), abs=0.6)


def test_every_voice_with_a_gain_is_offered(engine: EspeakEngine) -> None:
    assert {f"espeak-ng/{voice}" for voice in GAINS_DB} <= {voice.id for voice in engine.voices()}


def test_a_voice_that_was_not_measured_stays_as_it_is(engine: EspeakEngine) -> None:
    assert gain_of("espeak-ng/sw", 1.0) == gain_of("espeak-ng/de", 1.0) == 1.0
    assert gain_of("espeak-ng/cmn", 1.0) < 1.0 < gain_of("espeak-ng/fr-fr", 1.0)
    assert gain_of("espeak-ng/sw", 2.0) < 1.0 < gain_of("espeak-ng/sw", 0.5)
    quiet = sound_of(engine, SynthesisRequest(TEXTS["de"], voice="espeak-ng/de"))
    assert np.abs(quiet.astype(int)).max() <= 32767
