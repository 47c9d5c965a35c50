"""Upstream's own ChatTTS as the oracle of parity tests, drawing with our decoder's noise."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from chatttsd.engine.chattts.api import Prompt, Sampling
from chatttsd.engine.chattts.decoder import TokenDecoder
from chatttsd.engine.chattts.reference import ReferenceModel
from chatttsd.engine.chattts.sampler import Noise
from chatttsd.engine.chattts.speaker import embed
from chatttsd.engine.chattts.tokens import Tokens
from chatttsd.engine.chattts.weights import Embeddings, Weights
from chatttsd.voices.arrays import speaker_array
from chatttsd.voices.codec import decode_speaker, encode_speaker, speaker_bytes

HIDDEN = 768
TEXTS = (
    "hello world this is a test of the voice",
    "good morning",
    "the quick brown fox jumps over the lazy dog and then it goes home to sleep for a long time",
)


def speaker_string(seed: int = 0) -> str:
    """Return a random speaker as upstream's string (float16 values)."""
    noise = np.random.default_rng(seed)
    return encode_speaker(speaker_bytes(noise.normal(0.0, 2.0, HIDDEN).tolist()))


def speaker_vector(encoded: str) -> np.ndarray[Any, np.dtype[np.float32]]:
    """Return what a `Prompt` takes for a speaker's string."""
    return speaker_array(decode_speaker(encoded))


@dataclass(frozen=True)
class Tale:
    """What one row became: hidden states [n, hidden] and codes [n, codebooks]."""

    hidden: torch.Tensor
    codes: torch.Tensor


@contextmanager
def our_noise(seeds: Sequence[int], codebooks: int, vocabulary: int) -> Iterator[None]:
    """Make `torch.multinomial` draw as our sampler does: with each row's own noise."""
    noise = [Noise(seed, codebooks, vocabulary) for seed in seeds]
    original = torch.multinomial

    def draw(scores: torch.Tensor, num_samples: int, **_: object) -> torch.Tensor:
        assert num_samples == 1
        return (scores / torch.cat([row.token() for row in noise])).argmax(-1, keepdim=True)

    torch.multinomial = draw  # type: ignore[assignment]  # the same call, another draw
    try:
        yield
    finally:
        torch.multinomial = original


class Oracle:
    """`ChatTTS.Chat` of a model folder, loaded once."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.model = ReferenceModel(directory)
        self.chat: Any = self.model.chat
        self._told: dict[tuple[object, ...], list[Tale]] = {}

    def decode(
        self, texts: Sequence[str], speaker: str, sampling: Sampling, seeds: Sequence[int], **more: object
    ) -> list[Tale]:
        """Continue the texts together, as `Chat.infer` would; `more` are further InferCodeParams.

        What was asked before is remembered: several backbones are compared with the same.
        """
        asked = (*texts, speaker, sampling, *seeds, *more.items())
        if asked not in self._told:
            self._told[asked] = self._decode(texts, speaker, sampling, seeds, more)
        return self._told[asked]

    def _decode(
        self,
        texts: Sequence[str],
        speaker: str,
        sampling: Sampling,
        seeds: Sequence[int],
        more: Mapping[str, object],
    ) -> list[Tale]:
        params = self.chat.InferCodeParams(
            spk_emb=speaker,
            top_P=sampling.top_p,
            top_K=sampling.top_k,
            temperature=sampling.temperature,
            repetition_penalty=sampling.repetition_penalty,
            max_new_token=sampling.max_tokens,
            show_tqdm=False,
            **more,
        )
        with our_noise(seeds, 4, 626):
            done = next(self.chat._infer_code(list(texts), False, torch.device("cpu"), True, params))
        return [Tale(hidden, codes) for hidden, codes in zip(done.hiddens, done.ids, strict=True)]

    def refine(self, text: str, prompt: str, seed: int, most: int) -> list[int]:
        """Return the tokens that upstream's refinement draws."""
        params = self.chat.RefineTextParams(prompt=prompt, max_new_token=most, show_tqdm=False)
        with our_noise([seed], 1, 21178):
            done = self.chat._refine_text([text], torch.device("cpu"), params)
        return [int(token) for token in done.ids[0]]

    @torch.no_grad()
    def hidden(self, embeddings: torch.Tensor) -> torch.Tensor:
        """Return upstream's GPT over a whole sequence at once, [n, hidden] for [n, hidden]."""
        result: torch.Tensor = self.chat.gpt.gpt(inputs_embeds=embeddings[None]).last_hidden_state[0]
        return result


@dataclass
class Fast:
    """Our decoder over one backbone, and what belongs to it."""

    decoder: TokenDecoder
    tokens: Tokens
    embeddings: Embeddings

    def decode(
        self, texts: Sequence[str], speaker: str, sampling: Sampling, seeds: Sequence[int]
    ) -> list[Tale]:
        """Continue the texts together."""
        vector = speaker_vector(speaker)
        prompts = [Prompt(self.tokens.speech(text), vector) for text in texts]
        return self.continue_prompts(prompts, sampling, seeds)

    def continue_prompts(
        self, prompts: Sequence[Prompt], sampling: Sampling | Sequence[Sampling], seeds: Sequence[int]
    ) -> list[Tale]:
        """Advance until every row has ended; one sampling for all, or one for each."""
        samplings = [sampling] * len(prompts) if isinstance(sampling, Sampling) else sampling
        each = [replace(own, seed=seed) for own, seed in zip(samplings, seeds, strict=True)]
        generation = self.decoder.start(prompts, each)
        while generation.alive:
            generation.advance()
        return [Tale(generation.hidden(row), generation.codes(row)) for row in range(len(prompts))]

    def embedded(self, prompt: Prompt, codes: torch.Tensor) -> torch.Tensor:
        """Return the embeddings of a prompt and of what was drawn for it, [n, hidden]."""
        rows = embed(prompt, self.embeddings, self.tokens.speaker, self.decoder.shape)
        drawn = torch.stack([table[codes[:, book]] for book, table in enumerate(self.embeddings.codes)])
        return torch.cat((rows, drawn.sum(0)))


def fast(directory: Path, backbone: Any) -> Fast:  # noqa: ANN401 - any Backbone, checked by TokenDecoder
    """Return our decoder for a model folder over a backbone made from it."""
    weights = Weights(directory)
    tokens = Tokens(directory, weights.shape)
    embeddings = weights.embeddings()
    decoder = TokenDecoder(
        backbone,
        embeddings,
        weights.text_head,
        speaker_token=tokens.speaker,
        end_of_refinement=tokens.end_of_refinement,
    )
    return Fast(decoder, tokens, embeddings)


def difference(ours: torch.Tensor, theirs: torch.Tensor) -> float:
    """Return the largest distance of two rows, relative to the length of theirs."""
    assert ours.shape == theirs.shape, (ours.shape, theirs.shape)
    return float(((ours - theirs).norm(dim=-1) / theirs.norm(dim=-1)).max())
