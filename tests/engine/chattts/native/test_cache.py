"""Compiled kernels are kept, damage is seen, what is old goes, an unwritable folder stops nothing."""

import os
import threading
from pathlib import Path

import pytest

from chatttsd.engine.chattts.native import cache

VARIABLE = "NUMBA_CACHE_DIR"


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "as it was")


def filled(folder: Path) -> Path:
    """Prepare a folder, put two files there, seal it."""
    kept = cache.prepare(folder)
    assert kept is not None
    (kept / "module").mkdir()
    for name in ("module/a.nbi", "module/b.nbc"):
        (kept / name).write_bytes(name.encode())
    cache.seal(kept)
    return kept


def names(kept: Path) -> list[str]:
    return sorted(path.name for path in kept.rglob("*") if path.is_file())


def test_numba_is_told_the_folder(tmp_path: Path) -> None:
    kept = cache.prepare(tmp_path / "cache" / "numba")
    assert kept is not None
    assert kept.is_dir()
    assert os.environ[VARIABLE] == str(kept)


def test_what_was_sealed_is_kept(tmp_path: Path) -> None:
    kept = filled(tmp_path)
    assert cache.prepare(tmp_path) == kept
    assert names(kept) == ["a.nbi", "b.nbc", cache.SUMS]


def test_a_changed_byte_empties_the_folder(tmp_path: Path) -> None:
    kept = filled(tmp_path)
    (kept / "module" / "b.nbc").write_bytes(b"module/b.nbx")
    assert cache.prepare(tmp_path) == kept
    assert names(kept) == []


@pytest.mark.parametrize("name", ["module/a.nbi", cache.SUMS])
def test_a_truncated_or_missing_file_empties_the_folder(tmp_path: Path, name: str) -> None:
    kept = filled(tmp_path)
    (kept / name).write_bytes(b"")
    cache.prepare(tmp_path)
    assert names(kept) == []
    kept = filled(tmp_path / "other")
    (kept / name).unlink()
    cache.prepare(tmp_path / "other")
    assert names(kept) == []


def test_a_file_that_was_never_sealed_empties_the_folder(tmp_path: Path) -> None:
    kept = filled(tmp_path)
    (kept / "module" / "half-written.nbc").write_bytes(b"x")
    cache.prepare(tmp_path)
    assert names(kept) == []


def test_sums_that_are_no_text_empty_the_folder(tmp_path: Path) -> None:
    kept = filled(tmp_path)
    (kept / cache.SUMS).write_bytes(b"\xff\x00" * 20)
    cache.prepare(tmp_path)
    assert names(kept) == []


def test_other_versions_are_removed(tmp_path: Path) -> None:
    (tmp_path / "0123456789abcdef" / "module").mkdir(parents=True)
    (tmp_path / "tmp-left-over").write_text("x")
    kept = cache.prepare(tmp_path)
    assert list(tmp_path.iterdir()) == [kept]


def test_a_path_that_is_no_folder_means_that_nothing_is_kept(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    assert cache.prepare(tmp_path / "file") is None
    assert VARIABLE not in os.environ


def test_sealing_a_folder_that_is_gone_is_no_error(tmp_path: Path) -> None:
    cache.seal(tmp_path / "gone" / "too")


def test_only_one_process_at_a_time_has_the_folder(tmp_path: Path) -> None:
    with cache.alone(tmp_path / "new") as one, cache.alone(tmp_path / "new", longest_wait=0) as other:
        assert (one, other) == (True, False)
    with cache.alone(tmp_path / "new", longest_wait=0) as third:
        assert third


def test_the_lock_is_waited_for(tmp_path: Path) -> None:
    entered = threading.Event()
    order: list[str] = []

    def hold() -> None:
        with cache.alone(tmp_path) as mine:
            entered.set()
            other.join(0.2)
            order.append(f"first {mine}")

    def wait() -> None:
        entered.wait()
        with cache.alone(tmp_path) as mine:
            order.append(f"second {mine}")

    other = threading.Thread(target=wait)
    other.start()
    hold()
    other.join()
    assert order == ["first True", "second True"]


def test_the_lock_is_no_old_version(tmp_path: Path) -> None:
    with cache.alone(tmp_path):
        kept = cache.prepare(tmp_path)
        assert sorted(path.name for path in tmp_path.iterdir()) == sorted(
            [cache.LOCK, str(kept and kept.name)]
        )


def test_where_no_lock_can_be_made_nobody_waits(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with cache.alone(tmp_path / "file") as mine:
        assert mine


@pytest.mark.parametrize("missing", ["sampler.py", "jitted_sampler.py"])
def test_another_sampler_is_another_version(missing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    before = cache._key()
    monkeypatch.setattr(cache, "_BESIDE", tuple(name for name in cache._BESIDE if name != missing))
    assert cache._key() != before
