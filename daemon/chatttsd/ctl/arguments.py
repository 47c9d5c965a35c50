"""The command line of chatttsctl: what may be typed, and where each command is implemented."""

import argparse
from collections.abc import Sequence
from difflib import get_close_matches
from math import isfinite
from typing import Any, Final, NoReturn

from chatttsd.ctl.exits import Exit

EPILOG: Final = """\
exit codes:
  0    done
  1    failure: not spoken to the end, a check failed, the daemon said no
  2    usage: bad arguments, option or text
  3    chatttsd or its bus is not running or does not answer
  4    over a limit: text too long, too many calls or queued utterances
  130  interrupted by Ctrl-C (128 + the number for other signals)

environment: CHATTTSD_BUS=session|system, CHATTTSD_CONFIG, XDG_CONFIG_HOME, HF_ENDPOINT, NO_COLOR
Text is best given on standard input: arguments can be seen in the process list."""

MOST_SENTENCES: Final = 20
"""That the self-test has."""
SHORTHANDS: Final = ("voice", "language", "engine", "rate", "pitch", "volume", "priority")
"""Options of an utterance that have a flag of their own."""
_SPEAK: Final = "speak a text and print its id, or write it to a sound file"
_SHORT_COMMANDS: Final = {
    "pause": "pause the speech where it is",
    "resume": "go on after pause",
    "skip": "go to the next part of the utterance",
    "reload": "make the daemon read its configuration and voices again",
    "load": "load the model now",
    "unload": "unload the model and return its memory",
}


class Parser(argparse.ArgumentParser):
    """An ArgumentParser whose errors never repeat a stray word: it may be what somebody wanted spoken."""

    def _check_value(self, action: argparse.Action, value: Any) -> None:  # noqa: ANN401 - argparse's own signature
        if action.choices is not None and value not in action.choices:
            allowed = [str(choice) for choice in action.choices]
            near = get_close_matches(str(value), allowed, 1)
            hint = f"did you mean '{near[0]}'? " if near else ""
            raise argparse.ArgumentError(action, f"unknown; {hint}allowed: {', '.join(allowed)}")

    def error(self, message: str) -> NoReturn:
        """Print the fault and where the help is; exit code 2."""
        self.exit(Exit.USAGE, f"chatttsctl: {message} (see {self.prog} --help)\n")


