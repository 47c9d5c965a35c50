"""Which decoder a model gets on this machine: device, precision and kernels, and why."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final

import torch

from chatttsd.engine.chattts.api import Backbone, Decoder, ModelError, Precision
from chatttsd.engine.chattts.compiling import compile_elsewhere, compile_others
from chatttsd.engine.chattts.cpu import read_cpu
from chatttsd.engine.chattts.decoder import MakeSampler, TokenDecoder
from chatttsd.engine.chattts.graph_decoder import GraphDecoder
from chatttsd.engine.chattts.interruptible import Interruptible
from chatttsd.engine.chattts.native import start
from chatttsd.engine.chattts.precision import (
    NATIVE,
    Choice,
    asked_precision,
    choose_for_cpu,
    choose_for_cuda,
)
from chatttsd.engine.chattts.sampler import Sampler
from chatttsd.engine.chattts.tokens import Tokens
from chatttsd.engine.chattts.torch_backbone import TorchBackbone
from chatttsd.engine.chattts.vocoder.vocoder import Vocoder
from chatttsd.engine.chattts.weights import NO_HEADS, Weights
from chatttsd.engine.chattts.wording import never
from chatttsd.platform.paths import cache_directory

_DEVICES: Final = ("auto", "cpu", "cuda")

Progress = Callable[[float], None]
"""Takes how far it is, 0..1."""


def choose(precision: str, device: str) -> Choice:
    """Choose what the settings leave open; compiles the kernels if need be. Raises ModelError."""
    if device not in _DEVICES:
        raise ModelError(f"device: got {device!r}, allowed are {', '.join(_DEVICES)}")
    usable = device != "cpu" and torch.cuda.is_available()
    if device == "cuda" and not usable:
        raise ModelError("device: got cuda, but torch sees no CUDA device here; allowed are auto, cpu")
    if usable:
        return choose_for_cuda(precision)
    wanted = asked_precision(precision) or Precision.INT8
    return choose_for_cpu(
        precision, read_cpu(), start.prepare(wanted, _kernels(), compile_others, compile_elsewhere)
    )


def make_backbone(weights: Weights, choice: Choice, threads: int) -> Backbone:
    """Pack the weights for a CPU; raises ModelError."""
    if choice.kernels == NATIVE:
        return start.make(weights, choice.precision, threads)
    return TorchBackbone(weights, choice.precision, choice.device)


def _make_decoder(
    weights: Weights, choice: Choice, tokens: Tokens, threads: int
) -> tuple[Decoder, Interruptible]:
    """Pack the weights for a CPU, the heads with them where there are kernels for both; raises ModelError."""
    embeddings, multiply, make_sampler = weights.embeddings(), None, _sampler(choice)
    if choice.kernels == NATIVE:
        native = start.make(weights, choice.precision, threads, heads=embeddings.code_heads)
        embeddings = replace(embeddings, code_heads=NO_HEADS)
        backbone, multiply = Interruptible(native, never), native.logits
    else:
        backbone = Interruptible(TorchBackbone(weights, choice.precision, choice.device), never)
    decoder = TokenDecoder(
        backbone,
        embeddings,
        weights.text_head,
        speaker_token=tokens.speaker,
        end_of_refinement=tokens.end_of_refinement,
        make_sampler=make_sampler,
        multiply=multiply,
    )
    return decoder, backbone


def make_decoder(
    weights: Weights, choice: Choice, tokens: Tokens, threads: int, progress: Progress
) -> tuple[Decoder, Interruptible | None]:
    """Return a decoder and, where there is one, what stops it between two prompts; raises ModelError."""
    if choice.device == "cuda":
        graphs = GraphDecoder(
            weights,
            choice.precision,
            choice.device,
            speaker_token=tokens.speaker,
            end_of_refinement=tokens.end_of_refinement,
        )
        graphs.warm(progress)
        return graphs, None
    return _make_decoder(weights, choice, tokens, threads)


def _sampler(choice: Choice) -> MakeSampler:
    if choice.kernels != NATIVE:
        return Sampler
    # It needs numba, which must not be imported before its cache is named.
    from chatttsd.engine.chattts.jitted_sampler import JittedSampler

    return JittedSampler


def torch_threads(choice: Choice, threads: int) -> int:
    """Return how many threads torch may use in the decoder's thread.

    The compiled kernels have threads of their own, and torch's wait for each other at every operation: where
    something else uses the cores, that costs more than they bring.
    """
    return 1 if choice.kernels == NATIVE else threads


def make_vocoder(directory: Path, choice: Choice) -> Vocoder:
    """Load the vocoder; where there are kernels its weights are float16, but for fp32. Raises ModelError."""
    if choice.kernels != NATIVE:
        return Vocoder(directory, choice.device)
    # It needs numba, which must not be imported before its cache is named.
    from chatttsd.engine.chattts.native.product import PackedLinear, uses_halves

    halves = uses_halves(choice.precision)
    return Vocoder(directory, make_linear=lambda weight, bias: PackedLinear(weight, bias, halves=halves))


def _kernels() -> Path:
    return cache_directory() / "numba"
