"""Checks of the way to the loudspeaker; PortAudio is tried in a child: a sick sound server can hang it."""

import grp
import json
import os
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from chatttsd.ctl.doctor.finding import Finding, fail, ok, warn

_PROBE: Final = """
import json, sounddevice as s
devices = [d["name"] for d in s.query_devices() if d["max_output_channels"] > 0]
default = s.query_devices(kind="output")["name"] if devices else ""
print(json.dumps({"version": s.get_portaudio_version()[1], "devices": devices, "default": default}))
"""
_PROBE_TIMEOUT: Final = 8.0
_LIBRARY: Final = "install PortAudio: apt install libportaudio2, or dnf install portaudio"
_SERVER: Final = "start a sound server: systemctl --user start pipewire-pulse (or pulseaudio)"


def check_portaudio(probe: str = _PROBE) -> list[Finding]:
    """Whether PortAudio loads and finds an output device."""
    try:
        answer = subprocess.run(  # noqa: S603 - this interpreter and a fixed script
            [sys.executable, "-c", probe],
            capture_output=True,
            timeout=_PROBE_TIMEOUT,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except subprocess.TimeoutExpired:
        return [fail("PortAudio", f"no answer in {_PROBE_TIMEOUT:g} s: the sound server hangs", _SERVER)]
    complaint = answer.stderr.decode(errors="replace").strip().splitlines()[-1:]
    if answer.returncode:
        return [_no_portaudio(complaint[0] if complaint else f"exit status {answer.returncode}")]
    return _devices(json.loads(answer.stdout))


def _no_portaudio(complaint: str) -> Finding:
    if "PortAudio library not found" in complaint:
        return fail("PortAudio", "the library is not installed", _LIBRARY)
    return fail("PortAudio", complaint, _LIBRARY if "ImportError" in complaint else _SERVER)


def _devices(found: Mapping[str, object]) -> list[Finding]:
    loaded = ok("PortAudio", str(found["version"]))
    names = found["devices"]
    if not isinstance(names, list) or not names:
        return [loaded, fail("output devices", "none", _SERVER)]
    return [loaded, ok("output devices", f"{len(names)}, default: {found['default']}")]


def check_sound_server(environment: Mapping[str, str] = os.environ) -> list[Finding]:
    """Whether PulseAudio's or PipeWire's socket takes connections."""
    runtime = environment.get("XDG_RUNTIME_DIR", "")
    named = environment.get("PULSE_SERVER", "").removeprefix("unix:")
    candidates = {
        "PULSE_SERVER": named if named.startswith("/") else "",
        "PulseAudio": f"{runtime}/pulse/native" if runtime else "",
        "PipeWire": f"{runtime}/pipewire-0" if runtime else "",
    }
    alive = [name for name, path in candidates.items() if path and _accepts(path)]
    if alive:
        return [ok("sound server", ", ".join(alive))]
    return [warn("sound server", "no PulseAudio or PipeWire socket: ALSA is used directly", _SERVER)]


def _accepts(path: str) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(1.0)
        try:
            probe.connect(path)
        except OSError:
            return False
        return True


def check_cards(folder: Path = Path("/dev/snd")) -> list[Finding]:
    """Whether sound cards can be opened directly, without a sound server."""
    playback = sorted(folder.glob("pcmC*D*p")) if folder.is_dir() else []
    if not playback:
        return [warn("sound cards", f"none in {folder}: sound needs a network or virtual output")]
    if all(os.access(card, os.R_OK | os.W_OK) for card in playback):
        return [ok("sound cards", f"{len(playback)} outputs can be opened")]
    membership = "in the group audio" if _in_audio_group() else "not in the group audio"
    mend = "use a sound server, or log in at the machine's own seat; headless: usermod -aG audio USER"
    return [warn("sound cards", f"no permission on {folder} ({membership})", mend)]


def _in_audio_group() -> bool:
    try:
        return grp.getgrnam("audio").gr_gid in os.getgroups()
    except KeyError:
        return False
