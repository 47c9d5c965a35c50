"""Requests that wait for room: those of one client in their order, clients by turns."""

from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Holding(Generic[T]):
    """What is held of each client; a client's items are compared by identity."""

    def __init__(self) -> None:
        self._held: dict[str, deque[tuple[T, int]]] = {}
        self._weights: dict[str, int] = {}

    def __contains__(self, client: str) -> bool:
        return client in self._held

    @property
    def weight(self) -> int:
        """The sum of all weights."""
        return sum(self._weights.values())

    def put(self, client: str, item: T, weight: int) -> None:
        """Hold an item behind the client's others."""
        self._held.setdefault(client, deque()).append((item, weight))
        self._weights[client] = self._weights.get(client, 0) + weight

    def take(self, ready: Callable[[str], bool]) -> T | None:
        """Return the oldest item of the next client that is `ready`, None without one."""
        client = next(filter(ready, self._held), None)
        if client is None:
            return None
        item, weight = self._held[client].popleft()
        self._lighten(client, weight)
        if client in self._held:
            self._held[client] = self._held.pop(client)  # behind the other clients
        return item

    def shed(self) -> T:
        """Return the newest item of the client that holds the most, no longer held; raises ValueError."""
        client = max(self._weights, key=self._weights.__getitem__)
        item, weight = self._held[client].pop()
        self._lighten(client, weight)
        return item

    def remove(self, client: str, item: T) -> None:
        """Hold an item no more; one that is not held does no harm."""
        for entry in self._held.get(client, ()):
            if entry[0] is item:
                self._held[client].remove(entry)
                self._lighten(client, entry[1])
                return

    def forget(self, client: str) -> list[T]:
        """Return everything of a client, no longer held."""
        self._weights.pop(client, None)
        return [item for item, _ in self._held.pop(client, ())]

    def clear(self) -> list[T]:
        """Return everything, no longer held."""
        return [item for client in list(self._held) for item in self.forget(client)]

    def _lighten(self, client: str, weight: int) -> None:
        self._weights[client] -= weight
        if not self._held[client]:
            del self._held[client], self._weights[client]
