"""What may be in a voice file."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatttsd.voices import codec, files, sampling
from chatttsd.voices.codec import AudioPrompt, VoiceError
from chatttsd.voices.files import StoredVoice

SPEAKER = sampling.sample(7)
BARE = codec.encode_speaker(SPEAKER)
PROMPT = AudioPrompt(3, bytes(24))
CODES = codec.encode_prompt(PROMPT)
CLONED = StoredVoice("ada", "Ada", ("zh",), "a recording", prompt=PROMPT, prompt_text="你好。")


def test_a_bare_string_is_a_voice_named_as_the_file() -> None:
    for content in (BARE, f"\ufeff{BARE}\n".removeprefix("\ufeff"), f"\r\n  {BARE}  \r\n\r\n"):
        assert files.parse(content, "ada") == StoredVoice("ada", "ada", speaker=SPEAKER)


def test_comments_tell_name_languages_and_source() -> None:
    content = f"#name:Ada L.\n# Languages: zh-TW , en\n# source: a friend\n# just a remark\n# a: b\n{BARE}\n"
    assert files.parse(content, "x") == StoredVoice("x", "Ada L.", ("zh-TW", "en"), "a friend", SPEAKER)


def test_a_cloned_voice_has_codes_and_their_words_and_maybe_a_speaker() -> None:
    content = f"# name: Ada\n# languages: zh\n# source: a recording\nspk_smp: {CODES}\ntxt_smp: 你好。\n"
    assert files.parse(content, "ada") == CLONED
    assert files.parse(f"{content}spk_emb:{BARE}", "ada") == replace(CLONED, speaker=SPEAKER)


NAMES = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=80)


@given(NAMES, st.sampled_from([("zh",), ("en-GB", "zh")]), st.booleans(), st.booleans())
def test_what_is_written_is_read_again(
    name: str, languages: tuple[str, ...], speaker: bool, cloned: bool
) -> None:
    voice = StoredVoice("x", name, languages, name, speaker=SPEAKER if speaker or not cloned else None)
    if cloned:
        voice = replace(voice, prompt=PROMPT, prompt_text="I said: so it is.")
    assert files.parse(files.render(voice), "x") == voice


BAD = [
    ("", "empty, allowed: a spk_emb string, or spk_smp and txt_smp"),
    ("# name: only\n\n", "empty"),
    (f"{BARE}\n{BARE}", "line 2: a second spk_emb, allowed: one"),
    (f"spk_smp: {CODES}\n\n\nspk_smp: {CODES}", "line 4: a second spk_smp"),
    (f"spk_smp: {CODES}", "spk_smp and txt_smp go together"),
    ("txt_smp: hello.", "spk_smp and txt_smp go together"),
    (f"spk_smp: {CODES}\ntxt_smp: hello", "ends in something else, allowed: 。 or ."),
    (f"spk_smp: {CODES}\ntxt_smp: a [Ptts] b.", r"U\+005B at character 2 of what is said"),
    (f"spk_smp: {CODES}\ntxt_smp: a\tb.", r"U\+0009 at character 1 of what is said"),
    (f"spk_smp: {CODES}\ntxt_smp:", "0 characters said in the recording, allowed: 1 to 500"),
    (f"spk_smp: {CODES}\ntxt_smp: {'a' * 500}.", "501 characters said"),
    (f"spk_smp: {BARE}\ntxt_smp: a.", "codes of "),
    (f"# languages: fr, zh\n{BARE}", "language 'fr', allowed: zh, en"),
    ("This is a letter to somebody.", r"not base16384: U\+0054 at character 0"),
    (f"spk_emb: {CODES}", "LZMA2|values|left over|cut short"),
]


@pytest.mark.parametrize(("content", "reason"), BAD, ids=range(len(BAD)))
def test_what_is_wrong_with_a_file_is_said(content: str, reason: str) -> None:
    with pytest.raises(VoiceError, match=reason):
        files.parse(content, "x")


@given(st.text(max_size=60))
def test_no_message_repeats_the_content(content: str) -> None:
    canary = "canarytext"
    with pytest.raises(VoiceError) as raised:
        files.parse(f"spk_smp: {CODES}\ntxt_smp: {canary}{content}\nspk_emb: {canary}", "x")
    assert canary not in str(raised.value)


@pytest.mark.parametrize("voice_id", ["ada", "Ada", "小明", "a.b-c_d", "9", "é", "x" * 64])
def test_an_id_may_be_any_short_word(voice_id: str) -> None:
    assert files.check_id(voice_id) == voice_id


BAD_IDS = [
    ("", "a name of 0 characters, allowed: 1 to 64"),
    ("x" * 65, "a name of 65 characters"),
    ("a b", r"U\+0020 at character 1 of the name, allowed: letters, digits"),
    (".hidden", r"U\+002E at character 0"),
    ("-rf", r"U\+002D at character 0"),
    ("../x", r"U\+002E at character 0"),
    ("a/b", r"U\+002F at character 1"),
    ("a\n", r"U\+000A at character 1"),
    ("a\udcff", r"U\+DCFF at character 1"),
    ("e\u0301", r"U\+0301 at character 1"),
]


@pytest.mark.parametrize(("voice_id", "reason"), BAD_IDS)
def test_what_is_wrong_with_an_id_is_said(voice_id: str, reason: str) -> None:
    with pytest.raises(VoiceError, match=reason):
        files.check_id(voice_id)


def test_a_file_is_written_whole_private_and_without_leftovers(tmp_path: Path) -> None:
    path = tmp_path / "new" / "ada.txt"
    files.write(path, replace(CLONED, name="first"))
    files.write(path, CLONED)
    assert files.read(path, "ada") == CLONED
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert list(path.parent.iterdir()) == [path]


def test_a_file_that_cannot_get_its_name_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "ada.txt").mkdir()
    with pytest.raises(IsADirectoryError):
        files.write(tmp_path / "ada.txt", CLONED)
    assert list(tmp_path.iterdir()) == [tmp_path / "ada.txt"]


def test_neither_voice_nor_words_are_in_a_repr() -> None:
    shown = repr(replace(CLONED, speaker=SPEAKER))
    assert "你好" not in shown
    assert "\\x" not in shown
    assert "speaker" not in shown
