"""How far the packed precisions, and the streamed sound, are from what they stand for."""

from collections.abc import Iterator, Sequence
from statistics import mean
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

from chatttsd.engine.chattts.api import Backbone, Precision, Prompt
from chatttsd.engine.chattts.decoder import TokenHeads
from chatttsd.engine.chattts.decoders import choose, make_backbone
from chatttsd.engine.chattts.loading import Parts
from chatttsd.engine.chattts.selftest_measures import Drift, cosines, mel_distance
from chatttsd.engine.chattts.speaker import embed
from chatttsd.engine.chattts.vocoder.stream import StreamingVocoder, StreamSettings
from chatttsd.engine.chattts.vocoder.vocoder import Vocoder

Spoken = tuple[Prompt, torch.Tensor]
"""A prompt and the codes [n, codebooks] that were drawn for it."""

LOOKAHEADS: Final = (4, 8, 16)
"""Tokens; 8 is what the engine uses."""
_LEAST_COSINE: Final = {Precision.INT8: 0.99, Precision.BF16: 0.999}
_MOST_MEL_DB: Final = {Precision.INT8: 1.5, Precision.BF16: 0.5}
_MOST_SEAM_DB: Final = 1.0
_MOST_TOKENS: Final = 150
"""Tokens of a sentence that are compared: a step in fp32 takes 50 ms on two cores."""


def drifts(parts: Parts, spoken: Sequence[Spoken]) -> Iterator[Drift]:
    """Yield the drift of int8 and bf16 against fp32; beside the engine's, one backbone is in memory."""
    exact = _forced(parts, Precision.FP32, spoken)
    sounds = [parts.vocoder.decode(states) for states in exact]
    for precision in (Precision.BF16, Precision.INT8):
        states = _forced(parts, precision, spoken)
        found = [value for one, other in zip(exact, states, strict=True) for value in cosines(one, other)]
        mels = [
            mel_distance(sound, parts.vocoder.decode(other))
            for sound, other in zip(sounds, states, strict=True)
        ]
        limits = _LEAST_COSINE[precision], _MOST_MEL_DB[precision]
        yield Drift(precision.value, mean(found), min(found), mean(mels), *limits)


def _forced(parts: Parts, precision: Precision, spoken: Sequence[Spoken]) -> list[torch.Tensor]:
    """Return the hidden states [n, hidden] of every sentence, given its codes, in a precision."""
    backbone = make_backbone(parts.weights, choose(precision.value, "cpu"), torch.get_num_threads())
    embeddings = parts.weights.embeddings()
    shape = parts.weights.shape
    heads = TokenHeads(embeddings, shape)
    prompts = [embed(prompt, embeddings, parts.speaker_token, shape) for prompt, _ in spoken]
    return [
        _teach(backbone, heads, rows, codes[:_MOST_TOKENS].cpu())
        for rows, (_, codes) in zip(prompts, spoken, strict=True)
    ]


@torch.inference_mode()
def _teach(backbone: Backbone, heads: TokenHeads, rows: torch.Tensor, codes: torch.Tensor) -> torch.Tensor:
    """Return the hidden state from which each of the codes was drawn."""
    first = backbone.prefill(0, rows).clone()
    others = (backbone.step([0], heads.embed(code[None]))[0].clone() for code in codes[:-1])
    return torch.stack([first, *others])


def lookaheads(vocoder: Vocoder, spoken: Sequence[torch.Tensor]) -> Iterator[Drift]:
    """Yield how far the streamed sound is from one decode of all hidden states, by look-ahead."""
    whole = [vocoder.decode(states) for states in spoken]
    for tokens in LOOKAHEADS:
        settings = StreamSettings(lookahead=tokens, settle=tokens)
        found = mean(
            mel_distance(sound, streamed(vocoder, states, settings))
            for sound, states in zip(whole, spoken, strict=True)
        )
        yield Drift(f"look-ahead {tokens} tokens", 1.0, 1.0, found, 0.0, _MOST_SEAM_DB)


def streamed(vocoder: Vocoder, states: torch.Tensor, settings: StreamSettings) -> NDArray[np.float32]:
    """Return the samples of a stream."""
    stream = StreamingVocoder(vocoder, settings)
    return np.concatenate([*(stream.push(state[None]) for state in states), stream.finish()])
