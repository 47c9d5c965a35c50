"""The SSML of a message: its words with their places, its marks, and pieces of it that are SSML again."""

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

SERVER_MARK: Final = "__spd_"
"""How the names of the marks begin that the server puts behind sentences, for itself."""

_BARE: Final = r"<[^<>]*>|&(?:#\d{1,7}|#x[0-9a-f]{1,6}|\w{2,8});|[^<&]+|."
_PART: Final = re.compile(rf"<!--.*?-->|{_BARE}", re.S | re.I)
_PART_BEHIND_COMMENTS: Final = re.compile(_BARE, re.S | re.I)
_COMMENT_START: Final = "<!--"
_COMMENT_END: Final = "-->"
_SILENT: Final = re.compile(
    r"<(?:/?(?:speak|p|s|prosody|emphasis|say-as|mark|lang|voice)(?:[\s/][^<>]*)?|/(?:sub|break)\s*)>", re.I
)
"""The tags that say nothing by themselves: `sub` may have an alias."""
_TAG: Final = re.compile(r"<(?P<close>/?)\s*(?P<name>[\w:.-]+)(?P<rest>[^<>]*)>")
_MARK: Final = re.compile(r"""<\s*mark\b[^<>]*\bname\s*=\s*(?P<quote>["'])(?P<name>.*?)(?P=quote)""", re.I)
_WIDE: Final = "\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff"
_WORD: Final = re.compile(rf"[{_WIDE}]|[^\W_{_WIDE}]+")
_ROOT: Final = "speak"
_VOID: Final = frozenset({"mark", "break"})
"""They hold nothing, whether or not they are closed."""


@dataclass(frozen=True, slots=True)
class Word:
    """A word, or one character of a script without spaces, folded, and where it is in the source."""

    text: str = field(repr=False)
    position: int


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a message that can be sent: SSML with the tags open that were open there."""

    text: str = field(repr=False)
    start: int
    """Where it begins in the source."""
    end: int
    prefix: int
    """Characters of reopened tags before it."""

    def origin(self, position: int) -> int:
        """Return where a character of `text` is in the source."""
        return min(self.end, self.start + max(0, position - self.prefix))


class Markup:
    """One message body."""

    def __init__(self, source: str) -> None:
        self.source = source

    @cached_property
    def _parts(self) -> list[tuple[int, str]]:
        # Behind its last end no comment is looked for: each `<!--` there would be, to the end of the text.
        _, _, rest = self.source.rpartition(_COMMENT_END)
        behind = len(self.source) - len(rest) if _COMMENT_END in self.source else 0
        parts = [
            *_PART.finditer(self.source, 0, behind),
            *_PART_BEHIND_COMMENTS.finditer(self.source, behind),
        ]
        return [(found.start(), found[0]) for found in parts]

    @cached_property
    def words(self) -> list[Word]:
        """The words of the text between the tags; they take far more memory than the text."""
        return list(self.each_word())

    def each_word(self) -> Iterator[Word]:
        """Yield the words one by one and keep none."""
        for start, part in self._parts:
            if not _is_tag(part):
                text = html.unescape(part) if part[0] == "&" else part
                yield from (Word(word[0].casefold(), start + word.start()) for word in _WORD.finditer(text))

    @cached_property
    def plain(self) -> str:
        """The text without tags, its entities replaced."""
        parts = (part for _, part in self._parts)
        return "".join(html.unescape(part) for part in parts if not _is_tag(part))

    @cached_property
    def marks(self) -> dict[str, int]:
        """Where each mark is, by name, in order; of marks with one name the first counts."""
        found: dict[str, int] = {}
        for start, part in self._parts:
            mark = _MARK.match(part) if _is_tag(part) else None
            if mark:
                found.setdefault(html.unescape(mark["name"]), start)
        return found

    @property
    def blank(self) -> bool:
        """Whether there is surely nothing to say and no rest to keep; the daemon knows better in all else."""
        return all(
            part.startswith(_COMMENT_START) or _SILENT.fullmatch(part) or not html.unescape(part).strip()
            for _, part in self._parts
        )

    def piece(self, start: int, limit: int | None = None) -> Piece:
        """Return the SSML from `start` on; with a limit about so many characters of it, at a word's start."""
        start = self._aligned(start)
        opened = self._open_at(start)
        prefix = "".join(opened.values())
        if start + (limit or len(self.source)) >= len(self.source):
            end, closing = len(self.source), ""
        else:
            end = self._end_before(start, start + (limit or 0))
            closing = "".join(f"</{name}>" for name in reversed([_name(tag) for tag in self._stack(end)]))
        return Piece(prefix + self.source[start:end] + closing, start, end, len(prefix))

    def _aligned(self, position: int) -> int:
        """Move a position that is inside a tag or an entity to its beginning."""
        for start, part in self._parts:
            if start < position < start + len(part) and part[0] in "<&":
                return start
            if start >= position:
                break
        return position

    def _end_before(self, start: int, wanted: int) -> int:
        ends = [word.position for word in self.words if start < word.position <= wanted]
        return (
            ends[-1] if ends else self._aligned(wanted) if self._aligned(wanted) > start else len(self.source)
        )

    def _open_at(self, position: int) -> dict[int, str]:
        return dict(enumerate(self._stack(position)))

    def _stack(self, position: int) -> list[str]:
        """Return the tags that are open before a position."""
        stack: list[str] = []
        for start, part in self._parts:
            if start >= position:
                break
            tag = _TAG.fullmatch(part)
            if tag is None or tag["rest"].endswith("/") or tag["name"].lower() in _VOID:
                continue
            if not tag["close"]:
                stack.append(part)
            elif stack and _name(stack[-1]) == tag["name"]:
                stack.pop()
        return stack


def _is_tag(part: str) -> bool:
    return len(part) > 1 and part[0] == "<"


def _name(tag: str) -> str:
    found = _TAG.fullmatch(tag)
    return found["name"] if found else ""


def words_in(text: str) -> Iterator[str]:
    """Yield the words of plain text, folded."""
    return (word[0].casefold() for word in _WORD.finditer(text))


def escaped(text: str) -> str:
    """Return plain text as a message of SSML."""
    return f"<{_ROOT}>{html.escape(text, quote=False)}</{_ROOT}>"
