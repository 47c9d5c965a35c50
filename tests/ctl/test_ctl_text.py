import io
import sys
from pathlib import Path

import pytest

from chatttsd.ctl.exits import CommandError, Exit
from chatttsd.ctl.text import CHARACTERS, check, decode, gather


class Stdin(io.TextIOWrapper):
    """Standard input with these bytes; a terminal when `terminal`."""

    def __init__(self, raw: bytes, terminal: bool = False) -> None:
        super().__init__(io.BytesIO(raw), encoding="utf-8")
        self._terminal = terminal

    def isatty(self) -> bool:
        return self._terminal


@pytest.fixture(autouse=True)
def stdin(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", Stdin("从管道来".encode()))


def refused(words: list[str], file: str | None = None) -> CommandError:
    with pytest.raises(CommandError) as refusal:
        gather(words, file)
    return refusal.value


def test_words_are_joined_by_spaces() -> None:
    assert gather(["Hello", "world"], None) == "Hello world"


@pytest.mark.parametrize(("words", "file"), [(["-"], None), ([], None), ([], "-")])
def test_standard_input_is_read_when_asked_for_or_when_it_is_no_terminal(
    words: list[str], file: str | None
) -> None:
    assert gather(words, file) == "从管道来"


def test_no_text_on_a_terminal_is_a_usage_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", Stdin(b"", terminal=True))
    error = refused([])
    assert error.code is Exit.USAGE
    assert "--file" in str(error)


def test_a_file_is_read_whole(tmp_path: Path) -> None:
    file = tmp_path / "text"
    file.write_text("一\n二\n", encoding="utf-8")
    assert gather([], str(file)) == "一\n二\n"


def test_arguments_and_a_file_together_are_refused(tmp_path: Path) -> None:
    assert refused(["hi"], str(tmp_path / "text")).code is Exit.USAGE


@pytest.mark.parametrize(("name", "told"), [("absent", "No such file"), ("", "Is a directory")])
def test_a_file_that_cannot_be_read_is_named_with_the_cause(name: str, told: str, tmp_path: Path) -> None:
    error = refused([], str(tmp_path / name))
    assert error.code is Exit.USAGE
    assert told in str(error)
    assert str(tmp_path) in str(error)


def test_a_byte_order_mark_is_dropped_once() -> None:
    assert decode("\ufeff\ufeff你".encode(), "x") == "\ufeff你"


@pytest.mark.parametrize(
    ("raw", "offset"), [(b"secret\xff", 6), (b"\xef\xbb\xbfab\xe4\xbd", 5), (b"\x80", 0)]
)
def test_bytes_that_are_not_utf8_are_refused_with_their_offset_and_nothing_of_the_text(
    raw: bytes, offset: int
) -> None:
    with pytest.raises(CommandError) as refusal:
        decode(raw, "notes.txt")
    assert refusal.value.code is Exit.USAGE
    assert str(refusal.value).startswith("notes.txt: not UTF-8: ")
    assert str(refusal.value).endswith(f"at byte offset {offset}")
    assert "secret" not in str(refusal.value)


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf16_is_recognised_and_the_conversion_named(encoding: str) -> None:
    with pytest.raises(CommandError, match="iconv -f UTF-16"):
        decode("\ufeffhello".encode(encoding), "x")


def test_empty_text_is_a_usage_error() -> None:
    with pytest.raises(CommandError, match="nothing to say") as refusal:
        check("", "x")
    assert refusal.value.code is Exit.USAGE


@pytest.mark.parametrize("bad", ["ab\0c", "ab\udcffc"])
def test_what_dbus_cannot_carry_is_refused_with_its_offset(bad: str) -> None:
    with pytest.raises(CommandError, match="at character offset 2") as refusal:
        check(bad, "x")
    assert refusal.value.code is Exit.USAGE


def test_the_longest_text_is_taken_and_one_character_more_is_over_the_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHATTTSD_CONFIG", str(tmp_path / "config.toml"))
    (tmp_path / "config.toml").write_text("")
    assert len(check("字" * CHARACTERS, "x")) == CHARACTERS
    with pytest.raises(CommandError, match="100001 characters, allowed: at most 100000") as refusal:
        check("字" * (CHARACTERS + 1), "x")
    assert refusal.value.code is Exit.LIMIT


def test_a_higher_limit_in_the_configuration_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHATTTSD_CONFIG", str(tmp_path / "config.toml"))
    (tmp_path / "config.toml").write_text("[limits]\ntext_characters = 200000\n")
    assert check("a" * 200_000, "x")
    with pytest.raises(CommandError, match="at most 200000"):
        check("a" * 200_001, "x")


def test_a_broken_configuration_leaves_the_default_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHATTTSD_CONFIG", str(tmp_path / "config.toml"))
    (tmp_path / "config.toml").write_text("not = [toml")
    with pytest.raises(CommandError, match="at most 100000"):
        check("a" * 100_001, "x")


def test_an_endless_input_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chatttsd.ctl.text._BYTES", 10)
    with Path("/dev/zero").open("rb") as endless:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(endless))
        assert refused(["-"]).code is Exit.LIMIT
