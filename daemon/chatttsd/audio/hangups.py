"""Tells that the reader of a pipe or socket has gone, also while nothing is written to it."""

import asyncio
import select
from collections.abc import Callable
from contextlib import suppress

Gone = Callable[[], None]


class HangUps:
    """Watches descriptors for their reader's leaving; a file has none, and nothing is told of it."""

    def __init__(self) -> None:
        self._epoll: select.epoll | None = None
        self._watched: dict[int, Gone] = {}

    def watch(self, fd: int, gone: Gone) -> None:
        """Call `gone` once on the loop when the reader has left; a second call replaces `gone`."""
        if fd not in self._watched:
            try:
                # Nothing is asked for: an error and a hang-up are told unasked (epoll_ctl(2)).
                self._opened().register(fd, 0)
            except OSError:
                return
        self._watched[fd] = gone

    def forget(self, fd: int) -> None:
        """Watch a descriptor no more: to be called before it is closed."""
        if self._watched.pop(fd, None) is not None and self._epoll is not None:
            # The client may hold the same open file, and then closing ours would leave it watched.
            with suppress(OSError):
                self._epoll.unregister(fd)
            if not self._watched:
                self.close()

    def close(self) -> None:
        """Tell nothing more."""
        self._watched.clear()
        epoll, self._epoll = self._epoll, None
        if epoll is not None:
            asyncio.get_running_loop().remove_reader(epoll.fileno())
            epoll.close()

    def _opened(self) -> select.epoll:
        if self._epoll is None:
            self._epoll = select.epoll()
            asyncio.get_running_loop().add_reader(self._epoll.fileno(), self._tell)
        return self._epoll

    def _tell(self) -> None:
        for fd, _ in self._epoll.poll(0) if self._epoll is not None else ():
            gone = self._watched.get(fd)
            if gone is not None:
                self.forget(fd)
                gone()
