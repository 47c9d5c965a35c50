"""A random word is spoken a hundred times in every way, and looked for everywhere afterwards."""

import json
import secrets
from pathlib import Path

import psutil
import pytest

from support.scene import TONE, scene

pytestmark = pytest.mark.system


def test_what_is_read_is_found_nowhere() -> None:
    token = f"canary{secrets.token_hex(8)}"
    with scene(TONE + "[limits]\ncalls_per_second = 1000\n[worker]\nhang_seconds = 0.5\n") as stage:
        client, daemon = stage.client, stage.daemon
        for number in range(100):
            utterance = client.speak(f"{token} {number}", rate="4", volume="0.1")
            if number in (3, 50):
                daemon.worker.kill()
            if number % 2:
                client.call("Cancel", "u", utterance)
        client.wait(utterance)
        stage.command("speak", token, "--option", "rate=99")
        stage.command("speak", token, "-o", str(daemon.folder / "private.wav"))
        processes = [psutil.Process(daemon.pid), *psutil.Process(daemon.pid).children(recursive=True)]
        places = {
            f"/proc/{p.pid}/{what}": _read(p.pid, what) for p in processes for what in ("cmdline", "environ")
        }
        places |= {str(path): path.read_bytes() for path in daemon.folder.rglob("*") if path.is_file()}
        places["signals"] = json.dumps([str(event) for event in client.events]).encode()
        places["reason"] = str(client.get("Reason")).encode()
        daemon.terminate()
        places["log"] = daemon.log.encode()
    assert len(places["log"]) > 100
    assert len(client.events) > 200
    assert [place for place, content in places.items() if token.encode() in content] == []


def test_the_search_would_find_it(tmp_path: Path) -> None:
    token = f"canary{secrets.token_hex(8)}"
    (tmp_path / "leak").write_text(f"WARNING: {token}")
    assert [path.name for path in tmp_path.rglob("*") if token.encode() in path.read_bytes()] == ["leak"]


def _read(pid: int, what: str) -> bytes:
    return Path(f"/proc/{pid}/{what}").read_bytes()
