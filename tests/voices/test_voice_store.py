"""The voices of a folder: which are found, which are broken and why, and what is read again."""

import os
import socket
from pathlib import Path

import pytest
import torch

from chatttsd.voices import codec, files, sampling
from chatttsd.voices.files import StoredVoice
from chatttsd.voices.store import MOST_FILES, BrokenFile, VoiceStore

BUILT_IN = ["alder", "birch", "cedar", "hazel", "linden"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "voices"
    made.mkdir()
    return made


@pytest.fixture
def store(folder: Path) -> VoiceStore:
    return VoiceStore(folder)


def put(path: Path, seed: int = 1) -> Path:
    path.write_text(codec.encode_speaker(sampling.sample(seed)))
    return path


def ids(store: VoiceStore) -> list[str]:
    return [voice.id for voice in store.scan().voices]


def reasons(store: VoiceStore) -> dict[str, str]:
    return {broken.file: broken.reason for broken in store.scan().broken}


def test_without_a_folder_there_are_the_built_in_voices(tmp_path: Path) -> None:
    for place in (tmp_path / "missing" / "voices", put(tmp_path / "a file") / "voices"):
        scan = VoiceStore(place).scan()
        assert [voice.id for voice in scan.voices] == BUILT_IN
        assert scan.broken == ()
        assert all(voice.built_in and voice.languages == ("zh", "en") for voice in scan.voices)


def test_text_and_tensor_files_are_found_and_others_are_not(folder: Path, store: VoiceStore) -> None:
    put(folder / "ada.txt", 3)
    torch.save(torch.full((768,), 0.5), folder / "小明.pt")
    for name in (".ada.txt", "ada.txt~", "notes.md", ".x.swp", "ada.TXT", "txt"):
        (folder / name).write_text("no voice")
    (folder / "sub").mkdir()
    put(folder / "sub" / "deep.txt")
    scan = store.scan()
    mine = {voice.id: voice for voice in scan.voices if not voice.built_in}
    assert (sorted(mine), scan.broken) == (["ada", "小明"], ())
    assert mine["ada"].speaker == sampling.sample(3)
    assert codec.speaker_values(mine["小明"].speaker or b"") == (0.5,) * 768


def test_the_users_file_wins_over_a_built_in_voice(folder: Path, store: VoiceStore) -> None:
    put(folder / "alder.txt", 99)
    assert ids(store) == BUILT_IN
    alder = store.find("alder")
    assert alder is not None
    assert (alder.built_in, alder.speaker) == (False, sampling.sample(99))
    (folder / "alder.txt").unlink()
    assert store.find("alder") == store.built_in()[0]
    assert store.find("nobody") is None


def test_every_change_of_a_users_file_has_another_stamp(folder: Path, store: VoiceStore) -> None:
    assert store.stamps("alder") == (), "a built-in voice never changes"
    seen = {()} | {store.stamps("ada") for _ in range(2)}
    file = put(folder / "ada.txt", 1)
    for change in (lambda: None, lambda: put(file, 2), lambda: put(folder / "new").rename(file)):
        change()
        assert store.stamps("ada") == store.stamps("ada")
        seen.add(store.stamps("ada"))
    (folder / "ada.pt").touch()
    seen.add(store.stamps("ada"))
    assert len(seen) == 5
    file.unlink()
    file.symlink_to(folder / "nowhere")
    with pytest.raises(FileNotFoundError):
        store.stamps("ada")


def test_a_broken_file_does_not_hide_the_built_in_voice(folder: Path, store: VoiceStore) -> None:
    (folder / "alder.txt").write_text("broken")
    assert ids(store) == BUILT_IN
    assert list(reasons(store)) == ["alder.txt"]


def test_of_two_files_with_one_name_the_text_is_used(folder: Path, store: VoiceStore) -> None:
    put(folder / "ada.txt", 3)
    torch.save(torch.full((768,), 0.5), folder / "ada.pt")
    ada = store.find("ada")
    assert ada is not None
    assert ada.speaker == sampling.sample(3)
    assert reasons(store) == {"ada.pt": "ada.txt has the same name and is used"}
    (folder / "ada.txt").write_text("broken")
    ada = store.find("ada")
    assert ada is not None
    assert codec.speaker_values(ada.speaker or b"")[0] == 0.5


def test_each_broken_file_is_told_with_its_reason(folder: Path, store: VoiceStore) -> None:
    (folder / "empty.txt").touch()
    (folder / "latin.txt").write_bytes(b"caf\xe9")
    (folder / "big.txt").write_bytes(b"#" * (files.LARGEST + 1))
    (folder / "pickle.pt").write_bytes(b"\x80\x02.")
    put(folder / "a b.txt")
    put(folder / os.fsdecode(b"raw\xff.txt"))
    put(folder / "two\nlines.txt")
    (folder / "gone.txt").symlink_to("nowhere")
    (folder / "folder.txt").mkdir()
    os.mkfifo(folder / "fifo.txt")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(folder / "s.txt"))
        found = reasons(store)
    name = "of the name, allowed: letters, digits, and after the first - _ ."
    assert found == {
        "empty.txt": "empty, allowed: a spk_emb string, or spk_smp and txt_smp",
        "latin.txt": "not UTF-8 at byte 3",
        "big.txt": "larger than 1 MiB",
        "pickle.pt": "not a ZIP archive, allowed: a tensor saved with torch.save of torch 1.6 or later",
        "a b.txt": f"U+0020 at character 1 {name}",
        "raw?.txt": f"U+DCFF at character 3 {name}",
        "two?lines.txt": f"U+000A at character 3 {name}",
        "gone.txt": "a link to a file that is not there",
        "folder.txt": "not a regular file",
        "fifo.txt": "not a regular file",
        "s.txt": "not a regular file",
    }
    assert ids(store) == BUILT_IN


