"""Rate and pitch: how long it lasts, how high it is, how late it comes, and that the stream is the whole."""

import gc

import espeakng_loader
import numpy as np
import psutil
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from chatttsd.constants import SAMPLE_RATE
from chatttsd.engine.api import EngineError
from chatttsd.engine.post.stretching import BLOCK, FIRST, LATENCY, PITCH_LATENCY, Sonic, Stretcher
from support.ear import spoken
from support.voiced import VOWEL_HZ, fundamental, moved, vowel

Samples = NDArray[np.int16]

VOWEL: Samples = np.rint(20_000 * vowel(10)).astype(np.int16)
MANNERS = [(0.25, 1.0), (0.5, 1.0), (0.8, 1.0), (1.5, 1.0), (2.0, 1.0), (3.0, 1.0), (4.0, 1.0)]
PITCHES = [(1.0, 0.5), (1.0, 0.8), (1.0, 1.5), (1.0, 2.0), (3.0, 1.5), (4.0, 0.5), (0.25, 2.0), (2.0, 2.0)]


def stretched(samples: Samples, rate: float, pitch: float = 1.0, cuts: list[int] | None = None) -> Samples:
    stretcher = Stretcher(rate, pitch)
    parts = np.split(samples, sorted(cuts)) if cuts else [samples]
    made = np.concatenate([*(stretcher.feed(part) for part in parts), stretcher.finish()])
    stretcher.close()
    return made


@pytest.fixture(scope="module")
def speech() -> Samples:
    """Ten seconds of Chinese speech."""
    return spoken("今天天气很好，我们一起去公园散步吧。" * 3, "zh")[: 10 * SAMPLE_RATE]


@pytest.mark.parametrize(("rate", "pitch"), MANNERS + PITCHES)
def test_the_duration_is_what_the_rate_asks_for(speech: Samples, rate: float, pitch: float) -> None:
    assert speech.size == 10 * SAMPLE_RATE
    seconds = stretched(speech, rate, pitch).size / SAMPLE_RATE
    assert seconds == pytest.approx(10 / rate, rel=0.03)


@pytest.mark.parametrize(("rate", "pitch"), MANNERS + PITCHES)
def test_the_fundamental_follows_the_pitch_alone(rate: float, pitch: float) -> None:
    made = stretched(VOWEL, rate, pitch)
    middle = made.size // 2
    heard = fundamental(made[middle : middle + SAMPLE_RATE // 10].astype(float))
    assert heard == pytest.approx(VOWEL_HZ * pitch, rel=0.015)


@pytest.mark.parametrize("rate", [0.5, 2.0, 3.0])
def test_the_fundamental_of_speech_is_kept(speech: Samples, rate: float) -> None:
    made = stretched(speech, rate)
    assert abs(moved(speech / 32768, made / 32768, rate)) < 1.0


@settings(max_examples=15, deadline=None)
@given(
    manner=st.sampled_from([*MANNERS, *PITCHES]),
    cuts=st.lists(st.integers(0, 2 * SAMPLE_RATE), max_size=30),
)
def test_a_stream_is_the_whole_however_it_is_cut(manner: tuple[float, float], cuts: list[int]) -> None:
    short = VOWEL[: 2 * SAMPLE_RATE] // np.int16(2)
    assert np.array_equal(stretched(short, *manner, cuts), stretched(short, *manner))


@pytest.mark.parametrize(("rate", "pitch"), MANNERS + PITCHES)
def test_no_sample_waits_longer_than_the_bound(rate: float, pitch: float) -> None:
    stretcher = Stretcher(rate, pitch)
    made = 0
    for fed in range(BLOCK, 5 * SAMPLE_RATE, BLOCK):
        made += stretcher.feed(VOWEL[fed - BLOCK : fed]).size
        # Beyond four times the speed libsonic's jumps are longer.
        waiting = LATENCY * max(1.0, rate / pitch / 4) / rate + PITCH_LATENCY * (pitch != 1.0)
        due = fed / rate - waiting
        assert made >= due
    stretcher.close()


@pytest.mark.parametrize("rate", [0.5, 2.0, 4.0])
def test_the_first_sample_comes_within_40_ms_of_input(rate: float) -> None:
    sonic = Sonic(rate)
    fed = 0
    while not sonic.feed(VOWEL[fed : fed + BLOCK]).size:
        fed += BLOCK
    assert fed + BLOCK <= FIRST == SAMPLE_RATE // 25
    sonic.close()


@pytest.mark.parametrize("count", [0, 1, BLOCK - 1, BLOCK, FIRST - 1])
@pytest.mark.parametrize(("rate", "pitch"), [(0.25, 1.0), (4.0, 1.0), (1.0, 2.0), (4.0, 0.5)])
def test_a_stream_shorter_than_a_period_ends_well(count: int, rate: float, pitch: float) -> None:
    made = stretched(VOWEL[:count], rate, pitch)
    assert made.size <= count / rate + 2 * BLOCK


@pytest.mark.parametrize("rate", [0.5, 3.0])
def test_silence_stays_silence_and_full_scale_does_not_wrap_around(rate: float) -> None:
    assert not stretched(np.zeros(SAMPLE_RATE, np.int16), rate).any()
    loud = (32767 * np.sign(np.sin(np.arange(SAMPLE_RATE) / 30))).astype(np.int16)
    made = stretched(loud, rate, 1.5).astype(int)
    assert np.abs(made).max() > 30_000
    assert np.abs(np.diff(made)).max() <= 65_535


def test_closing_gives_the_memory_back_and_may_be_done_twice() -> None:
    process = psutil.Process()
    before = 0
    for round_ in range(3000):
        stretcher = Stretcher(2.0, 1.0)
        stretcher.feed(VOWEL[: SAMPLE_RATE // 5])
        stretcher.close()
        stretcher.close()
        if round_ == 300:
            gc.collect()
            before = process.memory_info().rss
    assert process.memory_info().rss - before < 4 << 20


def test_a_library_without_libsonic_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(espeakng_loader, "get_library_path", lambda: None)
    with pytest.raises(EngineError, match=r"cannot be changed without libsonic: .*sonicCreateStream"):
        Sonic(2.0)
