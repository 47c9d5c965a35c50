"""One voice file: what may be in it, and how it is read and written.

A `.txt` file is UTF-8 text. Lines that begin with `#` are comments; three of them mean something:

    # name: Alder
    # languages: zh, en
    # source: where the voice comes from

A speaker is one more line, the bare `spk_emb` string as people exchange it. A voice cloned from a recording
has two lines instead (and may have a speaker, too):

    spk_smp: the codes of the recording
    txt_smp: what is said in it, ending in 。 or .

A `.pt` file is a speaker saved with torch.save (`tensor.py`).
"""

import os
import secrets
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from chatttsd.voices.codec import (
    AudioPrompt,
    VoiceError,
    decode_prompt,
    decode_speaker,
    encode_prompt,
    encode_speaker,
)

SUFFIXES: Final = (".txt", ".pt")
LARGEST: Final = 1024 * 1024
"""Bytes of a voice file; a speaker has about 2 KiB, a recording of 20 s about 10."""
LONGEST_ID: Final = 64
LONGEST_TEXT: Final = 500
"""Characters of what is said in a recording: far more than anybody says in 20 s."""
LANGUAGES: Final = ("zh", "en")
"""What the model speaks: the languages of a voice that names none."""
_LONGEST_NAME: Final = 80
_FIELDS: Final = ("spk_emb", "spk_smp", "txt_smp")
_ENDS: Final = ("。", ".")


@dataclass(frozen=True, slots=True)
class StoredVoice:
    """A voice of the model: a speaker, or a recording and its words, or both."""

    id: str
    name: str
    languages: tuple[str, ...] = LANGUAGES
    source: str = ""
    speaker: bytes | None = field(default=None, repr=False)
    """768 little-endian float16; `arrays.speaker_array` makes an array of it."""
    prompt: AudioPrompt | None = field(default=None, repr=False)
    """The codes of a recording; `arrays.prompt_array` makes an array of it."""
    prompt_text: str = field(default="", repr=False)
    """What is said in the recording; ends in 。 or `.` (upstream's `txt_smp`)."""
    built_in: bool = False


def check_id(voice_id: str) -> str:
    """Return an id that can be a file's name and a D-Bus string; raises VoiceError naming what is wrong."""
    if not voice_id or len(voice_id) > LONGEST_ID:
        raise VoiceError(f"a name of {len(voice_id)} characters, allowed: 1 to {LONGEST_ID}")
    for place, letter in enumerate(voice_id):
        if not (letter.isalnum() or (place and letter in "-_.")):
            raise VoiceError(
                f"U+{ord(letter):04X} at character {place} of the name, "
                "allowed: letters, digits, and after the first - _ ."
            )
    return voice_id


def check_prompt_text(words: str) -> str:
    """Return the words of a recording when the model can be given them; raises VoiceError, without them."""
    if not words.strip() or len(words) > LONGEST_TEXT:
        raise VoiceError(f"{len(words)} characters said in the recording, allowed: 1 to {LONGEST_TEXT}")
    for place, letter in enumerate(words):
        # Brackets are the model's own tags, such as [Ptts].
        if letter in "[]" or not letter.isprintable():
            raise VoiceError(f"U+{ord(letter):04X} at character {place} of what is said in the recording")
    if not words.endswith(_ENDS):
        raise VoiceError("what is said in the recording ends in something else, allowed: 。 or .")
    return words


def read(path: Path, voice_id: str) -> StoredVoice:
    """Read a voice file; raises VoiceError when it is none, OSError when it cannot be read."""
    data = _content(path)
    if path.suffix == ".pt":
        # Imported here: zipfile is only for those who have such files.
        from chatttsd.voices import tensor

        return StoredVoice(voice_id, voice_id, speaker=tensor.read(data), source=path.name)
    try:
        return parse(data.decode("utf-8-sig"), voice_id)
    except UnicodeDecodeError as error:
        raise VoiceError(f"not UTF-8 at byte {error.start}") from None


def _content(path: Path) -> bytes:
    """Return the bytes of a regular file of at most LARGEST; never waits for a FIFO or touches a device."""
    if not stat.S_ISREG(path.stat().st_mode):
        raise VoiceError("not a regular file")
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY)
    with os.fdopen(fd, "rb", buffering=0) as stream:
        # Looked at again: the name may mean something else by now.
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            raise VoiceError("not a regular file")
        data = stream.read(LARGEST + 1)
    if len(data) > LARGEST:
        raise VoiceError(f"larger than {LARGEST >> 20} MiB")
    return data


def parse(content: str, voice_id: str) -> StoredVoice:
    """Return the voice of a `.txt` file's content; raises VoiceError naming the line."""
    about: dict[str, str] = {}
    values: dict[str, str] = {}
    for number, line in enumerate(content.splitlines(), 1):
        stripped = line.strip()
        if stripped.startswith("#"):
            key, separator, value = stripped[1:].partition(":")
            if separator:
                about.setdefault(key.strip().lower(), value.strip())
        elif stripped:
            key, value = _field(stripped)
            if key in values:
                raise VoiceError(f"line {number}: a second {key}, allowed: one")
            values[key] = value
    return _voice(voice_id, about, values)


def _field(line: str) -> tuple[str, str]:
    key, separator, value = line.partition(":")
    return (key, value.strip()) if separator and key in _FIELDS else ("spk_emb", line)


def _voice(voice_id: str, about: dict[str, str], values: dict[str, str]) -> StoredVoice:
    if not values:
        raise VoiceError("empty, allowed: a spk_emb string, or spk_smp and txt_smp")
    if ("spk_smp" in values) != ("txt_smp" in values):
        raise VoiceError("spk_smp and txt_smp go together, one of them is missing")
    cloned = "spk_smp" in values
    return StoredVoice(
        voice_id,
        _line(about.get("name", "")) or voice_id,
        _languages(about.get("languages", "")),
        _line(about.get("source", "")),
        speaker=decode_speaker(values["spk_emb"]) if "spk_emb" in values else None,
        prompt=decode_prompt(values["spk_smp"]) if cloned else None,
        prompt_text=check_prompt_text(values["txt_smp"]) if cloned else "",
    )


def _line(value: str) -> str:
    return "".join(letter for letter in value if letter.isprintable())[:_LONGEST_NAME]


def _languages(value: str) -> tuple[str, ...]:
    tags = tuple(tag.strip() for tag in value.split(",") if tag.strip())
    unknown = next((tag for tag in tags if tag.split("-")[0].lower() not in LANGUAGES), None)
    if unknown is not None:
        raise VoiceError(f"language {_line(unknown)!r}, allowed: {', '.join(LANGUAGES)} and their varieties")
    return tags or LANGUAGES


def render(voice: StoredVoice) -> str:
    """Return the content of the `.txt` file that `parse` reads as this voice; raises VoiceError."""
    lines = [f"# name: {_line(voice.name)}", f"# languages: {', '.join(voice.languages)}"]
    lines += [f"# source: {_line(voice.source)}"] if voice.source else []
    if voice.prompt is not None:
        lines.append(f"spk_smp: {encode_prompt(voice.prompt)}")
        lines.append(f"txt_smp: {check_prompt_text(voice.prompt_text)}")
    lines += [encode_speaker(voice.speaker)] if voice.speaker is not None else []
    return "\n".join(lines) + "\n"


def write(path: Path, voice: StoredVoice) -> None:
    """Write a `.txt` file that appears whole or not at all, readable by its owner only; raises OSError."""
    content = render(voice).encode()
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    temporary = path.with_name(f".{secrets.token_hex(8)}.part")
    try:
        # A voice may be that of a person.
        fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(fd, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
