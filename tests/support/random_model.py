"""Generated models for tests, each made once a session and removed with it.

tests/conftest.py makes the fixture `random_model` known to all tests.
"""

import hashlib
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from chatttsd.engine.chattts.random_model.weights import TOKENS_PER_SECOND, Recipe
from chatttsd.engine.chattts.random_model.writer import write

RandomModel = Callable[..., Path]
"""`random_model(layers=2, seed=0, end="plausible", rate=TOKENS_PER_SECOND)` returns a model's directory.

No test may change it; the arguments are those of `Recipe`."""


@pytest.fixture(scope="session")
def random_model(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RandomModel]:
    """Make models as they are asked for, by layers, seed, end and rate; about 2 s and 440 MB for 2 layers."""
    made: dict[Recipe, Path] = {}

    def make(layers: int = 2, seed: int = 0, end: str = "plausible", rate: float = TOKENS_PER_SECOND) -> Path:
        recipe = Recipe(layers=layers, seed=seed, end=end, rate=rate)
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


def rehash(model: Path, name: str) -> None:
    """Make a model's manifest right again for a file that was changed on purpose."""
    manifest = model / "manifest.toml"
    content = (model / name).read_bytes()
    pattern = rf'path = "{re.escape(name)}"\nsize = \d+\nsha256 = "[0-9a-f]+"'
    right = f'path = "{name}"\nsize = {len(content)}\nsha256 = "{hashlib.sha256(content).hexdigest()}"'
    text, count = re.subn(pattern, right, manifest.read_text("utf-8"))
    assert count == 1, f"the manifest has no {name}"
    manifest.unlink()
    manifest.write_text(text, encoding="utf-8")


def _link(source: str, target: str) -> str:
    Path(target).hardlink_to(source)
    return target
