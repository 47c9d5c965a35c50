"""`chatttsctl speechd`: what the commands print, and what `status` and the doctor find."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from chatttsd.ctl.speechd import status
from chatttsd.ctl.speechd.places import Places, places
from support.ctl import ctl
from support.speechd import SpeechDispatcher

GLOBAL = Path("/etc/speech-dispatcher/speechd.conf")


@pytest.fixture
def dispatcher() -> Iterator[SpeechDispatcher]:
    """A home in which a speech-dispatcher can be started."""
    server = SpeechDispatcher({})
    try:
        yield server
    finally:
        server.__exit__()


@pytest.fixture
def mine(dispatcher: SpeechDispatcher) -> dict[str, str]:
    return dispatcher.environment


@pytest.fixture
def where(mine: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Places:
    """The places of that home; what a check of this process runs sees it too."""
    for name in list(os.environ):
        if name.startswith("XDG_"):
            monkeypatch.delenv(name)
    for name, value in mine.items():
        monkeypatch.setenv(name, value)
    return places(mine)


def levels(where: Places) -> dict[str, str]:
    return {finding.what: finding.level for finding in status.look(where)}


def test_installing_is_told_and_can_be_repeated(mine: dict[str, str], where: Places) -> None:
    done = ctl(["speechd", "install"], mine)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"{where.module}\nspeechd.conf needs no change\n"
    again = ctl(["speechd", "install"], mine)
    assert (again.returncode, again.stdout.splitlines()[0]) == (0, f"{where.module} was there already")
    removed = ctl(["speechd", "remove"], mine)
    assert removed.stdout == f"removed {where.module}\nspeechd.conf has nothing of chatttsd\n"
    assert ctl(["speechd", "remove"], mine).stdout.startswith("no module was there\n")


def test_choices_are_written_and_told(mine: dict[str, str], where: Places) -> None:
    done = ctl(["speechd", "install", "--default", "--language", "zh"], mine)
    assert done.stdout.splitlines()[1] == (
        f"{where.user_config} (a copy of {GLOBAL}) now has: "
        'DefaultModule chattts; LanguageDefaultModule "zh" "chattts"'
    )
    assert where.user_config.read_bytes().startswith(GLOBAL.read_bytes())
    gone = ctl(["speechd", "remove"], mine)
    assert f"removed {where.user_config}, which was a copy of {GLOBAL}" in gone.stdout
    assert not where.user_config.exists()


def test_a_language_alone_comes_with_the_advice_to_name_the_others(mine: dict[str, str]) -> None:
    assert "--language en=espeak-ng" in ctl(["speechd", "install", "--language", "zh"], mine).stderr
    both = ["speechd", "install", "--language", "zh", "--language", "en=espeak-ng"]
    assert ctl(both, mine).stderr == ""


@pytest.mark.parametrize("language", ["", "=x", "z h", "zh=", 'zh"', "zh=a b", "zh\nTimeout 1", "1"])
def test_a_language_that_is_none_is_refused_and_nothing_is_installed(
    mine: dict[str, str], where: Places, language: str
) -> None:
    done = ctl(["speechd", "install", f"--language={language}"], mine)
    assert done.returncode == 2
    assert "allowed: a tag such as zh, or a tag and a module" in done.stderr
    assert not where.module.is_symlink()


def test_json_tells_the_same(mine: dict[str, str], where: Places) -> None:
    first, second = (json.loads(ctl(["speechd", "install", "--json"], mine).stdout) for _ in range(2))
    assert first == {
        "module": str(where.module),
        "changed": True,
        "configuration": "speechd.conf needs no change",
        "restart": None,
    }
    assert not second["changed"]


def test_a_file_that_was_edited_since_is_told_to_the_user(mine: dict[str, str], where: Places) -> None:
    ctl(["speechd", "install", "--default"], mine)
    with where.user_config.open("a") as stream:
        stream.write("Timeout 7\n")
    done = ctl(["speechd", "remove"], mine)
    assert done.returncode == 0
    assert "only the block of chatttsd was taken out" in done.stdout
    assert "please look at it" in done.stderr


def test_a_folder_that_cannot_be_made_is_a_clear_error(mine: dict[str, str], where: Places) -> None:
    where.modules.parent.write_text("")
    done = ctl(["speechd", "install"], mine)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"chatttsctl: {where.modules}")
    assert len(done.stderr.splitlines()) == 1


def test_without_speech_dispatcher_the_module_is_installed_and_the_package_named(
    mine: dict[str, str], where: Places, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from chatttsd.ctl.main import main

    monkeypatch.setattr("chatttsd.ctl.speechd.places._GLOBAL", where.config / "nothing")
    monkeypatch.setattr("shutil.which", lambda _: None)
    elsewhere = Places(where.data, where.config, where.runtime, where.config / "nothing")
    monkeypatch.setattr("chatttsd.ctl.speechd.places.places", lambda: elsewhere)
    assert main(["speechd", "install"]) == 0
    assert "apt install speech-dispatcher" in capsys.readouterr().err
    assert where.module.is_symlink()
    assert main(["speechd", "install", "--default"]) == 1
    assert "install speech-dispatcher" in capsys.readouterr().err
    assert [finding.level for finding in status.summarise(elsewhere)] == ["ok"]
    assert main(["speechd", "status"]) == 1
    assert "fail  speech-dispatcher: not installed  -> apt install" in capsys.readouterr().out


# status


def test_status_finds_everything_right_after_install(mine: dict[str, str], where: Places) -> None:
    assert ctl(["speechd", "install"], mine).returncode == 0
    done = ctl(["speechd", "status"], mine)
    assert (done.returncode, done.stderr) == (0, "")
    told = [line[:4].strip() for line in done.stdout.splitlines()]
    assert told == ["ok"] * 5
    assert "INIT: the module answers" in done.stdout
    report = json.loads(ctl(["speechd", "status", "--json"], mine).stdout)
    assert report["ok"]
    assert [finding["what"] for finding in report["findings"]] == list(levels(where))


def test_status_without_the_module_fails_and_says_what_to_type(mine: dict[str, str]) -> None:
    done = ctl(["speechd", "status"], mine)
    assert done.returncode == 1
    assert "sd_chattts is not there  -> chatttsctl speechd install" in done.stdout


def test_a_link_that_leads_nowhere_is_seen(where: Places) -> None:
    where.modules.mkdir(parents=True)
    where.module.symlink_to("/opt/gone/bin/sd_chattts")
    found = {finding.what: finding for finding in status.look(where)}
    assert "leads to /opt/gone/bin/sd_chattts, which is not there" in found["module"].detail
    assert found["INIT"].level == "fail"


@pytest.mark.parametrize(
    ("script", "told"),
    [
        ("#!/bin/sh\nexit 7", "exit status 7"),
        ("#!/nonexistent/python\n", "does not start: No such file"),
        ("#!/bin/sh\nread line; echo 399 ERR CANT INIT MODULE", "unanswered"),
        ("#!/bin/sh\nexec sleep 60", "no answer within"),
    ],
)
def test_a_module_that_does_not_answer_is_told(
    where: Places, script: str, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(status, "_ANSWER", 0.5)
    where.modules.mkdir(parents=True)
    where.module.write_text(script)
    where.module.chmod(0o755)
    finding = status.check_answer(where)
    assert finding.level == "fail"
    assert told in finding.detail


def test_the_module_is_asked_with_the_path_that_systemd_gives(where: Places) -> None:
    where.modules.mkdir(parents=True)
    where.module.write_text('#!/bin/sh\n[ "$PATH" = /usr/bin:/bin ] && echo 299 OK\n')
    where.module.chmod(0o755)
    assert status.check_answer(where).level == "ok"


def test_addmodule_lines_that_hide_the_module_are_a_failure(mine: dict[str, str], where: Places) -> None:
    ctl(["speechd", "install"], mine)
    where.user_config.write_bytes(b'AddModule "espeak-ng" "sd_espeak-ng" "espeak-ng.conf"\n')
    finding = status.check_configuration(where)
    assert (finding.level, finding.mend) == ("fail", "chatttsctl speechd install")
    assert ctl(["speechd", "install"], mine).returncode == 0
    assert status.check_configuration(where).level == "ok"


def test_a_copy_of_an_older_file_and_half_a_block_are_told(where: Places, tmp_path: Path) -> None:
    from chatttsd.ctl.speechd.configuration import Choices
    from chatttsd.ctl.speechd.setup import Setup

    old = Places(where.data, where.config, where.runtime, tmp_path)
    old.global_config.write_bytes(b"Timeout 1\n")
    Setup(old, tmp_path).configure(Choices(default=True))
    assert status.check_configuration(old).detail.endswith("DefaultModule chattts")
    old.global_config.write_bytes(b"Timeout 2\n")
    assert "copy of an older" in status.check_configuration(old).detail
    old.user_config.write_bytes(old.user_config.read_bytes().replace(b"# <<< chatttsd\n", b""))
    assert "not whole" in status.check_configuration(old).detail


@pytest.mark.system
def test_a_running_server_is_asked_what_it_has_and_told_how_to_restart(
    dispatcher: SpeechDispatcher, mine: dict[str, str], where: Places
) -> None:
    dispatcher.launch()
    assert dispatcher.process is not None
    restart = f"kill {dispatcher.process.pid}"
    done = ctl(["speechd", "install"], mine)
    assert done.stdout.splitlines()[-1] == f"the running speech-dispatcher takes it over after: {restart}"
    finding = status.check_server(where)
    assert (finding.level, finding.mend) == ("warn", restart)
    dispatcher.stop()
    assert status.check_server(where).detail.startswith("not running")
    dispatcher.launch()
    assert "chattts" in status.check_server(where).detail
    assert levels(where)["server"] == "ok"


@pytest.mark.system
def test_a_pid_file_that_outlived_its_server_is_seen_through(
    dispatcher: SpeechDispatcher, where: Places
) -> None:
    pid = where.runtime / "speech-dispatcher" / "pid" / "speech-dispatcher.pid"
    pid.parent.mkdir(parents=True)
    for content in ("", "x", "999999999", str(os.getpid())):
        pid.write_text(content)
        assert status.check_server(where).detail.startswith("not running"), content


# the doctor


def test_the_doctor_tells_of_the_module_without_failing(mine: dict[str, str], where: Places) -> None:
    (absent,) = status.summarise(where)
    assert (absent.level, "chatttsctl speechd install" in absent.detail) == ("ok", True)
    ctl(["speechd", "install"], mine)
    (installed,) = status.summarise(where)
    assert (installed.level, installed.detail) == ("ok", "finds the module")
    where.user_config.write_bytes(b"AddModule x sd_x x.conf\n")
    (hidden,) = status.summarise(where)
    assert (hidden.level, hidden.what) == ("warn", "speech-dispatcher, speechd.conf")
    assert "speech-dispatcher, speechd.conf" in ctl(["doctor"], mine).stdout
