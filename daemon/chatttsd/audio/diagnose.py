"""Why there is no sound, and how to mend it, in one line for a person."""

import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

_ALSA_FOLDER = "/usr/share/alsa"

HANGING = (
    "The sound server does not answer; restart it: systemctl --user restart pipewire-pulse (or pulseaudio)."
)


class Cause(Enum):
    """What PortAudio could not do."""

    LIBRARY = "library"
    CONFIGURATION = "ALSA configuration"
    NO_DEVICE = "no device"
    NOT_FOUND = "not found"
    REFUSED = "refused"


class DeviceError(Exception):
    """No stream could be opened or started; `cause` says at which step, the message what PortAudio said."""

    def __init__(self, cause: Cause, message: str) -> None:
        super().__init__(message)
        self.cause = cause


@dataclass(frozen=True, slots=True)
class SoundFacts:
    """What this machine has to make sound with."""

    user: str
    cards: bool
    """There is a sound card in /dev/snd."""
    permitted: bool
    """This user may open it."""
    server: str
    """Socket of PulseAudio or PipeWire, empty when there is none."""
    answers: bool
    """Somebody listens on that socket."""


def gather_facts(environ: Mapping[str, str], devices: Path = Path("/dev/snd")) -> SoundFacts:
    """Look at the sound cards and at the sound server's socket; blocks for 0.2 s at most."""
    cards = sorted(devices.glob("pcmC*p"))
    server = _server_socket(environ)
    return SoundFacts(
        user=environ.get("USER") or str(os.getuid()),
        cards=bool(cards),
        permitted=any(os.access(card, os.R_OK | os.W_OK) for card in cards),
        server=server,
        answers=bool(server) and _listens(server),
    )


def _server_socket(environ: Mapping[str, str]) -> str:
    named = environ.get("PULSE_SERVER", "").removeprefix("unix:")
    if named.startswith("/"):
        return named if Path(named).is_socket() else ""
    runtime = Path(environ.get("XDG_RUNTIME_DIR") or f"/run/user/{os.getuid()}")
    candidates = (runtime / "pulse" / "native", runtime / "pipewire-0")
    return next((str(path) for path in candidates if path.is_socket()), "")


def _listens(path: str) -> bool:
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(0.2)
        try:
            client.connect(path)
        except OSError:
            return False
    return True


def missing_alsa_configuration(environ: Mapping[str, str], usual: str = _ALSA_FOLDER) -> str:
    """Return the ALSA configuration's name if nothing is in it, empty if all is well.

    alsa-lib reads all files of $ALSA_CONFIG_PATH, else the one in $ALSA_CONFIG_DIR, else that in its usual
    folder, which is not the same in every build of it.
    """
    folder = environ.get("ALSA_CONFIG_DIR", "")
    names = environ.get("ALSA_CONFIG_PATH") or f"{folder if folder.startswith('/') else usual}/alsa.conf"
    paths = [Path(name).expanduser() for name in names.replace(":", " ").split()]
    readable = [path for path in paths if path.is_file() and os.access(path, os.R_OK)]
    return "" if any(path.stat().st_size for path in readable) else names


def explain(error: DeviceError, facts: SoundFacts) -> str:
    """Say in one line why there is no sound and how to mend it."""
    if error.cause is Cause.LIBRARY:
        return (
            "The PortAudio library is missing; install libportaudio2 (Debian, Ubuntu, openSUSE) "
            "or portaudio (Fedora, Arch)."
        )
    if error.cause is Cause.CONFIGURATION:
        return (
            f"The ALSA configuration is missing ({error}); install libasound2-data (Debian, Ubuntu) "
            "or alsa-lib (Fedora, Arch), or mend $ALSA_CONFIG_PATH if it is set."
        )
    if error.cause is Cause.NOT_FOUND:
        return f"The sound device of [audio] device in the configuration is not there: {error}."
    if facts.answers and error.cause is Cause.NO_DEVICE:
        return (
            "A sound server runs but ALSA programs cannot reach it; install pipewire-alsa (PipeWire) "
            "or libasound2-plugins (PulseAudio; alsa-plugins-pulseaudio on Fedora)."
        )
    if facts.cards and not facts.permitted:
        return (
            f"There is a sound card but user {facts.user} may not use it; start a sound server "
            f"(PipeWire or PulseAudio) or add the user to the group `audio`: "
            f"sudo usermod -aG audio {facts.user}, then log in again."
        )
    if facts.server and not facts.answers:
        return (
            "The sound server has gone (nobody listens on its socket); "
            "start it: systemctl --user start pipewire-pulse (or pulseaudio)."
        )
    if facts.answers or facts.cards:
        return f"The sound device did not open ({error}); does another program use it? See `aplay -l`."
    return "There is no sound device: no card in /dev/snd and no PipeWire or PulseAudio server of this user."
