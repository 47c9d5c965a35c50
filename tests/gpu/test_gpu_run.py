"""The GPU command says so where there is no GPU; what it computes from results is checked without one."""

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
import torch

from gpu.measure import NO_GPU, TOKENS, compare, failures, rate
from support.oracle import Tale

RUN = Path(__file__).parent / "run.sh"


def test_without_a_gpu_it_says_so_and_writes_nothing(tmp_path: Path) -> None:
    done = subprocess.run(
        [RUN, "--output", tmp_path / "gpu.json"],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"CUDA_VISIBLE_DEVICES": ""},
        cwd=tmp_path,
    )
    assert done.returncode == NO_GPU, done.stderr
    assert "no CUDA GPU" in done.stderr
    assert done.stdout == ""
    assert list(tmp_path.iterdir()) == []


def tale(codes: list[int]) -> Tale:
    return Tale(
        torch.tensor([[float(code), 1.0] for code in codes]), torch.tensor([[code] for code in codes])
    )


def test_equal_rows_are_equal_to_their_end() -> None:
    assert compare([tale([1, 2, 3])], [tale([1, 2, 3])]) == {"equal_tokens": [3], "hidden_difference": 0.0}


def test_rows_are_compared_up_to_the_first_other_code() -> None:
    found = compare([tale([1, 2, 9, 4])], [tale([1, 2, 3])])
    assert found == {"equal_tokens": [2], "hidden_difference": 0.0}


def results(equal: int, apart: float) -> dict[str, Any]:
    one = {"equal_tokens": [TOKENS, equal], "hidden_difference": apart}
    return {"fp32": {"parity": {"batch": one}}}


def test_only_what_does_not_hold_is_a_failure() -> None:
    assert failures(results(TOKENS, 1e-5)) == []
    assert failures(results(TOKENS, 1e-2)) == ["batch: hidden states differ by 1.00e-02"]
    assert failures(results(7, 0.0)) == [f"batch: tokens equal up to [{TOKENS}, 7] of {TOKENS}"]


def test_a_rate_is_between_the_first_and_the_last_look() -> None:
    assert rate([(1.0, 100), (1.5, 130), (3.0, 200)]) == pytest.approx(50.0)
