import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from chatttsd.engine.post.silence import QUIET, SilenceTrimmer

Samples = NDArray[np.int16]


def trimmed(parts: list[Samples], head: int, tail: int) -> Samples:
    trimmer = SilenceTrimmer(head, tail)
    return np.concatenate([*(trimmer.feed(part) for part in parts), trimmer.finish()])


def split(samples: Samples, cuts: list[int]) -> list[Samples]:
    return list(np.split(samples, sorted(min(cut, samples.size) for cut in cuts)))


@given(
    before=st.integers(0, 60),
    after=st.integers(0, 60),
    hole=st.integers(0, 60),
    head=st.integers(0, 30),
    tail=st.integers(0, 30),
    cuts=st.lists(st.integers(0, 200), max_size=6),
)
def test_only_the_silence_at_the_ends_goes_wherever_the_stream_is_cut(
    before: int, after: int, hole: int, head: int, tail: int, cuts: list[int]
) -> None:
    quiet, loud = np.int16(QUIET), np.int16(-QUIET - 1)
    sound = [np.full(9, loud), np.full(hole, quiet), np.full(7, -loud)]
    stream = np.concatenate([np.full(before, quiet), *sound, np.full(after, quiet)]).astype(np.int16)
    result = trimmed(split(stream, cuts), head, tail)
    first, last = min(before, head), min(after, tail)
    assert np.array_equal(result, stream[before - first : stream.size - after + last])


def test_silence_alone_becomes_nothing() -> None:
    assert trimmed([np.zeros(1000, np.int16)], 10, 10).size == 0
    assert trimmed([], 10, 10).size == 0


def test_the_loudest_negative_sample_is_loud() -> None:
    assert trimmed([np.array([-32768], np.int16)], 0, 0).tolist() == [-32768]


def test_the_threshold_is_the_1024th_of_full_scale() -> None:
    assert QUIET * 1024 == 32768
    edge = np.array([QUIET, -QUIET, QUIET + 1, -QUIET - 1, QUIET], np.int16)
    assert trimmed([edge], 0, 0).tolist() == [QUIET + 1, -QUIET - 1]


def test_sound_is_never_held_back() -> None:
    trimmer = SilenceTrimmer(5, 5)
    fed, got = 0, 0
    generator = np.random.default_rng(1)
    for _ in range(300):
        piece = (generator.integers(-40, 40, 7) * generator.integers(0, 2, 7)).astype(np.int16)
        fed += piece.size
        got += trimmer.feed(piece).size
        loud = np.flatnonzero(np.abs(piece) > QUIET)
        if loud.size:
            assert got == fed - trimmer.dropped - (piece.size - 1 - loud[-1])


def test_what_was_dropped_is_told() -> None:
    trimmer = SilenceTrimmer(4, 0)
    trimmer.feed(np.zeros(100, np.int16))
    assert trimmer.dropped == 0
    trimmer.feed(np.array([0, 0, 99], np.int16))
    assert trimmer.dropped == 98
