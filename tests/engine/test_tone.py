import numpy as np
import pytest
import soxr
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from chatttsd.engine.api import EngineError, SynthesisRequest
from chatttsd.engine.tone import CHUNK_SAMPLES, PACE, SYMBOL_SAMPLES, ToneEngine, encode, symbol_samples
from support.tone_decoder import decode, gaps, onset

Samples = NDArray[np.int16]
RATES = (0.25, 0.5, 1.0, 1.5, 2.0, 4.0)
any_text = st.text(st.characters(), max_size=30)


class Clock:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now = 0.0
        self.naps: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.naps.append(seconds)
        self.now += seconds


def said(text: str, **options: object) -> list[Samples]:
    chunks: list[Samples] = []

    def emit(samples: Samples) -> bool:
        chunks.append(samples)
        return True

    request = SynthesisRequest(text, **options)  # type: ignore[arg-type] # options differ in type
    ToneEngine().synthesise(request, emit, lambda: False)
    return chunks


def silence(count: int) -> Samples:
    return np.zeros(count, np.int16)


@given(text=any_text, rate=st.sampled_from(RATES), before=st.integers(0, 3000), after=st.integers(0, 3000))
@settings(max_examples=150, deadline=None)
def test_any_text_of_any_plane_is_read_back_at_any_offset(
    text: str, rate: float, before: int, after: int
) -> None:
    recording = np.concatenate([silence(before), encode(text, rate), silence(after)])
    (segment,) = decode(recording, speech_rate=rate)
    assert (segment.text, segment.complete) == (text, True)
    assert segment.start_sample == before
    assert segment.end_sample == recording.size - after


@given(texts=st.lists(any_text, min_size=1, max_size=4), gap=st.integers(0, 500))
@settings(max_examples=40, deadline=None)
def test_segments_in_one_recording_are_told_apart(texts: list[str], gap: int) -> None:
    recording = np.concatenate([np.concatenate([encode(text), silence(gap)]) for text in texts])
    assert [segment.text for segment in decode(recording)] == texts


@pytest.mark.parametrize("gain", [0.1, 0.5, 1.5, 2.5])
def test_gain_changes_do_not_disturb_the_decoder(gain: float) -> None:
    recording = (encode("你好, world") * gain).astype(np.int16)
    assert decode(recording)[0].text == "你好, world"


@pytest.mark.parametrize("rate", [44_100, 48_000])
def test_a_recording_at_the_rate_of_a_sound_card_is_read(rate: int) -> None:
    recording = soxr.resample(np.concatenate([silence(1000), encode("汉字 ok")]), 24_000, rate)
    (segment,) = decode(recording, rate)
    assert segment.text == "汉字 ok"
    assert segment.start_sample == pytest.approx(1000 * rate / 24_000, abs=4)


def test_noise_does_not_disturb_the_decoder() -> None:
    noise = np.random.default_rng(1).normal(0, 300, encode("hello").size)
    assert decode((encode("hello") + noise).astype(np.int16))[0].text == "hello"


@pytest.mark.parametrize("characters", [0, 1, 3])
def test_a_truncated_recording_gives_the_partial_text_and_says_so(characters: int) -> None:
    end = (4 + 6 * characters + 3) * SYMBOL_SAMPLES
    (segment,) = decode(encode("hello")[:end])
    assert (segment.text, segment.complete) == ("hello"[:characters], False)


def test_a_hole_in_a_segment_ends_it_there() -> None:
    recording = encode("hello")
    recording[16 * SYMBOL_SAMPLES : 20 * SYMBOL_SAMPLES] = 0
    (segment,) = decode(recording)
    assert (segment.text, segment.complete) == ("he", False)


def test_silence_and_foreign_sound_hold_no_segment() -> None:
    assert decode(silence(10_000)) == []
    assert decode(silence(10)) == []
    assert decode((np.sin(np.arange(20_000) / 7) * 9000).astype(np.int16)) == []


def test_gaps_are_found_inside_the_sound_only() -> None:
    recording = np.concatenate([silence(900), encode("a"), silence(480), encode("b"), silence(900)])
    ((start, end),) = gaps(recording, min_ms=15)
    assert end - start == pytest.approx(480, abs=8)
    assert start == pytest.approx(900 + encode("a").size, abs=4)
    assert gaps(recording, min_ms=25) == []


def test_there_is_no_gap_inside_a_segment() -> None:
    assert gaps(encode("你好 hello", 1.0), min_ms=1) == []


def test_onset_is_the_first_loud_sample() -> None:
    assert onset(np.concatenate([silence(777), encode("a")])) == pytest.approx(777, abs=3)
    assert onset(silence(100)) is None


@pytest.mark.parametrize("rate", RATES)
def test_the_rate_changes_the_length_of_the_sound(rate: float) -> None:
    assert encode("ab", rate).size == (4 + 12 + 4) * symbol_samples(rate)
    assert symbol_samples(rate) == round(240 / rate)


def test_the_amplitude_is_constant_and_nothing_jumps() -> None:
    sound = encode("\x00\uffff\U0010ffff").astype(int)
    assert abs(int(np.abs(sound).max()) - 9830) < 10
    assert np.abs(np.diff(sound)).max() < 0.2 * 32768


def test_the_engine_emits_chunks_of_20_ms() -> None:
    chunks = said("hello")
    assert all(chunk.size == CHUNK_SAMPLES for chunk in chunks[:-1])
    assert np.array_equal(np.concatenate(chunks), encode("hello"))


def test_the_engine_speaks_at_the_asked_rate() -> None:
    assert decode(np.concatenate(said("hello", rate=1.5)), speech_rate=1.5)[0].text == "hello"


def test_the_same_request_gives_the_same_sound() -> None:
    assert np.array_equal(np.concatenate(said("hello")), np.concatenate(said("hello")))


def test_a_pace_makes_the_engine_slow_by_its_clock() -> None:
    clock = Clock()
    request = SynthesisRequest("hello", parameters={PACE: "1.5"})
    ToneEngine(clock, clock.sleep).synthesise(request, lambda _samples: True, lambda: False)
    assert clock.now == pytest.approx(1.5 * encode("hello").size / 24_000, abs=0.05)
    assert max(clock.naps) <= 0.005


def test_a_cancel_is_seen_between_naps() -> None:
    clock = Clock()
    chunks: list[Samples] = []
    request = SynthesisRequest("hello" * 20, parameters={PACE: "1"})

    def emit(samples: Samples) -> bool:
        chunks.append(samples)
        return True

    ToneEngine(clock, clock.sleep).synthesise(request, emit, lambda: clock.now > 0.1)
    assert len(chunks) == 5
    assert clock.now < 0.11


def test_a_refused_chunk_ends_the_synthesis() -> None:
    chunks: list[Samples] = []

    def emit(samples: Samples) -> bool:
        chunks.append(samples)
        return len(chunks) < 3

    ToneEngine().synthesise(SynthesisRequest("hello"), emit, lambda: False)
    assert len(chunks) == 3


@pytest.mark.parametrize("value", ["fast", "-1", "nan", "101", ""])
def test_a_bad_pace_is_named(value: str) -> None:
    with pytest.raises(EngineError, match="allowed is a number from 0 to 100"):
        said("hello", parameters={PACE: value})


def test_the_voice_belongs_to_the_engine() -> None:
    (voice,) = ToneEngine().voices()
    assert (voice.id, voice.engine) == ("tone/tone", "tone")
