"""The library finds its data however deep the folder is."""

import shutil
import subprocess
import sys
from pathlib import Path

import espeakng_loader

SCRIPT = """
import sys
import espeakng_loader
espeakng_loader.get_data_path = lambda: sys.argv[1]
from chatttsd.engine.espeak_library import EspeakLibrary
library = EspeakLibrary()
library.set_voice("gmw/en")
samples = []
library.speak("hello", lambda chunk: samples.append(len(chunk)) is None)
print(sum(samples))
library.close()
"""


def test_a_data_path_longer_than_the_library_keeps_is_used(tmp_path: Path) -> None:
    deep = tmp_path / ("a folder of a long name " * 8) / "espeak-ng-data"
    shutil.copytree(espeakng_loader.get_data_path(), deep)
    assert len(str(deep)) > 200
    said = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(deep)], capture_output=True, text=True, check=True, timeout=60
    )
    assert int(said.stdout) > 2000
