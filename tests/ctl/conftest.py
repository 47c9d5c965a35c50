"""A private bus and a hermetic environment for chatttsctl."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.ctl import hermetic
from support.private_bus import PrivateBus


@pytest.fixture
def bus() -> Iterator[PrivateBus]:
    with PrivateBus() as private:
        yield private


@pytest.fixture
def environment(bus: PrivateBus, tmp_path: Path) -> dict[str, str]:
    """The environment of a user without a systemd manager, whose session bus is `bus`."""
    return hermetic(tmp_path / "home", bus.environment)
