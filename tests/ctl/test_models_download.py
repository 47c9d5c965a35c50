"""One download against a server that does what servers do when they do not do what they should."""

import errno
import hashlib
import os
from collections.abc import Iterator
from io import FileIO
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from chatttsd.ctl.exits import CommandError
from chatttsd.ctl.models_download import Download
from chatttsd.ctl.models_hub import Hub, status_reason
from chatttsd.models.manifest import Licence, Manifest, ModelFile
from support.hub import REPOSITORY, FakeHub

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

NAME = "asset/a.bin"
DATA = bytes(range(256)) * 1000
FILE = ModelFile(NAME, hashlib.sha256(DATA).hexdigest())


@pytest.fixture
def hub() -> Iterator[FakeHub]:
    with FakeHub({NAME: DATA}) as fake:
        fake.scripts[NAME].moved = False
        yield fake


class Fetch:
    """A download of the one file into a folder."""

    def __init__(self, hub: FakeHub, folder: Path) -> None:
        self.hub = hub
        self.target = folder / "asset" / "a.bin"
        self.part = folder / "asset" / "a.bin.part"
        self.told: list[int] = []

    def keep(self, data: bytes) -> None:
        self.part.parent.mkdir()
        self.part.write_bytes(data)

    def run(self, size: int | None = len(DATA), silence: float = 30.0, path: str = NAME) -> None:
        url = f"{self.hub.url}/{REPOSITORY}/resolve/main/{path}"
        Download(url, self.target, FILE, size, self.told.append, silence).run()

    def fault(self, size: int | None = len(DATA), silence: float = 30.0, path: str = NAME) -> str:
        with pytest.raises(CommandError) as caught:
            self.run(size, silence, path)
        assert not self.target.exists()
        return str(caught.value)


@pytest.fixture
def fetch(hub: FakeHub, tmp_path: Path) -> Fetch:
    return Fetch(hub, tmp_path)


@pytest.mark.parametrize("size", [len(DATA), None])
def test_a_file_comes_whole_and_its_bytes_are_told(size: int | None, fetch: Fetch) -> None:
    fetch.run(size)
    assert fetch.target.read_bytes() == DATA
    assert not fetch.part.exists()
    assert fetch.told == sorted(fetch.told)
    assert (fetch.told[0], fetch.told[-1]) == (0, len(DATA))


@pytest.mark.parametrize("size", [len(DATA), None])
def test_a_part_is_gone_on_from(size: int | None, fetch: Fetch) -> None:
    fetch.keep(DATA[:1000])
    fetch.run(size)
    assert fetch.target.read_bytes() == DATA
    assert fetch.hub.ranges() == ["bytes=1000-"]
    assert fetch.told[0] == 1000


def test_a_part_that_is_whole_already_is_only_verified(fetch: Fetch) -> None:
    fetch.keep(DATA)
    fetch.run()
    assert fetch.target.read_bytes() == DATA
    assert fetch.hub.requests == []


@pytest.mark.parametrize("size", [len(DATA), None])
def test_a_part_that_is_too_long_is_thrown_away(size: int | None, fetch: Fetch) -> None:
    fetch.keep(DATA + b"x")
    fetch.run(size)
    assert fetch.target.read_bytes() == DATA


def test_a_part_of_another_file_is_found_out_and_thrown_away(fetch: Fetch) -> None:
    fetch.keep(b"x" * 1000)
    assert "this is not the file; it was thrown away" in fetch.fault()
    assert not fetch.part.exists()
    fetch.run()
    assert fetch.target.read_bytes() == DATA


def test_a_file_that_is_there_stays_until_the_new_one_is_whole(fetch: Fetch) -> None:
    fetch.target.parent.mkdir()
    fetch.target.write_bytes(b"old")
    fetch.hub.scripts[NAME].cuts = [0]
    with pytest.raises(CommandError):
        fetch.run()
    assert fetch.target.read_bytes() == b"old"
    fetch.run()
    assert fetch.target.read_bytes() == DATA


def test_a_connection_that_falls_silent_counts_as_cut_and_keeps_every_byte(fetch: Fetch) -> None:
    fetch.hub.scripts[NAME].stall = 1500
    told = fetch.fault(silence=0.2)
    assert "nothing came for 0.2 s; what came is kept" in told
    assert fetch.part.read_bytes() == DATA[:1500]


def test_a_cut_without_a_byte_is_told_with_what_to_do(fetch: Fetch) -> None:
    fetch.hub.scripts[NAME].cuts = [0]
    told = fetch.fault()
    assert f"the connection was cut after 0 of {len(DATA)} bytes" in told
    assert "the same command goes on from there" in told


