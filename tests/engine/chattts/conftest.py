"""Fixtures for the ChatTTS engine: upstream's own code, loaded once, and one thread for torch."""

import pytest
import torch

from support.oracle import Oracle
from support.random_model import RandomModel


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> None:
    """Keep torch's threads from waiting for each other where tests share the cores with something else."""
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def oracle(random_model: RandomModel) -> Oracle:
    """Load upstream with a model of 2 layers whose audio does not end by itself."""
    return Oracle(random_model(layers=2, seed=0, end="never"))
