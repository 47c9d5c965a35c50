"""The unit files: accepted by systemd, as tight as SECURITY.md says, and consistent with the code."""

import os
import re
import subprocess
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Final

import pytest

from chatttsd.constants import BUS_NAME, INTERFACE, OBJECT_PATH, SPIEL_NAME, UNIT

ROOT: Final = Path(__file__).parents[2]
UNITS: Final = ROOT / "systemd"
SYSTEM_UNIT: Final = "chatttsd-system.service"
BOTH: Final = pytest.mark.parametrize("name", [UNIT, SYSTEM_UNIT])

Directive = tuple[str, str]


def directives(name: str, section: str) -> list[Directive]:
    """Return the (key, value) pairs of one section in order; a key may come more than once."""
    found: list[Directive] = []
    current = ""
    for line in (UNITS / name).read_text().splitlines():
        if line.startswith("["):
            current = line.strip("[]")
        elif current == section and line and not line.startswith("#"):
            key, value = line.split("=", 1)
            found.append((key, value))
    return found


def installed(folder: Path, name: str) -> Path:
    """Return a copy of the unit with @BINDIR@ filled in, as install.sh leaves it."""
    command = folder / "a folder" / "chatttsd"
    command.parent.mkdir()
    command.write_text("#!/bin/sh\n")
    command.chmod(0o755)
    unit = folder / name
    unit.write_text((UNITS / name).read_text().replace("@BINDIR@", str(command.parent)))
    return unit


def analyze(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    runtime = folder / "run"
    runtime.mkdir(mode=0o700)
    environment = {**os.environ, "XDG_RUNTIME_DIR": str(runtime), "SYSTEMD_COLORS": "0"}
    command = ["systemd-analyze", "--no-pager", "--man=no", *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=environment, check=False, timeout=60)


@pytest.mark.parametrize(("scope", "name"), [("--user", UNIT), ("--system", SYSTEM_UNIT)])
def test_systemd_accepts_the_unit_without_a_word(tmp_path: Path, scope: str, name: str) -> None:
    result = analyze(tmp_path, scope, "verify", str(installed(tmp_path, name)))
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


@pytest.mark.parametrize(("name", "allowed"), [(UNIT, 6.1), (SYSTEM_UNIT, 0.8)])
def test_exposure_is_not_above_the_published_figure(tmp_path: Path, name: str, allowed: float) -> None:
    result = analyze(tmp_path, "security", "--offline=true", str(installed(tmp_path, name)))
    measured = re.search(r"Overall exposure level for \S+: (\d+\.\d+)", result.stdout)
    assert measured is not None, result.stdout + result.stderr
    assert float(measured[1]) <= allowed


def sandbox(name: str) -> list[str]:
    """Return the lines of the unit that SECURITY.md publishes: from UMask= to the end of [Service]."""
    lines = [f"{key}={value}" for key, value in directives(name, "Service")]
    return lines[lines.index("UMask=0077") :]


@BOTH
def test_security_page_lists_what_the_unit_sets(name: str) -> None:
    page = (ROOT / "SECURITY.md").read_text()
    chapter = page.split(f"(systemd/{name})")[1]
    published = re.search(r"```ini\n(.*?)\n```", chapter, re.DOTALL)
    assert published is not None
    assert published[1].splitlines() == sandbox(name)


@BOTH
def test_security_page_names_the_bounds_of_the_unit(name: str) -> None:
    page = (ROOT / "SECURITY.md").read_text()
    service = dict(directives(name, "Service"))
    for key in ("MemoryMax", "MemorySwapMax", "TasksMax", "LimitNOFILE", "LimitCORE"):
        assert f"`{key}={service[key]}`" in page


@BOTH
def test_unit_serves_the_name_of_the_code(name: str) -> None:
    service = dict(directives(name, "Service"))
    assert service["BusName"] == BUS_NAME
    assert service["Type"] == "notify"
    assert service["ExecReload"].split()[2:] == ["call", BUS_NAME, OBJECT_PATH, INTERFACE, "Reload"]


@BOTH
def test_a_lost_worker_does_not_take_the_daemon_with_it(name: str) -> None:
    service = dict(directives(name, "Service"))
    assert service["OOMPolicy"] == "continue"
    assert service["KillMode"] == "mixed"
    assert service["Restart"] == "on-failure"


@BOTH
def test_daemon_fails_to_start_before_a_caller_gives_up(name: str) -> None:
    assert int(dict(directives(name, "Service"))["TimeoutStartSec"]) < 25


@BOTH
def test_sound_server_is_wanted_but_never_required(name: str) -> None:
    assert "Requires" not in dict(directives(name, "Unit"))


@pytest.mark.parametrize(
    ("file", "name", "unit"),
    [
        (f"{BUS_NAME}.service", BUS_NAME, UNIT),
        (f"{SPIEL_NAME}.service", SPIEL_NAME, UNIT),
        (f"{BUS_NAME}.system.service", BUS_NAME, SYSTEM_UNIT),
    ],
)
def test_activation_file_starts_the_unit(file: str, name: str, unit: str) -> None:
    activation = dict(directives(file, "D-BUS Service"))
    assert activation["Name"] == name
    assert activation["SystemdService"] == unit
    assert activation["Exec"] == "/bin/false"
    assert (UNITS / unit).exists()


def test_system_service_user_is_the_one_that_sysusers_makes_and_the_bus_lets_own_the_name() -> None:
    service = dict(directives(SYSTEM_UNIT, "Service"))
    policy = ET.parse(UNITS / f"{BUS_NAME}.conf")
    owners = [rule.get("user") for rule in policy.findall("policy") if rule.find("allow[@own]") is not None]
    activation = dict(directives(f"{BUS_NAME}.system.service", "D-BUS Service"))
    assert owners == [service["User"]] == [activation["User"]]
    assert service["SupplementaryGroups"] in {rule.get("group") for rule in policy.findall("policy")}


def test_sysusers_makes_the_user_and_the_group(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    command = ["systemd-sysusers", f"--root={tmp_path}", str(UNITS / "chatttsd-sysusers.conf")]
    subprocess.run(command, check=True, capture_output=True, timeout=30)
    user = next(
        line for line in (tmp_path / "etc/passwd").read_text().splitlines() if line.startswith("chattts:")
    )
    assert user.split(":")[4:] == ["ChatTTS speech service", "/var/lib/chatttsd", "/usr/sbin/nologin"]
    groups = [line.split(":")[0] for line in (tmp_path / "etc/group").read_text().splitlines()]
    assert sorted(groups) == ["audio", "chattts"]


def test_system_service_finds_its_files_where_systemd_makes_the_folders() -> None:
    pairs = directives(SYSTEM_UNIT, "Service")
    variables = dict(
        word.split("=", 1) for key, value in pairs if key == "Environment" for word in value.split()
    )
    roots = {"ConfigurationDirectory": "/etc", "StateDirectory": "/var/lib", "CacheDirectory": "/var/cache"}
    assert {key: value for key, value in pairs if key in roots} == dict.fromkeys(roots, "chatttsd")
    assert variables["XDG_CONFIG_HOME"] == roots["ConfigurationDirectory"]
    assert variables["XDG_DATA_HOME"] == variables["XDG_STATE_HOME"] == roots["StateDirectory"]
    assert variables["XDG_CACHE_HOME"] == roots["CacheDirectory"]
