import io
import os
import stat
from pathlib import Path

import numpy as np
import pytest
import soundfile

from chatttsd.ctl.exits import CommandError
from chatttsd.ctl.sink import FORMATS, FileSink, StreamSink, format_of


@pytest.mark.parametrize("step", [1, 2, 3, 7, 4096])
def test_samples_cut_anywhere_are_put_together_again(step: int, tmp_path: Path) -> None:
    samples = np.arange(-500, 500, dtype="<i2")
    data = samples.tobytes()
    with FileSink(tmp_path / "a.wav") as sink:
        for start in range(0, len(data), step):
            sink.write(data[start : start + step])
        sink.commit()
    assert np.array_equal(soundfile.read(tmp_path / "a.wav", dtype="int16")[0], samples)


def test_nothing_has_the_name_before_commit_and_nothing_stays_without_it(tmp_path: Path) -> None:
    with FileSink(tmp_path / "a.flac") as sink:
        sink.write(bytes(100))
        assert not (tmp_path / "a.flac").exists()
        assert len(list(tmp_path.iterdir())) == 1
    assert list(tmp_path.iterdir()) == []


def test_an_exception_keeps_nothing_and_is_passed_on(tmp_path: Path) -> None:
    with pytest.raises(TypeError), FileSink(tmp_path / "a.ogg") as sink:
        sink.write("no bytes")  # type: ignore[arg-type]  # the wrong type is the point
    assert list(tmp_path.iterdir()) == []


def test_a_very_long_file_name_still_gets_a_temporary_one(tmp_path: Path) -> None:
    name = "x" * 250 + ".wav"
    with FileSink(tmp_path / name) as sink:
        sink.commit()
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_full_disk_is_an_error_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(data: bytes, dtype: str) -> None:
        raise OSError(28, "No space left on device")

    with FileSink(tmp_path / "a.wav") as sink:
        monkeypatch.setattr(sink._sound, "buffer_write", full)
        with pytest.raises(CommandError, match="cannot be written"):
            sink.write(bytes(100))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("linked", [False, True])
def test_what_is_no_regular_file_is_never_replaced(linked: bool, tmp_path: Path) -> None:
    fifo, named = tmp_path / "fifo.wav", tmp_path / ("link.wav" if linked else "fifo.wav")
    os.mkfifo(fifo)
    if linked:
        named.symlink_to(fifo)
    with pytest.raises(CommandError, match="not a regular file"):
        FileSink(named)
    assert stat.S_ISFIFO(fifo.stat().st_mode)
    assert not list(tmp_path.glob(".*"))


@pytest.mark.parametrize("linked", [False, True])
def test_what_has_become_no_regular_file_meanwhile_is_not_replaced(linked: bool, tmp_path: Path) -> None:
    fifo, named = tmp_path / "fifo.wav", tmp_path / ("link.wav" if linked else "fifo.wav")
    with FileSink(named) as sink:
        os.mkfifo(fifo)
        if linked:
            named.symlink_to(fifo)
        with pytest.raises(CommandError, match="not a regular file"):
            sink.commit()
    assert stat.S_ISFIFO(fifo.stat().st_mode)
    assert named.is_symlink() == linked
    assert not list(tmp_path.glob(".*"))


def test_a_link_that_leads_nowhere_gets_its_target(tmp_path: Path) -> None:
    (tmp_path / "link.wav").symlink_to("real.wav")
    with FileSink(tmp_path / "link.wav") as sink:
        sink.commit()
    assert (tmp_path / "link.wav").is_symlink()
    assert (tmp_path / "real.wav").is_file()


def test_a_format_that_cannot_be_begun_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(FORMATS, ".wav", ("WAV", "VORBIS"))
    with pytest.raises(CommandError, match="cannot be written"):
        FileSink(tmp_path / "a.wav")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("extension", FORMATS)
def test_the_extension_chooses_the_format_in_any_case(extension: str) -> None:
    assert format_of(Path(f"a{extension.upper()}")) == FORMATS[extension]


def test_another_extension_names_those_allowed() -> None:
    with pytest.raises(CommandError, match=r"extension \.aiff is unknown, allowed: \.wav, \.flac, \.ogg"):
        format_of(Path("a.aiff"))


def test_a_stream_passes_bytes_on_at_once() -> None:
    stream = io.BytesIO()
    with StreamSink(stream) as sink:
        sink.write(b"RIFF")
        assert stream.getvalue() == b"RIFF"
        sink.commit()
    assert not stream.closed
