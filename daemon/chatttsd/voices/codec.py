"""ChatTTS's voice strings: `spk_emb` (a speaker) and `spk_smp` (the codes of a recording), to bytes and back.

Both are base16384 (14 bits a character, U+4E00..U+8DFF) of raw LZMA2; upstream's `model/speaker.py` writes
the same strings. No numpy here: the daemon process reads voices too. Nothing that is read can make this use
more memory than a valid string needs.
"""

import lzma
import math
import struct
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

import pybase16384

SPEAKER_VALUES: Final = 768
"""Values of a speaker: the model's hidden size."""
SPEAKER_BYTES: Final = SPEAKER_VALUES * 2
"""A speaker is 768 little-endian float16."""
CODEBOOKS: Final = 4
AUDIO_CODES: Final = 625
"""Codes are 0..624; 625 ends the audio and is never in a recording."""
MAX_PROMPT_TOKENS: Final = 2048
"""43.7 s: what the model can hold before it says a word of its own."""

_FIRST, _LAST = 0x4E00, 0x8DFF
_MARK: Final = 0x3D00
"""The last character is U+3D01..U+3D06 when the bytes are no multiple of 7: it tells the remainder."""
_REMAINDER_LENGTHS: Final = {0: 0, 1: 1, 2: 2, 3: 2, 4: 3, 5: 3, 6: 0}
"""Remainder in bytes -> what the number of data characters is modulo 4."""
_SHAPE: Final = struct.Struct("<2H")
_SMALLEST_DICTIONARY: Final = 4096
_PRESET: Final = 9 | lzma.PRESET_EXTREME
"""Upstream's; its dictionary of 64 MiB (674 MiB of memory to compress) is cut to the data: the same bytes."""


class VoiceError(ValueError):
    """A voice cannot be used; one line that says what came and what is allowed, never its content."""


@dataclass(frozen=True, slots=True)
class AudioPrompt:
    """The codes of a recording: little-endian uint16, [CODEBOOKS, tokens], as upstream stores them."""

    tokens: int
    codes: bytes = field(repr=False)


def decode_speaker(encoded: str) -> bytes:
    """Return the SPEAKER_BYTES of a `spk_emb` string; raises VoiceError."""
    return check_speaker(_unpack(_from_base16384(encoded), SPEAKER_BYTES, f"{SPEAKER_VALUES} float16 values"))


def encode_speaker(speaker: bytes) -> str:
    """Return the `spk_emb` string of SPEAKER_BYTES, character by character upstream's; raises VoiceError."""
    return _to_base16384(_pack(check_speaker(speaker)))


def check_speaker(speaker: bytes) -> bytes:
    """Return a speaker whose values are finite and not all zero; raises VoiceError."""
    if len(speaker) != SPEAKER_BYTES:
        raise VoiceError(
            f"a speaker of {len(speaker)} bytes, allowed: {SPEAKER_BYTES} ({SPEAKER_VALUES} float16)"
        )
    values = speaker_values(speaker)
    bad = next((place for place, value in enumerate(values) if not math.isfinite(value)), None)
    if bad is not None:
        raise VoiceError(f"value {bad} of the speaker is {values[bad]}, allowed: finite numbers")
    if not any(values):
        raise VoiceError("every value of the speaker is 0: that is no voice")
    return speaker


def speaker_values(speaker: bytes) -> tuple[float, ...]:
    """Return the values of SPEAKER_BYTES."""
    return struct.unpack(f"<{SPEAKER_VALUES}e", speaker)


def speaker_bytes(values: Iterable[float]) -> bytes:
    """Round SPEAKER_VALUES numbers to float16 (to nearest, ties to even); raises VoiceError."""
    numbers = tuple(values)
    if len(numbers) != SPEAKER_VALUES:
        raise VoiceError(f"{len(numbers)} values, allowed: the {SPEAKER_VALUES} of a speaker")
    try:
        return check_speaker(struct.pack(f"<{SPEAKER_VALUES}e", *numbers))
    except OverflowError:
        raise VoiceError("a value of the speaker is beyond float16 (65504)") from None


