"""A scene with both engines, scripted: what ChatTTS says begins with MODEL_MARK, all of it can be decoded."""

import contextlib
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from chatttsd.engine.model_setup import MODEL_ENGINE
from support.pulse import wait_for
from support.scene import STEADY, Scene, scene
from support.scripted_worker import ModelFolder, Script

_DAEMON: Final = (
    f"import sys; sys.path.insert(0, {str(Path(__file__).parents[1])!r}); "
    "from chatttsd import app; from support.scripted_worker import scripted_command; "
    "sys.exit(app.main(command=scripted_command))"
)
PROGRAM: Final = ("-c", _DAEMON)
"""The real daemon with scripted workers."""
SCRIPTED: Final = "[speech]\nsentence_pause_seconds = 0\n" + STEADY


@dataclass
class ModelScene(Scene):
    """A scene and the folder of its model."""

    folder: ModelFolder

    def wait_state(self, state: str) -> None:
        """Wait until the model is in a state."""
        self.client.wait_property("ModelState", lambda found: found == state)

    def model_pid(self) -> int:
        """Return the process id of the model's worker."""
        wait_for(lambda: bool(self.daemon.workers(MODEL_ENGINE)), "the model's worker")
        return int(self.daemon.workers(MODEL_ENGINE)[0].pid)


@contextlib.contextmanager
def model_scene(
    settings: str = "", script: Script | None = None, *, speech: str = "", installed: bool = True
) -> Iterator[ModelScene]:
    """A model scene for a `with` block; `settings` are lines of [chattts], `speech` of [speech]."""
    with tempfile.TemporaryDirectory(prefix="chatttsd-model-") as name:
        folder = ModelFolder(Path(name), script)
        if not installed:
            (folder.folder / "asset").rename(folder.folder / "elsewhere")
        config = SCRIPTED.replace("[speech]\n", f"[speech]\n{speech}\n")
        config += f'[chattts]\nmodel_dir = "{name}"\n{settings}\n'
        with scene(config, program=PROGRAM) as stage:
            stage.client.wait_property("Voices", lambda rows: any(row[2] == "espeak-ng" for row in rows))
            yield ModelScene(stage.pulse, stage.daemon, stage.client, folder)
