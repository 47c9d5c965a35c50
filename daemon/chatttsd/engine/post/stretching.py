"""Rate and pitch of speech changed as a stream: libsonic shortens or lengthens it, soxr moves its pitch.

libsonic is the copy inside libespeak-ng (Apache-2.0), made for speech that is heard fast. Its speed alone is
used: this copy's own conversion of the pitch overruns a buffer (waywardgeek/sonic#29).
"""

import ctypes
from typing import Any, Final

import espeakng_loader
import numpy as np
import soxr
from numpy.typing import NDArray

from chatttsd.constants import SAMPLE_RATE
from chatttsd.engine.api import EngineError

Samples = NDArray[np.int16]

BLOCK: Final = SAMPLE_RATE // 100
"""Samples that libsonic gets at a time: what it makes depends on how its input is cut."""
LOWEST_VOICE_HZ: Final = 65
"""libsonic looks two periods of this ahead."""
FIRST: Final = (2 * SAMPLE_RATE // LOWEST_VOICE_HZ // BLOCK + 1) * BLOCK
"""Samples of input until the first of the output, while the pitch stays: 40 ms."""
LATENCY: Final = 2 * FIRST
"""Samples of input that have not become output, at most: a jump is up to as long as what is looked ahead."""
PITCH_LATENCY: Final = SAMPLE_RATE * 45 // 1000
"""Samples of output that soxr holds back on top of it where the pitch is moved, at most: 45 ms."""
_NOTHING: Final = np.zeros(0, np.int16)

_STREAM: Final = ctypes.c_void_p
_SIGNATURES: Final[dict[str, tuple[Any, tuple[Any, ...]]]] = {
    "sonicCreateStream": (_STREAM, (ctypes.c_int, ctypes.c_int)),
    "sonicDestroyStream": (None, (_STREAM,)),
    "sonicSetSpeed": (None, (_STREAM, ctypes.c_float)),
    "sonicWriteShortToStream": (ctypes.c_int, (_STREAM, ctypes.c_void_p, ctypes.c_int)),
    "sonicReadShortFromStream": (ctypes.c_int, (_STREAM, ctypes.c_void_p, ctypes.c_int)),
    "sonicSamplesAvailable": (ctypes.c_int, (_STREAM,)),
    "sonicFlushStream": (ctypes.c_int, (_STREAM,)),
}


class Sonic:
    """One stream of mono samples at `speed` (above 0, 1 is unchanged) with the pitch kept.

    Raises EngineError where the library does not offer it.
    """

    def __init__(self, speed: float) -> None:
        self._library = _load()
        self._stream = self._library.sonicCreateStream(SAMPLE_RATE, 1)
        if not self._stream:
            raise MemoryError
        self._library.sonicSetSpeed(self._stream, speed)
        self._rest = _NOTHING

    def feed(self, samples: Samples) -> Samples:
        """Return what can be made so far; the result does not depend on how the samples are cut."""
        joined = np.concatenate([self._rest, samples])
        whole = joined.size // BLOCK * BLOCK
        self._rest = joined[whole:]
        made = [self._write(joined[start : start + BLOCK]) for start in range(0, whole, BLOCK)]
        return np.concatenate([_NOTHING, *made])

    def finish(self) -> Samples:
        """Return the rest; nothing may be fed after it."""
        made = self._write(self._rest)
        self._check(self._library.sonicFlushStream(self._stream))
        return np.concatenate([made, self._read()])

    def close(self) -> None:
        """Give the stream's memory back."""
        stream, self._stream = self._stream, None
        if stream:
            self._library.sonicDestroyStream(stream)

    def _write(self, block: Samples) -> Samples:
        data = np.ascontiguousarray(block)
        self._check(self._library.sonicWriteShortToStream(self._stream, data.ctypes.data, data.size))
        return self._read()

    def _read(self) -> Samples:
        made = np.empty(self._library.sonicSamplesAvailable(self._stream), np.int16)
        count = self._library.sonicReadShortFromStream(self._stream, made.ctypes.data, made.size)
        return made[:count]

    @staticmethod
    def _check(done: int) -> None:
        if not done:
            raise MemoryError


class Stretcher:
    """A stream of int16 samples heard at `rate` 0.25..4 and `pitch` 0.5..2, each without the other.

    A higher pitch is the same speech slowed down and then played faster.
    """

    def __init__(self, rate: float, pitch: float) -> None:
        self._sonic = Sonic(rate / pitch)
        self._resampler = None
        if pitch != 1.0:
            # In int16 soxr would add dither, another one each time; its better filters are twice as late.
            self._resampler = soxr.ResampleStream(
                SAMPLE_RATE * pitch, SAMPLE_RATE, 1, dtype="float32", quality="LQ"
            )

    def feed(self, samples: Samples) -> Samples:
        """Return what can be made so far; the result does not depend on how the samples are cut."""
        return self._pitched(self._sonic.feed(samples), last=False)

    def finish(self) -> Samples:
        """Return the rest; nothing may be fed after it."""
        return self._pitched(self._sonic.finish(), last=True)

    def close(self) -> None:
        """Give its memory back."""
        self._sonic.close()

    def _pitched(self, samples: Samples, *, last: bool) -> Samples:
        if self._resampler is None:
            return samples
        moved = self._resampler.resample_chunk(samples.astype(np.float32), last=last)
        limited: Samples = np.clip(np.rint(moved), -32768, 32767).astype(np.int16)
        return limited


def _load() -> ctypes.CDLL:
    path = espeakng_loader.get_library_path()
    try:
        library = ctypes.CDLL(path)
        for name, (result, arguments) in _SIGNATURES.items():
            function = getattr(library, name)
            function.restype = result
            function.argtypes = arguments
    except (OSError, AttributeError) as error:
        raise EngineError(f"rate and pitch cannot be changed without libsonic: {error}") from None
    return library
