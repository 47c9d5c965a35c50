"""Every fault of a model's files is found and named; what did not change is not read again."""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from chatttsd.models.check import check_files, verdicts
from chatttsd.models.fault import MISSING
from chatttsd.models.manifest import PART, Licence, Manifest, ModelFile, ModelFilesError, load_manifest
from chatttsd.models.stamps import NAME
from support.changing import change_in_secret

A, B = b"first file" * 1000, b"second file" * 1000
LICENCE = Licence("n", "u", "t")


def file_of(path: str, data: bytes, sized: bool = True) -> ModelFile:
    return ModelFile(path, hashlib.sha256(data).hexdigest(), len(data) if sized else None)


@pytest.fixture
def manifest() -> Manifest:
    return Manifest("x", "d", LICENCE, (file_of("asset/a", A), file_of("asset/deep/b", B, sized=False)))


@pytest.fixture
def model(tmp_path: Path) -> Path:
    folder = tmp_path / "model"
    (folder / "asset" / "deep").mkdir(parents=True)
    (folder / "asset" / "a").write_bytes(A)
    (folder / "asset" / "deep" / "b").write_bytes(B)
    return folder


def fault(model: Path, manifest: Manifest, full: bool = False) -> str:
    with pytest.raises(ModelFilesError) as caught:
        check_files(model, manifest, full=full)
    return str(caught.value)


def hashed(model: Path, manifest: Manifest, full: bool = False) -> list[str]:
    return [each.file.path for each in verdicts(model, manifest, full=full) if each.hashed]


def change(path: Path, data: bytes) -> None:
    """Write other content of the same length at the same time stamp's next tick."""
    before = path.stat()
    path.write_bytes(data)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns + 1))


@pytest.mark.parametrize("full", [True, False])
def test_a_whole_model_passes(full: bool, model: Path, manifest: Manifest) -> None:
    check_files(model, manifest, full=full)


def test_a_missing_directory_is_named(tmp_path: Path, manifest: Manifest) -> None:
    assert fault(tmp_path / "no", manifest) == f"{tmp_path / 'no'}: the model directory is missing"


def test_a_file_in_the_directorys_place_is_named(tmp_path: Path, manifest: Manifest) -> None:
    (tmp_path / "no").write_bytes(b"")
    assert fault(tmp_path / "no", manifest) == f"{tmp_path / 'no'}: not a directory"


@pytest.mark.parametrize("full", [True, False])
def test_a_missing_file_is_named(full: bool, model: Path, manifest: Manifest) -> None:
    (model / "asset" / "deep" / "b").unlink()
    assert fault(model, manifest, full) == f"{model / 'asset' / 'deep' / 'b'}: missing"


def test_a_file_that_is_being_fetched_is_told_from_one_that_is_missing(
    model: Path, manifest: Manifest
) -> None:
    path = model / "asset" / "a"
    path.rename(path.with_name(f"a{PART}"))
    assert fault(model, manifest) == f"{path}: fetched only in part"


def test_a_truncated_file_is_named_with_both_sizes(model: Path, manifest: Manifest) -> None:
    os.truncate(model / "asset" / "a", 9999)
    assert fault(model, manifest) == f"{model / 'asset' / 'a'}: cut short: 9999 bytes, should be 10000"


def test_a_file_that_is_too_long_is_named(model: Path, manifest: Manifest) -> None:
    os.truncate(model / "asset" / "a", 10_001)
    assert fault(model, manifest) == f"{model / 'asset' / 'a'}: too long: 10001 bytes, should be 10000"


@pytest.mark.parametrize("full", [True, False])
def test_one_changed_byte_is_found_and_both_hashes_are_told(
    full: bool, model: Path, manifest: Manifest
) -> None:
    wrong = B[:-1] + b"!"
    change(model / "asset" / "deep" / "b", wrong)
    told = fault(model, manifest, full)
    assert told.startswith(f"{model / 'asset' / 'deep' / 'b'}: damaged: sha256 is ")
    assert hashlib.sha256(wrong).hexdigest()[:12] in told
    assert hashlib.sha256(B).hexdigest()[:12] in told


def test_a_file_that_cannot_be_read_is_named_with_the_reason(model: Path, manifest: Manifest) -> None:
    (model / "asset" / "deep" / "b").unlink()
    (model / "asset" / "deep" / "b").symlink_to("/proc/self/mem")
    assert fault(model, manifest) == f"{model / 'asset' / 'deep' / 'b'}: unreadable: Input/output error"


