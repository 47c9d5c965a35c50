"""From settings to an engine: what is refused, what is told, and the reference backend."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from chatttsd.engine.api import ModelSettings, SynthesisRequest
from chatttsd.engine.chattts.api import ModelError, Precision
from chatttsd.engine.chattts.decoders import choose, torch_threads
from chatttsd.engine.chattts.engine import create
from chatttsd.engine.chattts.loading import load_parts, threads_of
from chatttsd.engine.chattts.native import start
from chatttsd.engine.chattts.precision import NATIVE, TORCH, Choice
from chatttsd.engine.chattts.reference_engine import ReferenceEngine
from chatttsd.models.check import check_model
from chatttsd.models.layout import DECODER, GPT_CONFIG
from support.changing import change_in_secret
from support.random_model import RandomModel, changed_copy, rehash

SETTINGS = ModelSettings(threads=1, device="cpu")


@pytest.fixture(autouse=True)
def _no_kernels(monkeypatch: pytest.MonkeyPatch) -> None:
    """Use torch's kernels: others test the compiled ones, which take long to compile."""
    monkeypatch.setattr(start, "prepare", lambda *_: "none in this test")


def test_a_directory_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=rf"^{tmp_path}/none: the model directory is missing$"):
        create(replace(SETTINGS, model_dir=str(tmp_path / "none")), str(tmp_path), lambda _line: None)


def test_a_missing_file_is_named(random_model: RandomModel, tmp_path: Path) -> None:
    model = changed_copy(random_model(), tmp_path / "model")
    (model / "asset/Decoder.safetensors").unlink()
    told = r"^the model's file asset/Decoder\.safetensors is missing \(make or copy this model again\)$"
    with pytest.raises(ModelError, match=told):
        create(replace(SETTINGS, model_dir=str(model)), str(tmp_path), lambda _line: None)


def test_a_byte_that_changed_in_secret_is_found_at_the_next_load(
    random_model: RandomModel, tmp_path: Path
) -> None:
    model = changed_copy(random_model(), tmp_path / "model")
    whole = (model / DECODER).read_bytes()
    (model / DECODER).unlink()
    (model / DECODER).write_bytes(whole)
    check_model(model)
    change_in_secret(model / DECODER, whole[:-5] + bytes([whole[-5] ^ 1]) + whole[-4:])
    with pytest.raises(ModelError, match=rf"^the model's file {DECODER} is damaged "):
        create(replace(SETTINGS, model_dir=str(model)), str(tmp_path), lambda _line: None)


def test_a_configuration_of_another_kind_of_model_is_told_with_what_mends_it(
    random_model: RandomModel, tmp_path: Path
) -> None:
    model = changed_copy(random_model(), tmp_path / "model")
    config = (model / GPT_CONFIG).read_text("utf-8").replace('"hidden_act": "silu"', '"hidden_act": "gelu"')
    (model / GPT_CONFIG).unlink()
    (model / GPT_CONFIG).write_text(config, encoding="utf-8")
    rehash(model, GPT_CONFIG)
    told = rf"^this is not a ChatTTS model: {GPT_CONFIG}: hidden_act: .* \(make or choose another model\)$"
    with pytest.raises(ModelError, match=told):
        create(replace(SETTINGS, model_dir=str(model)), str(tmp_path), lambda _line: None)


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        (('"num_hidden_layers": 2', '"num_hidden_layers": 1'), r"expected 1 layers .*, found more"),
        (('"intermediate_size": 3', '"intermediate_size": 4'), r"tensor .*: expected .*, found .*"),
    ],
)
def test_a_configuration_of_other_sizes_is_told_without_the_folder(
    changed: tuple[str, str], told: str, random_model: RandomModel, tmp_path: Path
) -> None:
    model = changed_copy(random_model(), tmp_path / "model")
    config = (model / GPT_CONFIG).read_text("utf-8")
    assert changed[0] in config
    (model / GPT_CONFIG).unlink()
    (model / GPT_CONFIG).write_text(config.replace(*changed), encoding="utf-8")
    rehash(model, GPT_CONFIG)
    with pytest.raises(ModelError) as caught:
        create(replace(SETTINGS, model_dir=str(model)), str(tmp_path), lambda _line: None)
    assert re.fullmatch(
        rf"this is not a ChatTTS model: asset/gpt/[\w.]+: {told} \(make or choose another model\)",
        str(caught.value),
    )


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"precision": "int2"}, "precision: got 'int2', allowed are auto, fp32, bf16, int8, int4"),
        ({"device": "gpu"}, "device: got 'gpu', allowed are auto, cpu, cuda"),
    ],
)
def test_a_bad_setting_is_named_with_what_is_allowed(
    random_model: RandomModel, tmp_path: Path, settings: dict[str, str], told: str
) -> None:
    chosen = replace(SETTINGS, model_dir=str(random_model()), **settings)  # type: ignore[arg-type] # all are strings
    with pytest.raises(ModelError, match=told):
        create(chosen, str(tmp_path), lambda _line: None)


