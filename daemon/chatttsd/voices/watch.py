"""The voices of the model as they are at any moment: the folder is watched, nothing is asked in turn.

For the daemon (an asyncio loop must run):

    watched = WatchedVoices(paths.voices_directory(), on_change)
    await watched.start()      # reads the files once, then watches; never raises for what lies in the folder
    watched.voices             # tuple[StoredVoice, ...], by id; a new tuple after each on_change()
    await watched.rescan()     # look now (Reload); calls on_change() when something differs
    await watched.stop()

`on_change()` is called in the loop, without arguments, after `voices` has changed: 0.2 s after the first of a
burst of changes, and at most every 0.2 s. The folder may be missing, come later, be removed and made again.
A broken file is named in the journal once, and again only after it has changed. Without changes there is no
wake-up. Where inotify is not to be had (its limits are used up), the folder is looked at every 5 s instead;
the journal says so once.
"""

import asyncio
import logging
import stat
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

from inotify_simple import Event, INotify, flags

from chatttsd.voices.files import StoredVoice
from chatttsd.voices.store import Scan, VoiceStore, is_voice_file

_LOGGER = logging.getLogger(__name__)

SETTLE_SECONDS: Final = 0.2
"""From the first change to the look at the folder; the changes in between are one."""
POLL_SECONDS: Final = 5.0
"""How often the folder is looked at where it cannot be watched."""

_FILES: Final = (
    flags.CLOSE_WRITE | flags.MOVED_TO | flags.MOVED_FROM | flags.DELETE | flags.ATTRIB | flags.CREATE
)
_ENTRIES: Final = flags.CREATE | flags.MOVED_TO | flags.MOVED_FROM | flags.DELETE | flags.ATTRIB
_SELF: Final = flags.DELETE_SELF | flags.MOVE_SELF
_LOST: Final = _SELF | flags.IGNORED | flags.UNMOUNT | flags.Q_OVERFLOW
_ATTEMPTS: Final = 10
"""How often the folders are gone through when they change meanwhile."""


