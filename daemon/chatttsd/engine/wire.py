"""The framed protocol between the daemon and a worker process, without I/O.

A frame is a header (magic, type, request id, payload length; big endian) and its payload: S16LE samples
for AUDIO, numbers for WORD and LEVEL, a JSON object for the rest. Neither end trusts the other: a bad frame
ends the connection.
"""

import json
import math
import struct
from dataclasses import asdict, dataclass, field
from enum import IntEnum
from typing import Any, Final

from chatttsd.constants import SAMPLE_BYTES
from chatttsd.engine.api import Level, SynthesisRequest, Voice, Word

MAGIC: Final = b"cTw1"
HEADER: Final = struct.Struct("!4sBII")
MAX_PAYLOAD: Final = 1 << 20
"""Bytes; a segment is a few hundred characters and a piece of audio at most 40 ms."""
PROTOCOL_VERSION: Final = 5
MAX_FOLLOWING: Final = 4
"""How many requests a request may announce."""
NO_REQUEST: Final = 0
"""The request id of frames that belong to no request."""


class ProtocolError(Exception):
    """The other side broke the protocol; the message holds no payload."""


class FrameType(IntEnum):
    """What a frame says; SYNTHESISE, CANCEL and SHUTDOWN go to the worker, the others come from it."""

    HELLO = 1
    SYNTHESISE = 2
    CANCEL = 3
    AUDIO = 4
    DONE = 5
    ERROR = 6
    STATUS = 7
    SHUTDOWN = 8
    FAULT = 9
    """In place of HELLO: the engine cannot start, and would not if it were tried again."""
    WORD = 10
    """A word begins in the AUDIO that follows."""
    LEVEL = 11
    """How loud all of the AUDIO before it is by itself."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One message; `request` is NO_REQUEST for what belongs to none, such as HELLO and a failed start."""

    type: FrameType
    request: int = NO_REQUEST
    payload: bytes = field(default=b"", repr=False)

    def encode(self) -> bytes:
        """Return the bytes on the wire; raises ProtocolError for a payload over MAX_PAYLOAD."""
        if len(self.payload) > MAX_PAYLOAD:
            raise ProtocolError(f"payload of {len(self.payload)} bytes, allowed are {MAX_PAYLOAD}")
        return HEADER.pack(MAGIC, self.type, self.request, len(self.payload)) + self.payload