@pytest.mark.parametrize("status", [401, 404, 429, 500, 503])
def test_a_status_is_told_with_the_address(status: int, fetch: Fetch) -> None:
    fetch.hub.scripts[NAME].status = status
    told = fetch.fault()
    assert status_reason(status) in told
    assert fetch.hub.url in told


def test_nobody_at_the_address_is_told(tmp_path: Path) -> None:
    with FakeHub({}) as gone:
        pass
    assert "cannot connect: Connection refused" in Fetch(gone, tmp_path).fault()


def test_a_folder_that_cannot_be_made_is_named(fetch: Fetch) -> None:
    fetch.target.parent.write_bytes(b"")
    assert fetch.fault() == f"{fetch.target.parent}: File exists"


def test_a_part_that_cannot_be_written_is_named(fetch: Fetch) -> None:
    fetch.part.mkdir(parents=True)
    (fetch.part / "x").write_bytes(b"")
    os.truncate(fetch.part / "x", 1)
    assert fetch.fault(size=None) == f"{fetch.part}: Is a directory"


class LittleRoom(FileIO):
    """A file on a disk with 1500 bytes left: it takes what fits, then none, as a file system does."""

    room = 1500

    def write(self, data: "ReadableBuffer", /) -> int:
        fitting = memoryview(data)[: self.room]
        if not fitting:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self.room -= len(fitting)
        return super().write(fitting)


def full(part: Path) -> str:
    return (
        f"{part}: No space left on device; what came is kept: "
        "the same command goes on from there when there is room"
    )


def test_a_disk_that_takes_no_byte_is_told_with_what_to_do(fetch: Fetch) -> None:
    fetch.part.parent.mkdir()
    fetch.part.symlink_to("/dev/full")
    assert fetch.fault() == full(fetch.part)
    assert fetch.hub.gets(NAME) == 1, "it is not tried again by itself"


def test_a_disk_that_fills_up_keeps_what_it_took(fetch: Fetch, monkeypatch: pytest.MonkeyPatch) -> None:
    def opened(path: Path, mode: str, buffering: int) -> LittleRoom:
        assert buffering == 0
        return LittleRoom(path, mode)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", opened)
        told = fetch.fault()
    assert told == full(fetch.part)
    assert fetch.part.read_bytes() == DATA[:1500]
    fetch.run()
    assert fetch.hub.ranges() == ["bytes=1500-"]
    assert fetch.target.read_bytes() == DATA


def test_a_disk_that_has_no_room_only_when_all_is_written_out_is_told(
    fetch: Fetch, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_room(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", no_room)
        told = fetch.fault()
    assert told == full(fetch.part)
    fetch.run()
    assert fetch.target.read_bytes() == DATA
    assert fetch.hub.gets(NAME) == 1, "the part was whole"


def manifest(repository: str = REPOSITORY) -> Manifest:
    return Manifest("x", "d", Licence("n", "u", "t"), (FILE,), repository, "v1")


def test_the_hub_is_asked_by_repository_and_revision(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://hub.invalid/")
    assert Hub(manifest()).url("asset/a b") == f"http://hub.invalid/{REPOSITORY}/resolve/v1/asset/a%20b"
    assert Hub(manifest(), "https://mirror.invalid").url("a").startswith("https://mirror.invalid/")


def test_without_any_wish_it_is_the_hub_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HF_ENDPOINT", raising=False)
    assert Hub(manifest()).endpoint == "https://huggingface.co"


@pytest.mark.parametrize("moved", [True, False])
def test_the_size_is_known_before_the_file_comes(moved: bool, hub: FakeHub) -> None:
    hub.scripts[NAME].moved = moved
    one = Manifest("x", "d", Licence("n", "u", "t"), (FILE,), REPOSITORY)
    assert Hub(one, hub.url).size(NAME) == len(DATA)
    assert {request.method for request in hub.requests} == {"HEAD"}


def test_a_file_that_the_hub_does_not_have_is_named(hub: FakeHub) -> None:
    one = Manifest("x", "d", Licence("n", "u", "t"), (FILE,), REPOSITORY)
    with pytest.raises(CommandError) as caught:
        Hub(one, hub.url).size("asset/other")
    assert str(caught.value) == f"{hub.url}/{REPOSITORY}/resolve/main/asset/other: not found (HTTP 404)"


def test_a_server_that_sends_more_than_it_said_does_not_fill_the_disk(fetch: Fetch) -> None:
    assert "more came than the 1000 bytes" in fetch.fault(size=1000)
    assert not fetch.part.exists()
    assert fetch.told[-1] <= 1000
