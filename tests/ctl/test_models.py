"""`chatttsctl models verify`, `status` and `remove`, on a tiny model; and the progress line of `fetch`."""

import fcntl
import json
import os
from pathlib import Path

import pytest

from chatttsd.ctl.models_fetch import Progress
from chatttsd.ctl.models_hub import reason
from support.ctl import ctl, hermetic, on_terminal
from support.fake_speech import FakeSpeech
from support.hub import REPOSITORY, write_manifest
from support.private_bus import PrivateBus

FILES = {"asset/a.bin": b"first" * 100, "asset/gpt/b.bin": b"second" * 100}


@pytest.fixture
def home(tmp_path: Path) -> dict[str, str]:
    return hermetic(tmp_path / "home")


@pytest.fixture
def model(tmp_path: Path) -> Path:
    folder = tmp_path / "model"
    write_manifest(folder, FILES, {"asset/a.bin": 500})
    for path, data in FILES.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)
    return folder


def test_verify_tells_every_file(model: Path, home: dict[str, str]) -> None:
    done = ctl(["models", "verify", "--dir", str(model)], home)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "ok     asset/a.bin\nok     asset/gpt/b.bin\n"


def test_verify_names_what_is_wrong_and_fails(model: Path, home: dict[str, str]) -> None:
    (model / "asset/gpt/b.bin").write_bytes(b"other")
    (model / "asset/a.bin").unlink()
    done = ctl(["models", "verify", "--dir", str(model)], home)
    assert done.returncode == 1
    assert done.stdout.startswith("wrong  asset/a.bin: missing\nwrong  asset/gpt/b.bin: damaged: sha256 is ")
    assert done.stderr == f"chatttsctl: {model}: 2 of 2 files are not right\n"


def test_verify_reads_even_what_did_not_change(model: Path, home: dict[str, str]) -> None:
    assert ctl(["models", "verify", "--dir", str(model)], home).returncode == 0
    path = model / "asset/gpt/b.bin"
    before = path.stat()
    path.write_bytes(b"SECOND" * 100)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert ctl(["models", "verify", "--dir", str(model)], home).returncode == 1


def test_verify_prints_json(model: Path, home: dict[str, str]) -> None:
    os.truncate(model / "asset/a.bin", 3)
    done = ctl(["models", "verify", "--json", "--dir", str(model)], home)
    assert done.returncode == 1
    assert json.loads(done.stdout) == {
        "directory": str(model),
        "model": "tiny",
        "files": [
            {"path": "asset/a.bin", "ok": False, "fault": "cut short: 3 bytes, should be 500"},
            {"path": "asset/gpt/b.bin", "ok": True, "fault": None},
        ],
        "fault": f"{model}: 1 of 2 files are not right",
    }


def test_verify_of_no_directory_says_so(home: dict[str, str]) -> None:
    done = ctl(["models", "verify"], home)
    expected = f"{home['XDG_DATA_HOME']}/chatttsd/models/ChatTTS"
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"chatttsctl: {expected}: the model directory is missing\n"


def test_verify_looks_at_the_layout_of_a_real_model(model: Path, home: dict[str, str]) -> None:
    config = b'{"num_hidden_layers": 1}'
    files = {**FILES, "asset/gpt/config.json": config}
    write_manifest(model, files)
    (model / "asset/gpt/config.json").write_bytes(config)
    done = ctl(["models", "verify", "--dir", str(model)], home)
    assert done.returncode == 1
    assert done.stdout.count("ok ") == 3
    assert done.stderr.endswith("asset/Decoder.safetensors: missing\n")


def test_verify_shows_its_progress_on_a_terminal_and_colours(model: Path, home: dict[str, str]) -> None:
    code, shown = on_terminal(["models", "verify", "--dir", str(model)], home)
    assert code == 0
    assert "0.0 MB of 0.0 MB" in shown
    assert "\x1b[32mok\x1b[0m" in shown
    plain = on_terminal(["models", "verify", "--dir", str(model)], {**home, "NO_COLOR": "1"})[1]
    assert "\x1b[32m" not in plain


def test_a_manifest_that_is_broken_is_one_line(model: Path, home: dict[str, str]) -> None:
    (model / "manifest.toml").write_text("name = 3\n")
    for action in ("verify", "status", "remove", "fetch"):
        done = ctl(["models", action, "--dir", str(model)], home)
        assert done.returncode == 1
        assert done.stderr == f"chatttsctl: {model}/manifest.toml: 'files' is missing\n"


def test_a_configuration_that_is_broken_is_one_line(home: dict[str, str]) -> None:
    config = Path(home["XDG_CONFIG_HOME"]) / "chatttsd" / "config.toml"
    config.parent.mkdir(parents=True)
    config.write_text("[chattts\n")
    done = ctl(["models", "verify"], home)
    assert done.returncode == 1
    assert "not valid TOML" in done.stderr


def test_status_tells_what_is_there(model: Path, home: dict[str, str]) -> None:
    (model / "asset/gpt/b.bin").unlink()
    (model / "asset/gpt/b.bin.part").write_bytes(bytes(200_000))
    done = ctl(["models", "status", "--dir", str(model)], home)
    assert done.returncode == 1
    assert "model      tiny, not complete\n" in done.stdout
    assert "licence    CC BY-NC 4.0, not accepted here\n" in done.stdout
    assert "daemon     does not answer\n" in done.stdout
    assert "present     asset/a.bin 0.0 MB\n" in done.stdout
    assert "missing     asset/gpt/b.bin (0.2 MB fetched so far)\n" in done.stdout