def test_a_link_to_a_device_is_not_opened(folder: Path, store: VoiceStore) -> None:
    (folder / "zero.txt").symlink_to("/dev/zero")
    assert reasons(store) == {"zero.txt": "not a regular file"}


def test_a_link_to_a_file_is_a_voice(folder: Path, store: VoiceStore, tmp_path: Path) -> None:
    (folder / "linked.txt").symlink_to(put(tmp_path / "elsewhere"))
    assert "linked" in ids(store)


def test_a_folder_in_a_circle_of_links_is_told(tmp_path: Path) -> None:
    (tmp_path / "voices").symlink_to(tmp_path / "voices")
    assert reasons(VoiceStore(tmp_path / "voices")) == {"voices": "Too many levels of symbolic links"}


def test_a_file_that_has_not_changed_is_not_read_again(folder: Path, store: VoiceStore) -> None:
    put(folder / "ada.txt")
    (folder / "bad.txt").write_text("broken")
    first = store.scan()
    second = store.scan()
    assert second == first
    ada = [next(voice for voice in scan.voices if voice.id == "ada") for scan in (first, second)]
    assert ada[0] is ada[1]
    assert first.broken[0] is second.broken[0]


def test_a_change_is_seen_even_with_the_old_size_and_time(folder: Path, store: VoiceStore) -> None:
    length = len(codec.encode_speaker(sampling.sample(1)))
    other = next(n for n in range(2, 999) if len(codec.encode_speaker(sampling.sample(n))) == length)
    path = put(folder / "ada.txt", 1)
    store.scan()
    status = path.stat()
    put(path, other)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert path.stat().st_size == status.st_size
    ada = store.find("ada")
    assert ada is not None
    assert ada.speaker == sampling.sample(other)


def test_a_broken_file_that_was_changed_and_is_still_broken_is_another(
    folder: Path, store: VoiceStore
) -> None:
    path = folder / "bad.txt"
    path.write_text("broken")
    (first,) = store.scan().broken
    assert store.scan().broken == (first,)
    path.write_text("bowling")
    (second,) = store.scan().broken
    assert isinstance(second, BrokenFile)
    assert second != first


def test_more_files_than_a_client_can_take_are_not_all_read(folder: Path, store: VoiceStore) -> None:
    for number in range(MOST_FILES + 1):
        (folder / f"v{number:03}.txt").touch()
    found = reasons(store)
    assert found["voices"] == f"{MOST_FILES + 1} voice files, of which {MOST_FILES} are read"
    assert "v511.txt" in found
    assert "v512.txt" not in found


def test_the_files_of_an_id_are_told_also_when_they_are_broken(folder: Path, store: VoiceStore) -> None:
    (folder / "ada.pt").symlink_to("nowhere")
    put(folder / "ada.txt")
    assert store.paths("ada") == (folder / "ada.txt", folder / "ada.pt")
    assert store.paths("alder") == ()


def test_a_built_in_voice_is_shown_as_one() -> None:
    (voice, *_) = VoiceStore(Path("/nonexistent")).built_in()
    assert isinstance(voice, StoredVoice)
    assert (voice.id, voice.name, voice.built_in) == ("alder", "Alder", True)
    assert voice.source.endswith("seed 1; not yet listened to")
