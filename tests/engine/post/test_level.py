"""The gain of a segment: it ends near the target, does not pump, and depends on the segment alone."""

import numpy as np
import pyloudnorm
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from chatttsd.constants import SAMPLE_RATE
from chatttsd.engine.post.level import KNEE, Leveller, WholeLeveller, amplified, factor_of
from chatttsd.engine.post.loudness import BLOCK
from chatttsd.engine.voice_levels import MOST_DB, TARGET
from support.ear import spoken

Samples = NDArray[np.int16]

TEXTS = {
    "zh": "今天天气很好，我们一起去公园散步吧。银行行长说，明天还要开会。",
    "en": "The quick brown fox jumps over the lazy dog, and then it runs away into the wood.",
}
SETTLED = 16
"""Blocks after which the gain has settled."""


@pytest.fixture(scope="module")
def speech() -> dict[str, Samples]:
    """Speech at the target, by language."""
    made = {}
    for language, text in TEXTS.items():
        sound = spoken(text, language)
        made[language] = amplified(sound, factor_of(TARGET - lufs(sound)))
    return made


def lufs(samples: Samples) -> float:
    return float(pyloudnorm.Meter(SAMPLE_RATE).integrated_loudness(samples / 32768))


def at(samples: Samples, decibels: float) -> Samples:
    return amplified(samples, factor_of(decibels))


def gains(samples: Samples) -> list[float]:
    """Return the gain in dB after each block."""
    leveller, found = Leveller(), []
    for start in range(0, samples.size, BLOCK):
        leveller.feed(samples[start : start + BLOCK])
        found.append(leveller.gain)
    return found


@pytest.mark.parametrize("language", list(TEXTS))
@pytest.mark.parametrize("level", [-12, -9, -6, -3, 0, 3, 6])
def test_speech_of_any_level_ends_up_within_1_5_lu_of_the_target(
    speech: dict[str, Samples], language: str, level: float
) -> None:
    assert lufs(Leveller().feed(at(speech[language], level))) == pytest.approx(TARGET, abs=1.5)


def test_speech_at_the_target_stays_about_as_it_is(speech: dict[str, Samples]) -> None:
    for sound in speech.values():
        assert max(abs(gain) for gain in gains(sound)) < 2.0
        assert lufs(Leveller().feed(sound)) == pytest.approx(TARGET, abs=0.8)


@pytest.mark.parametrize("level", [-9, 6])
def test_the_gain_settles_and_then_never_pumps(speech: dict[str, Samples], level: float) -> None:
    for sound in speech.values():
        found = gains(at(sound, level))
        steps = np.abs(np.diff(found))
        assert steps.max() <= 1.5 + 1e-6
        assert steps[SETTLED:].max() <= 0.05 + 1e-6
        assert abs(found[SETTLED] + level) < 3.0


def test_a_pause_does_not_raise_the_gain(speech: dict[str, Samples]) -> None:
    pause = np.zeros(5 * SAMPLE_RATE, np.int16)
    with_pause = np.concatenate([speech["en"], pause])
    found = gains(with_pause)
    begin = speech["en"].size // BLOCK
    assert max(found[begin:]) - found[begin] < 0.5


def test_silence_and_noise_below_the_gate_stay_as_they_are() -> None:
    quiet = np.tile(np.array([0, 1, 0, -1], np.int16), SAMPLE_RATE)
    assert np.array_equal(Leveller().feed(quiet), quiet)


def test_the_gain_is_bounded(speech: dict[str, Samples]) -> None:
    assert max(gains(at(speech["zh"], -35))) <= MOST_DB


@settings(max_examples=20, deadline=None)
@given(cuts=st.lists(st.integers(0, 3 * SAMPLE_RATE), max_size=40), level=st.sampled_from([-9, 0, 6]))
def test_a_stream_is_the_whole_however_it_is_cut(
    speech: dict[str, Samples], cuts: list[int], level: float
) -> None:
    sound = at(speech["zh"][: 3 * SAMPLE_RATE], level)
    leveller = Leveller()
    parts = [leveller.feed(part) for part in np.split(sound, sorted(cuts))]
    assert np.array_equal(np.concatenate(parts), Leveller().feed(sound))


def test_no_sample_waits() -> None:
    leveller = Leveller()
    for size in (1, 7, BLOCK - 8, 3, 5 * BLOCK, 11, 0):
        assert leveller.feed(np.full(size, 500, np.int16)).size == size


def test_a_gain_of_one_changes_nothing() -> None:
    samples = np.array([-32768, -5, 0, 5, 32767], np.int16)
    assert amplified(samples, 1.0) is samples


def test_what_is_too_loud_is_pressed_together_in_order() -> None:
    ramp = np.arange(-32768, 32768, 16).astype(np.int16)
    made = amplified(ramp, 3.0).astype(int)
    assert (np.diff(made) >= 0).all()
    assert np.abs(made).max() <= 32768
    soft = np.abs(ramp.astype(int)) * 3 < KNEE * 32768
    assert np.abs(made[soft] - 3 * ramp[soft].astype(int)).max() <= 1
    assert np.unique(made[~soft & (np.abs(ramp) < 15_000)]).size > 300, "not cut off at once"


