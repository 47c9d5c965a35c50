"""`chatttsctl models fetch` against a hub on this machine, in a process of its own."""

import os
import random
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from support.ctl import COMMAND, ctl, hermetic, on_terminal, start
from support.hub import FakeHub, write_manifest
from support.pulse import wait_for

LARGE = "asset/gpt/model.bin"
SMALL = "asset/tokenizer/words.json"
PLAIN = "asset/Voice.bin"


@dataclass
class Scene:
    """A hub with a tiny model, and a model directory that waits for it."""

    hub: FakeHub
    model: Path
    environment: dict[str, str]

    def fetch(self, *more: str) -> subprocess.CompletedProcess[str]:
        return ctl(["models", "fetch", "--dir", str(self.model), "--accept-licence", *more], self.environment)

    def content(self) -> dict[str, bytes]:
        return {path: (self.model / path).read_bytes() for path in self.hub.files}

    def left(self) -> set[str]:
        """All files that are neither the model's nor its manifest."""
        found = {str(path.relative_to(self.model)) for path in self.model.rglob("*") if path.is_file()}
        return found - self.hub.files.keys() - {"manifest.toml"}


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    noise = random.Random(1)  # noqa: S311 - any bytes do
    files = {LARGE: noise.randbytes(600_000), SMALL: b'{"words": []}', PLAIN: noise.randbytes(50_000)}
    write_manifest(tmp_path / "model", files)
    with FakeHub(files) as hub:
        hub.scripts[SMALL].moved = False
        environment = {**hermetic(tmp_path / "home"), "HF_ENDPOINT": hub.url}
        yield Scene(hub, tmp_path / "model", environment)


def test_all_files_come_and_the_next_step_is_told(scene: Scene) -> None:
    done = scene.fetch()
    assert (done.returncode, done.stderr) == (0, "")
    assert scene.content() == scene.hub.files
    assert f"{LARGE}: fetched, 0.6 MB" in done.stdout
    assert "tiny is complete, all 3 files verified" in done.stdout
    assert "write model_dir = " in done.stdout
    assert "chatttsctl reload && chatttsctl load" in done.stdout


def test_nothing_is_left_beside_the_model(scene: Scene) -> None:
    home = Path(scene.environment["HOME"])
    before = set(home.rglob("*"))
    scene.fetch()
    assert scene.left() == {".licence.json", ".verified.json"}
    assert set(home.rglob("*")) == before


def test_only_the_files_are_asked_for(scene: Scene) -> None:
    scene.fetch()
    assert {request.path.rpartition("asset/")[2] for request in scene.hub.requests} == {
        path.removeprefix("asset/") for path in scene.hub.files
    }


def test_nothing_about_the_user_is_told_to_the_hub(scene: Scene) -> None:
    scene.environment["HF_TOKEN"] = "hf_secret"  # noqa: S105 - made up
    assert scene.fetch().returncode == 0
    for request in scene.hub.requests:
        headers = {name.lower(): value for name, value in request.headers.items()}
        assert "authorization" not in headers
        assert "hf_secret" not in str(headers)
        assert "torch" not in headers["user-agent"]


def test_what_is_there_and_right_is_not_fetched_again(scene: Scene) -> None:
    scene.fetch()
    (scene.model / SMALL).write_bytes(b"changed")
    scene.hub.requests.clear()
    done = scene.fetch()
    assert done.returncode == 0
    assert {request.path for request in scene.hub.requests} == {f"/somebody/tiny/resolve/main/{SMALL}"}
    assert scene.content() == scene.hub.files


def test_a_connection_that_is_cut_is_taken_up_again_at_once(scene: Scene) -> None:
    scene.hub.scripts[LARGE].cuts = [200_000, 100_000]
    assert scene.fetch().returncode == 0
    assert scene.hub.ranges() == ["bytes=200000-"] * 2 + ["bytes=300000-"] * 2
    assert scene.content() == scene.hub.files


def test_what_came_before_a_cut_is_kept_for_the_next_time(scene: Scene) -> None:
    scene.hub.scripts[LARGE].cuts = [200_000, 0]
    done = scene.fetch()
    assert done.returncode == 1
    assert "the connection was cut after 200000 of 600000 bytes; what came is kept" in done.stderr
    assert done.stderr.count("\n") == 1
    assert not (scene.model / LARGE).exists()
    assert (scene.model / f"{LARGE}.part").stat().st_size == 200_000
    scene.hub.requests.clear()
    assert scene.fetch().returncode == 0
    assert set(scene.hub.ranges()) == {"bytes=200000-"}
    assert scene.content() == scene.hub.files


