"""The wrapper around an engine: what it asks for, what it makes of the sound, and how it stops."""

from collections.abc import Sequence

import numpy as np
import pyloudnorm
import pytest
from numpy.typing import NDArray

from chatttsd.constants import SAMPLE_RATE
from chatttsd.engine.api import Cancelled, Emit, Engine, EngineError, Level, SynthesisRequest, Voice
from chatttsd.engine.post.level import Leveller, WholeLeveller, amplified, factor_of
from chatttsd.engine.post.manners import HEAD_SECONDS, TAIL_SECONDS, Mannered, usual
from chatttsd.engine.post.stretching import LATENCY, PITCH_LATENCY
from chatttsd.engine.voice_levels import TARGET, gain_to
from support import ear
from support.voiced import VOWEL_HZ, fundamental, vowel

Samples = NDArray[np.int16]

SENTENCE: Samples = np.rint(9000 * vowel(10)).astype(np.int16)


class Speaker:
    """Says SENTENCE with silence around it, in chunks; remembers what it was asked."""

    name = "speaker"
    detail = "for tests"

    def __init__(self, silence: float = 0.0, chunk: float = 0.25) -> None:
        self.asked: list[SynthesisRequest] = []
        self.closed = 0
        self.refused_at = -1
        self._chunk = int(chunk * SAMPLE_RATE)
        around = np.zeros(int(silence * SAMPLE_RATE), np.int16)
        self.sound = np.concatenate([around, SENTENCE, around])

    def voices(self) -> Sequence[Voice]:
        return (Voice("speaker/one", "One", self.name, ("zh",)),)

    def synthesise(self, request: SynthesisRequest, emit: Emit, _cancelled: Cancelled) -> None:
        self.asked.append(request)
        for number, start in enumerate(range(0, self.sound.size, self._chunk)):
            if not emit(self.sound[start : start + self._chunk]):
                self.refused_at = number
                return

    def close(self) -> None:
        self.closed += 1


class Hasty(Speaker):
    """Wants to know how fast it is heard."""

    def __init__(self) -> None:
        super().__init__()
        self.rates: list[float] = []

    def hear_at(self, rate: float) -> None:
        self.rates.append(rate)


def chunks_of(engine: Engine, **options: object) -> list[Samples]:
    request = SynthesisRequest("x", **options)  # type: ignore[arg-type] # options differ in type
    return ear.chunks_of(Mannered(engine), request)


def said(engine: Engine, **options: object) -> Samples:
    return np.concatenate(chunks_of(engine, **options))


def lufs(samples: Samples) -> float:
    return float(pyloudnorm.Meter(SAMPLE_RATE).integrated_loudness(samples / 32768))


