"""speechd.conf with a marked block of ours at its end, and the same file without it; bytes in, bytes out.

Any AddModule line switches speech-dispatcher's search for modules off, so ours is added only beside others.
"""

import hashlib
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

from chatttsd.ctl.exits import CommandError
from chatttsd.ctl.speechd.places import MODULE, PROGRAM

Origin = Literal["file", "copy"]

_BEGIN: Final = b"# >>> chatttsd: `chatttsctl speechd install` made this, `... remove` takes it out"
_END: Final = b"# <<< chatttsd"
_BLOCK: Final = re.compile(
    rb"^# >>> chatttsd.*\n"
    rb"# before: (?P<origin>file|copy) sha256:(?P<hash>[0-9a-f]{64}) newline:(?P<newline>yes|no)\r?\n"
    rb"(?P<lines>(?:(?!# <<< chatttsd).*\n)*)# <<< chatttsd(?:\r?\n)?",
    re.MULTILINE,
)
# Blanks are those within a line: `\s` at its beginning would go through all empty lines, from each of them.
_ADDED: Final = re.compile(rb'^[ \t]*AddModule[ \t]+"?(?P<name>[^"\s]+)"?', re.MULTILINE | re.IGNORECASE)
_INCLUDED: Final = re.compile(rb'^[ \t]*Include[ \t]+"?(?P<pattern>[^"\r\n]+)', re.MULTILINE | re.IGNORECASE)
_DEFAULT: Final = f"DefaultModule {MODULE}"
_LANGUAGE: Final = re.compile(r'LanguageDefaultModule "(?P<tag>[^"]+)" "(?P<module>[^"]+)"')


@dataclass(frozen=True, slots=True)
class Choices:
    """What the user wants beyond the module being there: the default module, and modules of languages."""

    default: bool = False
    languages: Mapping[str, str] = field(default_factory=dict)
    """Language tag -> module, both as speechd.conf has them."""

    def lines(self) -> list[str]:
        """Return the lines of speechd.conf."""
        chosen = [_DEFAULT] if self.default else []
        return chosen + [f'LanguageDefaultModule "{tag}" "{to}"' for tag, to in self.languages.items()]


@dataclass(frozen=True, slots=True)
class Marked:
    """A speechd.conf taken apart: `base` is what it is without our block."""

    base: bytes
    choices: Choices | None = None
    """What our block says; None without a block."""
    origin: Origin = "file"
    """Whether the file was the user's own before, or was made by us as a copy of the machine's."""
    intact: bool = True
    """Whether `base` is, byte for byte, what the file was when the block was put in."""

    @property
    def copied(self) -> bool:
        """Whether the whole file is ours: a copy that nobody has changed since."""
        return self.choices is not None and self.origin == "copy" and self.intact


def take_apart(content: bytes, path: Path) -> Marked:
    """Find our block; raises CommandError when half of one is there."""
    blocks = list(_BLOCK.finditer(content))
    if content.count(_BEGIN[:14]) != len(blocks) or content.count(_END) != len(blocks):
        line = content[: content.find(b"chatttsd")].count(b"\n") + 1
        raise CommandError(f"{path}: the block of chatttsd at line {line} is not whole; take it out by hand")
    if not blocks:
        return Marked(content)
    first = blocks[0]
    base = _BLOCK.sub(b"", content)
    if first["newline"] == b"no" and base.endswith(b"\n") and first.end() == len(content):
        base = base[:-1]
    intact = len(blocks) == 1 and _hash(base) == first["hash"]
    origin: Origin = "copy" if first["origin"] == b"copy" else "file"
    return Marked(base, _choices(first["lines"].decode(errors="replace")), origin, intact)


def put_together(base: bytes, origin: Origin, lines: list[str]) -> bytes:
    """Return a speechd.conf of `base` and our block."""
    whole = not base or base.endswith(b"\n")
    before = b"# before: %s sha256:%s newline:%s" % (origin.encode(), _hash(base), b"yes" if whole else b"no")
    block = [_BEGIN, before, *(line.encode() for line in lines), _END]
    return base + (b"" if whole else b"\n") + b"\n".join(block) + b"\n"


def lines_for(base: bytes, choices: Choices, included: Path) -> list[str]:
    """Return what must stand in a file so that the module is found beside the others, and chosen."""
    names = modules(base, included)
    add = [f'AddModule "{MODULE}" "{PROGRAM}" "{MODULE}.conf"'] if names and MODULE not in names else []
    return add + choices.lines()


def modules(content: bytes, included: Path) -> list[str]:
    """List the modules that a file, and the files it includes from a folder, name with AddModule."""
    texts = [content]
    for match in _INCLUDED.finditer(content):
        pattern = match["pattern"].decode(errors="replace").strip().lstrip("/")
        with suppress(
            OSError, ValueError
        ):  # neither can the server read what cannot be read or is no pattern
            texts += [path.read_bytes() for path in sorted(included.glob(pattern)) if path.is_file()]
    return [match["name"].decode(errors="replace") for text in texts for match in _ADDED.finditer(text)]


def _choices(block: str) -> Choices:
    languages = {match["tag"]: match["module"] for match in _LANGUAGE.finditer(block)}
    return Choices(_DEFAULT in block.splitlines(), languages)


def _hash(content: bytes) -> bytes:
    return hashlib.sha256(content).hexdigest().encode()
