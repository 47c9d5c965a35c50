"""The list of voices, before the daemon was ever there and afterwards."""

from pathlib import Path

import pytest

from chatttsd.doors.speechd.voices import VoiceList, built_in, cache_file, filtered, rows
from chatttsd.engine.espeak import EspeakEngine
from chatttsd.platform.paths import cache_directory

TOLD = [("chattts/alder", ["zh", "en"]), ("espeak-ng/en-gb", ["en-GB", "en"])]


def test_before_any_daemon_the_shipped_voices_are_told(tmp_path: Path) -> None:
    listed = VoiceList(tmp_path / "voices.tsv").listed()
    assert ("chattts/alder", "zh-CN", "none") in listed
    assert ("chattts/linden", "en-US", "none") in listed
    assert ("espeak-ng/cmn", "zh", "none") in listed


def test_every_built_in_voice_of_espeak_ng_is_one_that_it_has() -> None:
    engine = EspeakEngine()
    try:
        known = {voice.id: voice.languages for voice in engine.voices()}
    finally:
        engine.close()
    for voice, language, _ in built_in():
        if voice.startswith("espeak-ng/"):
            assert language in known[voice]


def test_every_built_in_voice_of_chattts_is_shipped() -> None:
    import chatttsd.voices

    folder = Path(chatttsd.voices.__file__).parent / "builtin"
    shipped = {f"chattts/{path.stem}" for path in folder.glob("*.txt")}
    assert {voice for voice, _, _ in built_in() if voice.startswith("chattts/")} == shipped


def test_what_the_daemon_told_is_there_after_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "cache" / "voices.tsv"
    VoiceList(path).learn(TOLD)
    assert VoiceList(path).listed() == rows(TOLD)
    assert [entry.name for entry in path.parent.iterdir()] == ["voices.tsv"]


def test_an_empty_list_is_not_learnt(tmp_path: Path) -> None:
    voices = VoiceList(tmp_path / "voices.tsv")
    voices.learn(TOLD)
    voices.learn([])
    assert voices.listed() == rows(TOLD)


@pytest.mark.parametrize("content", [b"", b"a\tb\n", b"\xff\xfe\n", b"a\t\tnone\n", b"\0\t\0\t\0\n"])
def test_a_broken_cache_is_as_none(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "voices.tsv"
    path.write_bytes(content)
    assert VoiceList(path).listed() == built_in()


def test_a_folder_that_cannot_be_written_costs_nothing_but_the_cache(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    voices = VoiceList(tmp_path / "file" / "voices.tsv")
    voices.learn(TOLD)
    assert voices.listed() == rows(TOLD)


def test_names_that_would_break_a_line_are_left_out() -> None:
    assert rows([("a\tb", ["en"]), ("a\nb", ["en"]), ("ok", ["en", "e\nn", ""])]) == [("ok", "en", "none")]


@pytest.mark.parametrize(
    ("language", "variant", "found"),
    [
        ("", "", 3),
        ("en", "", 2),
        ("EN-us", "", 1),
        ("en-GB", "", 0),
        ("zh", "", 1),
        ("z", "", 0),
        ("en", "none", 2),
        ("en", "other", 0),
    ],
)
def test_the_filter_is_that_of_0_12(language: str, variant: str, found: int) -> None:
    listed = [("a", "en-US", "none"), ("b", "en", "none"), ("c", "zh", "none")]
    assert len(filtered(listed, language, variant)) == found


def test_the_cache_is_in_the_folder_of_the_daemons(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_file({"XDG_CACHE_HOME": str(tmp_path)}).parent == cache_directory()
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert cache_file({}).parent == cache_directory()
