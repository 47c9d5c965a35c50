"""Addresses read aloud: URLs, e-mail, IP addresses, file paths, command flags, hashtags and mentions."""

from collections.abc import Mapping
from typing import Final

from .patterns import compiled
from .speller import Speller, aside

_LABEL: Final = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,62}[A-Za-z0-9])?+"
_TOP: Final = (
    r"(?:com|org|net|edu|gov|io|dev|ai|app|cn|uk|de|fr|jp|eu|us|tv|me|info|xyz|co|ca|au|nl|ch|ru|hk|tw|local)"
)
_TAIL: Final = r"(?::[0-9]{1,5})?+(?:[/?#][A-Za-z0-9./?#=&_~%+:@*,;!$'-]*+)?+"
_URL: Final = compiled(
    rf"(?<![A-Za-z0-9@._-])(?:(?:https?|ftp|file|wss?|ssh|git)://(?P<rest>[^\s()<>\"'，。、；“”\u4e00-\u9fff]++)"
    rf"|(?P<bare>(?:{_LABEL}\.){{1,6}}{_TOP}(?![A-Za-z0-9-]|\.[A-Za-z]){_TAIL}))",
    ignore_case=True,
)
_EMAIL: Final = compiled(
    rf"(?<![A-Za-z0-9.+_-])(?:mailto:)?(?P<rest>[A-Za-z0-9][A-Za-z0-9.+_-]{{0,63}}+@{_LABEL}(?:\.{_LABEL}){{0,6}})"
)
_IP: Final = compiled(
    r"(?<![A-Za-z0-9.])(?P<rest>[0-9]{1,3}(?:\.[0-9]{1,3}){3}(?:[:/][0-9]{1,5})?)(?![0-9]|\.[0-9])"
)
_IP6: Final = compiled(
    r"(?<![A-Za-z0-9:])(?P<rest>(?=[0-9A-Fa-f:]{0,40}(?:::|[0-9A-Fa-f]:[0-9A-Fa-f]{0,3}[A-Fa-f]))"
    r"(?:[0-9A-Fa-f]{0,4}:){2,7}[0-9A-Fa-f]{1,4})(?![A-Za-z0-9:])"
)
_FILE: Final = r"[A-Za-z0-9._+~-]"
_PATH: Final = compiled(
    r"(?<![A-Za-z0-9._~/\\+-])(?P<rest>"
    rf"(?:~|\.\.?)?/(?=[A-Za-z0-9._]){_FILE}++(?:/{_FILE}++)*+/?+"
    rf"|[A-Za-z]:\\{_FILE}*+(?:\\{_FILE}++)*+"
    rf"|[A-Za-z]{_FILE}*+(?:/{_FILE}++)++/?+)"
)
_EXTENSION: Final = compiled(r"\.[A-Za-z0-9]{1,8}\Z")
_DEEP: Final = 2
"""Slashes that make a path of words which would be a choice otherwise: `his/her`."""
_DOTTED: Final = compiled(
    r"(?<![A-Za-z0-9._-])(?!(?:[A-Za-z]\.){1,8}[A-Za-z](?![A-Za-z0-9]))"
    r"(?=[0-9-]*+[A-Za-z_])(?P<rest>[A-Za-z0-9_-]++(?:\.[a-z_][A-Za-z0-9_-]*+)++)"
)
_FLAG: Final = compiled(
    r"(?<![^\s(\"'`\u4e00-\u9fff])(?P<dashes>--(?=[A-Za-z])|-(?=[A-Za-z]{1,3}(?![A-Za-z])))"
)
_MENTION: Final = compiled(r"(?<![A-Za-z0-9_])@(?:(?=[A-Za-z_])|(?P<chinese>)(?=[\u4e00-\u9fff]))")
_HASHTAG: Final = compiled(r"(?<![A-Za-z0-9_&#])#(?P<word>[A-Za-z_\u4e00-\u9fff][\w]*+)#?")
_ALTERNATIVE: Final = compiled(
    r"(?<![A-Za-z/])(?P<one>s?he|his|him|yes)/(?P<other>s?he|hers?|they|no)(?![A-Za-z/])", ignore_case=True
)
_PER: Final = compiled(
    r"(?<=[A-Za-z])[ ]*/(?=(?:second|minute|hour|day|week|month|year|person|night)(?![A-Za-z]))"
)
_SLASH: Final = compiled(r"(?<=[A-Za-z\u4e00-\u9fff])/(?=[A-Za-z\u4e00-\u9fff])")

