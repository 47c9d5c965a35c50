"""The house rules hold; and every check finds what it is there to find."""

import statistics
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from support import house_rules as rules

ROOT = Path(__file__).parents[2]
SOURCE = rules.read(ROOT, "daemon")
TESTS = rules.read(ROOT, "tests")

Check = Callable[[rules.Sources], list[str]]

OF_SOURCE: list[Check] = [
    rules.forbidden_imports,
    rules.heavy_imports,
    rules.import_cycles,
    rules.long_files,
    rules.long_functions,
    rules.unannotated,
    rules.undocumented,
    rules.unexplained,
    rules.leaks,
    rules.possessive_groups,
]
OF_TESTS: list[Check] = [rules.long_files, rules.long_functions, rules.unannotated, rules.unexplained]


def name_of(check: Check) -> str:
    return check.__name__


@pytest.mark.parametrize("check", OF_SOURCE, ids=name_of)
def test_the_source_keeps_the_rule(check: Check) -> None:
    assert check(SOURCE) == []


@pytest.mark.parametrize("check", OF_TESTS, ids=name_of)
def test_the_tests_keep_the_rule(check: Check) -> None:
    assert check(TESTS) == []


def test_half_of_the_functions_have_at_most_ten_lines() -> None:
    assert statistics.median(rules.function_lengths(SOURCE).values()) <= rules.MEDIAN_FUNCTION


def test_there_are_at_least_as_many_lines_of_tests_as_of_source() -> None:
    assert rules.count_lines(TESTS) >= rules.count_lines(SOURCE)


def test_no_file_names_a_path_of_this_machine() -> None:
    texts = {
        str(path.relative_to(ROOT)): path.read_text(encoding="utf-8", errors="replace")
        for path in rules.committed(ROOT)
    }
    assert texts
    assert rules.machine_paths(texts, ROOT) == []


LIST_LOADED = "import sys, {module}; print(' '.join(sorted({{name.split('.')[0] for name in sys.modules}})))"


def loaded_by(module: str, path: Path) -> set[str]:
    """Import a module in a fresh interpreter and return the top-level modules that came with it."""
    done = subprocess.run(
        [sys.executable, "-c", LIST_LOADED.format(module=module)],
        capture_output=True,
        text=True,
        check=False,
        env={"PYTHONPATH": str(path), "PATH": "/usr/bin:/bin"},
    )
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


@pytest.mark.parametrize("module", ["chatttsd.app", "chatttsd.pipeline"])
def test_the_daemon_process_loads_no_arithmetic(module: str) -> None:
    loaded = loaded_by(module, ROOT / "daemon")
    assert "chatttsd" in loaded
    assert not loaded & (rules.HEAVY | rules.ARITHMETIC)


def test_what_a_process_loads_is_seen_through_other_modules(tmp_path: Path) -> None:
    (tmp_path / "outer.py").write_text("import inner\n")
    (tmp_path / "inner.py").write_text("import colorsys\n")
    assert {"outer", "inner", "colorsys"} <= loaded_by("outer", tmp_path)


BROKEN: list[tuple[Check, str, str, str]] = [
    (rules.forbidden_imports, "chatttsd/speech/a.py", "import chatttsd.constants", "speech may not import"),
    (rules.forbidden_imports, "chatttsd/speech/a.py", "from chatttsd import bus", "speech may not import"),
    (
        rules.forbidden_imports,
        "chatttsd/bus/a.py",
        "from chatttsd.audio.api import Heard",
        "bus may not import",
    ),
    (rules.forbidden_imports, "chatttsd/audio/a.py", "from ..engine import api", "audio may not import"),
    (
        rules.forbidden_imports,
        "chatttsd/engine/a.py",
        "def f():\n    from chatttsd.app import main",
        "engine may not",
    ),
    (
        rules.forbidden_imports,
        "chatttsd/ctl/a.py",
        "from chatttsd.speech import segment",
        "ctl may not import",
    ),
    (rules.forbidden_imports, "chatttsd/doors/a.py", "from chatttsd.platform import notify", "doors may not"),
    (rules.heavy_imports, "chatttsd/engine/worker.py", "import torch.cuda", "imports torch.cuda"),
    (
        rules.heavy_imports,
        "chatttsd/app.py",
        "def f():\n    from ChatTTS import Chat",
        "imports ChatTTS.Chat",
    ),
    (rules.long_files, "chatttsd/a.py", "\n" * 400, "400 lines"),
    (rules.long_functions, "chatttsd/a.py", "def f():\n" + "    x = 1\n" * 60, "61 lines"),
    (rules.unannotated, "chatttsd/a.py", "def f(x) -> None: ...", "argument x"),
    (rules.unannotated, "chatttsd/a.py", "def f(*args, **kwargs: int) -> None: ...", "argument args"),
    (rules.unannotated, "chatttsd/a.py", "async def f(x: int): ...", "result"),
    (rules.undocumented, "chatttsd/a.py", "x = 1", "module"),
    (
        rules.undocumented,
        "chatttsd/a.py",
        '"""M."""\nclass A:\n    """A."""\n    def f(self) -> None: ...',
        "A.f",
    ),
    (rules.undocumented, "chatttsd/a.py", '"""M."""\nasync def f() -> None: ...', "f"),
    (rules.unexplained, "chatttsd/a.py", "x = 1  # no" + "qa: E501", "a.py:1"),
    (rules.unexplained, "chatttsd/a.py", "x = 1  # type:" + " ignore[misc]", "a.py:1"),
    (rules.leaks, "chatttsd/a.py", "log.debug('%s', text)", "a.py:1"),
    (rules.leaks, "chatttsd/a.py", "self._log.info(f'{utterance.text!r}')", "a.py:1"),
    (rules.leaks, "chatttsd/a.py", "log.warning('x', extra={'said': segment.text})", "a.py:1"),
    (rules.leaks, "chatttsd/a.py", "raise ValueError(f'bad {text}')", "a.py:1"),
    (rules.leaks, "chatttsd/a.py", "raise ValueError('bad ' + request.text[:10]) from None", "a.py:1"),
    (rules.possessive_groups, "chatttsd/a.py", "import re\nA = re.compile(r'(?:ab)*+c')", "a.py:2"),
    (rules.possessive_groups, "chatttsd/a.py", "import re\nA = re.compile(rf'(?:{B})?+c')", "a.py:2"),
]


