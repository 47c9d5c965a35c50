from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from support.fake_speech import FakeSpeech, Script
from support.private_bus import PrivateBus
from support.speechd_module import MakeDaemon, MakeModule, ModuleProcess


@pytest.fixture(scope="module")
def bus() -> Iterator[PrivateBus]:
    with PrivateBus() as bus:
        yield bus


@pytest.fixture
def make_module(bus: PrivateBus, tmp_path: Path) -> Iterator[MakeModule]:
    """Start modules on the private bus."""
    with ExitStack() as stack:

        def make(configuration: str = "", environment: dict[str, str] | None = None) -> ModuleProcess:
            given = bus.environment if environment is None else environment
            return stack.enter_context(ModuleProcess(given, tmp_path, configuration))

        yield make


@pytest.fixture
def make_daemon(bus: PrivateBus) -> Iterator[MakeDaemon]:
    """Put scripted daemons on the private bus, before a module is started."""
    with ExitStack() as stack:

        def make(**answers: Script) -> FakeSpeech:
            return stack.enter_context(FakeSpeech(bus.address, answers))

        yield make
