import asyncio
import fcntl
import io
import os
import socket
import subprocess
import threading
import wave
from pathlib import Path

import pytest
import soundfile

from chatttsd.audio.filesink import FileSink, SinkClosedError, SinkError
from support.ramp import ramp

BIG = 1 << 20


def is_open(fd: int) -> bool:
    try:
        fcntl.fcntl(fd, fcntl.F_GETFD)
    except OSError:
        return False
    return True


def threads_of_sinks() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "file-sink"]


async def all_ended(threads: list[threading.Thread]) -> None:
    for thread in threads:
        await asyncio.to_thread(thread.join, 20)
        assert not thread.is_alive()


async def read_all(fd: int) -> bytes:
    with os.fdopen(fd, "rb") as file:
        return await asyncio.to_thread(file.read)


def open_for_writing(path: Path, flags: int = 0) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT | flags, 0o600)


@pytest.mark.parametrize("channel", ["pipe", "socket"])
async def test_a_stream_gets_exactly_the_samples_and_then_its_end(channel: str) -> None:
    reader, writer = os.pipe() if channel == "pipe" else [end.detach() for end in socket.socketpair()]
    reading = asyncio.ensure_future(read_all(reader))
    async with FileSink(writer) as sink:
        for start in range(0, 100_000, 10_000):
            await sink.write(ramp(start, 10_000))
        await sink.finish()
    assert await reading == ramp(0, 100_000)


async def test_the_clients_own_copy_of_a_pipe_keeps_blocking() -> None:
    reader, writer = os.pipe()
    sink = FileSink(os.dup(writer))
    assert os.get_blocking(writer)
    sink.close()
    os.close(writer)
    os.close(reader)


async def test_a_reader_that_does_not_read_holds_up_nobody_else() -> None:
    reader, writer = os.pipe()
    sink = FileSink(writer)
    writing = asyncio.ensure_future(sink.write(bytes(BIG)))
    await asyncio.wait({writing}, timeout=0.05)
    assert not writing.done()
    writing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await writing
    sink.close()
    assert len(await read_all(reader)) < BIG


async def test_a_reader_that_goes_away_while_we_wait_for_it_ends_the_writing() -> None:
    reader, writer = os.pipe()
    async with FileSink(writer) as sink:
        writing = asyncio.ensure_future(sink.write(bytes(BIG)))
        await asyncio.wait({writing}, timeout=0.05)
        os.close(reader)
        with pytest.raises(SinkClosedError, match="reader has closed"):
            await writing


async def test_a_reader_that_has_gone_already_is_noticed() -> None:
    reader, writer = (end.detach() for end in socket.socketpair())
    os.close(reader)
    async with FileSink(writer) as sink:
        with pytest.raises(SinkClosedError):
            await sink.write(b"ab")


async def test_a_wav_file_has_its_true_sizes(tmp_path: Path) -> None:
    path = tmp_path / "speech.wav"
    async with FileSink(open_for_writing(path), "wav") as sink:
        await sink.write(ramp(0, 1000))
        await sink.write(ramp(1000, 1000))
        await sink.finish()
    with wave.open(str(path)) as file:
        assert file.getparams()[:4] == (1, 2, 24_000, 2000)
        assert file.readframes(9999) == ramp(0, 2000)


async def test_a_wav_file_without_sound_is_valid(tmp_path: Path) -> None:
    path = tmp_path / "nothing.wav"
    await FileSink(open_for_writing(path), "wav").finish()
    with wave.open(str(path)) as file:
        assert file.getnframes() == 0


async def test_a_wav_that_is_appended_stays_readable(tmp_path: Path) -> None:
    path = tmp_path / "appended.wav"
    async with FileSink(open_for_writing(path, os.O_APPEND), "wav") as sink:
        await sink.write(ramp(0, 1000))
        await sink.finish()
    samples, rate = soundfile.read(path, dtype="int16")
    assert (samples.tobytes(), rate) == (ramp(0, 1000), 24_000)


async def test_what_a_file_held_before_our_part_stays(tmp_path: Path) -> None:
    path = tmp_path / "prefix"
    path.write_bytes(b"before")
    fd = open_for_writing(path)
    os.lseek(fd, 6, os.SEEK_SET)
    async with FileSink(fd, "wav") as sink:
        await sink.write(ramp(0, 10))
        await sink.finish()
    content = path.read_bytes()
    assert content.startswith(b"beforeRIFF")
    with wave.open(io.BytesIO(content[6:])) as file:
        assert file.readframes(99) == ramp(0, 10)