def test_amplifying_nothing_is_nothing() -> None:
    assert amplified(np.zeros(0, np.int16), 2.0).size == 0
    assert factor_of(20) == pytest.approx(10)


@pytest.mark.parametrize("seconds", [0.3, 0.5, 1.0, 2.0])
@pytest.mark.parametrize("level", [-9, -6, 0, 3])
def test_the_whole_of_something_short_is_at_the_target(
    speech: dict[str, Samples], seconds: float, level: float
) -> None:
    start = SAMPLE_RATE // 2
    short = at(speech["zh"][start : start + int(seconds * SAMPLE_RATE)], level)
    leveller = WholeLeveller()
    assert sum(leveller.feed(part).size for part in np.array_split(short, 7)) == 0
    whole = leveller.finish()
    assert whole.size == short.size
    assert lufs(whole if seconds > 0.4 else np.tile(whole, 2)) == pytest.approx(TARGET, abs=1.0)


def test_the_gain_of_a_whole_is_bounded_and_silence_is_no_louder() -> None:
    leveller = WholeLeveller()
    quiet = np.tile(np.array([0, 1, 0, -1], np.int16), 1000)
    leveller.feed(quiet)
    assert np.array_equal(leveller.finish(), quiet)
    assert leveller.finish().size == 0
    soft = np.tile(np.array([0, 50, 0, -50], np.int16), 5000)
    leveller.feed(soft)
    assert np.array_equal(leveller.finish(), amplified(soft, factor_of(MOST_DB)))


def pieces(samples: Samples, seconds: float) -> list[Samples]:
    """Return short texts out of speech: pieces in which something is said, silence cut off."""
    size = int(seconds * SAMPLE_RATE)
    cut = [samples[start : start + size] for start in range(0, samples.size - size, size)]
    return [piece for piece in cut if lufs(at_least_a_gating_block(piece)) > TARGET - 4]


def at_least_a_gating_block(samples: Samples) -> Samples:
    return np.tile(samples, 1 + SAMPLE_RATE // samples.size)


@pytest.mark.parametrize("seconds", [0.4, 0.8])
@pytest.mark.parametrize("level", [-9, -5, 4])
def test_short_texts_of_a_known_voice_are_as_loud_as_speech_at_the_target(
    speech: dict[str, Samples], seconds: float, level: float
) -> None:
    for sound in speech.values():
        made = []
        for piece in pieces(sound, seconds):
            made.append(lufs(at_least_a_gating_block(Leveller(gain=-level).feed(at(piece, level)))))
            by_itself = abs(lufs(at_least_a_gating_block(piece)) - TARGET)
            assert abs(made[-1] - TARGET) < by_itself + 1.0
        assert len(made) > 2
        assert np.median(made) == pytest.approx(TARGET, abs=1.0)


@settings(max_examples=20, deadline=None)
@given(cuts=st.lists(st.integers(0, 3 * SAMPLE_RATE), max_size=40), gain=st.sampled_from([-6.0, 0.0, 9.5]))
def test_with_a_gain_too_a_stream_is_the_whole_however_it_is_cut(
    speech: dict[str, Samples], cuts: list[int], gain: float
) -> None:
    sound = at(speech["zh"][: 3 * SAMPLE_RATE], -3)
    leveller = Leveller(gain=gain)
    parts = [leveller.feed(part) for part in np.split(sound, sorted(cuts))]
    assert np.array_equal(np.concatenate(parts), Leveller(gain=gain).feed(sound))


def test_the_first_sample_has_the_given_gain_and_a_gain_of_none_is_the_usual_one(
    speech: dict[str, Samples],
) -> None:
    sound = speech["en"]
    made = Leveller(gain=6.0).feed(sound[:BLOCK])
    assert np.array_equal(made, at(sound[:BLOCK], 6.0))
    assert np.array_equal(Leveller(gain=0.0).feed(sound), Leveller().feed(sound))


@pytest.mark.parametrize("level", [-9, 0, 6])
def test_a_wrong_gain_is_corrected_as_soon_as_the_segment_is_known(
    speech: dict[str, Samples], level: float
) -> None:
    sound = at(speech["zh"], level)
    leveller = Leveller(gain=MOST_DB)
    leveller.feed(sound[: SETTLED * BLOCK])
    assert abs(leveller.gain + level) < 3.0


@pytest.mark.parametrize("gain", [1e308, -1e308])
def test_no_gain_is_beyond_the_bounds(gain: float) -> None:
    assert abs(Leveller(gain=gain).gain) == MOST_DB


@pytest.mark.parametrize("level", [-9, 0, 6])
def test_the_level_is_what_goes_in_whatever_comes_out(speech: dict[str, Samples], level: float) -> None:
    sound = at(speech["zh"], level)
    stream, whole = Leveller(gain=3.0), WholeLeveller()
    for leveller in (stream, whole):
        leveller.feed(sound)
        leveller.finish()
        assert leveller.level is not None
        assert leveller.level.lufs == pytest.approx(TARGET + level, abs=0.3)
        assert 0.6 < leveller.level.tenths * BLOCK / sound.size <= 1.0


def test_silence_has_no_level() -> None:
    for leveller in (Leveller(), WholeLeveller()):
        assert leveller.level is None
        leveller.feed(np.zeros(5 * BLOCK, np.int16))
        leveller.finish()
        assert leveller.level is None