def test_a_device_that_is_not_there_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ModelError, match="got cuda, but torch sees no CUDA device"):
        choose("auto", "cuda")


def test_without_kernels_the_choice_says_why() -> None:
    choice = choose("auto", "cpu")
    assert (choice.precision, choice.kernels) == (Precision.INT8, TORCH)
    assert "none in this test" in choice.detail


def test_torch_keeps_to_one_thread_beside_compiled_kernels() -> None:
    assert torch_threads(Choice(Precision.INT8, "cpu", NATIVE, ""), 8) == 1
    assert torch_threads(Choice(Precision.FP32, "cpu", TORCH, ""), 8) == 8


def test_the_threads_are_those_of_the_settings_or_all() -> None:
    assert threads_of(replace(SETTINGS, threads=3)) == 3
    assert threads_of(replace(SETTINGS, threads=0)) >= 1


@pytest.mark.parametrize(("emoji", "same"), [("drop", "Good job"), ("name", "Good, thumbs up, job")])
def test_emoji_are_said_or_dropped_as_the_settings_want(
    random_model: RandomModel, tmp_path: Path, emoji: str, same: str
) -> None:
    settings = replace(SETTINGS, model_dir=str(random_model()), emoji=emoji)
    parts = load_parts(settings, tmp_path, lambda _line: None)
    written, said = (
        parts.wording.segment(SynthesisRequest(text, "en")).prompt.tokens for text in ("Good 👍 job", same)
    )
    assert written == said


def test_loading_is_told_in_per_cents_and_the_engine_is_warm(
    random_model: RandomModel, tmp_path: Path
) -> None:
    told: list[str] = []
    engine = create(replace(SETTINGS, model_dir=str(random_model())), str(tmp_path), told.append)
    percents = [int(line.split()[1]) for line in told[:-1]]
    assert percents == sorted(set(percents))
    assert (percents[-1], told[-1]) == (100, "warming")
    assert engine.detail.startswith("int8 weights on cpu, torch kernels")
    engine.close()


@pytest.mark.timeout(120)
def test_the_reference_backend_speaks_behind_the_same_contract(
    random_model: RandomModel, tmp_path: Path
) -> None:
    settings = replace(SETTINGS, model_dir=str(random_model()), backend="reference")
    told: list[str] = []
    engine = create(settings, str(tmp_path), told.append)
    assert isinstance(engine, ReferenceEngine)
    assert told[-1] == "loading 100 %"
    first, second = said(engine, "你好，再见。"), said(engine, "你好，再见。")
    assert np.array_equal(first, second)
    assert first.size > 12_000
    engine.close()


def said(engine: ReferenceEngine, text: str) -> NDArray[np.int16]:
    chunks: list[NDArray[np.int16]] = []

    def emit(samples: NDArray[np.int16]) -> bool:
        chunks.append(samples)
        return True

    engine.synthesise(SynthesisRequest(text, "zh"), emit, lambda: False)
    return np.concatenate(chunks)