@pytest.mark.parametrize("kept", [200_000, 700_000])
def test_a_server_without_ranges_sends_all_again(scene: Scene, kept: int) -> None:
    scene.hub.scripts[LARGE].ranges = False
    part = scene.model / f"{LARGE}.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(bytes(kept))
    assert scene.fetch().returncode == 0
    assert scene.content() == scene.hub.files


def test_wrong_bytes_are_thrown_away_and_named(scene: Scene) -> None:
    right = scene.hub.files[LARGE]
    scene.hub.files[LARGE] = right[:-1] + bytes([right[-1] ^ 1])
    done = scene.fetch()
    assert done.returncode == 1
    assert f"{LARGE}: sha256 is " in done.stderr
    assert "should be " in done.stderr
    assert not (scene.model / LARGE).exists()
    assert scene.left() == {".licence.json"}


def test_a_file_of_another_size_than_known_is_refused_before_it_comes(scene: Scene) -> None:
    write_manifest(scene.model, scene.hub.files, {LARGE: 600_001})
    done = scene.fetch()
    assert done.returncode == 1
    assert "has 600000 bytes, should have 600001" in done.stderr
    assert scene.hub.gets(LARGE) == 0


@pytest.mark.parametrize(("status", "told"), [(404, "not found (HTTP 404)"), (403, "refuses (HTTP 403)")])
def test_a_refusal_is_one_line_with_the_address(scene: Scene, status: int, told: str) -> None:
    scene.hub.scripts[SMALL].status = status
    done = scene.fetch()
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert told in done.stderr
    assert f"{scene.hub.url}/somebody/tiny/resolve/main/{SMALL}" in done.stderr


def test_a_connection_that_is_refused_is_one_line(scene: Scene) -> None:
    with FakeHub({}) as gone:
        address = gone.url
    done = scene.fetch("--mirror", address)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "cannot connect: Connection refused" in done.stderr


def test_a_name_that_nobody_knows_is_one_line(scene: Scene) -> None:
    done = scene.fetch("--mirror", "http://hub.invalid")
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "http://hub.invalid" in done.stderr
    assert "cannot connect: " in done.stderr


def test_offline_mode_is_honoured(scene: Scene) -> None:
    scene.environment["HF_HUB_OFFLINE"] = "1"
    done = scene.fetch()
    assert (done.returncode, done.stderr) == (1, "chatttsctl: offline: HF_HUB_OFFLINE is set\n")


def test_a_mirror_goes_before_the_environment(scene: Scene) -> None:
    mirror = scene.environment["HF_ENDPOINT"]
    scene.environment["HF_ENDPOINT"] = "http://hub.invalid"
    assert scene.fetch("--mirror", f"{mirror}/").returncode == 0
    assert scene.content() == scene.hub.files


def test_a_mirror_must_be_a_web_address(scene: Scene) -> None:
    done = scene.fetch("--mirror", "ftp://hub.invalid")
    assert (done.returncode, done.stdout) == (2, "")
    assert "mirror: got 'ftp://hub.invalid', allowed: an http:// or https:// address" in done.stderr


def test_a_disk_without_room_is_one_line_and_the_files_that_came_stay(scene: Scene) -> None:
    (scene.model / "asset").mkdir()
    (scene.model / f"{PLAIN}.part").symlink_to("/dev/full")
    done = scene.fetch()
    fault = f"{scene.model / PLAIN}.part: No space left on device; what came is kept"
    told = f"chatttsctl: {fault}: the same command goes on from there when there is room\n"
    assert (done.returncode, done.stderr) == (1, told)
    assert f"{SMALL}: fetched, " in done.stdout
    assert not (scene.model / PLAIN).exists()
    (scene.model / f"{PLAIN}.part").unlink()
    scene.hub.requests.clear()
    assert scene.fetch().returncode == 0
    assert (scene.hub.gets(LARGE), scene.hub.gets(SMALL), scene.hub.gets(PLAIN)) == (0, 0, 1)
    assert scene.content() == scene.hub.files


def test_a_file_that_may_not_grow_further_keeps_what_came(scene: Scene) -> None:
    command = [*COMMAND, "models", "fetch", "--dir", str(scene.model), "--accept-licence"]
    full = ["prlimit", "--fsize=300000", *command]
    done = subprocess.run(
        full, env=scene.environment, capture_output=True, text=True, check=False, timeout=50
    )
    assert done.returncode == 1
    assert f"{LARGE}.part: File too large; what came is kept" in done.stderr
    assert not (scene.model / LARGE).exists()
    assert (scene.model / f"{LARGE}.part").stat().st_size == 300_000
    assert scene.fetch().returncode == 0
    assert scene.content() == scene.hub.files


def test_too_little_room_is_told_before_anything_comes(scene: Scene) -> None:
    scene.hub.scripts[LARGE].claimed = 10**16
    done = scene.fetch()
    assert done.returncode == 1
    assert "MB are free, 10000000" in done.stderr
    assert scene.hub.gets(PLAIN) == 0


