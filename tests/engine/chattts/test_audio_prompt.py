from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from chatttsd.engine.chattts.api import ModelError
from chatttsd.engine.chattts.audio_prompt import SHORTEST, encode_recording
from chatttsd.models.layout import DVAE
from support.random_model import RandomModel, changed_copy
from support.upstream_vocoder import upstream_codes

TIES = 0.005
"""The part of the codes that may differ where a value lies between two levels."""


@pytest.fixture(scope="module")
def model(random_model: RandomModel) -> Path:
    return random_model(layers=2, seed=0, end="never")


def recording(count: int) -> NDArray[np.float32]:
    """Noise that swells and sinks, with a stretch of silence."""
    noise = np.random.default_rng(count)
    loudness = 0.2 * np.abs(np.sin(np.arange(count) / 3000))
    loudness[count // 3 : count // 2] = 0
    return (noise.standard_normal(count) * loudness).astype(np.float32)


@pytest.mark.parametrize("count", [SHORTEST, 767, 768, 1023, 1024, 1280, 24_000, 72_001])
def test_codes_are_those_of_upstream(model: Path, count: int) -> None:
    samples = recording(count)

    ours, theirs = encode_recording(model, samples), upstream_codes(model, samples)

    assert ours.shape == theirs.shape
    assert ours.dtype == np.int64
    assert (ours != theirs).mean() <= TIES


def test_codes_are_codes_of_the_model_and_not_all_the_same(model: Path) -> None:
    codes = encode_recording(model, recording(48_000))

    assert codes.min() >= 0
    assert codes.max() < 625
    assert min(len(np.unique(book)) for book in codes.T) > 5


def test_samples_of_double_precision_give_the_same_codes(model: Path) -> None:
    samples = recording(5000)

    assert np.array_equal(
        encode_recording(model, samples.astype(np.float64)), encode_recording(model, samples)
    )


@pytest.mark.parametrize("shape", [(0,), (SHORTEST - 1,), (1, 24_000), (24_000, 2)])
def test_samples_of_another_shape_are_refused(model: Path, shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=f"allowed is .n. with n from {SHORTEST}"):
        encode_recording(model, np.zeros(shape, np.float32))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_samples_that_are_no_numbers_are_refused(model: Path, value: float) -> None:
    samples = recording(5000)
    samples[7] = value

    with pytest.raises(ValueError, match="finite"):
        encode_recording(model, samples)


def test_a_truncated_dvae_is_named(model: Path, tmp_path: Path) -> None:
    changed = changed_copy(model, tmp_path / "model")
    data = (changed / DVAE).read_bytes()
    (changed / DVAE).unlink()
    (changed / DVAE).write_bytes(data[: len(data) // 2])

    with pytest.raises(ModelError, match=r"DVAE\.safetensors"):
        encode_recording(changed, recording(5000))


def test_gradients_are_left_as_they_were(model: Path) -> None:
    encode_recording(model, recording(5000))

    assert torch.is_grad_enabled()