@pytest.mark.parametrize(("check", "name", "source", "finding"), BROKEN)
def test_a_broken_rule_is_found(check: Check, name: str, source: str, finding: str) -> None:
    found = check({name: source})
    assert len(found) == 1
    assert finding in found[0]


KEPT: list[tuple[Check, str, str]] = [
    (rules.forbidden_imports, "chatttsd/ctl/a.py", "from chatttsd.platform.paths import data"),
    (rules.forbidden_imports, "chatttsd/bus/a.py", "from chatttsd.speech.options import Priority"),
    (rules.forbidden_imports, "chatttsd/app.py", "from chatttsd.bus import transport"),
    (rules.heavy_imports, "chatttsd/engine/chattts/model.py", "import torch"),
    (rules.heavy_imports, "chatttsd/engine/api.py", "if TYPE_CHECKING:\n    import torch"),
    (rules.long_files, "chatttsd/a.py", "\n" * 399),
    (rules.long_functions, "chatttsd/a.py", "def f():\n" + "    x = 1\n" * 59),
    (rules.unannotated, "chatttsd/a.py", "class A:\n    def f(self, x: int) -> None: ..."),
    (rules.undocumented, "chatttsd/a.py", '"""M."""\ndef _f() -> None: ...'),
    (rules.unexplained, "chatttsd/a.py", "x = 1  # no" + "qa: E501 - a table reads better"),
    (rules.unexplained, "chatttsd/a.py", "x = 1  # type:" + " ignore[misc]  # the library has no types"),
    (rules.unexplained, "chatttsd/a.py", "x = 1  # no" + "qa: E501, S101 because of the table"),
    (rules.leaks, "chatttsd/a.py", "log.debug('%d characters', len(text))"),
    (rules.leaks, "chatttsd/a.py", "raise ValueError(f'got {len(text)}')"),
    (rules.leaks, "chatttsd/a.py", "engine.say(text)"),
    (rules.possessive_groups, "chatttsd/a.py", "import re\nA = re.compile(r'(?:[ab]++)*\\)++c')"),
    (rules.possessive_groups, "chatttsd/a.py", "import regex as re\nA = re.compile(r'(?:ab)*+c')"),
]


@pytest.mark.parametrize(("check", "name", "source"), KEPT)
def test_a_kept_rule_is_left_alone(check: Check, name: str, source: str) -> None:
    assert check({name: source}) == []


def test_a_cycle_of_imports_is_found() -> None:
    cycle = {
        "chatttsd/a.py": "from chatttsd.b import x",
        "chatttsd/b.py": "from chatttsd import c",
        "chatttsd/c.py": "import chatttsd.a",
        "chatttsd/d.py": "import chatttsd.a",
    }
    assert len(rules.import_cycles(cycle)) == 3
    assert rules.import_cycles({**cycle, "chatttsd/c.py": "def f():\n    import chatttsd.a"}) == []


def test_lengths_of_functions_and_files_are_counted() -> None:
    sources = {"chatttsd/a.py": "def f():\n    pass\n\n\nasync def g():\n    x = 1\n    return x\n"}
    assert sorted(rules.function_lengths(sources).values()) == [2, 3]
    assert rules.count_lines(sources) == 7


@pytest.mark.parametrize(
    "text", ["at {root}/daemon", "in {parent}/other", "/ho" + "me/somebody/x", "/Us" + "ers/Jane/x"]
)
def test_a_path_of_the_machine_is_found(text: str) -> None:
    root = Path("/place/of/the/repository")
    files = {
        "a.md": text.format(root=root, parent=root.parent),
        "b.md": "/usr/lib/x, ~/.config, /run/user/1000",
    }
    assert [line.split(":")[0] for line in rules.machine_paths(files, root)] == ["a.md"]


def test_folders_that_every_machine_has_are_no_secret() -> None:
    assert rules.machine_paths({"a.md": "cd /tmp/x; ls /src/y"}, Path("/tmp/checkout")) == []  # noqa: S108 - only a name


def test_files_are_listed_without_git_too(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("x = 1\n")
    (tmp_path / ".hidden").mkdir()
    (tmp_path / ".hidden" / "b.py").write_text("y = 2\n")
    assert rules.committed(tmp_path) == [tmp_path / "a.py"]
    assert rules.read(tmp_path, ".") == {"a.py": "x = 1\n", ".hidden/b.py": "y = 2\n"}
