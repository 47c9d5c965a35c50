"""Messages are cut out of the byte stream wherever it is split, and too long ones are never held."""

import pytest
from dbus_next import Message
from hypothesis import given
from hypothesis import strategies as st

from chatttsd.bus.framing import Frame, Framer
from chatttsd.bus.head import HeadError


def marshalled(text: str, serial: int = 1, fds: int = 0) -> bytes:
    message = Message("a.b", "/a", "a.b", "Speak", signature="s", body=[text], serial=serial)
    message.unix_fds = list(range(fds))
    return bytes(message._marshall(negotiate_unix_fd=True))


def frames(framer: Framer) -> list[Frame]:
    found = []
    while (frame := framer.next()) is not None:
        found.append(frame)
    return found


@given(st.lists(st.text(max_size=300), min_size=1, max_size=8), st.data())
def test_any_split_of_the_stream_gives_the_same_messages(texts: list[str], data: st.DataObject) -> None:
    messages = [marshalled(text, serial + 1) for serial, text in enumerate(texts)]
    stream = b"".join(messages)
    framer, seen, offset = Framer(10_000), [], 0
    while offset < len(stream):
        step = data.draw(st.integers(1, 200))
        framer.feed(stream[offset : offset + step], [])
        seen += frames(framer)
        offset += step
    assert [frame.data for frame in seen] == messages
    assert all(frame.whole for frame in seen)


@pytest.mark.parametrize("step", [1, 7, 4096, 10**9])
def test_a_too_long_message_is_reported_without_its_body_and_the_next_one_is_read(step: int) -> None:
    long, short = marshalled("x" * 50_000), marshalled("short", 2)
    framer, seen = Framer(4096), []
    stream = long + short
    held = 0
    for offset in range(0, len(stream), step):
        framer.feed(stream[offset : offset + step], [])
        seen += frames(framer)
        held = max(held, len(framer._buffer))
    assert [frame.whole for frame in seen] == [False, True]
    assert seen[0].head.size == len(long)
    assert len(seen[0].data) < 500
    assert seen[1].data == short
    assert step > 4096 or held <= 4096 + step


def test_descriptors_go_to_the_message_that_declares_them() -> None:
    framer = Framer(10_000)
    framer.feed(marshalled("none") + marshalled("two", 2, fds=2), [11, 12])
    framer.feed(marshalled("one", 3, fds=1), [13])
    assert [frame.head.fds for frame in frames(framer)] == [[], [11, 12], [13]]
    assert framer.take_fds() == []


def test_descriptors_of_a_too_long_message_are_claimed_for_closing() -> None:
    framer = Framer(100)
    framer.feed(marshalled("x" * 500, fds=1), [11])
    assert [frame.head.fds for frame in frames(framer)] == [[11]]


def test_descriptors_that_nobody_declared_can_be_closed() -> None:
    framer = Framer(10_000)
    framer.feed(marshalled("none"), [11])
    frames(framer)
    assert framer.take_fds() == [11]


@pytest.mark.parametrize(
    "garbage",
    [b"GET / HTTP/1.1\r\n\r\n", b"l\1\0\1" + b"\xff" * 12, b"B\1\0\1" + b"\xff" * 12, b"\0" * 16],
)
def test_garbage_is_an_error_and_not_a_wait_for_gigabytes(garbage: bytes) -> None:
    framer = Framer(10_000)
    framer.feed(garbage, [])
    with pytest.raises(HeadError):
        framer.next()


@given(st.binary(max_size=400))
def test_arbitrary_bytes_never_crash_otherwise(noise: bytes) -> None:
    framer = Framer(10_000)
    framer.feed(noise, [])
    try:
        frames(framer)
    except HeadError:
        return
    assert len(framer._buffer) <= len(noise)
