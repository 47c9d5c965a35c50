"""One vocoder for all tests of this folder: reading it takes longer than most of them."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from chatttsd.engine.chattts.vocoder.vocoder import Vocoder
from support.random_model import RandomModel


@pytest.fixture(scope="session")
def model(random_model: RandomModel) -> Path:
    return random_model(layers=2, seed=0, end="never")


@pytest.fixture(scope="session")
def vocoder(model: Path) -> Vocoder:
    return Vocoder(model)


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """Two threads on a busy machine wait for each other at every small operation."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