class WatchedVoices:
    """The voices in a folder and the built-in ones, kept up to date; used from the event loop only."""

    def __init__(
        self,
        directory: Path,
        on_change: Callable[[], None],
        *,
        connect: Callable[[], INotify] = INotify,
        poll_seconds: float = POLL_SECONDS,
    ) -> None:
        self._directory = directory
        self._store = VoiceStore(directory)
        self._on_change = on_change
        self._connect = connect
        self._poll_seconds = poll_seconds
        self._scan = Scan()
        self._scanning = asyncio.Lock()
        self._dirty = asyncio.Event()
        self._watch: _Watch | None = None
        self._task: asyncio.Task[None] | None = None
        self._troubled = False

    @property
    def voices(self) -> tuple[StoredVoice, ...]:
        """Every voice, by id; empty before `start`."""
        return self._scan.voices

    async def start(self) -> None:
        """Read every voice and watch the folder from now on; does not call `on_change`."""
        await self._open()
        await self._look()
        self._task = asyncio.create_task(self._serve())

    async def stop(self) -> None:
        """Watch no more; `on_change` is not called any more."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
            self._task = None
        if self._watch is not None:
            self._watch.close()
            self._watch = None

    async def rescan(self) -> None:
        """Look at the folder now; calls `on_change` when a voice differs."""
        if await self._look():
            self._on_change()

    async def _serve(self) -> None:
        while True:
            if self._watch is None:
                await asyncio.sleep(self._poll_seconds)
                await self._open()
            else:
                await self._dirty.wait()
                await asyncio.sleep(SETTLE_SECONDS)
            self._dirty.clear()
            await self.rescan()

    async def _open(self) -> None:
        """Watch the folder; where that cannot be, `_watch` stays None."""
        try:
            # In a thread: the first time, inotify_simple runs ldconfig to find the C library.
            connection = await asyncio.to_thread(self._connect)
        except OSError as error:
            self._trouble(error)
            return
        watch = _Watch(connection, self._directory, self._dirty.set, self._watch_failed)
        try:
            watch.arm()
        except OSError as error:
            watch.close()
            self._trouble(error)
            return
        self._watch = watch
        self._troubled = False

    def _watch_failed(self, error: OSError) -> None:
        if self._watch is not None:
            self._watch.close()
            self._watch = None
        self._trouble(error)
        # Wakes `_serve`, which then looks and goes on without the watch.
        self._dirty.set()

    def _trouble(self, error: OSError) -> None:
        if not self._troubled:
            self._troubled = True
            _LOGGER.warning(
                "the voices folder cannot be watched (%s): it is looked at every %g s instead",
                error.strerror,
                self._poll_seconds,
            )

    async def _look(self) -> bool:
        """Scan the folder in a thread; returns whether a voice differs."""
        async with self._scanning:
            before = self._scan
            try:
                after = await asyncio.to_thread(self._store.scan)
            except OSError as error:
                # What is known stays until the machine has files or memory again.
                self._trouble(error)
                asyncio.get_running_loop().call_later(self._poll_seconds, self._dirty.set)
                return False
            self._scan = after
        for broken in after.broken:
            if broken not in before.broken:
                _LOGGER.warning("voice file %s is ignored: %s", broken.file, broken.reason)
        return after.voices != before.voices


class _Watch:
    """inotify on the folder, on its parent (for the folder's own coming and going), and on what is above."""

    def __init__(
        self,
        connection: INotify,
        directory: Path,
        on_event: Callable[[], None],
        on_error: Callable[[OSError], None],
    ) -> None:
        self._connection = connection
        self._directory = directory
        self._on_event = on_event
        self._on_error = on_error
        self._folder = -1
        self._others: dict[int, str] = {}
        """Watch descriptor of a folder above -> the name in it that matters."""
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(connection.fileno(), self._readable)

    def close(self) -> None:
        """Forget everything."""
        self._loop.remove_reader(self._connection.fileno())
        self._connection.close()

    def arm(self) -> None:
        """Watch what is there now; raises OSError when inotify takes no more."""
        for _ in range(_ATTEMPTS):
            wanted = list(self._wanted())
            self._add(wanted)
            if list(self._wanted()) == wanted:
                return

    def _wanted(self) -> Iterator[tuple[Path, int, str, int]]:
        """Yield folder, mask, the name in it that matters and inode, from the voices folder upwards."""
        below, nearest = "", True
        for folder in (self._directory, *self._directory.parents):
            inode = _inode(folder)
            if inode and folder == self._directory:
                yield folder, _FILES | _SELF, "", inode
            elif inode:
                # Further up only whether the folder itself goes: no wake-ups for what others do there.
                yield folder, _ENTRIES | _SELF if nearest else _SELF, below, inode
                nearest = False
            below = folder.name

    def _add(self, wanted: list[tuple[Path, int, str, int]]) -> None:
        old = {self._folder, *self._others}
        self._folder, self._others = -1, {}
        for folder, mask, below, _ in wanted:
            try:
                descriptor = self._connection.add_watch(folder, mask | flags.ONLYDIR)
            except (FileNotFoundError, NotADirectoryError, PermissionError):
                continue
            if folder == self._directory:
                self._folder = descriptor
            else:
                self._others[descriptor] = below
        for descriptor in old - {self._folder, *self._others}:
            # One whose folder is gone has been removed by the kernel.
            with suppress(OSError):
                self._connection.rm_watch(descriptor)

    def _readable(self) -> None:
        try:
            events = [event for event in self._connection.read(timeout=0) if self._matters(event)]
            if any(event.wd != self._folder or event.mask & _LOST for event in events):
                self.arm()
        except OSError as error:
            self._on_error(error)
            return
        if events:
            self._on_event()

    def _matters(self, event: Event) -> bool:
        if event.mask & flags.Q_OVERFLOW:
            return True
        if event.wd != self._folder:
            return event.wd in self._others and bool(
                event.mask & _LOST or event.name == self._others[event.wd]
            )
        if event.mask & flags.CREATE:
            return is_voice_file(event.name) and self._is_whole(event.name)
        return not event.name or is_voice_file(event.name)

    def _is_whole(self, name: str) -> bool:
        """Tell whether a new entry is a link; a file that is being written is looked at when it is closed."""
        try:
            status = (self._directory / name).lstat()
        except OSError:
            return False
        return stat.S_ISLNK(status.st_mode) or status.st_nlink > 1


def _inode(folder: Path) -> int:
    """Return the inode of a folder; 0 when there is none."""
    try:
        status = folder.stat()
    except OSError:
        return 0
    return status.st_ino if stat.S_ISDIR(status.st_mode) else 0
