"""One `systemd --user` for the tests of a module, and the daemon that the unit starts."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.manager import UserManager


@pytest.fixture(scope="module")
def manager() -> Iterator[UserManager]:
    """A running user manager; the unit is installed by each test with what it needs."""
    with UserManager() as running:
        yield running


@pytest.fixture(scope="module")
def commands(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder, with a space in its name, that holds a `chatttsd`."""
    folder = tmp_path_factory.mktemp("a folder")
    command = folder / "chatttsd"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m chatttsd.app "$@"\n')
    command.chmod(0o755)
    return folder
