"""How `pytest -n 2` shares the tests out: one process listens, the other one computes, and makes way for it.

tests/conftest.py makes the two functions known to pytest.
"""

import contextlib
import os
from pathlib import PurePath
from typing import Final

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling
from xdist.workermanage import WorkerController

_HEARD: Final = frozenset({"audio", "system", "systemd"})
"""Folders of tests that listen to a recording, and wait for most of the time."""
_NICENESS: Final = 10
"""Of all other tests: what is heard must not be late because of them."""


def share_of(test: str) -> str:
    """Return what a test (tests/FOLDER/FILE::NAME) is not parted from: its file, or all that is heard."""
    file = test.partition("::")[0]
    return "heard" if PurePath(file).parts[1] in _HEARD else file


class Sharing(LoadScopeScheduling):  # type: ignore[misc] # pytest-xdist has no types
    """Gives whole shares to a process, the largest, which is what is heard, first."""

    def _split_scope(self, nodeid: str) -> str:
        return share_of(nodeid)

    def remove_node(self, node: WorkerController) -> str | None:
        """Give away what a dead process has left; returns the test that it died of.

        A share that is done is not given away: a process that got one alone was never given anything again.
        """
        shares = self.assigned_work[node]
        self.assigned_work[node] = {name: tests for name, tests in shares.items() if not all(tests.values())}
        crashed: str | None = super().remove_node(node)
        return crashed


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Sharing:
    """Have the tests shared out so."""
    return Sharing(config, log)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Make way, in a process of `pytest -n`, for the one that listens."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        with contextlib.suppress(PermissionError):  # only root comes back from there
            os.setpriority(os.PRIO_PROCESS, 0, 0 if share_of(item.nodeid) == "heard" else _NICENESS)