_PIECE: Final = compiled(r"[A-Za-z]+|[0-9]+|[^A-Za-z0-9]")
_CLOSING: Final = ".,;:!?'"
_QUIET: Final = frozenset(",;!$'()\"")
_HASHTAG_NAME: Final[Mapping[str, str]] = {"en": "hashtag", "zh": "话题"}


def urls(text: str, speller: Speller) -> str:
    """Say a URL without its scheme: `example dot com slash docs`."""
    return _URL.sub(lambda found: _address(found["rest"] or found["bare"], speller), text)


def emails(text: str, speller: Speller) -> str:
    """Say an e-mail address: `help at example dot org`."""
    return _EMAIL.sub(lambda found: _address(found["rest"], speller), text)


def ip_addresses(text: str, speller: Speller) -> str:
    """Say an IPv4 address number by number and an IPv6 address sign by sign."""
    text = _IP.sub(lambda found: _address(found["rest"], speller), text)
    return _IP6.sub(lambda found: aside(" ".join(_sign(each, speller) for each in found["rest"])), text)


def paths(text: str, speller: Speller) -> str:
    """Say the signs of file paths and dotted names: `chatttsd dot service`."""
    text = _PATH.sub(lambda found: _path(found["rest"], speller), text)
    return _DOTTED.sub(lambda found: _address(found["rest"], speller), text)


def flags(text: str, speller: Speller) -> str:
    """Say the dashes of a command's options: `dash dash user`."""
    dash = speller.signs["-"]
    return _FLAG.sub(lambda found: aside(aside(dash) * len(found["dashes"])), text)


def mentions(text: str, speller: Speller) -> str:
    """Say `@name` as `at name` and `#Topic` as `hashtag Topic`."""
    name = aside(_HASHTAG_NAME[speller.language])
    text = _HASHTAG.sub(lambda found: f"{name}{found['word']} ", text)
    return _MENTION.sub(
        lambda found: " " if found["chinese"] is not None else aside(speller.signs["@"]), text
    )


def alternatives(text: str, speller: Speller) -> str:
    """Say `he/she` as `he or she`; the slash of other pairs of words is silent."""
    if speller.language == "en":
        text = _PER.sub(" per ", text)
    text = _ALTERNATIVE.sub(lambda found: f"{found['one']} or {found['other']}", text)
    return _SLASH.sub(" ", text)


def _path(written: str, speller: Speller) -> str:
    """Say a path; two words with a slash between them are none."""
    bare = written.rstrip(_CLOSING)
    relative = written[0].isalpha() and written[1:2] != ":"
    if relative and bare.count("/") < _DEEP and not _EXTENSION.search(bare):
        return written
    return _address(written, speller)


def _address(address: str, speller: Speller) -> str:
    body = address.rstrip(_CLOSING)
    pieces = _PIECE.findall(body)
    said = [_piece(pieces, index, speller) for index in range(len(pieces))]
    return aside(" ".join(said)) + address[len(body) :]


def _piece(pieces: list[str], index: int, speller: Speller) -> str:
    piece = pieces[index]
    if piece.lower() == "www":
        return "w w w"
    return piece if piece.isalpha() else _sign(piece, speller)


def _sign(piece: str, speller: Speller) -> str:
    if piece.isdigit():
        return speller.code(piece)
    return " " if piece in _QUIET else speller.signs.get(piece, piece)