class FrameDecoder:
    """Cuts a byte stream into frames; holds at most one frame and what one `feed` brought."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[Frame]:
        """Return the frames that `data` completes; raises ProtocolError on a bad magic, type or length."""
        self._buffer += data
        frames: list[Frame] = []
        start = 0
        while (end := self._end_of_frame(start)) is not None:
            _, kind, request, _ = HEADER.unpack_from(self._buffer, start)
            payload = bytes(self._buffer[start + HEADER.size : end])
            frames.append(Frame(FrameType(kind), request, payload))
            start = end
        del self._buffer[:start]
        return frames

    def _end_of_frame(self, start: int) -> int | None:
        """Return where the frame at `start` ends, or None while it is incomplete."""
        head = self._buffer[start : start + HEADER.size]
        if not MAGIC.startswith(head[: len(MAGIC)]):
            raise ProtocolError("bad magic")
        if len(head) < HEADER.size:
            return None
        _, kind, _, length = HEADER.unpack(head)
        if kind not in _FRAME_TYPES:
            raise ProtocolError(f"frame type {kind} is unknown")
        if length > MAX_PAYLOAD:
            raise ProtocolError(f"frame announces {length} bytes, allowed are {MAX_PAYLOAD}")
        end = start + HEADER.size + length
        return end if len(self._buffer) >= end else None


_FRAME_TYPES: Final = frozenset(FrameType)


@dataclass(frozen=True, slots=True)
class Hello:
    """What a worker says first: its engine, its voices, a line about it, its protocol version."""

    engine: str
    voices: tuple[Voice, ...]
    detail: str = ""
    version: int = PROTOCOL_VERSION

    def encode(self) -> bytes:
        """Return the HELLO payload."""
        voices = [asdict(voice) for voice in self.voices]
        return _dump(
            {"engine": self.engine, "version": self.version, "detail": self.detail, "voices": voices}
        )

    @classmethod
    def decode(cls, payload: bytes) -> "Hello":
        """Read a HELLO payload; raises ProtocolError, also for another protocol version."""
        fields = _load(payload, {"engine": str, "version": int, "detail": str, "voices": list})
        if fields["version"] != PROTOCOL_VERSION:
            raise ProtocolError(f"worker speaks protocol {fields['version']}, this is {PROTOCOL_VERSION}")
        voices = tuple(_voice(item) for item in fields["voices"])
        return cls(fields["engine"], voices, fields["detail"])


def encode_request(request: SynthesisRequest) -> bytes:
    """Return the SYNTHESISE payload; what follows is left out where it would not fit."""
    fields = _request_fields(request)
    following = [_request_fields(item) for item in request.following[:MAX_FOLLOWING]]
    payload = _dump(fields | {"following": following})
    return payload if len(payload) <= MAX_PAYLOAD else _dump(fields | {"following": []})


def _request_fields(request: SynthesisRequest) -> dict[str, Any]:
    fields: dict[str, Any] = {name: getattr(request, name) for name in _REQUEST_FIELDS}
    numbers = {name: float(fields[name]) for name in ("rate", "pitch", "volume", "gain")}
    return fields | numbers | {"parameters": dict(request.parameters)}


def decode_request(payload: bytes) -> SynthesisRequest:
    """Read a SYNTHESISE payload; raises ProtocolError."""
    fields = _load(payload, _REQUEST_FIELDS | {"following": list})
    following = fields.pop("following")
    if len(following) > MAX_FOLLOWING:
        raise ProtocolError(f"{len(following)} requests follow, allowed are {MAX_FOLLOWING}")
    return _request(fields, tuple(_request(_check(item, _REQUEST_FIELDS)) for item in following))


def _request(fields: dict[str, Any], following: tuple[SynthesisRequest, ...] = ()) -> SynthesisRequest:
    if not all(isinstance(value, str) for value in fields["parameters"].values()):
        raise ProtocolError("a parameter of a request is not a string")
    return SynthesisRequest(**fields, following=following)


def encode_text(text: str) -> bytes:
    """Return the payload of ERROR, FAULT and STATUS: one line for people."""
    return _dump({"text": text})


def decode_text(payload: bytes) -> str:
    """Read the payload of ERROR, FAULT and STATUS; raises ProtocolError."""
    return str(_load(payload, {"text": str})["text"])


def check_audio(payload: bytes) -> bytes:
    """Return `payload` if it is whole samples; raises ProtocolError."""
    if len(payload) % SAMPLE_BYTES:
        raise ProtocolError(f"audio of {len(payload)} bytes is not whole samples")
    return payload


_WORD: Final = struct.Struct("!III")
"""Start, end, sample."""


def encode_word(word: Word) -> bytes:
    """Return the WORD payload."""
    return _WORD.pack(word.start, word.end, word.sample)


def decode_word(payload: bytes, text: str) -> Word:
    """Read the WORD payload of a request for `text`; raises ProtocolError, also for one outside the text."""
    if len(payload) != _WORD.size:
        raise ProtocolError(f"a word of {len(payload)} bytes, allowed are {_WORD.size}")
    word = Word(*_WORD.unpack(payload))
    if not word.start < word.end <= len(text):
        raise ProtocolError(f"word {word.start}..{word.end} of a text of {len(text)} characters")
    return word


_LEVEL: Final = struct.Struct("!dI")
"""LUFS, tenths of a second."""
_LUFS: Final = (-70.0, 10.0)
"""Below is silence, above no 16 bits get."""


def encode_level(level: Level) -> bytes:
    """Return the LEVEL payload."""
    return _LEVEL.pack(level.lufs, level.tenths)


def decode_level(payload: bytes) -> Level:
    """Read the LEVEL payload; raises ProtocolError, also for what no speech can be."""
    if len(payload) != _LEVEL.size:
        raise ProtocolError(f"a level of {len(payload)} bytes, allowed are {_LEVEL.size}")
    level = Level(*_LEVEL.unpack(payload))
    least, most = _LUFS
    if not least <= level.lufs <= most:
        raise ProtocolError(f"a level of {level.lufs} LUFS, allowed are {least:g}..{most:g}")
    if not level.tenths:
        raise ProtocolError("a level of no speech")
    return level


_REQUEST_FIELDS: Final[dict[str, type]] = {
    "text": str,
    "language": str,
    "voice": str,
    "kind": str,
    "rate": float,
    "pitch": float,
    "volume": float,
    "gain": float,
    "parameters": dict,
    "first": bool,
    "whole": bool,
}


def _voice(item: Any) -> Voice:  # noqa: ANN401 - it is whatever the JSON held; checked here
    fields = _check(item, {"id": str, "name": str, "engine": str, "languages": list})
    if not all(isinstance(tag, str) for tag in fields["languages"]):
        raise ProtocolError("a language of a voice is not a string")
    return Voice(fields["id"], fields["name"], fields["engine"], tuple(fields["languages"]))


def _dump(fields: dict[str, Any]) -> bytes:
    return json.dumps(fields, separators=(",", ":")).encode("ascii")


def _load(payload: bytes, shape: dict[str, type]) -> dict[str, Any]:
    try:
        parsed = json.loads(payload)
    except (ValueError, RecursionError) as error:
        # The parser's own message quotes the document: only its type may leave.
        raise ProtocolError(f"payload is not JSON ({type(error).__name__})") from None
    return _check(parsed, shape)


def _check(parsed: Any, shape: dict[str, type]) -> dict[str, Any]:  # noqa: ANN401 - checking it is the point
    if not isinstance(parsed, dict) or parsed.keys() != shape.keys():
        raise ProtocolError(f"payload must be an object with exactly {', '.join(shape)}")
    for name, kind in shape.items():
        value = parsed[name]
        if type(value) is not kind:
            raise ProtocolError(f"{name} is {type(value).__name__}, allowed is {kind.__name__}")
        if isinstance(value, float) and not math.isfinite(value):
            raise ProtocolError(f"{name} is {value}, allowed is a finite number")
    return parsed
