import subprocess
import sys

import pytest

from chatttsd import __version__
from chatttsd.ctl.arguments import SHORTHANDS, build, parse
from chatttsd.ctl.speak import options

COMMANDS = ["speak", "status", "cancel", "pause", "resume", "skip", "voices", "config", "doctor", "monitor"]
COMMANDS += ["reload", "load", "unload", "speechd", "orca"]


def refused(argv: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    with pytest.raises(SystemExit) as ended:
        parse(argv)
    assert ended.value.code == 2
    return capsys.readouterr().err


def test_every_command_of_the_contract_is_there_and_described() -> None:
    shown = build().format_help()
    for command in COMMANDS:
        assert f"\n    {command} " in shown


def test_help_documents_every_exit_code() -> None:
    shown = build().format_help()
    for code in ("0 ", "1 ", "2 ", "3 ", "4 ", "130 "):
        assert f"\n  {code}" in shown


@pytest.mark.parametrize("argv", [["--help"], *([command, "--help"] for command in COMMANDS)])
def test_help_goes_to_stdout_and_ends_with_0(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        parse(argv)
    assert ended.value.code == 0
    assert capsys.readouterr().out.startswith("usage: chatttsctl")


def test_version_goes_to_stdout(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        parse(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out == f"chatttsctl {__version__}\n"


def test_help_imports_neither_asyncio_nor_dbus_nor_numpy() -> None:
    script = (
        "import sys\nfrom chatttsd.ctl.main import main\n"
        "try:\n    main(['--help'])\nexcept SystemExit:\n    pass\n"
        "heavy = 'asyncio dbus_next numpy soundfile tomllib json'.split()\n"
        "print([name for name in heavy if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.endswith("\n[]\n")


@pytest.mark.parametrize(
    "argv", [["speak", "--wait", "a", "b"], ["speak", "a", "--wait", "b"], ["speak", "a", "b", "-w"]]
)
def test_words_before_and_after_options_are_one_text(argv: list[str]) -> None:
    arguments = parse(argv)
    assert arguments.text == ["a", "b"]
    assert arguments.wait


def test_a_text_that_starts_with_a_dash_goes_behind_two_dashes() -> None:
    assert parse(["speak", "--", "--wait"]).text == ["--wait"]
    assert parse(["speak", "-5 degrees outside"]).text == ["-5 degrees outside"]


def test_common_flags_are_heard_before_and_after_the_command() -> None:
    before = parse(["--system", "--timeout", "3", "status"])
    after = parse(["status", "--system", "--timeout", "3"])
    neither = parse(["status"])
    assert (before.system, before.timeout) == (after.system, after.timeout) == (True, 3.0)
    assert (neither.system, neither.timeout) == (False, None)


def test_options_and_their_flags_become_one_dictionary_and_option_wins() -> None:
    arguments = parse(
        ["speak", "--rate", "2", "--voice", "x", "--option", "rate=1.5", "--option", "seed=a=b", "hi"]
    )
    assert options(arguments) == {"voice": "x", "rate": "1.5", "seed": "a=b"}


def test_without_options_nothing_is_sent() -> None:
    assert options(parse(["speak", "hi"])) == {}


@pytest.mark.parametrize("name", SHORTHANDS)
def test_each_shorthand_is_a_flag(name: str) -> None:
    assert options(parse(["speak", f"--{name}=7", "hi"])) == {name: "7"}


@pytest.mark.parametrize(
    ("argv", "told"),
    [
        ([], "a command is missing"),
        (["spaek", "hi"], "did you mean 'speak'?"),
        (["speak", "--wiat", "hi"], "unknown option --wiat"),
        (["speak", "--option", "rate"], "allowed: KEY=VALUE"),
        (["speak", "--option", "=1"], "allowed: KEY=VALUE"),
        (["speak", "--timeout", "0"], "positive number of seconds"),
        (["speak", "--timeout", "nan"], "positive number of seconds"),
        (["speak", "-o", "", "hi"], "argument -o/--output: the name of the file is empty"),
        (["speak", "-f", ""], "argument -f/--file: the name of the file is empty"),
        (["config", "check", ""], "the name of the file is empty"),
        (["cancel", "first"], "allowed: the number that speak printed"),
        (["cancel", "0"], "allowed: the number that speak printed"),
        (["cancel", "4294967296"], "allowed: the number that speak printed"),
        (["cancel", "1", "--all"], "not allowed with"),
        (["pause", "now"], "1 arguments too many"),
        (["config"], "ACTION"),
        (["config", "chekc"], "did you mean 'check'?"),
    ],
)
def test_a_usage_error_says_what_is_allowed(
    argv: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    error = refused(argv, capsys)
    assert told in error
    assert error.startswith("chatttsctl: ")
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    "argv",
    [
        ["canarytext"],
        ["canarytext", "--wait"],
        ["speak", "canarytext", "--unknown"],
        ["speak", "--unknown=canarytext"],
        ["speak", "--unknown", "canarytext", "canarytext"],
        ["status", "canarytext"],
        ["cancel", "canarytext"],
        ["speak", "--option", "canarytext"],
        ["config", "canarytext"],
        ["--timeout", "canarytext", "speak"],
    ],
)
def test_no_usage_error_repeats_a_word_that_may_be_text(
    argv: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert "canarytext" not in refused(argv, capsys)
