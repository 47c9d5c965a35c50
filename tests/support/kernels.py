"""One place for compiled kernels in a run of the tests: compiling them takes longer than most tests."""

import os

import pytest


@pytest.fixture(scope="session")
def kernels(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of a daemon whose cache outlives its home, the same in every process of the run."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "kernels"
    folder.mkdir(exist_ok=True)
    return {"XDG_CACHE_HOME": str(folder)}
