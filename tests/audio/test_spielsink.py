"""`audio/x-spiel` as libspeechprovider's reader takes it: one read(2) for each field, never a part of one."""

import asyncio
import os
import select
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from chatttsd.audio.descriptor import SinkClosedError, SinkError
from chatttsd.audio.filesink import FileSink
from chatttsd.audio.sinks import open_sink
from chatttsd.audio.spielsink import LONGEST_MARK, PACKET_BYTES, SpielSink, packets
from chatttsd.speech.events import EventKind, SpeechEvent
from support.engine_clients import open_files
from support.ramp import ramp

SENTENCE = SpeechEvent(EventKind.SENTENCE, 0, 11)
WORD = SpeechEvent(EventKind.WORD, 6, 11)
MARK = SpeechEvent(EventKind.MARK, 3, 3, "here")
Chunk = bytes | tuple[int, int, int, bytes]


@contextmanager
def pipe() -> Iterator[tuple[int, SpielSink]]:
    reader, writer = os.pipe()
    with os.fdopen(reader, "rb"):
        sink = SpielSink(writer)
        yield reader, sink
        sink.close()


def parse(data: bytes) -> list[Chunk]:
    """Return samples and (type, start, end, name) in order; fails on anything that is left over."""
    assert data[:4] == b"0.01"
    rest, found = data[4:], list[Chunk]()
    while rest:
        if rest[0] == 1:
            (size,) = struct.unpack_from("=I", rest, 1)
            found.append(rest[5 : 5 + size])
            assert len(rest) >= 5 + size
            rest = rest[5 + size :]
        else:
            chunk, kind, start, end, length = struct.unpack_from("=BBIII", rest)
            assert chunk == 2
            found.append((kind, start, end, rest[14 : 14 + length]))
            rest = rest[14 + length :]
    return found


async def everything(fd: int) -> bytes:
    data = b""
    while piece := await asyncio.to_thread(os.read, fd, 1 << 16):
        data += piece
    return data


async def test_events_come_before_the_samples_that_they_begin_with() -> None:
    with pipe() as (reader, sink):
        await sink.event(SENTENCE)
        await sink.write(ramp(0, 100))
        await sink.event(MARK)
        await sink.event(WORD)
        await sink.write(ramp(100, 100))
        await sink.finish()
        assert parse(await everything(reader)) == [
            (2, 0, 11, b""),
            ramp(0, 100),
            (4, 3, 3, b"here"),
            (1, 6, 11, b""),
            ramp(100, 100),
        ]


async def test_an_event_is_not_seen_before_its_samples() -> None:
    with pipe() as (reader, sink):
        await sink.event(SENTENCE)
        await sink.write(b"")
        assert select.select([reader], [], [], 0)[0] == []
        await sink.write(ramp(0, 2))
        assert await asyncio.to_thread(os.read, reader, 99) == (
            b"0.01" + struct.pack("=BBIII", 2, 2, 0, 11, 0) + struct.pack("=BI", 1, 4) + ramp(0, 2)
        )


async def test_the_last_events_and_a_stream_without_sound_are_whole() -> None:
    with pipe() as (reader, sink):
        await sink.event(MARK)
        await sink.finish()
        assert parse(await everything(reader)) == [(4, 3, 3, b"here")]
    with pipe() as (reader, sink):
        await sink.finish()
        assert await everything(reader) == b"0.01"


async def test_a_stream_that_is_broken_off_before_its_first_sample_has_a_header() -> None:
    with pipe() as (reader, sink):
        await sink.event(SENTENCE)
        sink.close()
        sink.close()
        assert await everything(reader) == b"0.01"


async def test_a_stream_that_is_broken_off_later_gets_no_second_header() -> None:
    with pipe() as (reader, sink):
        await sink.write(ramp(0, 2))
        sink.close()
        assert parse(await everything(reader)) == [ramp(0, 2)]


@pytest.mark.parametrize("name", ["标记", "é", "x" * (LONGEST_MARK + 1), "\udc80"])
async def test_a_mark_whose_length_readers_would_not_agree_on_is_left_out(name: str) -> None:
    with pipe() as (reader, sink):
        await sink.event(SpeechEvent(EventKind.MARK, 1, 1, name))
        await sink.event(WORD)
        await sink.finish()
        assert parse(await everything(reader)) == [(1, 6, 11, b"")]


def test_packets_hold_whole_chunks_and_fit_into_what_a_pipe_takes_at_once() -> None:
    events = [b"0.01", *(bytes([2, number % 5]) + bytes(12 + number % 200) for number in range(200))]
    for count in (0, 1, 17, 18, 19, 200):
        for samples in (0, 1, 2045, 2046, 10_000):
            cut = list(packets(events[:count], ramp(0, samples)))
            assert all(0 < len(packet) <= PACKET_BYTES for packet in cut)
            joined = b"".join(cut)
            head = b"".join(events[:count])
            assert joined.startswith(head)
            sound = b"".join(
                chunk for chunk in parse(b"0.01" + joined[len(head) :]) if isinstance(chunk, bytes)
            )
            assert sound == ramp(0, samples)


async def test_a_reader_of_a_full_pipe_never_gets_a_part_of_a_chunk() -> None:
    """A chunk that the pipe took in two parts would make libspiel lose its place."""
    with pipe() as (reader, sink):
        writing = asyncio.ensure_future(sink.write(ramp(0, 200_000)))
        await asyncio.wait({writing}, timeout=0.05)
        assert not writing.done()
        assert os.read(reader, 4) == b"0.01"
        heard = b""
        while len(heard) < 400_000:
            head = await asyncio.to_thread(os.read, reader, 5)
            kind, size = struct.unpack("=BI", head)
            assert kind == 1
            sound = os.read(reader, size)
            assert len(sound) == size
            assert size % 2 == 0
            heard += sound
            await asyncio.sleep(0)
        await writing
        assert heard == ramp(0, 200_000)


async def test_a_reader_that_closes_while_we_wait_ends_the_writing() -> None:
    reader, writer = os.pipe()
    async with SpielSink(writer) as sink:
        writing = asyncio.ensure_future(sink.write(bytes(1 << 20)))
        await asyncio.wait({writing}, timeout=0.05)
        os.close(reader)
        with pytest.raises(SinkClosedError, match="reader has closed"):
            await writing


async def test_a_file_is_written_too(tmp_path: Path) -> None:
    path = tmp_path / "speech"
    fd = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
    async with SpielSink(fd) as sink:
        await sink.event(SENTENCE)
        await sink.write(ramp(0, 5000))
        await sink.finish()
    first, *sound = parse(path.read_bytes())
    assert first == (2, 0, 11, b"")
    assert b"".join(chunk for chunk in sound if isinstance(chunk, bytes)) == ramp(0, 5000)


@pytest.mark.parametrize("container", ["spiel", "raw", "wav"])
async def test_a_descriptor_that_cannot_be_written_is_refused_and_closed(container: str) -> None:
    before = open_files()
    reader, writer = os.pipe()
    with pytest.raises(SinkError, match="reading only"):
        open_sink(reader, container)
    os.close(writer)
    assert open_files() == before


async def test_each_container_has_its_sink() -> None:
    kinds = {}
    for container in ("spiel", "raw", "wav"):
        reader, writer = os.pipe()
        sink = open_sink(writer, container)
        kinds[container] = type(sink)
        sink.close()
        os.close(reader)
    assert kinds == {"spiel": SpielSink, "raw": FileSink, "wav": FileSink}
    reader, writer = os.pipe()
    with pytest.raises(ValueError, match="allowed are raw, wav"):
        open_sink(writer, "mp3")
    os.close(reader)
