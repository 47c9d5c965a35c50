"""The library finds its data however deep the folder is, and is open once at a time."""

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import espeakng_loader
import pytest

from chatttsd.engine.api import EngineError
from chatttsd.engine.espeak_library import EspeakLibrary, Samples

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


@pytest.fixture
def library() -> Iterator[EspeakLibrary]:
    with closing(EspeakLibrary()) as library:
        yield library


def spoken(library: EspeakLibrary) -> int:
    """Return how many samples a word has."""
    lengths: list[int] = []

    def take(samples: Samples) -> bool:
        lengths.append(samples.size)
        return True

    library.set_voice("gmw/en")
    library.speak("hello", take)
    return sum(lengths)


def descriptors() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def test_a_second_one_is_refused_and_the_first_speaks_on(library: EspeakLibrary) -> None:
    before = spoken(library)
    with pytest.raises(EngineError, match="open in this process already"):
        EspeakLibrary()
    assert spoken(library) == before > 2000


def test_it_speaks_the_same_however_often_it_was_closed_and_opened() -> None:
    lengths = set()
    for _ in range(5):
        with closing(EspeakLibrary()) as library:
            lengths.add(spoken(library))
    assert len(lengths) == 1


def test_closed_twice_it_closes_nothing_of_the_next_one() -> None:
    first = EspeakLibrary()
    first.close()
    with closing(EspeakLibrary()) as second:
        first.close()
        assert spoken(second) > 2000
        with pytest.raises(EngineError):
            EspeakLibrary()


def no_folder(_folder: Path) -> None:
    return


def no_file(folder: Path) -> None:
    folder.mkdir()


def another_version(folder: Path) -> None:
    shutil.copytree(espeakng_loader.get_data_path(), folder)
    phondata = folder / "phondata"
    phondata.write_bytes(b"\0\0\0\0" + phondata.read_bytes()[4:])


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (no_folder, "No such file or directory"),
        (no_file, "No such file or directory"),
        (another_version, "Wrong version of espeak-ng-data"),
    ],
)
def test_data_of_no_use_are_named_and_nothing_stays_open(
    harm: Callable[[Path], None], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "espeak-ng-data"
    harm(folder)
    before = descriptors()
    with monkeypatch.context() as patched:
        patched.setattr(espeakng_loader, "get_data_path", lambda: str(folder))
        with pytest.raises(EngineError) as caught:
            EspeakLibrary()
    assert str(caught.value) == (
        f"espeak-ng cannot use its data ({said}): reinstall the Python package espeakng-loader"
    )
    assert descriptors() == before
    with closing(EspeakLibrary()) as library:
        assert spoken(library) > 2000