def test_a_file_without_permission_is_named(model: Path) -> None:
    (model / "asset" / "a").chmod(0)
    code = """
import os, sys
from pathlib import Path
from chatttsd.models.check import check_files
from chatttsd.models.manifest import Licence, Manifest, ModelFile, ModelFilesError
if os.geteuid() == 0:
    os.seteuid(65534)
try:
    check_files(Path("."), Manifest("x", "d", Licence("", "", ""), (ModelFile("asset/a", "0" * 64),)))
except ModelFilesError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=model, capture_output=True, text=True, check=True)
    assert done.stdout == "asset/a: unreadable: Permission denied\n"


def test_all_faults_are_told_where_all_verdicts_are_asked_for(model: Path, manifest: Manifest) -> None:
    os.truncate(model / "asset" / "a", 1)
    (model / "asset" / "deep" / "b").write_bytes(b"other")
    found = verdicts(model, manifest, full=True)
    assert [each.file.path for each in found] == ["asset/a", "asset/deep/b"]
    assert [each.fault and each.fault.said for each in found] == ["cut short", "damaged"]


def test_what_did_not_change_is_not_read_again(model: Path, manifest: Manifest) -> None:
    assert hashed(model, manifest) == ["asset/a", "asset/deep/b"]
    assert hashed(model, manifest) == []
    assert hashed(model, manifest, full=True) == ["asset/a", "asset/deep/b"]


def test_only_a_file_that_changed_is_read_again(model: Path, manifest: Manifest) -> None:
    check_files(model, manifest)
    change(model / "asset" / "a", A)
    assert hashed(model, manifest) == ["asset/a"]


def test_a_file_that_was_exchanged_is_read_again_even_at_equal_size_and_time(
    model: Path, manifest: Manifest
) -> None:
    check_files(model, manifest)
    path = model / "asset" / "a"
    before = path.stat()
    (model / "new").write_bytes(b"!" * len(A))
    os.utime(model / "new", ns=(before.st_atime_ns, before.st_mtime_ns))
    (model / "new").replace(path)
    assert "sha256 is " in fault(model, manifest)


def test_a_byte_that_changed_is_found_although_size_time_and_inode_are_the_same(
    model: Path, manifest: Manifest
) -> None:
    check_files(model, manifest)
    change_in_secret(model / "asset" / "a", A[:-1] + b"!")
    assert "damaged: sha256 is " in fault(model, manifest)


def test_a_stamp_of_an_earlier_version_is_checked_again(model: Path, manifest: Manifest) -> None:
    check_files(model, manifest)
    stamps = json.loads((model / NAME).read_text())
    for stamp in stamps.values():
        del stamp["ctime_ns"]
    (model / NAME).write_text(json.dumps(stamps))
    assert hashed(model, manifest) == ["asset/a", "asset/deep/b"]
    assert hashed(model, manifest) == []


def test_another_manifest_makes_a_stamp_worthless(model: Path, manifest: Manifest) -> None:
    check_files(model, manifest)
    other = Manifest("x", "d", LICENCE, (ModelFile("asset/a", "0" * 64), manifest.files[1]))
    assert "should be 000000000000" in fault(model, other)


def test_a_wrong_file_gets_no_stamp(model: Path, manifest: Manifest) -> None:
    change(model / "asset" / "deep" / "b", B[:-1] + b"!")
    fault(model, manifest)
    assert list(json.loads((model / NAME).read_text())) == ["asset/a"]
    assert "sha256 is " in fault(model, manifest)


@pytest.mark.parametrize("content", [b"{", b"[]", b"\xff", b'{"asset/a": 3}'])
def test_a_stamp_file_that_is_broken_is_made_again(content: bytes, model: Path, manifest: Manifest) -> None:
    (model / NAME).write_bytes(content)
    assert hashed(model, manifest) == ["asset/a", "asset/deep/b"]
    assert hashed(model, manifest) == []


def test_a_directory_that_takes_no_stamp_is_checked_all_the_same(model: Path, manifest: Manifest) -> None:
    (model / NAME).mkdir()
    (model / NAME / "x").write_bytes(b"")
    check_files(model, manifest)
    assert hashed(model, manifest) == ["asset/a", "asset/deep/b"]
    assert {path.name for path in model.iterdir()} == {"asset", NAME}


def test_nothing_is_read_when_a_file_is_missing_anyway(model: Path, manifest: Manifest) -> None:
    (model / "asset" / "deep" / "b").unlink()
    assert [(each.hashed, each.fault) for each in verdicts(model, manifest)] == [
        (False, None),
        (False, MISSING),
    ]


def test_progress_goes_up_to_all_bytes(model: Path, manifest: Manifest) -> None:
    told: list[tuple[int, int]] = []
    check_files(model, manifest, progress=lambda done, total: told.append((done, total)), full=True)
    assert told == sorted(told)
    assert told[-1] == (len(A) + len(B), len(A) + len(B))


def test_checking_imports_neither_torch_nor_numpy() -> None:
    code = "import sys, chatttsd.models.check; print({'torch', 'numpy'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


@pytest.mark.timeout(20)
@pytest.mark.parametrize("name", ["asset/a", "manifest.toml", ".verified.json"])
def test_a_fifo_in_the_place_of_a_file_is_never_waited_for(
    name: str, model: Path, manifest: Manifest
) -> None:
    check_files(model, manifest)
    (model / name).unlink(missing_ok=True)
    os.mkfifo(model / name)
    if name == "asset/a":
        assert fault(model, manifest) == f"{model / name}: unreadable: not a regular file"
    elif name == "manifest.toml":
        with pytest.raises(ModelFilesError, match=r"manifest\.toml: not a regular file$"):
            load_manifest(model)
    else:
        check_files(model, manifest)
