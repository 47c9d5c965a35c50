"""`chatttsctl speechd install` and `remove`: every file is what it was, and no engine is hidden."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from chatttsd.ctl.exits import CommandError
from chatttsd.ctl.speechd.configuration import Choices
from chatttsd.ctl.speechd.places import Places, places
from chatttsd.ctl.speechd.setup import Setup
from support.speechd import SpeechDispatcher

PLAIN = b'LogLevel 3\n#AddModule "festival" "sd_festival" "festival.conf"\nInclude "clients/*.conf"\n'
NAMED = PLAIN + b' addmodule "rhvoice" "sd_rhvoice" "rhvoice.conf"\n'
ZH = Choices(languages={"zh": "chattts", "en": "espeak-ng"})
EVERYTHING = Choices(default=True, languages={"zh": "chattts"})
ESPEAK_MODULE = Path("/usr/lib/speech-dispatcher-modules/sd_espeak-ng")


def tree(folder: Path) -> dict[str, bytes | str | None]:
    """Return everything below a folder: the bytes of files, the targets of links, None for folders."""
    return {
        str(path.relative_to(folder)): str(path.readlink())
        if path.is_symlink()
        else path.read_bytes()
        if path.is_file()
        else None
        for path in sorted(folder.rglob("*"))
    }


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """What stands for the installation's sd_chattts: Debian's own module, which every server can load."""
    program = tmp_path / "venv" / "bin" / "sd_chattts"
    program.parent.mkdir(parents=True)
    program.symlink_to(ESPEAK_MODULE)
    return program


@pytest.fixture
def where(tmp_path: Path) -> Places:
    home = tmp_path / "home"
    system = tmp_path / "etc"
    (home / ".local" / "share").mkdir(parents=True)
    (home / ".config").mkdir()
    system.mkdir()
    (system / "speechd.conf").write_bytes(PLAIN)
    return Places(home / ".local" / "share", home / ".config", tmp_path / "run", system)


@pytest.fixture
def setup(where: Places, program: Path) -> Setup:
    return Setup(where, program)


def own(where: Places, content: bytes) -> Path:
    """Give the user a speechd.conf."""
    where.user_config.parent.mkdir(exist_ok=True)
    where.user_config.write_bytes(content)
    return where.user_config


def test_the_module_is_a_link_with_an_absolute_path(setup: Setup, where: Places, program: Path) -> None:
    assert setup.place()
    assert where.module == where.data.parent / "libexec" / "speech-dispatcher-modules" / "sd_chattts"
    assert where.module.readlink() == program
    assert program.is_absolute()
    assert not setup.place(), "the second time there is nothing to do"


def test_the_folder_without_which_speech_dispatcher_finds_nothing_is_made(
    setup: Setup, where: Places
) -> None:
    where.data.rmdir()
    setup.place()
    assert where.data.is_dir()


def test_modules_lie_beside_the_folder_that_a_linked_share_leads_to(tmp_path: Path) -> None:
    (tmp_path / "disk" / "share").mkdir(parents=True)
    (tmp_path / "share").symlink_to(tmp_path / "disk" / "share")
    where = Places(tmp_path / "share", tmp_path, tmp_path)
    assert where.modules == tmp_path / "disk" / "libexec" / "speech-dispatcher-modules"
    # What the kernel makes of the path that speech-dispatcher opens.
    where.modules.mkdir(parents=True)
    assert (tmp_path / "share" / ".." / "libexec" / "speech-dispatcher-modules").samefile(where.modules)


def test_nothing_is_written_where_the_search_for_modules_is_on(setup: Setup, where: Places) -> None:
    assert setup.configure(None).path is None
    assert setup.configure(Choices()).path is None
    assert not where.user_config.parent.exists()
    path = own(where, PLAIN)
    assert setup.configure(None).path is None
    assert path.read_bytes() == PLAIN


def test_a_machine_without_speech_dispatcher_gets_the_module_and_no_configuration(
    setup: Setup, where: Places
) -> None:
    where.global_config.unlink()
    assert setup.place()
    assert setup.configure(None).path is None
    with pytest.raises(CommandError, match=r"install speech-dispatcher \(apt install speech-dispatcher"):
        setup.configure(ZH)
    assert not where.user_config.exists()


@pytest.mark.parametrize("content", [NAMED, NAMED.replace(b"addmodule", b"AddModule"), NAMED[:-1]])
def test_addmodule_lines_get_one_of_ours_beside_them(setup: Setup, where: Places, content: bytes) -> None:
    path = own(where, content)
    setup.configure(None)
    written = path.read_bytes()
    assert written.startswith(content)
    assert written.count(b'\nAddModule "chattts" "sd_chattts" "chattts.conf"\n') == 1
    setup.configure(None)
    assert path.read_bytes() == written, "idempotent"
    assert setup.restore().path == path
    assert path.read_bytes() == content


def test_addmodule_lines_of_the_machine_lead_to_a_copy(setup: Setup, where: Places) -> None:
    where.global_config.write_bytes(NAMED)
    change = setup.configure(None)
    assert f"a copy of {where.global_config}" in change.told
    assert where.user_config.read_bytes().startswith(NAMED)


def test_addmodule_lines_in_an_included_file_count_too(setup: Setup, where: Places) -> None:
    (where.system / "clients").mkdir()
    (where.system / "clients" / "mine.conf").write_bytes(b'AddModule "x" "sd_x" "x.conf"\n')
    setup.configure(None)
    assert b'AddModule "chattts"' in where.user_config.read_bytes()


def test_a_line_of_the_users_own_for_the_module_is_not_doubled(setup: Setup, where: Places) -> None:
    path = own(where, NAMED + b'AddModule chattts "/opt/sd_chattts"\n')
    assert setup.configure(None).path is None
    setup.configure(ZH)
    assert path.read_bytes().count(b"AddModule") == 2


@pytest.mark.parametrize("before", [None, PLAIN, NAMED, b"", b"LogLevel 5", b"\xe9\xff \r\n", PLAIN * 50])
@pytest.mark.parametrize("choices", [EVERYTHING, ZH], ids=["default", "language"])
def test_removing_restores_every_byte(
    setup: Setup, where: Places, before: bytes | None, choices: Choices
) -> None:
    if before is not None:
        own(where, before)
    home = where.config.parent
    was = tree(home)
    setup.place()
    setup.configure(choices)
    setup.configure(Choices(default=True))
    assert tree(home) != was
    assert not setup.restore().edited
    assert setup.unplace()
    assert tree(home) == was
    assert not setup.unplace()
    assert setup.restore().path is None
    assert tree(home) == was


def test_the_choices_are_lines_of_a_marked_block(setup: Setup, where: Places) -> None:
    setup.configure(EVERYTHING)
    base, _, block = where.user_config.read_bytes().partition(b"# >>> chatttsd")
    assert base == PLAIN
    assert block.splitlines()[2:] == [
        b"DefaultModule chattts",
        b'LanguageDefaultModule "zh" "chattts"',
        b"# <<< chatttsd",
    ]


def test_earlier_choices_hold_until_others_are_made(setup: Setup, where: Places) -> None:
    setup.configure(ZH)
    chosen = where.user_config.read_bytes()
    setup.configure(None)
    assert where.user_config.read_bytes() == chosen
    setup.configure(Choices(default=True))
    assert b"LanguageDefaultModule" not in where.user_config.read_bytes()


def test_a_copy_that_nobody_touched_follows_the_machines_file(setup: Setup, where: Places) -> None:
    setup.configure(ZH)
    where.global_config.write_bytes(PLAIN + b"Timeout 9\n")
    setup.configure(None)
    assert where.user_config.read_bytes().startswith(PLAIN + b"Timeout 9\n# >>> chatttsd")
    setup.restore()
    assert not where.user_config.exists()


def test_of_an_edited_copy_only_the_block_is_taken_out(setup: Setup, where: Places) -> None:
    setup.configure(ZH)
    path = where.user_config
    path.write_bytes(path.read_bytes().replace(b"LogLevel 3", b"LogLevel 5") + b"Timeout 7\n")
    change = setup.restore()
    assert change.edited
    assert "only the block of chatttsd was taken out" in change.told
    assert path.read_bytes() == PLAIN.replace(b"LogLevel 3", b"LogLevel 5") + b"Timeout 7\n"


def test_of_an_edited_file_the_original_stays_beside_it(setup: Setup, where: Places) -> None:
    path = own(where, PLAIN)
    setup.configure(ZH)
    path.write_bytes(b"Timeout 7\n" + path.read_bytes())
    change = setup.restore()
    kept = path.with_name("speechd.conf.before-chatttsd")
    assert str(kept) in change.told
    assert (path.read_bytes(), kept.read_bytes()) == (b"Timeout 7\n" + PLAIN, PLAIN)


def test_an_edited_copy_installed_again_is_the_users_own(setup: Setup, where: Places) -> None:
    setup.configure(ZH)
    where.user_config.write_bytes(b"Timeout 7\n" + where.user_config.read_bytes())
    setup.configure(EVERYTHING)
    assert not setup.restore().edited
    assert where.user_config.read_bytes() == b"Timeout 7\n" + PLAIN


def test_a_block_with_lines_commented_out_is_still_taken_out(setup: Setup, where: Places) -> None:
    own(where, PLAIN)
    setup.configure(EVERYTHING)
    content = where.user_config.read_bytes().replace(b"\nDefaultModule", b"\n#DefaultModule")
    where.user_config.write_bytes(content)
    setup.restore()
    assert where.user_config.read_bytes() == PLAIN


@pytest.mark.parametrize("cut", [b"# <<< chatttsd\n", b"# before: "])
def test_half_a_block_is_named_and_left_alone(setup: Setup, where: Places, cut: bytes) -> None:
    own(where, PLAIN)
    setup.configure(ZH)
    broken = where.user_config.read_bytes().replace(cut, b"")
    where.user_config.write_bytes(broken)
    for action in (setup.restore, lambda: setup.configure(ZH)):
        with pytest.raises(CommandError, match="the block of chatttsd at line 4 is not whole"):
            action()
    assert where.user_config.read_bytes() == broken


def test_a_linked_configuration_stays_a_link_and_keeps_its_mode(
    setup: Setup, where: Places, tmp_path: Path
) -> None:
    real = tmp_path / "dotfiles.conf"
    real.write_bytes(PLAIN)
    real.chmod(0o600)
    where.user_config.parent.mkdir()
    where.user_config.symlink_to(real)
    setup.configure(ZH)
    assert where.user_config.is_symlink()
    assert b"LanguageDefaultModule" in real.read_bytes()
    assert real.stat().st_mode & 0o777 == 0o600
    setup.restore()
    assert real.read_bytes() == PLAIN


def test_somebody_elses_module_of_that_name_is_left_alone(setup: Setup, where: Places) -> None:
    where.modules.mkdir(parents=True)
    where.module.write_text("#!/bin/sh\n")
    for action in (setup.place, setup.unplace):
        with pytest.raises(CommandError, match=r"sd_chattts is not of chatttsd's making; move it away"):
            action()
    assert where.module.read_text() == "#!/bin/sh\n"


def test_a_link_into_an_earlier_installation_is_replaced(setup: Setup, where: Places, program: Path) -> None:
    where.modules.mkdir(parents=True)
    where.module.symlink_to("/opt/gone/bin/sd_chattts")
    assert setup.place()
    assert where.module.readlink() == program


def test_an_installation_without_the_program_is_told(where: Places, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"has no .*/bin/sd_chattts: reinstall chatttsd"):
        Setup(where, tmp_path / "bin" / "sd_chattts").place()
    assert not where.modules.exists()


@pytest.mark.parametrize("action", ["place", "configure"])
def test_a_folder_that_cannot_be_made_is_named(setup: Setup, where: Places, action: str) -> None:
    # A file where a folder should be: permissions would not stop root, who may be running this.
    blocked = where.data.parent / "libexec" if action == "place" else where.user_config.parent
    blocked.write_text("")
    act: Callable[[], object] = setup.place if action == "place" else lambda: setup.configure(ZH)
    with pytest.raises(CommandError, match=rf"{blocked.name}.*: (Not a directory|File exists)"):
        act()
    assert blocked.read_text() == ""


# What the real server makes of it


@pytest.fixture
def server(tmp_path: Path) -> Iterator[SpeechDispatcher]:
    dispatcher = SpeechDispatcher({}, home=tmp_path / "home")
    try:
        yield dispatcher
    finally:
        dispatcher.__exit__()


def listed(dispatcher: SpeechDispatcher) -> list[str]:
    """Return the modules of a fresh server, as spd-say shows them."""
    dispatcher.launch()
    done = dispatcher.say("-O")
    dispatcher.stop()
    assert done.returncode == 0, done.stderr
    return done.stdout.split("\n")[1:-1]


def real(dispatcher: SpeechDispatcher, program: Path) -> Setup:
    return Setup(places(dispatcher.environment), program)


@pytest.mark.system
@pytest.mark.parametrize("choices", [None, EVERYTHING, ZH], ids=["plain", "default", "language"])
def test_the_real_server_lists_all_that_it_had_and_ours(
    server: SpeechDispatcher, program: Path, choices: Choices | None
) -> None:
    before = listed(server)
    assert before
    assert "chattts" not in before
    setup = real(server, program)
    setup.place()
    setup.configure(choices)
    assert listed(server) == [*before, "chattts"]
    setup.restore()
    setup.unplace()
    assert listed(server) == before


@pytest.mark.system
def test_the_real_server_lists_ours_beside_modules_named_in_the_file(
    server: SpeechDispatcher, program: Path
) -> None:
    named = b'AddModule "mine" "sd_espeak-ng" "espeak-ng.conf"\n'
    server.user_configuration.write_bytes(Path("/etc/speech-dispatcher/speechd.conf").read_bytes() + named)
    before = listed(server)
    setup = real(server, program)
    setup.place()
    assert "chattts" not in listed(server), "the trap is still there: a module in the folder is hidden"
    setup.configure(None)
    assert listed(server) == [*before, "chattts"]


@pytest.mark.system
def test_the_real_server_follows_the_choices(server: SpeechDispatcher, program: Path) -> None:
    setup = real(server, program)
    setup.place()
    setup.configure(ZH)
    server.launch()
    with server.client() as client:
        chosen = []
        for language in ("zh", "en", "zh-CN", "fr"):
            client.set("LANGUAGE", language)
            chosen.append(client.command("GET OUTPUT_MODULE")[0])
    # Why the command advises `--language en=espeak-ng`: a language without a module changes nothing.
    assert chosen == ["chattts", "espeak-ng", "chattts", "chattts"]
    server.stop()
    setup.configure(Choices(default=True))
    server.launch()
    with server.client() as client:
        assert client.command("GET OUTPUT_MODULE")[0] == "chattts"
