"""Numbers of standards and of entries in registers: `GB/T 19001-2016`, `CVE-2024-3094`."""

from typing import Final

from .patterns import Match, compiled
from .speller import Speller, aside

_BODIES: Final = (
    "(?:ISO|IEC|IEEE|EN|DIN|ANSI|ASTM|JIS|BS|UL|NIST|ECMA"
    "|GB|GJB|GBZ|DB|JB|QB|HG|YY|YD|JJG|JTG|CJJ|HJ|DL|SJ|WS|AQ|TB)(?:/[A-Z]{1,4})?"
)
_STANDARD: Final = compiled(
    rf"(?<![A-Za-z0-9])(?P<body>{_BODIES})[ -]?(?P<number>[0-9]{{2,6}}(?:\.[0-9]{{1,3}}){{0,2}})"
    r"(?P<parts>(?:-[0-9]{1,3}){0,2})[-–:](?P<year>(?:19|20)[0-9]{2})(?![0-9A-Za-z]|[.,:-][0-9])"
)
_ENTRY: Final = compiled(
    r"(?<![A-Za-z0-9_-])(?P<body>[A-Z]{2,6})-(?P<year>(?:19|20)[0-9]{2})-(?P<number>[0-9]{3,7})"
    r"(?![0-9A-Za-z_]|[.:-][0-9])"
)


def standards(text: str, speller: Speller) -> str:
    """Say the parts of a standard's number with pauses; its year is none that a number is taken from."""
    text = _STANDARD.sub(lambda found: _standard(found, speller), text)
    return _ENTRY.sub(lambda found: _entry(found, speller), text)


def _standard(found: Match, speller: Speller) -> str:
    point = aside(speller.signs["point"])
    number = point.join(speller.code(part) for part in found["number"].split("."))
    parts = [number, *(speller.code(part) for part in found["parts"].split("-") if part)]
    return f"{found['body']} {', '.join([*parts, speller.year(found['year'])])} "


def _entry(found: Match, speller: Speller) -> str:
    return f"{found['body']} {speller.year(found['year'])}, {speller.code(found['number'])} "
