"""Runs packaging/install.sh from a copy of the checkout, in a home directory of the test's own."""

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
SHIPPED: Final = ("daemon", "models", "packaging", "systemd", "pyproject.toml", "README.md", "LICENSE")
BASH: Final = shutil.which("bash") or "/bin/bash"
# A fresh home must not see the session of whoever runs the tests; what pip needs to reach its index stays.
HIDDEN: Final = ("XDG_", "DBUS_", "PULSE_", "PIPEWIRE_", "PYTHON", "VIRTUAL_ENV", "CHATTTSD_", "SUDO_")


class Installation:
    """One home directory and one checkout, both with spaces and letters beyond ASCII in their paths."""

    def __init__(self, folder: Path, session: Mapping[str, str] | None = None) -> None:
        self.checkout = folder / "a check-out 源"
        self.temporary = folder / "tmp"
        self.environment = inherited_environment()
        runtime = folder / "run"
        for new in (self.checkout, self.temporary, runtime, folder / "ho me 100% 家"):
            new.mkdir()
        self.environment |= {
            "HOME": str(folder / "ho me 100% 家"),
            "XDG_RUNTIME_DIR": str(runtime),
            "TMPDIR": str(self.temporary),
            "LC_ALL": "C.UTF-8",
        }
        self.environment |= session or {}
        self.home = Path(self.environment["HOME"])
        self.script = [BASH, str(self.checkout / "packaging/install.sh")]
        for name in SHIPPED:
            source, target = ROOT / name, self.checkout / name
            if source.is_dir():
                ignored = shutil.ignore_patterns("*.egg-info", "__pycache__")
                shutil.copytree(source, target, symlinks=True, ignore=ignored)
            else:
                shutil.copy(source, target)

    @property
    def data(self) -> Path:
        """`$XDG_DATA_HOME` as the script finds it."""
        return Path(self.environment.get("XDG_DATA_HOME", self.home / ".local/share"))

    @property
    def command(self) -> Path:
        """The chatttsctl that the script installs."""
        return self.home / ".local/bin/chatttsctl"

    @property
    def venv(self) -> Path:
        """The virtual environment that the script makes."""
        return self.data / "chatttsd/venv"

    def run(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run install.sh from another folder and return what it said; `--no-system-packages` is added."""
        return subprocess.run(
            self._line(arguments),
            env=self.environment | environment,
            cwd=self.temporary.parent,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=240,
        )

    @contextmanager
    def begin(self, *arguments: str) -> Iterator[subprocess.Popen[str]]:
        """Start install.sh in a process group of its own; ends all of the group."""
        line, pipe = self._line(arguments), subprocess.PIPE
        with subprocess.Popen(
            line, env=self.environment, stdout=pipe, stderr=pipe, text=True, start_new_session=True
        ) as script:
            try:
                yield script
            finally:
                if script.poll() is None:
                    os.killpg(script.pid, signal.SIGKILL)

    def _line(self, arguments: tuple[str, ...]) -> list[str]:
        return [*self.script, "--no-system-packages", *arguments]

    def files(self) -> list[str]:
        """Every file, link and folder under HOME, but not what is inside the venv."""
        found = (path.relative_to(self.home) for path in self.home.rglob("*"))
        return sorted(str(path) for path in found if "venv" not in path.parts[:-1])

    def processes(self) -> list[str]:
        """The command lines of running programs that were installed in this home."""
        lines = []
        for entry in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                line = entry.read_bytes().replace(b"\0", b" ").decode(errors="replace")
            except OSError:
                continue
            lines += [line] if str(self.home) in line else []
        return lines


def inherited_environment() -> dict[str, str]:
    """Return the environment of this process without its session, with pip's own settings and cache kept."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(HIDDEN)}
    old_home = Path.home()
    for configuration in (old_home / ".config/pip/pip.conf", old_home / ".pip/pip.conf"):
        if configuration.exists():
            kept.setdefault("PIP_CONFIG_FILE", str(configuration))
    kept.setdefault("PIP_CACHE_DIR", str(old_home / ".cache/pip"))
    # pip asks for the version of rustc, and rustup then makes itself at home.
    kept.setdefault("RUSTUP_HOME", str(old_home / ".rustup"))
    return kept


def source(snippet: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a bash snippet after the shared functions of packaging/lib; its arguments are `$1`, `$2`, …"""
    names = ("common", "python", "system-packages", "files", "service")
    sources = "\n".join(f"source '{ROOT}/packaging/lib/{name}.sh'" for name in names)
    return subprocess.run(
        [BASH, "-c", f"set -euo pipefail\n{sources}\n{snippet}", "bash", *arguments],
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
