"""Generated models for tests, each made once a session and removed with it.

tests/conftest.py makes the fixture `random_model` known to all tests.
"""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from chatttsd.engine.chattts.random_model.weights import Recipe
from chatttsd.engine.chattts.random_model.writer import write

RandomModel = Callable[..., Path]
"""`random_model(layers=2, seed=0, end="plausible")` returns a model directory that no test may change."""


@pytest.fixture(scope="session")
def random_model(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RandomModel]:
    """Make models as they are asked for, by layers, seed and end; about 2 s and 440 MB for 2 layers."""
    made: dict[Recipe, Path] = {}

    def make(layers: int = 2, seed: int = 0, end: str = "plausible") -> Path:
        recipe = Recipe(layers=layers, seed=seed, end=end)
        if recipe not in made:
            made[recipe] = tmp_path_factory.mktemp(f"model{layers}-{seed}-{end}")
            write(made[recipe], recipe)
        return made[recipe]

    yield make
    for folder in made.values():
        shutil.rmtree(folder)


def changed_copy(model: Path, folder: Path) -> Path:
    """Return a copy of a model whose files may be replaced (not written to: they are the model's own)."""
    shutil.copytree(model, folder, copy_function=_link)
    return folder


def _link(source: str, target: str) -> str:
    Path(target).hardlink_to(source)
    return target
