"""Codes of a recording: `python -m chatttsd.engine.chattts.clone MODEL < samples > spk_smp`.

Standard input is raw little-endian float32, mono at 24 kHz; standard output gets the `spk_smp` string. A
process of its own, so that chatttsctl needs no torch: run by `chatttsctl voices clone`. What is wrong is one
line on standard error, and the exit code 1.
"""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO, Final

from chatttsd.constants import SAMPLE_RATE

_LONGEST_SECONDS: Final = 60
_SAMPLE_BYTES: Final = 4


def main(arguments: Sequence[str], source: BinaryIO) -> int:
    """Encode what `source` holds with the model in the folder that is the only argument."""
    if len(arguments) != 1:
        return _fail("one argument is needed: the folder of the model")
    most = _LONGEST_SECONDS * SAMPLE_RATE * _SAMPLE_BYTES
    data = source.read(most + 1)
    if not data or len(data) > most or len(data) % _SAMPLE_BYTES:
        return _fail(f"{len(data)} bytes of samples, allowed: float32 of at most {_LONGEST_SECONDS} s")
    try:
        print(_encode(Path(arguments[0]), data))
    except ModuleNotFoundError as error:
        return _fail(f"{error.name} is not installed: pip install 'chatttsd[chattts]'")
    except (ValueError, OSError, RuntimeError) as error:
        return _fail(" ".join(str(error).split()) or type(error).__name__)
    return 0


def _encode(model: Path, data: bytes) -> str:
    # Imported here: where one is missing, the line above says how to get it.
    import numpy as np

    samples = np.frombuffer(data, "<f4").astype(np.float32)
    if not np.isfinite(samples).all():
        raise ValueError("samples that are no numbers")

    from chatttsd.engine.chattts.api import ModelError
    from chatttsd.engine.chattts.audio_prompt import encode_recording
    from chatttsd.voices.arrays import audio_prompt
    from chatttsd.voices.codec import encode_prompt

    try:
        return encode_prompt(audio_prompt(encode_recording(model, samples)))
    except ModelError as error:
        raise ValueError(str(error)) from error


def _fail(reason: str) -> int:
    print(reason, file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], sys.stdin.buffer))