def build() -> Parser:
    """Return the parser of the whole command line."""
    parser = Parser(
        prog="chatttsctl",
        description="Speak with chatttsd and look after it.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="store_true", help="print the version and exit")
    _add_common(parser, default=True)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", parser_class=Parser)
    _add_speak(commands)
    _add_control(commands)
    _add_queries(commands)
    _add_voices(commands)
    _add_models(commands)
    _add_config(commands)
    _add_speechd(commands)
    _add_orca(commands)
    return parser


def _add_common(parser: argparse.ArgumentParser, default: bool = False) -> None:
    # Before and after the command; only the outer parser may set defaults, the inner would overwrite them.
    parser.add_argument(
        "--system",
        action="store_true",
        default=False if default else argparse.SUPPRESS,
        help="talk to the system-wide instance",
    )
    parser.add_argument(
        "--timeout",
        type=seconds,
        metavar="SECONDS",
        default=None if default else argparse.SUPPRESS,
        help="longest wait for an answer (default 30), and for the end of speak --wait and -o (default none)",
    )


def _command(
    commands: Any,  # noqa: ANN401 - argparse gives its own type no public name
    name: str,
    summary: str,
    entry: str,
    *,
    json: bool = False,
) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(
        name, help=summary, description=summary[0].upper() + summary[1:] + ".", allow_abbrev=False
    )
    _add_common(parser)
    if json:
        parser.add_argument("--json", action="store_true", help="print JSON, one value a line")
    parser.set_defaults(entry=entry)
    return parser


def _add_speak(commands: Any) -> None:  # noqa: ANN401 - see _command
    parser = _command(commands, "speak", _SPEAK, "speak:run", json=True)
    parser.add_argument("text", nargs="*", metavar="TEXT", help="what to say; - or nothing: standard input")
    parser.add_argument("-f", "--file", type=filename, metavar="FILE", help="read the text from a UTF-8 file")
    parser.add_argument(
        "--option", type=key_value, action="append", metavar="KEY=VALUE", help="an option of SpeakWith"
    )
    for name in SHORTHANDS:
        parser.add_argument(
            f"--{name}", metavar=name.upper(), help=f"the same as --option {name}={name.upper()}"
        )
    parser.add_argument("-w", "--wait", action="store_true", help="wait until it has been heard, print no id")
    parser.add_argument(
        "-o",
        "--output",
        type=filename,
        metavar="OUT",
        help="do not play: write .wav, .flac or .ogg, or - for WAV on stdout",
    )
    parser.add_argument("-q", "--quiet", action="store_true", help="print neither the id nor progress")


def _add_control(commands: Any) -> None:  # noqa: ANN401 - see _command
    parser = _command(
        commands, "cancel", "cancel an utterance: the current one without ID", "control:run_cancel", json=True
    )
    which = parser.add_mutually_exclusive_group()
    which.add_argument("id", nargs="?", type=identifier, metavar="ID", help="what speak printed")
    which.add_argument("--all", action="store_true", help="cancel everything that is queued")
    for name, summary in _SHORT_COMMANDS.items():
        _command(commands, name, summary, "load:run" if name == "load" else "control:run")


def _add_queries(commands: Any) -> None:  # noqa: ANN401 - see _command
    _command(commands, "status", "show the unit, the daemon and the next step", "status:run", json=True)
    _command(commands, "monitor", "print what the daemon does, until Ctrl-C", "monitor:run", json=True)
    _command(
        commands, "doctor", "look for what keeps chatttsd from speaking", "doctor.command:run", json=True
    )


def _add_voices(commands: Any) -> None:  # noqa: ANN401 - see _command
    parser = _command(
        commands, "voices", "list the voices, or make, try and remove some", "voices:run", json=True
    )
    parser.add_argument("--language", metavar="TAG", help="only those that speak it, such as zh or en-GB")
    actions = parser.add_subparsers(dest="action", metavar="ACTION", parser_class=Parser)
    new = _command(actions, "new", "make a ChatTTS voice by chance", "voices_files:run_new", json=True)
    new.add_argument("name", metavar="NAME", help="what the voice is to be called")
    new.add_argument("--seed", type=seed, metavar="N", help="the same voice again (default: any)")
    clone = _command(actions, "clone", "make a ChatTTS voice of a recording", "voices_clone:run", json=True)
    clone.add_argument("name", metavar="NAME", help="what the voice is to be called")
    clone.add_argument(
        "recording", type=filename, metavar="RECORDING", help="a sound file of 1.5 to 20 s, one speaker"
    )
    clone.add_argument("--text", metavar="TEXT", help="what is said in it; - or nothing: standard input")
    clone.add_argument(
        "--dir", type=filename, metavar="DIR", help="the model directory, instead of the configured one"
    )
    for made in (new, clone):
        made.add_argument("--force", action="store_true", help="replace a voice of that name")
    remove = _command(actions, "remove", "remove a voice of your own", "voices_files:run_remove")
    remove.add_argument("name", metavar="NAME")
    remove.add_argument("-y", "--yes", action="store_true", help="do not ask")
    tried = _command(actions, "try", "hear a voice", "voices_try:run", json=True)
    tried.add_argument("name", metavar="NAME")
    tried.add_argument("text", nargs="*", metavar="TEXT", help="what to say; -: standard input")


def _add_models(commands: Any) -> None:  # noqa: ANN401 - see _command
    parser = commands.add_parser(
        "models", help="fetch, check and remove the ChatTTS model", allow_abbrev=False
    )
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True, parser_class=Parser)
    fetch = _command(actions, "fetch", "fetch the model's files and verify them", "models_fetch:run")
    fetch.add_argument("--mirror", metavar="URL", help="fetch from there instead of $HF_ENDPOINT or the hub")
    fetch.add_argument("--accept-licence", action="store_true", help="accept the licence without being asked")
    verify = _command(
        actions, "verify", "read every file and compare its hash", "models:run_verify", json=True
    )
    status = _command(actions, "status", "show which files are there", "models:run_status", json=True)
    remove = _command(actions, "remove", "remove the model's files", "models:run_remove")
    remove.add_argument("-y", "--yes", action="store_true", help="do not ask")
    selftest = _command(actions, "selftest", "speak 20 sentences and measure them", "selftest:run", json=True)
    _add_selftest(selftest)
    for action in (fetch, verify, status, remove, selftest):
        action.add_argument(
            "--dir", type=filename, metavar="DIR", help="the model directory, instead of the configured one"
        )


def _add_selftest(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "-o",
        "--output",
        type=filename,
        metavar="DIR",
        help="where the WAV files go (default chatttsd-selftest)",
    )
    parser.add_argument("--voice", metavar="NAME", help="a voice; the default one without it")
    parser.add_argument("--sentences", type=sentences, metavar="N", help="how many, 1 to 20")
    parser.add_argument("--precision", choices=("auto", "fp32", "bf16", "int8", "int4"), help="default auto")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), help="default auto")


