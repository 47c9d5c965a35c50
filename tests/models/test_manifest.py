"""The packaged manifest is upstream's list; a directory's own manifest wins; faults name file and entry."""

import importlib.util
import json
from pathlib import Path

import pytest

from chatttsd.models.manifest import ModelFilesError, load_manifest

SHA = "0" * 64
LICENCE = '[licence]\nname = "n"\nurl = "u"\nterms = "t"\n'


def own(folder: Path, files: str, head: str = 'name = "x"\ndescription = "d"\n') -> Path:
    path = folder / "manifest.toml"
    path.write_text(f"{head}{LICENCE}{files}")
    return path


def entry(path: str, more: str = "", sha: str = SHA) -> str:
    return f'[[files]]\npath = "{path}"\nsha256 = "{sha}"\n{more}\n'


def test_the_packaged_hashes_are_those_of_upstreams_own_list() -> None:
    found = importlib.util.find_spec("ChatTTS")
    assert found is not None
    assert found.origin is not None
    listed = json.loads((Path(found.origin).parent / "res" / "sha256_map.json").read_text())
    packaged = {
        "sha256_" + file.path.replace("/", "_").replace(".", "_"): file.sha256
        for file in load_manifest().files
    }
    assert packaged == listed


def test_the_packaged_manifest_spells_out_the_licence() -> None:
    manifest = load_manifest()
    assert manifest.licence.name == "CC BY-NC 4.0"
    assert manifest.licence.url == "https://creativecommons.org/licenses/by-nc/4.0/"
    assert "NonCommercial: not for" in manifest.licence.terms
    assert "academic purposes only" in manifest.licence.disclaimer
    assert "MP3" in manifest.licence.disclaimer


def test_the_packaged_manifest_names_the_hub_and_the_known_size() -> None:
    manifest = load_manifest()
    assert manifest.repository == "2Noise/ChatTTS"
    assert {file.path: file.size for file in manifest.files if file.size} == {"asset/gpt/config.json": 762}
    assert len(manifest.files) == 9


def test_the_packaged_manifest_is_the_one_in_the_models_folder() -> None:
    root = Path(__file__).parents[2]
    link = root / "daemon" / "chatttsd" / "models" / "manifest.toml"
    assert link.is_symlink()
    assert link.resolve() == root / "models" / "manifest.toml"


def test_a_directorys_own_manifest_wins(tmp_path: Path) -> None:
    own(tmp_path, entry("asset/a", "size = 3"))
    manifest = load_manifest(tmp_path)
    assert (manifest.name, manifest.repository, manifest.revision) == ("x", "", "main")
    assert [(file.path, file.size, file.sha256) for file in manifest.files] == [("asset/a", 3, SHA)]


@pytest.mark.parametrize("there", [True, False])
def test_a_directory_without_its_own_has_the_packaged_one(there: bool, tmp_path: Path) -> None:
    assert load_manifest(tmp_path if there else tmp_path / "absent") == load_manifest()


def test_a_manifest_file_that_is_named_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(ModelFilesError, match=r"other\.toml: No such file"):
        load_manifest(tmp_path / "other.toml")


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ("", "'files' is missing"),
        ("files = []\n", "files: got none"),
        (entry("a") + entry("a"), "one path twice"),
        (entry("/etc/passwd"), "allowed: a path inside the model directory"),
        (entry("asset/../../a"), "allowed: a path inside the model directory"),
        (entry("a", sha="AB"), "a: sha256: allowed: 64 hexadecimal digits"),
        (entry("a", "size = -1"), "a: size: got -1"),
        (entry("a", "size = true"), "a: size: got True"),
        (entry("a", "sized = 1"), "sized"),
        ("[[files]\n", "not valid TOML"),
    ],
)
def test_a_manifest_that_is_wrong_is_named_with_its_fault(files: str, told: str, tmp_path: Path) -> None:
    head = 'name = "x"\ndescription = "d"\n'
    path = own(tmp_path, "" if files == "files = []\n" else files, head + files * (files == "files = []\n"))
    with pytest.raises(ModelFilesError) as caught:
        load_manifest(tmp_path)
    assert str(caught.value).startswith(f"{path}: ")
    assert told in str(caught.value)


def test_a_manifest_that_is_not_utf8_is_named(tmp_path: Path) -> None:
    (tmp_path / "manifest.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(ModelFilesError, match="not UTF-8"):
        load_manifest(tmp_path)
