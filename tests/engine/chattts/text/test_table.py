"""What a good reader says, pair by pair; and upstream's own normaliser has nothing left to do."""

import importlib.util
import json
import logging
import sys
from pathlib import Path
from types import ModuleType
from typing import Protocol

import pytest

from chatttsd.speech.language import resolve
from support.front_end import TABLES, say, table


class Normalizer(Protocol):
    """The call of upstream's normaliser."""

    def __call__(
        self, text: str, do_text_normalization: bool = True, do_homophone_replacement: bool = True
    ) -> str: ...


CASES = [(name, written, said) for name in TABLES for written, said in table(name)]
FEWEST_CASES = 200


def language_of(name: str, written: str) -> str:
    return resolve(written, "auto" if name == "mixed" else name)


@pytest.mark.parametrize(("name", "written", "said"), CASES)
def test_a_text_is_said_as_a_good_reader_says_it(name: str, written: str, said: str) -> None:
    assert say(written, language_of(name, written)) == said


@pytest.mark.parametrize(("name", "written", "said"), CASES)
def test_what_is_said_is_said_the_same_again(name: str, written: str, said: str) -> None:
    assert say(said, language_of(name, written)) == said


def test_the_table_is_long_and_names_no_text_twice() -> None:
    written = [(name, text) for name, text, _ in CASES]
    assert len(written) == len(set(written)) >= FEWEST_CASES


def upstream_folder() -> Path:
    found = importlib.util.find_spec("ChatTTS")
    assert found
    assert found.submodule_search_locations
    return Path(found.submodule_search_locations[0])


@pytest.fixture(scope="module")
def upstream() -> Normalizer:
    """Upstream's normaliser from its own file, without the package around it, which loads all of torch."""
    package = ModuleType("upstream_alone")
    package.__path__ = []
    utils = ModuleType("upstream_alone.utils")
    utils.del_all = list.clear  # type: ignore[attr-defined] # the one helper that the file takes from its package
    sys.modules |= {"upstream_alone": package, "upstream_alone.utils": utils}
    spec = importlib.util.spec_from_file_location("upstream_alone.norm", upstream_folder() / "norm.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules["upstream_alone.norm"] = module
    spec.loader.exec_module(module)
    homophones = str(upstream_folder() / "res" / "homophones_map.json")
    normalizer: Normalizer = module.Normalizer(homophones, logging.getLogger("upstream"))
    return normalizer


def test_upstreams_normaliser_changes_only_homophones(
    upstream: Normalizer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, logger="upstream")
    said = [say(written, language_of(name, written)) for name, written, _ in CASES]
    assert [upstream(text, do_homophone_replacement=False) for text in said] == said
    assert not caplog.records


def test_upstreams_normaliser_replaces_what_its_map_says(upstream: Normalizer) -> None:
    homophones = str.maketrans(
        json.loads((upstream_folder() / "res" / "homophones_map.json").read_text(encoding="utf-8"))
    )
    text = say("他在2026年写了一本书，共345页。", "zh")
    assert upstream(text) == text.translate(homophones)
