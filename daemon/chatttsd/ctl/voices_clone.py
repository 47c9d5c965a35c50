"""`chatttsctl voices clone`: a voice from a recording and what is said in it."""

import subprocess
import sys
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from chatttsd.constants import SAMPLE_RATE
from chatttsd.ctl import output, text
from chatttsd.ctl.exits import CommandError, Exit
from chatttsd.ctl.models import directory_of
from chatttsd.ctl.sink import refuse_special
from chatttsd.ctl.voices_files import Place
from chatttsd.models.layout import DVAE
from chatttsd.voices import files
from chatttsd.voices.codec import AudioPrompt, VoiceError, decode_prompt

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SHORTEST: Final = 1.5
"""Seconds: below, there is too little of a voice."""
LONGEST: Final = 20.0
"""Seconds: every sentence is slower by the length of the recording, and 15 s are enough."""
_MOST_CHANNELS: Final = 8
_SILENCE: Final = 1e-3
"""Full scale is 1: a recording whose loudest sample is below is taken for silence."""
_ENCODER: Final = "chatttsd.engine.chattts.clone"
_TIMEOUT: Final = 300.0
_TRAILING: Final = " ,，、;；:：!！?？…~～-—"
"""Ends of a sentence that become a full stop: the model wants one there."""


def run(arguments: Namespace) -> int:
    """Make a voice of a recording."""
    place = Place(arguments.name, replace=arguments.force)
    words = _words(arguments.text)
    samples = read_recording(Path(arguments.recording))
    prompt = _encode(samples, _model(arguments), arguments.timeout or _TIMEOUT)
    path = place.write(
        files.StoredVoice(
            arguments.name,
            arguments.name,
            source=f"cloned from a recording of {len(samples) / SAMPLE_RATE:.1f} s",
            prompt=prompt,
            prompt_text=words,
        )
    )
    if arguments.json:
        output.record({"id": arguments.name, "path": str(path), "tokens": prompt.tokens})
    else:
        output.line(str(path))
    return Exit.OK


def _words(given: str | None) -> str:
    """Return what is said in the recording as one line that ends in a full stop; raises CommandError (2)."""
    if given is None and sys.stdin.isatty():
        raise CommandError("what the recording says is missing: give it with --text", Exit.USAGE)
    words = ended(text.gather(["-"] if given is None else [given], None))
    if not any(letter.isalnum() for letter in words):
        raise CommandError("--text: no word in it, allowed: what the recording says", Exit.USAGE)
    try:
        return files.check_prompt_text(words)
    except VoiceError as error:
        raise CommandError(f"--text: {error}", Exit.USAGE) from None


def ended(words: str) -> str:
    """Return a text in one line with a full stop at its end, 。 where it is Chinese."""
    line = " ".join(words.split())
    if line.endswith(("。", ".")) or not line.strip(_TRAILING):
        return line
    chinese = any("\u4e00" <= letter <= "\u9fff" for letter in line)
    return line.rstrip(_TRAILING) + ("。" if chinese else ".")


def read_recording(path: Path) -> "NDArray[np.float32]":
    """Return a sound file as mono float32 at SAMPLE_RATE, |x| <= 1; raises CommandError with the fault."""
    import soundfile
    import soxr

    refuse_special(path)
    try:
        with path.open("rb") as stream, soundfile.SoundFile(stream) as sound:
            _check_length(path, sound.frames / sound.samplerate, sound.channels)
            frames = sound.read(dtype="float32", always_2d=True)
            rate = sound.samplerate
    except soundfile.LibsndfileError as error:
        why = output.clause(error.error_string)
        raise CommandError(f"{path}: not a sound file ({why})", Exit.USAGE) from None
    except OSError as error:
        raise CommandError(f"{path}: {error.strerror}", Exit.USAGE) from None
    _check_length(path, len(frames) / rate, frames.shape[1])
    mono = frames.mean(axis=1, dtype="float32")
    _check_sound(path, mono)
    resampled: NDArray[np.float32] = soxr.resample(mono, rate, SAMPLE_RATE, quality="VHQ")
    return resampled / max(1.0, float(abs(resampled).max()))


def _check_length(path: Path, seconds: float, channels: int) -> None:
    if not SHORTEST <= seconds <= LONGEST:
        raise CommandError(f"{path}: {seconds:.1f} s, allowed: {SHORTEST:g} to {LONGEST:g} s", Exit.USAGE)
    if channels > _MOST_CHANNELS:
        raise CommandError(f"{path}: {channels} channels, allowed: 1 to {_MOST_CHANNELS}", Exit.USAGE)


def _check_sound(path: Path, samples: "NDArray[np.float32]") -> None:
    loudest = float(abs(samples).max())
    # The comparison is false for NaN, too.
    if not loudest < float("inf"):
        raise CommandError(f"{path}: samples that are no numbers", Exit.USAGE)
    if loudest < _SILENCE:
        raise CommandError(f"{path}: silence", Exit.USAGE)


def _model(arguments: Namespace) -> Path:
    directory = directory_of(arguments)
    if not (directory / DVAE).is_file():
        raise CommandError(f"there is no model in {directory}: chatttsctl models fetch")
    return directory


def _encode(samples: "NDArray[np.float32]", model: Path, timeout: float) -> AudioPrompt:
    """Have the model's encoder make codes of the samples, in a process of its own (torch)."""
    command = [sys.executable, "-P", "-m", _ENCODER, str(model)]
    try:
        done = subprocess.run(  # noqa: S603 - this Python, a module of ours, a path
            command, input=samples.astype("<f4").tobytes(), capture_output=True, timeout=timeout, check=False
        )
    except subprocess.TimeoutExpired:
        raise CommandError(f"the recording was not encoded within {timeout:g} s") from None
    except OSError as error:
        raise CommandError(f"the encoder does not start: {error.strerror}") from None
    if done.returncode != 0:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        raise CommandError(output.clean(said[-1]) if said else f"the encoder ended with {done.returncode}")
    try:
        return decode_prompt(done.stdout.decode(errors="replace").strip())
    except VoiceError as error:
        raise CommandError(f"the encoder's answer cannot be used: {error}") from None
