"""One place for compiled kernels in a run of the tests: compiling them takes longer than most tests."""

import pytest


@pytest.fixture(scope="session")
def kernels(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of a daemon whose cache outlives its home."""
    return {"XDG_CACHE_HOME": str(tmp_path_factory.mktemp("kernels"))}
