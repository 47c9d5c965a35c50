"""The team of threads: everyone's work gets done whoever runs, sleeps, is late or is asked to stop."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch

from chatttsd.engine.chattts.api import Precision
from chatttsd.engine.chattts.native import team
from chatttsd.engine.chattts.native.backbone import MOST_SLOTS, NativeBackbone
from chatttsd.engine.chattts.native.plan import MAX_ROWS
from chatttsd.engine.chattts.native.step import _LONGEST_REST, SHORTEST_REST, _judge
from support.gpt_reference import RandomGpt, noise

pytestmark = pytest.mark.timeout(400)  # the first test compiles the kernels

GPT = RandomGpt()
CORES = os.cpu_count() or 1


@contextmanager
def made(threads: int) -> Iterator[NativeBackbone]:
    backbone = NativeBackbone(GPT, Precision.FP32, threads=threads)
    try:
        yield backbone
    finally:
        backbone.close()


@pytest.fixture(scope="module")
def expected() -> torch.Tensor:
    with made(1) as backbone:
        return steps(backbone, 40)


def steps(backbone: NativeBackbone, count: int) -> torch.Tensor:
    rows = noise(count + 1)
    backbone.prefill(0, rows[:1])
    return torch.cat([backbone.step([0], row[None]) for row in rows[1:]])


def helpers() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith("gpt-")]


def word(backbone: NativeBackbone, place: int) -> int:
    return int(backbone._buffers.words[place])


def sleep_until(backbone: NativeBackbone, sleepers: int) -> None:
    pause = threading.Event()
    while word(backbone, team.SLEEPERS) != sleepers:
        pause.wait(0.001)


@pytest.mark.parametrize("threads", [2, 4 * CORES + 1])
def test_more_threads_than_cores_lose_nothing(threads: int, expected: torch.Tensor) -> None:
    with made(threads) as backbone:
        assert torch.equal(steps(backbone, 40), expected)


def test_cores_that_are_busy_with_other_work_stop_nothing(expected: torch.Tensor) -> None:
    stop = threading.Event()

    def burn() -> None:
        work = torch.ones(200, 200)
        while not stop.is_set():
            torch.mm(work, work)

    burners = [threading.Thread(target=burn) for _ in range(2 * CORES)]
    for burner in burners:
        burner.start()
    try:
        with made(CORES + 1) as backbone:
            assert torch.equal(steps(backbone, 40), expected)
    finally:
        stop.set()
        for burner in burners:
            burner.join()


def test_helpers_sleep_between_segments_and_wake_for_the_next(expected: torch.Tensor) -> None:
    with made(3) as backbone:
        for _ in range(3):
            sleep_until(backbone, 2)
            backbone._buffers.words[team.RESTING] = 0
            assert torch.equal(steps(backbone, 40), expected)


def test_a_leader_whose_helpers_rest_does_everything(expected: torch.Tensor) -> None:
    with made(3) as backbone:
        backbone._buffers.words[team.RESTING] = 1000
        sleep_until(backbone, 2)
        assert torch.equal(steps(backbone, 40), expected)
        assert word(backbone, team.RESTING) == 1000 - 41
        assert word(backbone, team.SLEEPERS) == 2


def test_a_rest_ends(expected: torch.Tensor) -> None:
    with made(2) as backbone:
        backbone._buffers.words[team.RESTING] = 10
        assert torch.equal(steps(backbone, 40), expected)
        assert word(backbone, team.PATIENCE) >= SHORTEST_REST


def test_helpers_that_kept_a_step_waiting_rest_ever_longer_and_a_prompt_tells_nothing() -> None:
    stall = 10**9
    with made(2) as backbone:
        buffers = backbone._buffers

        def judged(rows: int, longest: int) -> tuple[int, int]:
            buffers.row_count[0] = rows
            _judge(buffers, longest)
            return word(backbone, team.RESTING), word(backbone, team.PATIENCE)

        assert judged(MAX_ROWS, stall) == (0, SHORTEST_REST)
        assert judged(MOST_SLOTS, stall) == (SHORTEST_REST, 2 * SHORTEST_REST)
        assert judged(MAX_ROWS, stall) == (SHORTEST_REST, 2 * SHORTEST_REST)
        rests = [judged(1, stall) for _ in range(SHORTEST_REST + 1)]
        assert [resting for resting, _ in rests] == [*range(SHORTEST_REST - 1, -1, -1), 2 * SHORTEST_REST]
        assert max(judged(1, stall)[1] for _ in range(1000)) == _LONGEST_REST
        buffers.words[team.RESTING] = 0
        assert [judged(1, 0) for _ in range(64)][-1] == (0, SHORTEST_REST)


def test_a_core_that_is_left_to_others_is_not_taken_and_the_other_helper_works(
    expected: torch.Tensor,
) -> None:
    with made(3) as backbone:
        backbone.leave_cores(2)
        sleep_until(backbone, 2)
        assert torch.equal(steps(backbone, 40), expected)
        assert word(backbone, team.SLEEPERS) == 2
        backbone.leave_cores(1)
        assert torch.equal(steps(backbone, 40), expected)
        backbone.leave_cores(0)
        assert torch.equal(steps(backbone, 40), expected)


def test_a_core_that_is_given_back_wakes_its_helper_within_the_step() -> None:
    with made(2) as backbone:
        backbone.leave_cores(1)
        steps(backbone, 2)
        sleep_until(backbone, 1)
        before = times_slept(helpers()[-1])
        backbone.leave_cores(0)
        pause = threading.Event()
        while times_slept(helpers()[-1]) == before:
            pause.wait(0.001)


def times_slept(thread: threading.Thread) -> int:
    told = Path(f"/proc/self/task/{thread.native_id}/status").read_text("ascii")
    return int(next(line for line in told.splitlines() if line.startswith("voluntary")).split()[1])


def test_closing_ends_the_helpers_also_while_they_sleep() -> None:
    before = len(helpers())
    with made(3) as backbone:
        assert len(helpers()) == before + 2
        sleep_until(backbone, 2)
    assert len(helpers()) == before


def test_a_backbone_that_nobody_keeps_ends_its_helpers() -> None:
    before = len(helpers())
    backbone = NativeBackbone(GPT, Precision.FP32, threads=2)
    assert len(helpers()) == before + 1
    del backbone
    assert len(helpers()) == before


def test_other_python_threads_run_during_a_step() -> None:
    counted = 0
    stop = threading.Event()

    def count() -> None:
        nonlocal counted
        while not stop.wait(0.0001):
            counted += 1

    counter = threading.Thread(target=count)
    counter.start()
    with made(1) as backbone:
        backbone.prefill(0, noise(500))
    stop.set()
    counter.join()
    assert counted > 0
