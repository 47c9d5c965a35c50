"""A connection of dbus-next that gives its socket back: upstream leaves that to the garbage collector."""

import asyncio
import contextlib
from typing import Final

from dbus_next import AuthError, InvalidAddressError
from dbus_next.aio import MessageBus

_CONNECT_SECONDS: Final = 3.0
_LEAVE_SECONDS: Final = 1.0


class UnreachableError(Exception):
    """There is no daemon to be had; the message says why."""


class Connection(MessageBus):  # type: ignore[misc]  # dbus-next has no types
    """A MessageBus whose socket is closed when it is lost or left."""

    def _setup_socket(self) -> None:
        self._stream = self._sock = None
        try:
            super()._setup_socket()
        except BaseException:
            self.close()
            raise

    async def wait_lost(self) -> None:
        """Return when the connection is gone."""
        with contextlib.suppress(Exception):  # whatever it was
            await self.wait_for_disconnect()
        self.close()

    async def leave(self) -> None:
        """Disconnect in good order, within a second."""
        if self.connected:
            self.disconnect()
        gone = asyncio.gather(self.wait_for_disconnect(), return_exceptions=True)
        await asyncio.wait([gone], timeout=_LEAVE_SECONDS)
        self.close()

    def close(self) -> None:
        """Close the socket at once."""
        for each in (self._stream, self._sock):
            if each is not None:
                each.close()


async def connected(address: str) -> Connection:
    """Connect to the bus at an address; raises UnreachableError."""
    try:
        bus = Connection(bus_address=address)
    except (OSError, InvalidAddressError) as error:
        raise UnreachableError(f"the bus cannot be reached: {type(error).__name__}") from None
    try:
        async with asyncio.timeout(_CONNECT_SECONDS):
            await bus.connect()
    except (OSError, EOFError, TimeoutError, AuthError) as error:
        bus.close()
        raise UnreachableError(f"the bus cannot be reached: {type(error).__name__}") from None
    return bus
