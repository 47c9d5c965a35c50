"""`chatttsctl orca install`, `remove` and `status`."""

import json
from pathlib import Path

import pytest

from chatttsd.ctl import orca
from chatttsd.ctl.doctor.finding import Finding
from support.ctl import ctl, hermetic
from support.orca_extension import EXTENSION


@pytest.fixture
def home(tmp_path: Path) -> dict[str, str]:
    return hermetic(tmp_path)


@pytest.fixture
def place(home: dict[str, str]) -> Path:
    return Path(home["XDG_DATA_HOME"]) / "orca" / "extensions" / "chatttsd.py"


def tool(home: dict[str, str], name: str, script: str) -> None:
    """Put a program first on the PATH."""
    program = Path(home["PATH"].partition(":")[0]) / name
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)


def test_the_extension_is_put_where_orca_looks_and_its_approval_is_asked_for(
    home: dict[str, str], place: Path
) -> None:
    done = ctl(["orca", "install"], home)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[0] == str(place)
    assert "orca --approve-extension chatttsd.py" in done.stdout
    assert place.read_bytes() == EXTENSION.read_bytes()
    again = ctl(["orca", "install", "--json"], home)
    assert json.loads(again.stdout) == {
        "path": str(place),
        "changed": False,
        "approve": "orca --approve-extension chatttsd.py",
    }


def test_an_older_version_is_replaced_and_somebody_elses_file_is_not(
    home: dict[str, str], place: Path
) -> None:
    place.parent.mkdir(parents=True)
    place.write_text("# chatttsd: an older one\n")
    assert ctl(["orca", "install"], home).returncode == 0
    assert place.read_bytes() == EXTENSION.read_bytes()
    place.write_text("# mine\n")
    for action in ("install", "remove"):
        done = ctl(["orca", action], home)
        assert (done.returncode, "not of chatttsd's making" in done.stderr) == (1, True)
    assert place.read_text() == "# mine\n"


def test_removing_leaves_nothing_and_nobody_elses_extension_is_touched(
    home: dict[str, str], place: Path
) -> None:
    ctl(["orca", "install"], home)
    assert ctl(["orca", "remove"], home).stdout == f"removed {place}\n"
    assert not place.parent.parent.exists()
    assert ctl(["orca", "remove"], home).stdout == f"no {place} was there\n"
    ctl(["orca", "install"], home)
    other = place.with_name("other.py")
    other.write_text("")
    assert json.loads(ctl(["orca", "remove", "--json"], home).stdout)["changed"]
    assert list(place.parent.iterdir()) == [other]


def test_a_folder_that_cannot_be_made_is_a_clear_error(home: dict[str, str], place: Path) -> None:
    place.parents[2].mkdir(parents=True)
    place.parents[1].write_text("")
    done = ctl(["orca", "install"], home)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"chatttsctl: {place.parents[1]}")


def found(home: dict[str, str]) -> dict[str, dict[str, str]]:
    report = json.loads(ctl(["orca", "status", "--json"], home).stdout)
    return {finding["what"]: finding for finding in report["findings"]}


@pytest.mark.parametrize(
    ("script", "level", "told"),
    [
        ("echo 51.0", "ok", "51.0"),
        ("echo 'orca 52.beta (rev abc1234)'", "ok", "52.beta"),
        ("echo 43.1", "fail", "43.1, extensions came with 51"),
        ("exit 1", "fail", "not installed, or it does not answer"),
    ],
)
def test_status_judges_orcas_version(home: dict[str, str], script: str, level: str, told: str) -> None:
    tool(home, "orca", script)
    seen = found(home)["Orca"]
    assert seen["level"] == level
    assert told in seen["detail"]


def test_status_of_a_machine_without_orca_fails(
    home: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.which", lambda _: None)
    assert orca.check_orca().detail.startswith("not installed")
    assert orca.check_approval() == Finding(
        "warn", "approval", "unknown, dconf is not installed", orca.APPROVE
    )


def test_status_compares_the_file_and_its_approval(home: dict[str, str], place: Path) -> None:
    tool(home, "orca", "echo 51.0")
    tool(home, "dconf", "true")
    assert ctl(["orca", "status"], home).returncode == 1
    assert found(home)["extension"]["mend"] == "chatttsctl orca install"
    ctl(["orca", "install"], home)
    assert found(home)["approval"]["detail"] == "not yet"
    tool(home, "dconf", """echo "{'chatttsd.py': '0000'}" """)
    assert found(home)["approval"]["detail"] == "for another version of the file"
    tool(home, "dconf", f"""echo "{{'chatttsd.py': '$(sha256sum {EXTENSION} | cut -d' ' -f1)'}}" """)
    done = ctl(["orca", "status"], home)
    assert (done.returncode, [line[:2] for line in done.stdout.splitlines()]) == (0, ["ok"] * 3)
    place.write_text(place.read_text() + "\n")
    assert found(home)["extension"]["level"] == "warn"
