"""The rules of the house as functions: each takes sources and returns a line for every breach."""

import ast
import re
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

PACKAGE: Final = "chatttsd"
Sources = Mapping[str, str]
"""File name relative to the tree (`chatttsd/bus/errors.py`) -> its text."""

ALLOWED: Final = {
    "constants": frozenset[str](),
    "unmarked": frozenset[str](),
    "config": frozenset({"constants", "speech", "audio", "engine", "platform"}),
    "speech": frozenset({"speech"}),
    "models": frozenset({"constants", "platform.paths", "models"}),
    "voices": frozenset({"constants", "platform.paths", "voices"}),
    "engine": frozenset({"constants", "speech", "engine", "models", "voices", "platform.paths"}),
    "audio": frozenset({"constants", "speech", "audio"}),
    "bus": frozenset({"constants", "speech", "bus"}),
    "platform": frozenset({"constants", "speech", "platform"}),
    "doors": frozenset({"constants", "unmarked", "config", "platform.paths", "doors"}),
    "ctl": frozenset({"constants", "config", "platform.paths", "models", "voices", "ctl"}),
}
"""What each room may import of ours; rooms not named here (`app`, `pipeline`, ...) may import all."""

HEAVY: Final = frozenset({"torch", "ChatTTS", "transformers", "numba", "wetext", "torchaudio", "vocos"})
HEAVY_ROOM: Final = "chatttsd/engine/chattts/"
ARITHMETIC: Final = frozenset({"numpy", "soxr", "soundfile"})

LONGEST_FILE: Final = 400
LONGEST_FUNCTION: Final = 60
MEDIAN_FUNCTION: Final = 10
NAMES_OF_TEXT: Final = frozenset({"text"})

Function = ast.FunctionDef | ast.AsyncFunctionDef


def read(root: Path, folder: str) -> dict[str, str]:
    """Read every Python file under `root/folder`, by its name relative to that folder."""
    base = root / folder
    return {
        str(path.relative_to(base)): path.read_text(encoding="utf-8") for path in sorted(base.rglob("*.py"))
    }


def module_name(name: str) -> str:
    """Return the dotted module of a file name: `chatttsd/bus/__init__.py` is `chatttsd.bus`."""
    return name.removesuffix(".py").replace("/", ".").removesuffix(".__init__")


def room(module: str) -> str:
    """Return the folder or top-level module inside the package that a dotted module is in."""
    return module.split(".")[1] if "." in module else ""


def imports(source: str, name: str, *, top_level: bool = False) -> Iterator[str]:
    """Yield the absolute modules that a file imports (`from a import b`: `a.b`), not those for typing."""
    nodes: Iterable[ast.AST] = _loaded(ast.parse(source, name), top_level=top_level)
    package = module_name(name) if name.endswith("__init__.py") else module_name(name).rpartition(".")[0]
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parents = package.split(".")[: len(package.split(".")) + 1 - node.level] if node.level else []
            base = ".".join([*parents, *([node.module] if node.module else [])])
            yield from (f"{base}.{alias.name}" for alias in node.names)


