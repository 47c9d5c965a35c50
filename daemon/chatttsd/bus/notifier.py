"""Sends PropertiesChanged for what really changed, at most once a turn of the event loop."""

import asyncio
from collections.abc import Callable
from typing import Any


class PropertyNotifier:
    """Collects names that may have changed and hands the truly changed ones to `emit` on the next turn."""

    def __init__(self, get: Callable[[str], Any], emit: Callable[..., None]) -> None:
        self._get = get
        self._emit = emit
        self._sent: dict[str, Any] = {}
        self._touched: dict[str, None] = {}

    def start_from(self, *names: str) -> None:
        """Take the present values as known to everybody."""
        self._sent = {name: self._get(name) for name in names}

    def touch(self, *names: str) -> None:
        """Say that these properties may have changed."""
        if not self._touched:
            asyncio.get_running_loop().call_soon(self._flush)
        self._touched.update(dict.fromkeys(names))

    def _flush(self) -> None:
        values = {name: self._get(name) for name in self._touched}
        self._touched.clear()
        changed = [name for name, value in values.items() if self._sent.get(name) != value]
        self._sent.update(values)
        if changed:
            self._emit(*changed)
