"""An idle daemon is small and sleeps; tests/bench/idle.py measures it over a minute."""

import time

import psutil
import pytest

from support.scene import scene

pytestmark = pytest.mark.system


def test_the_daemon_without_its_engine_stays_under_60_mib_and_sleeps() -> None:
    with scene('[speech]\nengine = "espeak-ng"\n[audio]\nidle_close_seconds = 0.1\n') as stage:
        assert stage.speak_whole("Hello.")[0] == "finished"
        process = psutil.Process(stage.daemon.pid)
        deadline = time.monotonic() + 10
        while stage.pulse.sink_inputs() and time.monotonic() < deadline:
            time.sleep(0.05)
        used = sum(process.cpu_times()[:2])
        time.sleep(3)
        assert sum(process.cpu_times()[:2]) - used <= 0.05
        assert process.memory_info().rss < 60 * 2**20