def _loaded(tree: ast.AST, *, top_level: bool) -> Iterator[ast.AST]:
    """Walk the nodes that run: not those for typing only, and on request not those inside functions."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
            continue
        if top_level and isinstance(node, Function):
            continue
        yield node
        yield from _loaded(node, top_level=top_level)


def forbidden_imports(sources: Sources) -> list[str]:
    """Rooms may import only the rooms that `ALLOWED` names."""
    found = []
    for name, source in sources.items():
        own = room(module_name(name))
        for wanted in imports(source, name):
            inner = wanted.removeprefix(f"{PACKAGE}.")
            if wanted == f"{PACKAGE}.__version__" and own != "speech":
                continue
            if own in ALLOWED and inner != wanted and not _is_within(inner, ALLOWED[own]):
                found.append(f"{name}: {own} may not import {wanted}")
    return found


def _is_within(inner: str, allowed: Iterable[str]) -> bool:
    return any(inner == place or inner.startswith(f"{place}.") for place in allowed)


def heavy_imports(sources: Sources) -> list[str]:
    """torch, ChatTTS and transformers are imported inside `engine/chattts/` only."""
    return [
        f"{name}: imports {wanted} outside {HEAVY_ROOM}"
        for name, source in sources.items()
        if not name.startswith(HEAVY_ROOM)
        for wanted in imports(source, name)
        if wanted.split(".")[0] in HEAVY
    ]


def import_cycles(sources: Sources) -> list[str]:
    """No module imports itself over others while it is being loaded."""
    modules = {module_name(name): name for name in sources}
    graph = {
        module: {
            found
            for wanted in imports(sources[name], name, top_level=True)
            if (found := _known(wanted, modules))
        }
        for module, name in modules.items()
    }
    return sorted(
        f"{module} imports itself over {step}" for module in graph for step in _steps_back(graph, module)
    )


def _known(wanted: str, modules: Mapping[str, str]) -> str:
    parent = wanted.rpartition(".")[0]
    return wanted if wanted in modules else parent if parent in modules else ""


def _steps_back(graph: Mapping[str, set[str]], module: str) -> Iterator[str]:
    """Yield the first steps from which there is a way back to the module."""
    for step in graph[module]:
        seen, waiting = {step}, [step]
        while waiting:
            new = graph[waiting.pop()] - seen
            seen |= new
            waiting += new
        if module in seen:
            yield step


def long_files(sources: Sources) -> list[str]:
    """A file has fewer than `LONGEST_FILE` lines."""
    lengths = {name: len(source.splitlines()) for name, source in sources.items()}
    return [f"{name}: {length} lines" for name, length in lengths.items() if length >= LONGEST_FILE]


def functions(sources: Sources) -> Iterator[tuple[str, Function]]:
    """Yield every function with the place it is at."""
    for name, source in sources.items():
        for node in ast.walk(ast.parse(source, name)):
            if isinstance(node, Function):
                yield f"{name}:{node.lineno} {node.name}", node


def function_lengths(sources: Sources) -> dict[str, int]:
    """Count the lines of each function, decorators apart."""
    return {place: (node.end_lineno or node.lineno) - node.lineno + 1 for place, node in functions(sources)}


def long_functions(sources: Sources) -> list[str]:
    """A function has at most `LONGEST_FUNCTION` lines."""
    return [f"{place}: {n} lines" for place, n in function_lengths(sources).items() if n > LONGEST_FUNCTION]


def unannotated(sources: Sources) -> list[str]:
    """Every argument and every result has a type."""
    found = []
    for place, node in functions(sources):
        arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
        arguments += [extra for extra in (node.args.vararg, node.args.kwarg) if extra]
        bare = [a.arg for a in arguments if a.annotation is None and a.arg not in ("self", "cls")]
        found += [f"{place}: argument {name}" for name in bare]
        found += [f"{place}: result"] if node.returns is None else []
    return found


def undocumented(sources: Sources) -> list[str]:
    """Public modules, classes and functions have a docstring."""
    found = []
    for name, source in sources.items():
        tree = ast.parse(source, name)
        if source.strip() and ast.get_docstring(tree) is None:
            found.append(f"{name}: module")
        found += [f"{name}: {path}" for path, node in _public(tree, "") if ast.get_docstring(node) is None]
    return found


def _public(tree: ast.Module | ast.ClassDef, path: str) -> Iterator[tuple[str, Function | ast.ClassDef]]:
    for node in tree.body:
        if isinstance(node, Function | ast.ClassDef) and not node.name.startswith("_"):
            yield f"{path}{node.name}", node
            if isinstance(node, ast.ClassDef):
                yield from _public(node, f"{path}{node.name}.")


_SUPPRESSION: Final = re.compile(
    r"#\s*(?:noqa(?::\s*[A-Z]+\d+(?:,\s*[A-Z]+\d+)*)?|type:\s*ignore(?:\[[^\]]*\])?)(?P<reason>.*)", re.I
)


def unexplained(sources: Sources) -> list[str]:
    """Every `noqa` and `type: ignore` comment says why: a few words after it."""
    found = []
    for name, source in sources.items():
        for number, line in enumerate(source.splitlines(), 1):
            match = _SUPPRESSION.search(line)
            if match and not re.search(r"\w{3,}", match["reason"]):
                found.append(f"{name}:{number}: {line.strip()}")
    return found


_POSSESSIVE_GROUP: Final = re.compile(r"(?<!\\)\)[*+?]\+")


def possessive_groups(sources: Sources) -> list[str]:
    """No pattern of `re` has a possessive group: before Python 3.11.5 a failed one loses its place."""
    return [
        f"{name}:{node.lineno}: {node.value}"
        for name, source in sources.items()
        if re.search(r"^import re$", source, re.MULTILINE)
        for node in ast.walk(ast.parse(source, name))
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and _POSSESSIVE_GROUP.search(node.value)
    ]


_LOG_METHODS: Final = frozenset({"debug", "info", "warning", "error", "exception", "critical", "log"})


def leaks(sources: Sources) -> list[str]:
    """No log call and no exception is given a thing called `text`; its length may be told."""
    return [
        f"{name}:{node.lineno}: {ast.unparse(node)[:60]}"
        for name, source in sources.items()
        for node in ast.walk(ast.parse(source, name))
        if isinstance(node, ast.Call | ast.Raise) and any(_shows_text(told) for told in _told(node))
    ]


def _told(node: ast.Call | ast.Raise) -> list[ast.expr]:
    """Return what a log call or a raise hands on."""
    if isinstance(node, ast.Raise):
        return list(node.exc.args) if isinstance(node.exc, ast.Call) else []
    logs = isinstance(node.func, ast.Attribute) and node.func.attr in _LOG_METHODS
    return [*node.args, *(keyword.value for keyword in node.keywords)] if logs else []


def _shows_text(node: ast.AST) -> bool:
    if isinstance(node, ast.Call) and ast.unparse(node.func) == "len":
        return False
    if isinstance(node, ast.Name | ast.Attribute):
        return (node.id if isinstance(node, ast.Name) else node.attr) in NAMES_OF_TEXT
    return any(_shows_text(child) for child in ast.iter_child_nodes(node))


def count_lines(sources: Sources) -> int:
    """Count all lines."""
    return sum(len(source.splitlines()) for source in sources.values())


def committed(root: Path) -> list[Path]:
    """List what git has or would take; all files but hidden ones where there is no git checkout."""
    listed = subprocess.run(
        ["git", "-C", str(root), "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        capture_output=True,
        check=False,
    )
    if listed.returncode == 0:
        paths = [root / name for name in listed.stdout.decode().split("\0") if name]
    else:
        paths = [
            path
            for path in root.rglob("*")
            if not any(p.startswith(".") for p in path.relative_to(root).parts)
        ]
    return [path for path in paths if path.is_file() and not path.is_symlink()]


_COMMON: Final = "/ /app /builds /home /mnt /opt /root /src /srv /tmp /usr /usr/src /var /workspace"
COMMON_FOLDERS: Final = frozenset(_COMMON.split(" "))
_HOME: Final = re.compile(r"/(?:home|Users)/(?!user\b|you\b|me\b|alice\b|bob\b|nobody\b|x\b|\W)[\w.-]+/")


def machine_paths(files: Mapping[str, str], root: Path) -> list[str]:
    """No file names a home directory of this machine or the folder in which the repository lies."""
    own = [re.escape(str(path)) for path in (root, root.parent) if str(path) not in COMMON_FOLDERS]
    here = re.compile(rf"(?<![\w.~/-])(?:{'|'.join(own) or '(?!)'})(?![\w-])")
    return [
        f"{name}: {found[0]}"
        for name, text in files.items()
        if (found := here.findall(text) or _HOME.findall(text))
    ]