def decode_prompt(encoded: str) -> AudioPrompt:
    """Return what a `spk_smp` string holds; raises VoiceError."""
    packed = _from_base16384(encoded)
    if len(packed) < _SHAPE.size:
        raise VoiceError(f"{len(packed)} bytes, too short for the codes of a recording")
    rows, tokens = _SHAPE.unpack_from(packed)
    _check_shape(rows, tokens)
    size = rows * tokens * 2
    return check_prompt(AudioPrompt(tokens, _unpack(packed[_SHAPE.size :], size, f"{rows} x {tokens} codes")))


def encode_prompt(prompt: AudioPrompt) -> str:
    """Return the `spk_smp` string, character by character upstream's; raises VoiceError."""
    check_prompt(prompt)
    return _to_base16384(_SHAPE.pack(CODEBOOKS, prompt.tokens) + _pack(prompt.codes))


def check_prompt(prompt: AudioPrompt) -> AudioPrompt:
    """Return an audio prompt whose size and codes are the model's; raises VoiceError."""
    _check_shape(CODEBOOKS, prompt.tokens)
    count = CODEBOOKS * prompt.tokens
    if len(prompt.codes) != count * 2:
        raise VoiceError(
            f"{len(prompt.codes)} bytes of codes, allowed: {count * 2} for {prompt.tokens} tokens"
        )
    highest = max(struct.unpack(f"<{count}H", prompt.codes))
    if highest >= AUDIO_CODES:
        raise VoiceError(f"code {highest} in the recording, allowed: 0 to {AUDIO_CODES - 1}")
    return prompt


def _check_shape(rows: int, tokens: int) -> None:
    if rows != CODEBOOKS or not 0 < tokens <= MAX_PROMPT_TOKENS:
        raise VoiceError(f"codes of {rows} x {tokens}, allowed: {CODEBOOKS} x 1 to {MAX_PROMPT_TOKENS}")


def _pack(data: bytes) -> bytes:
    return lzma.compress(data, format=lzma.FORMAT_RAW, filters=[_filter(len(data), preset=_PRESET)])


def _filter(size: int, **more: int) -> dict[str, int]:
    return {"id": lzma.FILTER_LZMA2, "dict_size": max(size, _SMALLEST_DICTIONARY), **more}


def _unpack(packed: bytes, size: int, expected: str) -> bytes:
    """Undo LZMA2, with a dictionary and an output no larger than what is expected."""
    decoder = lzma.LZMADecompressor(format=lzma.FORMAT_RAW, filters=[_filter(size)])
    try:
        data = decoder.decompress(packed, max_length=size + 1)
    except (lzma.LZMAError, EOFError):
        raise VoiceError("not the LZMA2 data of a voice string") from None
    if len(data) > size:
        raise VoiceError(f"more than {expected}")
    if not decoder.eof:
        raise VoiceError("cut short: its LZMA2 data has no end")
    if len(data) < size or decoder.unused_data:
        raise VoiceError(f"{len(data)} bytes and {len(decoder.unused_data)} left over, allowed: {expected}")
    return data


def _to_base16384(data: bytes) -> str:
    return str(pybase16384.encode_to_string(data))


def _from_base16384(encoded: str) -> bytes:
    """Decode after looking at every character: the library itself takes anything."""
    remainder = ord(encoded[-1]) - _MARK if encoded else 0
    marked = 1 <= remainder <= 6
    body = encoded[:-1] if marked else encoded
    if not body:
        raise VoiceError("empty, allowed: a base16384 voice string")
    for place, character in enumerate(body):
        if not _FIRST <= ord(character) <= _LAST:
            raise VoiceError(f"not base16384: U+{ord(character):04X} at character {place}")
    if len(body) % 4 != (_REMAINDER_LENGTHS[remainder] if marked else 0):
        raise VoiceError(f"not base16384: {len(encoded)} characters do not add up, some are missing")
    return bytes(pybase16384.decode_from_string(encoded))
