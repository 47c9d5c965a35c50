from collections.abc import Iterator

import pytest

from support.pulse import PulseServer, Recorder, pulse_server


@pytest.fixture
def pulse() -> Iterator[PulseServer]:
    with pulse_server() as server:
        yield server


@pytest.fixture
def absent_pulse() -> Iterator[PulseServer]:
    with pulse_server(running=False) as server:
        yield server


@pytest.fixture
def recorder(pulse: PulseServer) -> Iterator[Recorder]:
    with pulse.record() as recording:
        yield recording
