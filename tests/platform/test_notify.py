"""sd_notify datagrams arrive at a real socket, and nothing happens without one."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from chatttsd.platform.notify import ServiceManager


@pytest.fixture
def manager_socket(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(tmp_path / "notify"))
        listener.settimeout(5)
        yield listener


def test_states_arrive(manager_socket: socket.socket) -> None:
    manager = ServiceManager({"NOTIFY_SOCKET": manager_socket.getsockname()})
    manager.ready()
    manager.status("speaking\nnow")
    manager.status("speaking\nnow")
    manager.ping()
    manager.stopping()
    received = [manager_socket.recv(1000) for _ in range(4)]
    assert received == [b"READY=1", b"STATUS=speaking now", b"WATCHDOG=1", b"STOPPING=1"]


def test_an_abstract_socket_is_reached() -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(f"\0chatttsd-test-{os.getpid()}")
        listener.settimeout(5)
        ServiceManager({"NOTIFY_SOCKET": f"@chatttsd-test-{os.getpid()}"}).ready()
        assert listener.recv(100) == b"READY=1"


@pytest.mark.parametrize("address", ["", "relative", "/nowhere/at/all"])
def test_without_a_manager_nothing_happens(address: str) -> None:
    manager = ServiceManager({"NOTIFY_SOCKET": address})
    manager.ready()
    manager.ping()


def test_a_manager_that_does_not_read_does_not_block(manager_socket: socket.socket) -> None:
    manager = ServiceManager({"NOTIFY_SOCKET": manager_socket.getsockname()})
    for _ in range(10_000):
        manager.ping()


@pytest.mark.parametrize(
    ("environment", "seconds"),
    [
        ({"WATCHDOG_USEC": "30000000"}, 7.5),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": str(os.getpid())}, 7.5),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"}, 0.0),
        ({"WATCHDOG_USEC": "soon"}, 0.0),
        ({}, 0.0),
    ],
)
def test_the_ping_interval_is_a_quarter_of_the_watchdog(environment: dict[str, str], seconds: float) -> None:
    assert ServiceManager(environment).ping_seconds == seconds
