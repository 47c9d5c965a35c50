"""`chatttsctl speechd install` and `remove` on odd files: nothing hangs, and every byte comes back."""

import os
import pwd
from pathlib import Path

import pytest

from chatttsd.ctl.exits import CommandError
from chatttsd.ctl.speechd.configuration import Choices
from chatttsd.ctl.speechd.places import Places, places
from chatttsd.ctl.speechd.setup import Setup

NAMED = b'Include "clients/*.conf"\nAddModule "rhvoice" "sd_rhvoice" "rhvoice.conf"\n'
ZH = Choices(languages={"zh": "chattts", "en": "espeak-ng"})


@pytest.fixture
def where(tmp_path: Path) -> Places:
    system = tmp_path / "etc"
    system.mkdir()
    (system / "speechd.conf").write_bytes(b"LogLevel 3\n")
    return Places(tmp_path / "share", tmp_path / "config", tmp_path / "run", system)


@pytest.fixture
def setup(where: Places, tmp_path: Path) -> Setup:
    return Setup(where, tmp_path / "sd_chattts")


def own(where: Places, content: bytes) -> Path:
    """Give the user a speechd.conf."""
    where.user_config.parent.mkdir(parents=True, exist_ok=True)
    where.user_config.write_bytes(content)
    return where.user_config


@pytest.mark.parametrize("pattern", [b"/", b"a**b", b"..", b"\xff", b"*/../nobody/*.conf"])
def test_an_include_that_names_no_file_is_no_obstacle(setup: Setup, where: Places, pattern: bytes) -> None:
    content = b'Include "' + pattern + b'"\n' + NAMED
    path = own(where, content)
    setup.configure(None)
    assert b'\nAddModule "chattts"' in path.read_bytes()
    setup.restore()
    assert path.read_bytes() == content


def test_an_include_that_cannot_be_read_is_left_out(setup: Setup, where: Places) -> None:
    (where.system / "clients").mkdir()
    (where.system / "clients" / "loop.conf").symlink_to("loop.conf")
    (where.system / "clients" / "folder.conf").mkdir()
    own(where, NAMED)
    assert setup.configure(None).path == where.user_config


@pytest.mark.timeout(10)
@pytest.mark.parametrize("filling", [b"\n" * 200_000, b" " * 200_000 + b"\n", b"AddModule\n" * 50_000])
def test_a_file_of_nothing_much_takes_no_time(setup: Setup, where: Places, filling: bytes) -> None:
    path = own(where, filling + NAMED)
    setup.configure(None)
    setup.restore()
    assert path.read_bytes() == filling + NAMED


def test_a_block_that_an_editor_gave_other_line_ends_is_still_taken_out(setup: Setup, where: Places) -> None:
    path = own(where, NAMED)
    setup.configure(ZH)
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert setup.restore().edited
    assert path.read_bytes() == NAMED.replace(b"\n", b"\r\n")


def test_a_block_with_a_comment_in_an_old_encoding_is_still_taken_out(setup: Setup, where: Places) -> None:
    path = own(where, NAMED)
    setup.configure(ZH)
    path.write_bytes(
        path.read_bytes().replace(b"LanguageDefaultModule", b"# caf\xe9\nLanguageDefaultModule", 1)
    )
    setup.configure(None)
    setup.restore()
    assert path.read_bytes() == NAMED


def test_other_line_ends_do_not_lose_the_choices(setup: Setup, where: Places) -> None:
    path = own(where, NAMED)
    setup.configure(ZH)
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    setup.configure(None)
    assert path.read_bytes().count(b'LanguageDefaultModule "zh" "chattts"\n') == 1
    setup.restore()
    assert path.read_bytes() == NAMED.replace(b"\n", b"\r\n")


def test_a_home_that_is_not_absolute_is_refused_before_anything_is_written() -> None:
    with pytest.raises(CommandError, match="HOME: got 'some/where', allowed: an absolute path"):
        places({"HOME": "some/where"})


def test_without_home_it_is_the_users_own(monkeypatch: pytest.MonkeyPatch) -> None:
    home = Path(pwd.getpwuid(os.getuid()).pw_dir)
    assert places({}).config == places({"HOME": ""}).config == home / ".config"
    nobody = 2**31 - 9
    monkeypatch.setattr(os, "getuid", lambda: nobody)
    with pytest.raises(CommandError, match="this user has no home directory: set HOME"):
        places({})
