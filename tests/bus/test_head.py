"""The hand-written head parser and error writer agree with dbus-next and jeepney."""

import pytest
from dbus_next import Message, MessageFlag
from hypothesis import given
from hypothesis import strategies as st
from jeepney import MessageType
from jeepney.low_level import Parser

from chatttsd.bus.head import Head, HeadError, ReplyWriter, parse_head

WRITER = ReplyWriter()
NAMES = st.from_regex(r"[a-z]{1,12}(\.[A-Za-z]{1,40}){1,3}", fullmatch=True)


@given(
    path=st.from_regex(r"(/[a-zA-Z0-9_]{1,30}){1,5}", fullmatch=True),
    interface=NAMES,
    member=st.from_regex(r"[A-Z][a-zA-Z]{0,40}", fullmatch=True),
    sender=st.from_regex(r":1\.[0-9]{1,9}", fullmatch=True),
    serial=st.integers(1, 2**32 - 1),
    text=st.text(max_size=50),
    fds=st.integers(0, 3),
)
def test_the_head_says_what_the_library_says(
    path: str, interface: str, member: str, sender: str, serial: int, text: str, fds: int
) -> None:
    message = Message(
        "a.b", path, interface, member, signature="s", body=[text], serial=serial, sender=sender
    )
    message.unix_fds = list(range(fds))
    head = parse_head(bytes(message._marshall(negotiate_unix_fd=True)))
    assert (head.path, head.interface, head.member, head.serial) == (path, interface, member, serial)
    assert (head.kind, head.unix_fds) == (1, fds)


def test_flags_and_a_missing_interface_are_seen() -> None:
    message = Message("a.b", "/a", None, "M", flags=MessageFlag.NO_REPLY_EXPECTED, serial=1)
    head = parse_head(bytes(message._marshall()))
    assert (head.flags, head.interface, head.sender) == (1, "", "")


def test_a_big_endian_head_is_read() -> None:
    fields = b"\x01\x01o\x00\x00\x00\x00\x02/a\x00" + b"\0" * 5 + b"\x07\x01s\x00\x00\x00\x00\x04:1.2\x00"
    data = (
        b"B\x01\x00\x01"
        + (0).to_bytes(4, "big")
        + (9).to_bytes(4, "big")
        + len(fields).to_bytes(4, "big")
        + fields
    )
    head = parse_head(data)
    assert (head.path, head.sender, head.serial) == ("/a", ":1.2", 9)


@given(
    serial=st.integers(1, 2**32 - 1),
    called=st.integers(1, 2**32 - 1),
    sender=st.from_regex(r":1\.[0-9]{1,9}", fullmatch=True),
    name=NAMES,
    message=st.text(st.characters(exclude_characters="\0", codec="utf-8"), max_size=200),
)
def test_another_library_reads_the_error(
    serial: int, called: int, sender: str, name: str, message: str
) -> None:
    parser = Parser()
    parser.add_data(WRITER.reply(serial, Head(1, 0, called, sender=sender), name, message))
    reply = parser.get_next_message()
    assert reply is not None
    assert reply.header.serial == serial
    assert {reply.header.fields[code] for code in (4, 6)} == {name, sender}
    assert reply.header.fields[5] == called
    assert reply.body == (message,)


@given(serial=st.integers(1, 2**32 - 1), called=st.integers(1, 2**32 - 1))
def test_another_library_reads_the_empty_reply(serial: int, called: int) -> None:
    parser = Parser()
    parser.add_data(WRITER.reply(serial, Head(1, 0, called, sender=":1.7"), "", ""))
    reply = parser.get_next_message()
    assert reply is not None
    assert reply.header.message_type is MessageType.method_return
    assert (reply.header.serial, reply.header.fields) == (serial, {5: called, 6: ":1.7"})
    assert reply.body == ()


def test_replies_alike_differ_in_their_numbers_only() -> None:
    first = WRITER.reply(7, Head(1, 0, 70, sender=":1.1"), "a.Error", "no")
    second = WRITER.reply(8, Head(1, 0, 80, sender=":1.1"), "a.Error", "no")
    assert len(first) == len(second)
    assert [a for a, b in zip(first, second, strict=True) if a != b] == [7, 70]


@given(st.binary(max_size=200), st.integers(0, 250))
def test_broken_heads_are_an_error_and_nothing_else(noise: bytes, length: int) -> None:
    data = b"l\1\0\1" + b"\0" * 8 + length.to_bytes(4, "little") + noise
    try:
        head = parse_head(data)
    except HeadError:
        return
    assert head.kind == 1


def test_a_head_needs_a_byte_order() -> None:
    with pytest.raises(HeadError, match="got byte 71 where a D-Bus message begins"):
        parse_head(b"GET / HTTP/1.1\r\n")