def test_ten_seconds_at_rate_three_last_3_33_seconds_with_the_pitch_kept() -> None:
    sound = said(Speaker(), rate=3.0)
    assert sound.size / SAMPLE_RATE == pytest.approx(10 / 3, rel=0.03)
    middle = sound[sound.size // 2 :][: SAMPLE_RATE // 10].astype(float)
    assert fundamental(middle) == pytest.approx(VOWEL_HZ, rel=0.015)


def test_a_pitch_of_two_doubles_the_fundamental_and_keeps_the_duration() -> None:
    sound = said(Speaker(), pitch=2.0)
    assert sound.size / SAMPLE_RATE == pytest.approx(10, rel=0.01)
    middle = sound[sound.size // 2 :][: SAMPLE_RATE // 10].astype(float)
    assert fundamental(middle) == pytest.approx(2 * VOWEL_HZ, rel=0.015)


def test_at_the_usual_rate_and_pitch_each_chunk_comes_at_once_and_whole() -> None:
    engine = Speaker()
    sizes = [chunk.size for chunk in chunks_of(engine)]
    assert sizes[:-1] == [SAMPLE_RATE // 4] * (len(sizes) - 1), "no sample waits for the next chunk"
    assert np.array_equal(said(engine), Leveller().feed(SENTENCE))


@pytest.mark.parametrize(("rate", "pitch"), [(3.0, 1.0), (0.5, 1.0), (1.0, 2.0)])
def test_stretched_sound_is_late_by_no_more_than_the_bound(rate: float, pitch: float) -> None:
    first = chunks_of(Speaker(), rate=rate, pitch=pitch)[0]
    assert first.size >= (SAMPLE_RATE / 4 - LATENCY) / rate - PITCH_LATENCY * (pitch != 1.0)


def test_silence_at_the_ends_goes() -> None:
    sound = said(Speaker(silence=0.4))
    kept = int(HEAD_SECONDS * SAMPLE_RATE) + int(TAIL_SECONDS * SAMPLE_RATE)
    assert abs(sound.size - SENTENCE.size - kept) < SAMPLE_RATE // 500
    assert np.flatnonzero(np.abs(sound.astype(int)) > 32)[0] <= HEAD_SECONDS * SAMPLE_RATE


@pytest.mark.parametrize("options", [{}, {"rate": 2.0}, {"rate": 0.7, "pitch": 1.4}])
def test_the_same_request_sounds_the_same_whatever_came_before_and_however_it_is_cut(
    options: dict[str, float],
) -> None:
    first = said(Speaker(0.1), **options)
    engine = Speaker(0.1, chunk=0.033)
    said(engine, rate=3.0)
    assert np.array_equal(said(engine, **options), first)


def test_the_engine_is_asked_for_its_usual_rate_and_pitch_and_all_else_is_passed_on() -> None:
    engine = Speaker()
    following = (SynthesisRequest("y", rate=3.0, pitch=1.5, voice="v"), SynthesisRequest("z"))
    said(engine, rate=3.0, pitch=1.5, volume=0.5, voice="v", first=True, following=following)
    (asked,) = engine.asked
    assert asked == SynthesisRequest(
        "x",
        volume=0.5,
        voice="v",
        first=True,
        following=(SynthesisRequest("y", voice="v"), SynthesisRequest("z")),
    )


def test_an_announced_request_is_the_one_that_comes_whatever_its_rate() -> None:
    announced = usual(SynthesisRequest("x", following=(SynthesisRequest("y", rate=2.0),))).following[0]
    assert announced == usual(SynthesisRequest("y", rate=2.0)) == usual(SynthesisRequest("y", rate=3.5))


def test_a_speed_of_the_model_is_left_to_it() -> None:
    engine = Speaker()
    said(engine, rate=2.0, parameters={"speed": "8"})
    assert engine.asked[0].parameters == {"speed": "8"}


def test_an_engine_that_asks_is_told_how_fast_it_is_heard() -> None:
    engine = Hasty()
    for rate in (1.0, 3.0, 0.5):
        said(engine, rate=rate)
    assert engine.rates == [1.0, 3.0, 0.5]


@pytest.mark.parametrize("rate", [1.0, 2.0])
def test_a_cancelled_request_stops_the_engine_and_emits_nothing_more(rate: float) -> None:
    engine, heard = Speaker(), []

    def emit(samples: Samples) -> bool:
        heard.append(samples)
        return len(heard) < 3

    Mannered(engine).synthesise(SynthesisRequest("x", rate=rate), emit, lambda: False)
    assert len(heard) == 3
    assert engine.refused_at == 2


def test_the_cancel_flag_is_seen_in_the_middle_of_a_chunk() -> None:
    looks: list[bool] = []

    def cancelled() -> bool:
        looks.append(len(looks) >= 2)
        return looks[-1]

    heard = ear.chunks_of(Mannered(Speaker(chunk=10.0)), SynthesisRequest("x"), cancelled)
    assert [chunk.size for chunk in heard] == [SAMPLE_RATE // 2] * 2


def test_what_the_engine_raises_comes_out() -> None:
    class Refusing(Speaker):
        def synthesise(self, request: SynthesisRequest, emit: Emit, cancelled: Cancelled) -> None:
            super().synthesise(request, emit, cancelled)
            raise EngineError("no more")

    with pytest.raises(EngineError, match="no more"):
        said(Refusing(), rate=2.0)


def test_the_rest_of_the_engine_shows_through() -> None:
    engine = Speaker()
    wrapped = Mannered(engine)
    assert (wrapped.name, wrapped.detail) == ("speaker", "for tests")
    assert wrapped.voices() == engine.voices()
    wrapped.close()
    assert engine.closed == 1


def test_an_engine_without_sound_makes_none() -> None:
    engine = Speaker()
    engine.sound = np.zeros(5000, np.int16)
    assert chunks_of(engine) == []
    assert chunks_of(engine, rate=2.0) == []


@pytest.mark.parametrize("kind", ["char", "key"])
def test_what_answers_a_key_stroke_is_levelled_as_a_whole(kind: str) -> None:
    speaker = Speaker()
    sound = ear.sound_of(Mannered(speaker), SynthesisRequest("a", "zh", kind=kind))
    leveller = WholeLeveller()
    leveller.feed(speaker.sound)
    assert np.array_equal(sound, leveller.finish())
    assert not np.array_equal(sound, Leveller().feed(speaker.sound))


def levels_of(engine: Engine, **options: object) -> list[Level]:
    """Say a request; returns what is told of its level."""
    told: list[Level] = []
    chunks_of(engine, tell_level=told.append, **options)
    return told


@pytest.mark.parametrize(
    "options", [{}, {"rate": 2.0}, {"pitch": 1.5}, {"gain": 9.0}, {"volume": 0.1}, {"kind": "char"}]
)
def test_a_whole_request_tells_once_how_loud_it_is_by_itself(options: dict[str, object]) -> None:
    (level,) = levels_of(Speaker(silence=0.5), **options)
    assert level.lufs == pytest.approx(lufs(SENTENCE), abs=0.5)
    assert 90 <= level.tenths <= 101


@pytest.mark.parametrize("kind", ["text", "char"])
def test_a_cancelled_request_tells_no_level(kind: str) -> None:
    told: list[Level] = []
    request = SynthesisRequest("x", kind=kind, tell_level=told.append)
    Mannered(Speaker()).synthesise(request, lambda _samples: False, lambda: False)
    assert told == []


def test_a_request_that_is_cancelled_in_the_end_tells_no_level() -> None:
    told: list[Level] = []
    speaker = Speaker(chunk=10.0)
    ended: list[bool] = []

    def emit(samples: Samples) -> bool:
        ended.extend([True] * (samples.size < SAMPLE_RATE // 2))
        return True

    request = SynthesisRequest("x", tell_level=told.append)
    speaker.sound = SENTENCE[: 7 * SAMPLE_RATE // 4]
    Mannered(speaker).synthesise(request, emit, lambda: bool(ended))
    assert (ended, told) == ([True], [])


def test_a_request_that_fails_or_is_silent_tells_no_level() -> None:
    class Failing(Speaker):
        def synthesise(self, request: SynthesisRequest, emit: Emit, cancelled: Cancelled) -> None:
            super().synthesise(request, emit, cancelled)
            raise EngineError("no more")

    told: list[Level] = []
    with pytest.raises(EngineError):
        ear.chunks_of(Mannered(Failing()), SynthesisRequest("x", tell_level=told.append))
    assert told == []
    silent = Speaker()
    silent.sound = np.zeros(5000, np.int16)
    assert levels_of(silent) == []


@pytest.mark.parametrize("decibels", [-9.0, 6.0])
def test_a_word_of_a_known_voice_is_as_loud_as_a_sentence_of_it(decibels: float) -> None:
    def of_voice(samples: Samples) -> Speaker:
        speaker = Speaker()
        speaker.sound = amplified(samples, factor_of(TARGET + decibels - lufs(SENTENCE)))
        return speaker

    word = SENTENCE[: int(0.5 * SAMPLE_RATE)]
    sentence = said(of_voice(SENTENCE))
    assert abs(lufs(said(of_voice(word))) - lufs(sentence[-4 * SAMPLE_RATE :])) > 3.0, "nothing is known"
    (level,) = levels_of(of_voice(SENTENCE))
    known = said(of_voice(word), gain=gain_to(TARGET, level.lufs))
    assert lufs(known) == pytest.approx(lufs(sentence[-4 * SAMPLE_RATE :]), abs=1.0)
