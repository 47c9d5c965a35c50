from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatttsd.audio.ring import Marks, PcmRing
from support.ramp import ramp


def put(ring: PcmRing, start: int, count: int) -> int:
    return ring.write(memoryview(ramp(start, count))) // 2


def take(ring: PcmRing, count: int) -> list[int]:
    out = bytearray(2 * count)
    got = ring.read_into(memoryview(out))
    return array("h", bytes(out[: 2 * got])).tolist()


def test_samples_come_out_in_the_order_in_which_they_went_in_across_the_end_of_the_buffer() -> None:
    ring = PcmRing(capacity=10, history=2)
    heard = []
    for start in range(0, 50, 5):
        assert put(ring, start, 5) == 5
        heard += take(ring, 5)
    assert heard == list(range(1, 51))


def test_a_full_ring_accepts_what_fits_and_says_how_much_that_was() -> None:
    ring = PcmRing(capacity=10, history=2)
    assert put(ring, 0, 20) == 8
    assert put(ring, 8, 1) == 0
    assert take(ring, 3) == [1, 2, 3]
    assert put(ring, 8, 9) == 3
    assert take(ring, 20) == list(range(4, 12))


def test_an_empty_ring_gives_nothing_and_leaves_the_buffer_alone() -> None:
    out = bytearray(b"unchanged ")
    assert PcmRing().read_into(memoryview(out)) == 0
    assert out == b"unchanged "


def test_flush_drops_what_waits_and_makes_room_although_nobody_reads() -> None:
    ring = PcmRing(capacity=10, history=2)
    for _ in range(7):
        assert put(ring, 0, 8) == 8
        ring.flush()
        assert (ring.level, ring.peek()) == (0, None)
    put(ring, 100, 2)
    assert take(ring, 8) == [101, 102]


def test_peek_shows_the_next_sample_with_its_sign_and_takes_nothing() -> None:
    ring = PcmRing()
    ring.write(memoryview(array("h", [-5, 7]).tobytes()))
    assert (ring.peek(), ring.level) == (-5, 2)


def test_rewind_gives_the_last_samples_again() -> None:
    ring = PcmRing(capacity=20, history=10)
    put(ring, 0, 8)
    take(ring, 6)
    assert ring.rewind(4) == 4
    assert take(ring, 8) == [3, 4, 5, 6, 7, 8]


@pytest.mark.parametrize("wanted", [-3, 0])
def test_rewind_never_goes_forward(wanted: int) -> None:
    ring = PcmRing()
    put(ring, 0, 8)
    take(ring, 6)
    assert ring.rewind(wanted) == 0


def test_rewind_stops_where_the_history_ends() -> None:
    ring = PcmRing(capacity=20, history=5)
    put(ring, 0, 15)
    take(ring, 15)
    assert ring.rewind(100) == 5
    assert take(ring, 9) == [11, 12, 13, 14, 15]


def test_rewind_does_not_bring_back_what_was_flushed() -> None:
    ring = PcmRing(capacity=20, history=10)
    put(ring, 0, 5)
    take(ring, 3)
    ring.flush()
    put(ring, 50, 4)
    take(ring, 2)
    assert ring.rewind(10) == 2
    assert take(ring, 10) == [51, 52, 53, 54]


def test_half_a_sample_is_refused() -> None:
    with pytest.raises(ValueError, match="3 bytes"):
        PcmRing().write(memoryview(b"abc"))


@pytest.mark.parametrize("history", [-1, 10, 11])
def test_a_history_that_leaves_no_room_is_refused(history: int) -> None:
    with pytest.raises(ValueError, match=f"history of {history} samples"):
        PcmRing(capacity=10, history=history)


@given(st.lists(st.tuples(st.sampled_from("wrf"), st.integers(0, 12)), max_size=40))
def test_any_mixture_of_writing_reading_and_flushing_agrees_with_a_list(steps: list[tuple[str, int]]) -> None:
    ring, model, written = PcmRing(capacity=16, history=4), list[int](), 0
    for step, count in steps:
        if step == "w":
            accepted = put(ring, written, count)
            assert accepted == min(count, 12 - len(model))
            model += range(written + 1, written + accepted + 1)
            written += accepted
        elif step == "r":
            assert take(ring, count) == model[:count]
            del model[:count]
        else:
            ring.flush()
            model.clear()
        assert (ring.level, ring.end) == (len(model), written)


def test_marks_fire_in_their_order_and_only_up_to_the_position() -> None:
    marks, heard = Marks(), list[str]()
    for position, name in ((3, "a"), (3, "b"), (8, "c")):
        marks.add(position, lambda name=name: heard.append(name))  # type: ignore[misc]  # default argument
    assert marks.next_position == 3
    for callback in marks.take(7):
        callback()
    assert (heard, marks.next_position) == (["a", "b"], 8)
    marks.clear()
    assert marks.take(100) == []
    assert marks.next_position is None
