"""No click at joins, looked for in a dull sound: in the hiss of a random model a click would not be seen."""

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from chatttsd.engine.chattts.vocoder.difference import joins, stream_all, synthetic_hidden
from chatttsd.engine.chattts.vocoder.stream import StreamSettings
from chatttsd.engine.chattts.vocoder.vocoder import Vocoder
from chatttsd.models.layout import BINS, VOCOS
from support.clicks import steps_at_joins
from support.random_model import changed_copy

DULL_BINS = 20
"""Up to 470 Hz."""
TOKENS = 180
SETTINGS = StreamSettings(chunks=(6, 8, 10))


@pytest.fixture(scope="module")
def dull(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Vocoder:
    folder = changed_copy(model, tmp_path_factory.mktemp("dull") / "model")
    tensors = load_file(folder / VOCOS)
    tensors["head.out.bias"][DULL_BINS:BINS] -= 30
    (folder / VOCOS).unlink()
    save_file(tensors, folder / VOCOS)
    return Vocoder(folder)


@pytest.mark.parametrize("kind", ["random", "sines", "walk"])
def test_steps_at_joins_are_like_those_elsewhere(dull: Vocoder, kind: str) -> None:
    hidden = synthetic_hidden(kind, TOKENS)
    samples = stream_all(dull, hidden, SETTINGS)

    at_joins, elsewhere = steps_at_joins(samples, joins(SETTINGS, TOKENS), SETTINGS.crossfade)

    assert len(at_joins) > 10
    assert at_joins.max() <= elsewhere.max()
    assert np.median(at_joins) <= 1.2 * np.median(elsewhere)


@pytest.mark.parametrize("kind", ["random", "sines", "walk"])
def test_chunks_without_context_would_be_found(dull: Vocoder, kind: str) -> None:
    hidden = synthetic_hidden(kind, TOKENS)
    apart = [dull.decode(piece) for piece in torch.split(hidden, 10)]
    places = np.cumsum([len(piece) for piece in apart])[:-1]

    at_joins, elsewhere = steps_at_joins(np.concatenate(apart), places.tolist(), 0)

    assert at_joins.max() > 2 * elsewhere.max()


def test_joins_are_where_chunks_begin() -> None:
    chosen = StreamSettings(lookahead=3, settle=3, chunks=(5, 7))

    assert joins(chosen, 7) == []
    assert joins(chosen, 22) == [5 * 512, 12 * 512, 19 * 512]
