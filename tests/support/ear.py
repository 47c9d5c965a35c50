"""What an engine says, heard in the same process."""

import numpy as np
from numpy.typing import NDArray

from chatttsd.engine.api import Cancelled, Engine, SynthesisRequest

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
