"""What is looked at before a worker of the model is started: nothing that lies there may stop the daemon."""

import asyncio
from pathlib import Path

import pytest

from chatttsd.engine.api import ModelSettings
from chatttsd.engine.directory import EngineDirectory
from chatttsd.engine.model_setup import NO_MODEL_THERE, UNREADABLE, absence, fingerprint
from support.residence import WORKER, residence
from support.scripted_worker import Script, scripted_command


@pytest.fixture
def settings(tmp_path: Path) -> ModelSettings:
    """Of a folder with one file of a model."""
    (tmp_path / "asset/gpt").mkdir(parents=True)
    (tmp_path / "asset/gpt/config.json").write_text("{}")
    return ModelSettings(model_dir=str(tmp_path))


def unreadable(tmp_path: Path) -> list[tuple[str, str]]:
    """Folders that cannot be looked at, for whoever runs the test, and why."""
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    return [(str(loop), "Too many levels of symbolic links"), ("/" + "a" * 300, "File name too long")]


def test_a_folder_that_cannot_be_looked_at_is_told_and_raises_nothing(tmp_path: Path) -> None:
    for folder, why in unreadable(tmp_path):
        named = ModelSettings(model_dir=folder)
        assert (absence(named), fingerprint(named)) == (f"{UNREADABLE}: {why}", ())


def test_the_daemon_speaks_beside_a_folder_that_cannot_be_looked_at(tmp_path: Path) -> None:
    folder, why = unreadable(tmp_path)[1]
    named = ModelSettings(model_dir=folder)

    async def reason() -> tuple[str, str]:
        made = EngineDirectory(
            *("auto", WORKER, named),
            on_change=lambda: None,
            on_restart=lambda: None,
            command=scripted_command,
        )
        return made.model_state, made.reason

    assert asyncio.run(reason()) == ("absent", f"{UNREADABLE}: {why}, so espeak-ng speaks")


@pytest.mark.parametrize("folder", ["/nowhere/at all", "/dev/null", "/a\0b"])
def test_a_folder_that_cannot_be_there_is_no_model(folder: str) -> None:
    named = ModelSettings(model_dir=folder)
    assert (absence(named), fingerprint(named)) == (NO_MODEL_THERE, ())


def test_a_file_that_may_be_read_now_is_a_change(settings: ModelSettings) -> None:
    file = Path(settings.model_dir) / "asset/gpt/config.json"
    file.chmod(0o000)
    before = fingerprint(settings)
    file.chmod(0o644)
    assert fingerprint(settings) != before


def test_another_manifest_is_a_change(settings: ModelSettings) -> None:
    before = fingerprint(settings)
    (Path(settings.model_dir) / "manifest.toml").write_text("name = 'mine'\n")
    assert fingerprint(settings) != before


async def test_a_fault_is_not_tried_again_for_every_byte_that_is_fetched(tmp_path: Path) -> None:
    async with residence(tmp_path, Script(fault="asset/Decoder.safetensors is missing")) as made:
        made.model.load()
        await made.until(lambda: made.model.unavailable)
        for size in (1, 1000):
            (tmp_path / "asset/Decoder.safetensors.part").write_bytes(bytes(size))
            made.model.want()
            assert made.model.unavailable, (
                "it would be loaded in vain, with every request while it is fetched"
            )
        (tmp_path / "asset/Decoder.safetensors.part").rename(tmp_path / "asset/Decoder.safetensors")
        made.model.want()
        assert not made.model.unavailable
