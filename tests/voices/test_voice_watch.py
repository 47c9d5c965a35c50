"""Changes of the voices folder are seen, whatever happens to it; the events are the kernel's."""

import asyncio
import logging
import os
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from inotify_simple import INotify

from support.watched_voices import CONTENT, LIMIT, Counted, Seen, made, put

QUEUED = int(Path("/proc/sys/fs/inotify/max_queued_events").read_text())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return made(tmp_path / "share" / "chatttsd" / "voices")


@pytest.fixture
async def seen(folder: Path) -> AsyncIterator[Seen]:
    seen = Seen(folder)
    await seen.watched.start()
    yield seen
    await seen.watched.stop()


async def test_what_is_there_at_the_start_is_there_at_once(folder: Path) -> None:
    put(folder / "ada.txt")
    seen = Seen(folder)
    assert seen.watched.voices == ()
    await seen.watched.start()
    assert seen.mine() == ["ada"]
    assert len(seen.watched.voices) == 6
    assert seen.told.empty()
    await seen.watched.stop()


async def test_a_file_is_added_changed_renamed_and_removed(folder: Path, seen: Seen) -> None:
    path = put(folder / "ada.txt")
    await seen.until("ada")
    before = seen.watched.voices
    put(path, 1)
    await seen.until("ada")
    assert seen.watched.voices != before
    path.rename(folder / "eve.txt")
    await seen.until("eve")
    (folder / "eve.txt").unlink()
    await seen.until()


async def test_a_file_that_an_editor_replaces_is_seen(folder: Path, seen: Seen) -> None:
    put(folder / "ada.txt")
    await seen.until("ada")
    before = seen.watched.voices
    put(folder / ".ada.txt.swp", 1).rename(folder / "ada.txt")
    await seen.until("ada")
    assert seen.watched.voices != before


async def test_links_are_seen(folder: Path, seen: Seen, tmp_path: Path) -> None:
    target = put(tmp_path / "elsewhere")
    (folder / "soft.txt").symlink_to(target)
    await seen.until("soft")
    (folder / "hard.txt").hardlink_to(target)
    await seen.until("hard", "soft")


async def test_a_file_that_is_being_written_is_read_when_it_is_closed(
    folder: Path, seen: Seen, caplog: pytest.LogCaptureFixture
) -> None:
    with (folder / "slow.txt").open("w") as stream:
        stream.write(CONTENT[0][:100])
        stream.flush()
        await asyncio.sleep(0.05)  # the loop has read the event of its creation
        assert not seen.watched._dirty.is_set()
        stream.write(CONTENT[0][100:])
    await seen.until("slow")
    assert caplog.records == []


async def test_the_folder_may_come_later(tmp_path: Path) -> None:
    directory = tmp_path / "share" / "chatttsd" / "voices"
    seen = Seen(directory)
    await seen.watched.start()
    directory.mkdir(parents=True)
    put(directory / "ada.txt")
    await seen.until("ada")
    await seen.watched.stop()


async def test_the_folder_may_come_step_by_step(tmp_path: Path) -> None:
    directory = tmp_path / "share" / "chatttsd" / "voices"
    seen = Seen(directory)
    await seen.watched.start()
    for folder in (directory.parent.parent, directory.parent, directory):
        folder.mkdir()
        await asyncio.sleep(0.05)  # so that each is an event of its own
    put(directory / "ada.txt")
    await seen.until("ada")
    await seen.watched.stop()


async def test_the_folder_may_be_removed_and_made_again(folder: Path, seen: Seen) -> None:
    for _ in range(3):
        put(folder / "ada.txt")
        await seen.until("ada")
        shutil.rmtree(folder)
        await seen.until()
        made(folder)


@pytest.mark.parametrize("levels", [0, 1, 2])
async def test_the_folder_or_one_above_may_be_moved_away_and_back(
    folder: Path, seen: Seen, levels: int
) -> None:
    put(folder / "ada.txt")
    await seen.until("ada")
    moved = [folder, *folder.parents][levels]
    away = moved.with_name("away")
    moved.rename(away)
    await seen.until()
    # What happens there does not concern anybody, and another folder takes the place.
    put(made(folder) / "eve.txt")
    await seen.until("eve")
    shutil.rmtree(moved)
    await seen.until()
    away.rename(moved)
    await seen.until("ada")
    put(folder / "bea.txt")
    await seen.until("ada", "bea")


