"""A soft voice of the real engine, through the directory: its short words are as loud as its sentences."""

import asyncio
import math
from pathlib import Path

import numpy as np
import pyloudnorm
import pytest
import safetensors.numpy
from numpy.typing import NDArray

from chatttsd.constants import SAMPLE_RATE
from chatttsd.engine.api import ModelSettings, SynthesisRequest, WorkerSettings
from chatttsd.engine.cache import CacheSettings
from chatttsd.engine.directory import EngineDirectory
from chatttsd.models.layout import BINS, VOCOS
from support.directory_stage import empty_home
from support.random_model import RandomModel, changed_copy, rehash

SOFTER_DB = 8.0
PATIENT = WorkerSettings(hang_seconds=60.0, start_seconds=200.0)
"""The first worker of a run compiles the kernels."""
SENTENCE = "今天的天气比昨天好多了，明天早上我们坐火车去上海。"
WORD = "窗户"
SETTLED = 2 * SAMPLE_RATE
"""Samples after which the gain of a sentence has settled."""


def soften(model: Path) -> None:
    """Have the vocoder make everything softer: the magnitudes of its spectrum are exponents."""
    tensors = safetensors.numpy.load_file(model / VOCOS)
    tensors["head.out.bias"][:BINS] -= SOFTER_DB * math.log(10) / 20
    (model / VOCOS).unlink()
    safetensors.numpy.save_file(tensors, model / VOCOS)
    rehash(model, VOCOS)


async def said(directory: EngineDirectory, text: str) -> NDArray[np.int16]:
    """Return the sound of a text."""
    stream = directory.synthesiser("chattts").synthesise(SynthesisRequest(text, "zh"), expected_seconds=5.0)
    return np.frombuffer(b"".join([pcm async for pcm in stream]), np.int16)


def lufs(samples: NDArray[np.int16]) -> float:
    whole = np.tile(samples, 1 + SAMPLE_RATE // samples.size)
    return float(pyloudnorm.Meter(SAMPLE_RATE).integrated_loudness(whole / 32768))


@pytest.mark.timeout(280)
async def test_after_a_sentence_of_a_soft_voice_a_word_is_as_loud_as_the_sentence(
    random_model: RandomModel, tmp_path: Path, kernels: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    empty_home(tmp_path, monkeypatch)
    for name, value in kernels.items():
        monkeypatch.setenv(name, value)
    model = changed_copy(random_model(), tmp_path / "model")
    soften(model)
    directory = EngineDirectory(
        "chattts",
        PATIENT,
        ModelSettings(model_dir=str(model), threads=1),
        CacheSettings(echo=False),
        on_change=lambda: None,
        on_restart=lambda: None,
    )
    try:
        await directory.start()
        async with asyncio.timeout(250):
            unknown = await said(directory, WORD)
            sentence = await said(directory, SENTENCE)
            word = await said(directory, WORD)
            again = await said(directory, WORD)
    finally:
        await directory.stop()
    loud = lufs(sentence[SETTLED:])
    assert lufs(unknown) < loud - 3.0
    assert lufs(word) == pytest.approx(loud, abs=1.5)
    assert np.array_equal(again, word)
    assert word.size == unknown.size
