"""The tone engine: sound that spells the text it was asked to say, so that a recording can be decoded.

A request is START, six symbols of four bits for each code point (most significant first), END. A symbol is
`symbol_samples(rate)` samples of one sine with a whole number of cycles: `FIRST_CYCLES` + value for data,
those of START and END for markers. So a symbol begins and ends at zero and is orthogonal to every other.
Pitch is ignored.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from chatttsd.constants import SAMPLE_RATE
from chatttsd.engine.api import Cancelled, Emit, EngineError, SynthesisRequest, Voice

SYMBOL_SAMPLES: Final = 240
"""10 ms at rate 1.0."""
SYMBOLS_PER_CHARACTER: Final = 6
FIRST_CYCLES: Final = 4
"""Cycles of a symbol of value 0."""
START: Final = (20, 22, 21, 20)
"""Cycles of the symbols before the text; data never has more than 19."""
END: Final = (21, 22, 20, 22)
AMPLITUDE: Final = 0.3
CHUNK_SAMPLES: Final = SAMPLE_RATE * 20 // 1000
PACE: Final = "tone_seconds_per_second"
"""Parameter: how many seconds the engine takes for a second of sound; without it, as fast as it can."""
_NAP_SECONDS: Final = 0.005


class ToneEngine:
    """Says any text in tones; for tests only."""

    name = "tone"
    detail = ""

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._clock = clock
        self._sleep = sleep

    def voices(self) -> Sequence[Voice]:
        """List the one voice."""
        return (Voice("tone/tone", "Tone", self.name, ("zh", "en")),)

    def synthesise(self, request: SynthesisRequest, emit: Emit, cancelled: Cancelled) -> None:
        """Emit the text's tones in chunks of 20 ms; raises EngineError for a bad parameter."""
        pace = _pace(request)
        began = self._clock()
        for index, chunk in enumerate(_chunks(encode(request.text, request.rate))):
            due = began + pace * (index + 1) * CHUNK_SAMPLES / SAMPLE_RATE
            if not self._wait(due, cancelled) or not emit(chunk):
                return

    def close(self) -> None:
        """Do nothing: there is nothing to give back."""

    def _wait(self, due: float, cancelled: Cancelled) -> bool:
        """Sleep until `due` in naps; False when the request was cancelled."""
        while not cancelled():
            left = due - self._clock()
            if left <= 0:
                return True
            self._sleep(min(left, _NAP_SECONDS))
        return False


def symbol_samples(rate: float) -> int:
    """Return the length of a symbol: the rate changes the speed and so the pitch."""
    return round(SYMBOL_SAMPLES / rate)


def encode(text: str, rate: float = 1.0) -> NDArray[np.int16]:
    """Return the sound of a text, markers included."""
    codes = [*START, *(code for character in text for code in _character_codes(character)), *END]
    length = symbol_samples(rate)
    phases = 2 * np.pi * np.arange(length) / length
    table = AMPLITUDE * 32767 * np.sin(np.outer(np.arange(max(START + END) + 1), phases))
    samples: NDArray[np.int16] = np.rint(table).astype(np.int16)[codes].reshape(-1)
    return samples


def _character_codes(character: str) -> Iterator[int]:
    point = ord(character)
    for shift in range(4 * (SYMBOLS_PER_CHARACTER - 1), -1, -4):
        yield FIRST_CYCLES + ((point >> shift) & 0xF)


def _chunks(samples: NDArray[np.int16]) -> Iterator[NDArray[np.int16]]:
    for start in range(0, samples.size, CHUNK_SAMPLES):
        yield samples[start : start + CHUNK_SAMPLES]


def _pace(request: SynthesisRequest) -> float:
    value = request.parameters.get(PACE, "0")
    try:
        pace = float(value)
    except ValueError:
        pace = -1.0
    if not 0 <= pace <= 100:
        raise EngineError(f"{PACE} is {value!r}, allowed is a number from 0 to 100")
    return pace