async def test_the_folder_may_be_a_link_that_is_turned(folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    put(folder / "ada.txt")
    put(other / "eve.txt")
    link = tmp_path / "link"
    link.symlink_to(folder)
    seen = Seen(link)
    await seen.watched.start()
    (tmp_path / "new").symlink_to(other)
    (tmp_path / "new").rename(link)
    await seen.until("eve")
    put(other / "bea.txt")
    await seen.until("bea", "eve")
    await seen.watched.stop()


async def test_changes_that_are_more_than_the_kernel_keeps_are_not_lost(folder: Path, seen: Seen) -> None:
    paths = [put(folder / "ada.txt"), put(folder / "bea.txt")]
    await seen.until("ada", "bea")
    # In turn, since equal neighbours are one; the loop reads none of them meanwhile.
    for number in range(QUEUED + 10):
        os.utime(paths[number % 2])
    shutil.rmtree(folder)
    put(made(folder) / "eve.txt")
    await seen.until("eve")
    put(folder / "fay.txt")
    await seen.until("eve", "fay")


async def test_a_burst_of_changes_is_one(folder: Path) -> None:
    seen = Seen(folder)
    await seen.watched.start()
    for number in range(100):
        put(folder / f"v{number:02}.txt", number % 3)
    async with asyncio.timeout(LIMIT):
        assert len(await seen.told.get()) == 100
    await seen.watched.rescan()
    assert seen.told.empty()
    await seen.watched.stop()


async def test_nothing_is_done_while_nothing_changes(folder: Path) -> None:
    counted = Counted()
    seen = Seen(folder, connect=counted)
    await seen.watched.start()
    (folder.parent / "models").mkdir()
    (folder.parent.parent / "another program").mkdir()
    (folder / "notes.md").write_text("no voice")
    put(folder / "ada.txt")
    await seen.until("ada")
    reads = counted.reads
    loop = asyncio.get_running_loop()
    scheduled: list[Any] = [timer for timer in loop._scheduled if not timer.cancelled()]  # type: ignore[attr-defined]  # the loop's own list of timers: none of ours
    assert scheduled == []
    (folder.parent.parent / "one more").mkdir()
    assert (await asyncio.to_thread(os.listdir, folder)) != []
    assert counted.reads == reads
    await seen.watched.stop()


async def test_a_broken_file_is_named_once_and_again_when_it_has_changed(
    folder: Path, seen: Seen, caplog: pytest.LogCaptureFixture
) -> None:
    (folder / "bad.txt").write_text("secret words")
    put(folder / "ada.txt")
    await seen.until("ada")
    put(folder / "eve.txt")
    await seen.until("ada", "eve")
    line = "voice file bad.txt is ignored: not base16384: U+0073 at character 0"
    assert caplog.messages == [line]
    (folder / "bad.txt").write_text("still broken")
    put(folder / "fay.txt")
    await seen.until("ada", "eve", "fay")
    assert caplog.messages == [line, line]
    assert all(record.levelno == logging.WARNING for record in caplog.records)


class Heard(logging.Handler):
    """Journal lines as they come."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: asyncio.Queue[str] = asyncio.Queue()

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.put_nowait(record.getMessage())


async def test_a_file_with_new_permissions_is_looked_at(folder: Path, seen: Seen) -> None:
    heard = Heard()
    logging.getLogger("chatttsd.voices.watch").addHandler(heard)
    try:
        (folder / "bad.txt").write_text("broken")
        async with asyncio.timeout(LIMIT):
            first = await heard.lines.get()
            (folder / "bad.txt").chmod(0o600)
            assert await heard.lines.get() == first
    finally:
        logging.getLogger("chatttsd.voices.watch").removeHandler(heard)


async def test_a_folder_that_comes_while_the_watch_is_set_up_is_seen(tmp_path: Path) -> None:
    directory = tmp_path / "share" / "chatttsd" / "voices"

    class Slow(INotify):  # type: ignore[misc]  # the library has no types
        def add_watch(self, *arguments: Any) -> int:  # noqa: ANN401 - the library's own
            made(directory)
            return int(super().add_watch(*arguments))

    seen = Seen(directory, connect=Slow)
    await seen.watched.start()
    put(directory / "ada.txt")
    await seen.until("ada")
    await seen.watched.stop()


async def test_reload_looks_at_once(folder: Path, seen: Seen) -> None:
    put(folder / "ada.txt")
    await seen.watched.rescan()
    assert await seen.told.get() == ["ada"]
    await seen.watched.rescan()
    assert seen.told.empty()


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


async def test_stopping_closes_everything_and_tells_nothing_more(folder: Path) -> None:
    before = open_files()
    for started in range(3):
        seen = Seen(folder)
        await seen.watched.start()
        put(folder / f"v{started}.txt")
        await seen.watched.stop()
        await seen.watched.stop()
        put(folder / f"w{started}.txt")
        assert seen.told.empty()
    assert open_files() == before
    assert len(asyncio.all_tasks()) == 1