def test_status_says_what_the_daemon_says(bus: PrivateBus, environment: dict[str, str], model: Path) -> None:
    with FakeSpeech(bus.address):
        done = ctl(["models", "status", "--json", "--dir", str(model)], environment)
    shown = json.loads(done.stdout)
    assert done.returncode == 0
    assert (shown["daemon"], shown["complete"], shown["licence_accepted"]) == ("absent", True, False)
    assert shown["files"][0] == {"path": "asset/a.bin", "state": "present", "size": 500, "partial": None}


def test_status_notices_a_wrong_size_without_reading(model: Path, home: dict[str, str]) -> None:
    os.truncate(model / "asset/a.bin", 3)
    done = ctl(["models", "status", "--dir", str(model)], home)
    assert done.returncode == 1
    assert "wrong size  asset/a.bin" in done.stdout


def test_remove_takes_only_what_belongs_to_the_model(model: Path, home: dict[str, str]) -> None:
    ctl(["models", "verify", "--dir", str(model)], home)
    (model / "asset/a.bin.part").write_bytes(b"")
    (model / "asset/mine.txt").write_text("mine")
    done = ctl(["models", "remove", "--yes", "--dir", str(model)], home)
    assert done.returncode == 0
    assert done.stdout.startswith(f"{model}: removed 4 files")
    left = {str(path.relative_to(model)) for path in model.rglob("*")}
    assert left == {"asset", "asset/mine.txt", "manifest.toml"}


def test_remove_takes_the_empty_directory_too(model: Path, home: dict[str, str], tmp_path: Path) -> None:
    (model / "manifest.toml").unlink()
    for path in FILES:
        (model / path).unlink()
    (model / "asset/Vocos.safetensors").write_bytes(b"")
    done = ctl(["models", "remove", "--yes", "--dir", str(model)], home)
    assert done.returncode == 0
    assert not model.exists()
    assert tmp_path.exists()


def test_remove_of_a_link_leaves_what_it_points_to(model: Path, home: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_bytes(b"x")
    (model / "asset/a.bin").unlink()
    (model / "asset/a.bin").symlink_to(tmp_path / "elsewhere")
    assert ctl(["models", "remove", "--yes", "--dir", str(model)], home).returncode == 0
    assert (tmp_path / "elsewhere").exists()


def test_remove_asks_first(model: Path, home: dict[str, str]) -> None:
    done = ctl(["models", "remove", "--dir", str(model)], home)
    assert done.returncode == 2
    assert "give --yes" in done.stderr
    code, shown = on_terminal(["models", "remove", "--dir", str(model)], home, b"n\n")
    assert code == 1
    assert "remove 2 files (0.0 MB) from" in shown
    assert (model / "asset/a.bin").exists()
    assert on_terminal(["models", "remove", "--dir", str(model)], home, b"y\n")[0] == 0
    assert not (model / "asset").exists()


def test_remove_of_nothing_is_no_fault(tmp_path: Path, home: dict[str, str]) -> None:
    done = ctl(["models", "remove", "--yes", "--dir", str(tmp_path / "no")], home)
    assert (done.returncode, done.stdout) == (0, f"{tmp_path / 'no'}: nothing to remove\n")


def test_two_fetches_do_not_meet_in_one_directory(model: Path, home: dict[str, str]) -> None:
    descriptor = os.open(model, os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    done = ctl(["models", "fetch", "--dir", str(model), "--accept-licence"], home)
    os.close(descriptor)
    assert done.returncode == 1
    assert done.stderr == f"chatttsctl: {model}: another models fetch is at work there\n"


def test_a_directory_that_cannot_be_made_is_one_line(tmp_path: Path, home: dict[str, str]) -> None:
    (tmp_path / "file").write_bytes(b"")
    done = ctl(["models", "fetch", "--dir", str(tmp_path / "file" / "model"), "--accept-licence"], home)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "Not a directory" in done.stderr


def test_the_progress_line_has_bar_bytes_and_speed() -> None:
    times = iter([10.0, 12.0])
    progress = Progress("1/9 a", 4_000_000, lambda: next(times))
    progress.advance(1_000_000)
    progress.advance(2_000_000)
    shown = progress.describe(3_000_000, 14.0)
    assert shown == "1/9 a [############....] 3.0 MB of 4.0 MB, 0.5 MB/s"


def test_the_progress_line_does_without_a_total() -> None:
    assert Progress("a", None, lambda: 0.0).describe(3_000_000, 0.0) == "a 3.0 MB"


def test_the_innermost_cause_is_the_reason() -> None:
    outer = RuntimeError("wrapped")
    outer.__cause__ = ConnectionRefusedError(111, "Connection refused")
    assert reason(outer) == "cannot connect: Connection refused"
    assert reason(TimeoutError()) == "no answer in time"
    assert reason(RuntimeError("odd\nthing")) == "cannot connect: odd thing"


def test_remove_leaves_nothing_of_a_model_that_no_hub_has(model: Path, home: dict[str, str]) -> None:
    (model / "NOTICE").write_text("generated")
    (model / "manifest.toml").write_text((model / "manifest.toml").read_text().replace(REPOSITORY, ""))
    done = ctl(["models", "remove", "--yes", "--dir", str(model)], home)
    assert done.returncode == 0
    assert not model.exists()