async def wav_through_a_pipe() -> bytes:
    reader, writer = os.pipe()
    reading = asyncio.ensure_future(read_all(reader))
    async with FileSink(writer, "wav") as sink:
        await sink.write(ramp(0, 3000))
        await sink.finish()
    return await reading


async def test_soundfile_reads_a_wav_of_unknown_length() -> None:
    samples, rate = soundfile.read(io.BytesIO(await wav_through_a_pipe()), dtype="int16")
    assert (samples.tobytes(), rate) == (ramp(0, 3000), 24_000)


async def test_sox_reads_a_wav_of_unknown_length() -> None:
    command = ["sox", "-t", "wav", "-", "-t", "raw", "-"]
    data = await wav_through_a_pipe()
    done = await asyncio.to_thread(subprocess.run, command, input=data, capture_output=True, check=True)
    assert done.stdout == ramp(0, 3000)


@pytest.mark.parametrize("container", ["mp3", "", "WAV"])
async def test_an_unknown_container_is_named_and_the_descriptor_closed(container: str) -> None:
    reader, writer = os.pipe()
    with pytest.raises(ValueError, match=f"container '{container}': allowed are raw, wav"):
        FileSink(writer, container)
    assert not is_open(writer)
    os.close(reader)


async def test_a_descriptor_for_reading_only_is_refused_and_closed() -> None:
    reader, writer = os.pipe()
    with pytest.raises(SinkError, match="reading only"):
        FileSink(reader)
    assert not is_open(reader)
    os.close(writer)


async def test_a_folder_and_a_number_that_is_no_descriptor_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SinkError, match="directory"):
        FileSink(os.open(tmp_path, os.O_RDONLY))
    with pytest.raises(SinkError, match="file descriptor 987 is not open"):
        FileSink(987)


async def test_a_full_disk_is_an_error_that_says_so() -> None:
    with open("/dev/full", "wb") as full:  # noqa: ASYNC230, PTH123  # a device, and only its number is wanted
        sink = FileSink(os.dup(full.fileno()))
    with pytest.raises(SinkError, match="No space left"):
        await sink.write(b"ab")
    sink.close()


async def test_the_descriptor_is_closed_after_finish_after_an_error_and_only_once(tmp_path: Path) -> None:
    fd = open_for_writing(tmp_path / "a")
    sink = FileSink(fd)
    await sink.finish()
    assert not is_open(fd)
    sink.close()
    with pytest.raises(SinkClosedError, match="closed already"):
        await sink.write(b"ab")


async def test_a_cancelled_write_to_a_file_keeps_its_descriptor_until_it_is_done(tmp_path: Path) -> None:
    path = tmp_path / "fifo-like"
    fd = open_for_writing(path)
    sink = FileSink(fd)
    writing = asyncio.ensure_future(sink.write(bytes(32 * BIG)))
    await asyncio.sleep(0)
    writing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await writing
    threads = threads_of_sinks()
    sink.close()
    await all_ended(threads)
    assert path.stat().st_size == 32 * BIG
    assert not is_open(fd)


async def test_a_file_whose_last_bytes_are_refused_when_it_is_closed_is_not_finished(tmp_path: Path) -> None:
    fd = open_for_writing(tmp_path / "a")
    sink = FileSink(fd)
    os.close(fd)
    with pytest.raises(SinkError, match="Bad file descriptor"):
        await sink.finish()
    await all_ended(threads_of_sinks())


async def test_the_descriptor_is_closed_even_if_the_system_gives_no_thread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    fd = open_for_writing(tmp_path / "a")
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        async with FileSink(fd) as sink:
            with pytest.raises(RuntimeError):
                await sink.write(b"ab")
    assert not is_open(fd)


async def test_finishing_a_file_leaves_no_thread(tmp_path: Path) -> None:
    sink = FileSink(open_for_writing(tmp_path / "a"), "wav")
    await sink.write(ramp(0, 10))
    threads = threads_of_sinks()
    assert len(threads) == 1
    await sink.finish()
    await all_ended(threads)
