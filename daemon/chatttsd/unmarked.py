"""What is left to say of SSML that cannot be read: its text, with blanks where markup stood."""

import re
from typing import Final

_NAME: Final = r"[A-Za-z_][A-Za-z0-9_.:\-]*+"
_ATTRIBUTE: Final = rf"\s++{_NAME}\s*+=\s*+(?:\"[^\"<>]*+\"?|'[^'<>]*+'?|[^\s\"'<>]*+)"
_ANY_NAME: Final = r"[^\W\d][\w.:\-]*+"
_WHOLE_ATTRIBUTE: Final = rf"\s++{_ANY_NAME}\s*+=\s*+(?:\"[^\"<>]*+\"|'[^'<>]*+'|[^\s\"'<>/]++)"
_COMMENT: Final = re.compile(r"<!--.*?-->", re.DOTALL)
_COMMENT_END: Final = "-->"
_MARKUP: Final = re.compile(
    r"<!\[CDATA\[|\]\]>|-->"
    r"|<![A-Za-z][^<>\[]*+\[[^\]]{0,256}+\]\s*+>"  # a DTD with declarations of its own
    r"|<(?=[A-Za-z_][^\s<>\"'=@:]*+(?:@|://)[^\s<>\"']*+>)"  # an address: only the sign would be markup
    r"|<\?[A-Za-z](?:[^<?]++|\?(?!>))*\?>"
    r"|<(?=!--|!\[|[!?][A-Za-z])[^<>]*+>?"
    r"|<(?=[A-Za-z_/])(?:[^<>\"']++|\"[^\"<]*+(?:<(?![A-Za-z_/!?])[^\"<]*+)*\"|'[^'<]*+(?:<(?![A-Za-z_/!?])[^'<]*+)*')*>"
    r"|<(?=[A-Za-z_/])[^<>]*+>"
    rf"|</?+(?:{_NAME})(?:{_ATTRIBUTE})*\s*+/?"  # a tag without an end: what follows may be text
    rf"|<{_ANY_NAME}(?:(?:{_WHOLE_ATTRIBUTE})+\s*+/?|\s*+/)>"  # of other letters: as `ssml_tokens` has it
    r"|</"
)


def unmarked(text: str) -> str:
    """Return the text, character for character in its place, with blanks for whatever looks like markup.

    It is SSML still: `parse_ssml` accepts it and resolves its entities.
    """
    # Behind the last end of a comment none is looked for: every `<!--` would look through all of it.
    end = text.rfind(_COMMENT_END) + len(_COMMENT_END)
    commented = _COMMENT.sub(_blank, text[:end]) if end >= len(_COMMENT_END) else text[:end]
    return _MARKUP.sub(_blank, commented + text[end:])


def _blank(found: "re.Match[str]") -> str:
    return " " * len(found[0])