def _add_config(commands: Any) -> None:  # noqa: ANN401 - see _command
    parser = commands.add_parser("config", help="check or find the configuration", allow_abbrev=False)
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True, parser_class=Parser)
    check = _command(actions, "check", "check a configuration file", "configuration:run_check", json=True)
    check.add_argument(
        "path", nargs="?", type=filename, metavar="FILE", help="default: the one that the daemon reads"
    )
    _command(actions, "path", "print which file the daemon reads", "configuration:run_path", json=True)


def _add_speechd(commands: Any) -> None:  # noqa: ANN401 - see _command
    parser = commands.add_parser(
        "speechd", help="speak for programs that use speech-dispatcher", allow_abbrev=False
    )
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True, parser_class=Parser)
    install = _command(
        actions,
        "install",
        "give speech-dispatcher a module",
        "speechd.command:run_install",
        json=True,
    )
    install.add_argument("--default", action="store_true", help="make it the module of whoever names none")
    install.add_argument(
        "--language",
        action="append",
        metavar="TAG[=MODULE]",
        help="the module of a language, such as zh or en=espeak-ng; more than once for more",
    )
    _command(actions, "remove", "take the module out again", "speechd.command:run_remove", json=True)
    _command(actions, "status", "show what speech-dispatcher finds", "speechd.command:run_status", json=True)


def _add_orca(commands: Any) -> None:  # noqa: ANN401 - see _command
    parser = commands.add_parser("orca", help="read long texts for the screen reader", allow_abbrev=False)
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True, parser_class=Parser)
    _command(actions, "install", "give Orca 51 or later an extension", "orca:run_install", json=True)
    _command(actions, "remove", "take the extension out again", "orca:run_remove", json=True)
    _command(actions, "status", "show whether Orca would use it", "orca:run_status", json=True)


def seconds(value: str) -> float:
    """Parse a positive number of seconds."""
    try:
        parsed = float(value)
    except ValueError:
        parsed = 0.0
    if not isfinite(parsed) or parsed <= 0:
        raise argparse.ArgumentTypeError("allowed: a positive number of seconds")
    return parsed


def identifier(value: str) -> int:
    """Parse an utterance id: a D-Bus `u` other than 0."""
    if not (value.isascii() and value.isdigit() and len(value) <= 10 and 0 < int(value) < 2**32):
        raise argparse.ArgumentTypeError("allowed: the number that speak printed, or --all")
    return int(value)


def seed(value: str) -> int:
    """Parse the seed of a voice."""
    if not (value.isascii() and value.isdigit() and len(value) <= 10 and int(value) < 2**32):
        raise argparse.ArgumentTypeError("allowed: a whole number from 0 to 4294967295")
    return int(value)


def sentences(value: str) -> int:
    """Parse how many sentences the self-test speaks."""
    if not (value.isascii() and value.isdigit() and len(value) <= 2 and 1 <= int(value) <= MOST_SENTENCES):
        raise argparse.ArgumentTypeError(f"allowed: a whole number from 1 to {MOST_SENTENCES}")
    return int(value)


def filename(value: str) -> str:
    """Parse the name of a file."""
    if not value:
        raise argparse.ArgumentTypeError("the name of the file is empty")
    return value


def key_value(value: str) -> tuple[str, str]:
    """Parse `KEY=VALUE`."""
    key, separator, chosen = value.partition("=")
    if not key or not separator or not value.isprintable():
        raise argparse.ArgumentTypeError("allowed: KEY=VALUE, such as rate=1.5")
    return key, chosen


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    """Return the parsed arguments; exits with code 2 on a usage error, 0 after --help and --version."""
    parser = build()
    arguments, extra = parser.parse_known_args(argv)
    if arguments.version:
        from chatttsd import __version__

        print(f"chatttsctl {__version__}")
        parser.exit(Exit.OK)
    if not arguments.command:
        parser.error("a command is missing")
    flags = [word.partition("=")[0] for word in extra if word.startswith("-") and " " not in word]
    if flags:
        parser.error(f"unknown option {flags[0][:40]}")
    if extra and (arguments.command == "speak" or getattr(arguments, "action", "") == "try"):
        # argparse leaves words behind that follow an option; they are text like the others.
        arguments.text += extra
    elif extra:
        parser.error(f"{len(extra)} arguments too many")
    return arguments