def test_a_fetch_that_is_interrupted_is_taken_up_again(scene: Scene) -> None:
    scene.hub.scripts[LARGE].stall = 300_000
    command = ["models", "fetch", "--dir", str(scene.model), "--accept-licence"]
    with start(command, scene.environment) as process:
        assert scene.hub.stalled.wait(50)
        part = scene.model / f"{LARGE}.part"
        wait_for(lambda: part.exists() and part.stat().st_size == 300_000, "what the hub has sent")
        process.send_signal(signal.SIGINT)
        assert process.wait(50) == 130
        assert process.stderr is not None
        assert process.stderr.read() == ""
    assert not (scene.model / LARGE).exists()
    scene.hub.released.set()
    scene.hub.scripts[LARGE].stall = 0
    assert scene.fetch().returncode == 0
    assert scene.content() == scene.hub.files


def test_a_model_that_is_complete_needs_neither_hub_nor_library(scene: Scene) -> None:
    for path, data in scene.hub.files.items():
        (scene.model / path).parent.mkdir(parents=True, exist_ok=True)
        (scene.model / path).write_bytes(data)
    scene.environment["HF_HUB_OFFLINE"] = "1"
    done = scene.fetch()
    assert (done.returncode, done.stderr) == (0, "")
    assert "is complete, all 3 files verified" in done.stdout
    assert scene.hub.requests == []


def test_without_huggingface_hub_it_says_what_to_install(scene: Scene, tmp_path: Path) -> None:
    (tmp_path / "huggingface_hub.py").write_text("raise ImportError\n")
    scene.environment["PYTHONPATH"] = str(tmp_path)
    done = scene.fetch()
    assert done.returncode == 1
    assert "pip install 'chatttsd[chattts]'" in done.stderr


def test_where_nobody_can_be_asked_the_licence_must_be_accepted_by_flag(scene: Scene) -> None:
    done = ctl(["models", "fetch", "--dir", str(scene.model)], scene.environment)
    assert done.returncode == 2
    assert "CC BY-NC 4.0 (https://example.org/by-nc)" in done.stderr
    assert "--accept-licence" in done.stderr
    assert scene.hub.requests == []


def test_the_licence_is_shown_and_asked_for_once(scene: Scene) -> None:
    arguments = ["models", "fetch", "--dir", str(scene.model)]
    code, shown = on_terminal(arguments, scene.environment, b"yes\n")
    assert code == 0
    assert "Not for commercial use." in shown
    assert "Nothing is promised." in shown
    (scene.model / LARGE).unlink()
    code, shown = on_terminal(arguments, scene.environment)
    assert code == 0
    assert "accept" not in shown


def test_a_terminal_shows_a_bar_from_where_the_part_ends_and_takes_it_away(scene: Scene) -> None:
    assert scene.fetch().returncode == 0
    (scene.model / LARGE).rename(scene.model / f"{LARGE}.part")
    os.truncate(scene.model / f"{LARGE}.part", 300_000)
    code, shown = on_terminal(["models", "fetch", "--dir", str(scene.model)], scene.environment)
    assert code == 0
    bar, _, after = shown.partition("1/1 model.bin [########........] 0.3 MB of 0.6 MB")
    assert bar.endswith("\r\x1b[K\x1b[2m"), shown
    assert f"\r\x1b[K{LARGE}: fetched, 0.6 MB\r\n" in after


def test_a_licence_that_is_refused_fetches_nothing(scene: Scene) -> None:
    code, shown = on_terminal(["models", "fetch", "--dir", str(scene.model)], scene.environment, b"\n")
    assert code == 1
    assert "the licence was not accepted; nothing was fetched" in shown
    assert scene.hub.requests == []
    assert scene.left() == set()


def test_a_model_that_no_hub_has_is_not_fetched(scene: Scene) -> None:
    manifest = scene.model / "manifest.toml"
    manifest.write_text(manifest.read_text().replace('repository = "somebody/tiny"', ""))
    done = scene.fetch()
    assert done.returncode == 1
    assert "holds the model 'tiny', which no hub has" in done.stderr


def test_the_configured_directory_is_the_one_that_is_filled(scene: Scene, tmp_path: Path) -> None:
    config = Path(scene.environment["XDG_CONFIG_HOME"]) / "chatttsd" / "config.toml"
    config.parent.mkdir(parents=True)
    config.write_text(f'[chattts]\nmodel_dir = "{scene.model}"\n')
    done = ctl(["models", "fetch", "--accept-licence"], scene.environment)
    assert done.returncode == 0
    assert "next: chatttsctl reload && chatttsctl load" in done.stdout
    assert scene.content() == scene.hub.files
