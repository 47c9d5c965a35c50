"""Whoever hears why a model cannot be used hears what is wrong, with which file, and what mends it."""

import hashlib
from dataclasses import dataclass
from errno import EACCES, EIO, EMFILE
from pathlib import Path

import pytest

from chatttsd.models.check import check_model
from chatttsd.models.fault import (
    MISSING,
    PARTLY,
    Fault,
    FileFaultError,
    no_model,
    sentence,
    unreadable,
    wrong_hash,
    wrong_length,
)
from chatttsd.models.manifest import Licence, Manifest, ModelFilesError, load_manifest

CHATTTS = load_manifest()
MADE_BY_HAND = Manifest("x", "d", Licence("n", "u", "t"), CHATTTS.files)
FETCH = "chatttsctl models fetch mends it"


@dataclass(frozen=True)
class Case:
    fault: Fault
    said: str
    fetched: str = FETCH
    made: str = "make or copy this model again"


CASES = [
    Case(MISSING, "missing"),
    Case(PARTLY, "fetched only in part"),
    Case(wrong_length(3, 500), "cut short"),
    Case(wrong_length(501, 500), "too long"),
    Case(wrong_hash("a" * 64, "b" * 64), "damaged"),
    Case(unreadable(FileNotFoundError(2, "No such file")), "missing"),
    Case(unreadable(OSError(EIO, "Input/output error")), "unreadable"),
    Case(
        unreadable(PermissionError(EACCES, "Permission denied")),
        "unreadable: Permission denied",
        *["the daemon's user must be allowed to read it"] * 2,
    ),
    Case(no_model("tensor x is missing"), "not of a ChatTTS model", *["make or choose another model"] * 2),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case.fault))
def test_a_fault_is_told_in_plain_words_that_end_with_what_mends_it(case: Case) -> None:
    error = FileFaultError(Path("/models"), "asset/a", case.fault)
    assert sentence(error, CHATTTS) == f"the model's file asset/a is {case.said} ({case.fetched})"
    assert sentence(error, MADE_BY_HAND) == f"the model's file asset/a is {case.said} ({case.made})"


def test_what_no_other_copy_mends_sends_nobody_to_get_one() -> None:
    error = FileFaultError(Path("/models"), "asset/a", unreadable(OSError(EMFILE, "Too many open files")))
    assert sentence(error, CHATTTS) == "the model's file asset/a is unreadable: Too many open files"


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (wrong_length(3, 500), "cut short: 3 bytes, should be 500"),
        (wrong_hash("a" * 64, "b" * 64), "damaged: sha256 is aaaaaaaaaaaa…, should be bbbbbbbbbbbb…"),
        (MISSING, "missing"),
    ],
)
def test_who_verifies_a_model_gets_the_figures_too(fault: Fault, told: str) -> None:
    assert str(FileFaultError(Path("/models"), "asset/a", fault)) == f"/models/asset/a: {told}"


def told_of(folder: Path) -> str:
    with pytest.raises(ModelFilesError) as caught:
        check_model(folder)
    return str(caught.value)


def test_a_model_from_the_hub_that_is_not_whole_is_mended_by_fetching(tmp_path: Path) -> None:
    first = tmp_path / CHATTTS.files[0].path
    first.parent.mkdir(parents=True)
    assert told_of(tmp_path) == f"the model's file {CHATTTS.files[0].path} is missing ({FETCH})"


def test_a_list_of_files_that_is_broken_is_told_with_what_mends_it(tmp_path: Path) -> None:
    (tmp_path / "manifest.toml").write_text("name = 3\n")
    wrong = "manifest.toml: 'files' is missing"
    assert told_of(tmp_path) == f"the list of the model's files is wrong: {wrong} (mend or remove it)"


def test_a_whole_file_of_something_else_sends_nobody_to_fetch(tmp_path: Path) -> None:
    content = b'{"num_hidden_layers": 0}'
    config = tmp_path / "asset/gpt/config.json"
    config.parent.mkdir(parents=True)
    config.write_bytes(content)
    digest = hashlib.sha256(content).hexdigest()
    (tmp_path / "manifest.toml").write_text(
        f'name = "x"\ndescription = "d"\nrepository = "a/b"\n[licence]\nname = "n"\nurl = "u"\nterms = "t"\n'
        f'[[files]]\npath = "asset/gpt/config.json"\nsha256 = "{digest}"\n'
    )
    said = "is not of a ChatTTS model (make or choose another model)"
    assert told_of(tmp_path) == f"the model's file asset/gpt/config.json {said}"
