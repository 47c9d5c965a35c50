"""What the kernel refuses to the service, and what it must not refuse, tried from inside the unit."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from support.manager import UserManager

pytestmark = [pytest.mark.system, pytest.mark.timeout(120)]
PROBE: Final = Path(__file__).parent / "sandbox_probe.py"


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """What the probe printed when the unit started it in place of the daemon."""
    folder = tmp_path_factory.mktemp("probe")
    command = folder / "chatttsd"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{PROBE}" "{command}"\n')
    command.chmod(0o755)
    with UserManager({"PYTHONPATH": str(folder)}) as manager:
        manager.install(folder)
        manager.run(["systemctl", "--user", "start", "chatttsd.service"])
        manager.wait_for("SubState", "dead")
        yield json.loads(manager.log())


@pytest.mark.parametrize("family", ["AF_INET", "AF_INET6"])
def test_no_internet_socket_can_be_opened(found: dict[str, Any], family: str) -> None:
    assert found[family] == "EAFNOSUPPORT"


def test_bus_and_sound_server_sockets_can_be_opened(found: dict[str, Any]) -> None:
    assert found["AF_UNIX"] == "ok"


@pytest.mark.parametrize("action", ["unshare", "chroot", "setuid bit"])
def test_ways_to_more_privileges_are_refused(found: dict[str, Any], action: str) -> None:
    assert found[action] == "EPERM"


def test_privileges_cannot_grow_and_system_calls_are_filtered(found: dict[str, Any]) -> None:
    assert (found["NoNewPrivs"], found["Seccomp"]) == ("1", "2")


@pytest.mark.parametrize("need", ["writable code", "affinity"])
def test_what_callbacks_and_thread_pools_need_is_allowed(found: dict[str, Any], need: str) -> None:
    assert found[need] == "ok"


def test_no_core_dump_can_hold_the_words(found: dict[str, Any]) -> None:
    assert found["core"] == 0


def test_files_are_for_the_user_only(found: dict[str, Any]) -> None:
    assert found["umask"] == "0077"
    assert found["files"] == 1024


def test_library_path_of_the_login_shell_does_not_reach_the_service(found: dict[str, Any]) -> None:
    assert found["PYTHONPATH"] is False
