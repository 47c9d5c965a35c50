"""Watching when the machine has no more inotify watches or open files to give: changes are seen still."""

import errno
import os
import resource
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from inotify_simple import INotify

from support.watched_voices import Counted, Seen, made, put


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return made(tmp_path / "share" / "chatttsd" / "voices")


def exhausted(code: int, times: int, connect_by: Counted | None = None) -> Callable[[], INotify]:
    """Make a connection maker that fails so many times."""
    left = [times]
    working = connect_by or INotify

    def connect() -> INotify:
        left[0] -= 1
        if left[0] >= 0:
            raise OSError(code, os.strerror(code))
        return working()

    return connect


@pytest.mark.parametrize("code", [errno.EMFILE, errno.ENOSPC, errno.ENOSYS])
async def test_without_inotify_the_folder_is_looked_at_now_and_then(
    code: int, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    seen = Seen(folder, connect=exhausted(code, 10**9), poll_seconds=0.02)
    await seen.watched.start()
    put(folder / "ada.txt")
    await seen.until("ada")
    (folder / "ada.txt").unlink()
    await seen.until()
    assert caplog.messages == [
        f"the voices folder cannot be watched ({os.strerror(code)}): it is looked at every 0.02 s instead"
    ]
    await seen.watched.stop()


async def test_the_folder_is_watched_again_as_soon_as_it_can_be(folder: Path) -> None:
    counted = Counted()
    seen = Seen(folder, connect=exhausted(errno.EMFILE, 3, counted), poll_seconds=0.02)
    await seen.watched.start()
    names: list[str] = []
    while not counted.reads and len(names) < 100:
        names.append(f"v{len(names):02}")
        put(folder / f"{names[-1]}.txt")
        await seen.until(*names)
    assert counted.reads
    await seen.watched.stop()


class Full(INotify):  # type: ignore[misc]  # the library has no types
    """A connection that takes no more watches after the first ones."""

    allowed = 0

    def add_watch(self, *arguments: Any) -> int:  # noqa: ANN401 - the library's own
        type(self).allowed -= 1
        if type(self).allowed < 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return int(super().add_watch(*arguments))


@pytest.mark.parametrize("allowed", [0, 2, 20])
async def test_a_watch_that_is_one_too_many_is_no_harm(
    allowed: int, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Full, "allowed", allowed)
    seen = Seen(folder, connect=Full, poll_seconds=0.02)
    await seen.watched.start()
    for _ in range(3):
        put(made(folder) / "ada.txt")
        await seen.until("ada")
        shutil.rmtree(folder.parent)
        await seen.until()
    await seen.watched.stop()


async def test_a_process_out_of_files_keeps_the_voices_it_has(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    put(folder / "ada.txt")
    seen = Seen(folder, poll_seconds=0.02)
    await seen.watched.start()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    lowest = os.open("/dev/null", os.O_RDONLY)
    os.close(lowest)
    resource.setrlimit(resource.RLIMIT_NOFILE, (lowest, hard))
    try:
        await seen.watched.rescan()
        assert seen.mine() == ["ada"]
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    put(folder / "eve.txt")
    await seen.until("ada", "eve")
    assert len(caplog.records) == 1
    await seen.watched.stop()
