"""What an engine says, heard in the same process."""

from contextlib import closing

import numpy as np
from numpy.typing import NDArray

from chatttsd.constants import SAMPLE_RATE
from chatttsd.engine.api import Cancelled, Engine, SynthesisRequest
from chatttsd.engine.espeak import EspeakEngine

Samples = NDArray[np.int16]


def chunks_of(
    engine: Engine, request: SynthesisRequest, cancelled: Cancelled = lambda: False
) -> list[Samples]:
    """Return what the engine emits for a request."""
    chunks: list[Samples] = []

    def emit(samples: Samples) -> bool:
        chunks.append(samples)
        return True

    engine.synthesise(request, emit, cancelled)
    return chunks


def sound_of(engine: Engine, request: SynthesisRequest) -> Samples:
    """Return the whole sound of a request."""
    return np.concatenate([np.zeros(0, np.int16), *chunks_of(engine, request)])


def spoken(text: str, language: str) -> Samples:
    """Return a text as espeak-ng says it."""
    with closing(EspeakEngine()) as engine:
        return sound_of(engine, SynthesisRequest(text, language))


def base_frequency(samples: Samples) -> float:
    """Return the median pitch in Hz, by autocorrelation of loud frames."""
    found = []
    for start in range(0, samples.size - 1200, 600):
        frame = samples[start : start + 1200].astype(float)
        frame -= frame.mean()
        if np.mean(frame**2) < 1e5:
            continue
        likeness = np.correlate(frame, frame, "full")[1199:]
        period = 48 + int(np.argmax(likeness[48:533]))
        if likeness[period] > 0.4 * likeness[0]:
            found.append(SAMPLE_RATE / period)
    return float(np.median(found))
