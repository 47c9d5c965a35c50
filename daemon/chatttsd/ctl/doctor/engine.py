"""Checks of what synthesises: the embedded espeak-ng, the model's libraries and the GPU. Imports no torch."""

import ctypes
import importlib
import shutil
import subprocess
from pathlib import Path
from typing import Final

from chatttsd.ctl import model_step
from chatttsd.ctl.doctor.finding import Finding, fail, ok, warn

_REINSTALL: Final = "reinstall it: pip install --force-reinstall espeakng-loader"
_GPU_TIMEOUT: Final = 5.0


def check_espeak(module: str = "espeakng_loader") -> list[Finding]:
    """Whether the library of the default voice loads and its data is there."""
    what = "espeak-ng"
    try:
        loader = importlib.import_module(module)
        library, data = loader.get_library_path(), Path(loader.get_data_path())
        ctypes.CDLL(library)
    except ImportError:
        return [fail(what, f"{module} is not installed", _REINSTALL)]
    except (OSError, AttributeError) as error:
        return [fail(what, f"its library does not load ({type(error).__name__})", _REINSTALL)]
    if not (data / "phontab").is_file():
        return [fail(what, f"no voice data in {data}", _REINSTALL)]
    return [ok(what, "library and data are there")]


def check_model_libraries() -> list[Finding]:
    """Whether torch could be imported; it is only looked for, which is cheap."""
    if not model_step.have_libraries():
        return [warn("torch", "not installed: espeak-ng speaks, ChatTTS cannot", model_step.LIBRARIES)]
    return [ok("torch", "installed")]


def check_gpu(devices: Path = Path("/dev")) -> list[Finding]:
    """Whether an NVIDIA GPU and its driver are there."""
    nodes = sorted(devices.glob("nvidia[0-9]*"))
    command = shutil.which("nvidia-smi")
    if not nodes and command is None:
        return [ok("GPU", "no NVIDIA GPU: ChatTTS would run on the CPU")]
    if command is None:
        return [
            warn("GPU", f"{len(nodes)} device nodes, but no nvidia-smi", "install the NVIDIA driver's tools")
        ]
    return [_ask_driver(command)]


def _ask_driver(command: str) -> Finding:
    mend = "load the driver: modprobe nvidia-uvm, or reinstall it for this kernel"
    try:
        answer = subprocess.run(  # noqa: S603 - found on the PATH, fixed argument
            [command, "-L"], capture_output=True, timeout=_GPU_TIMEOUT, check=False, stdin=subprocess.DEVNULL
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return warn("GPU", f"nvidia-smi does not answer ({type(error).__name__})", mend)
    names = answer.stdout.decode(errors="replace").splitlines()
    if answer.returncode or not names:
        return warn("GPU", f"nvidia-smi fails with exit status {answer.returncode}", mend)
    return ok("GPU", names[0].partition(" (UUID")[0])
