"""The contracts between the parts of the ChatTTS engine.

Text -> `Prompt` (front end, tokens, speaker) -> `Generation` (decoder) -> hidden states -> samples (vocoder).
One audio token is 512 samples at 24 kHz; T tokens become (2T - 1) * 256 samples.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

TOKENS_PER_SECOND: Final = 24_000 / 512
"""46.875 audio tokens are one second of sound."""


class Precision(StrEnum):
    """How the weights of the GPT's linear layers are kept; everything else stays float."""

    FP32 = "fp32"
    BF16 = "bf16"
    INT8 = "int8"
    INT4 = "int4"


@dataclass(frozen=True, slots=True)
class ModelShape:
    """The dimensions of a model, read from `asset/gpt/config.json`."""

    layers: int = 20
    hidden: int = 768
    heads: int = 12
    intermediate: int = 3072
    codebooks: int = 4
    audio_tokens: int = 626
    text_tokens: int = 21178
    rms_epsilon: float = 1e-6
    rope_theta: float = 10_000.0
    max_positions: int = 4096

    @property
    def head_size(self) -> int:
        """Values of one attention head."""
        return self.hidden // self.heads

    @property
    def end_code(self) -> int:
        """The code that ends the audio, in any codebook."""
        return self.audio_tokens - 1


@dataclass(frozen=True, slots=True)
class Sampling:
    """How a segment's tokens are drawn; the defaults are upstream's `InferCodeParams`."""

    temperature: float = 0.3
    top_p: float = 0.7
    top_k: int = 20
    repetition_penalty: float = 1.05
    seed: int = 0
    """One seed per segment: equal prompts with equal sampling give equal tokens."""
    max_tokens: int = 2048


@dataclass(frozen=True, slots=True)
class Prompt:
    """What the decoder continues: text tokens, a speaker, and the codes of an audio prompt."""

    tokens: tuple[int, ...] = field(repr=False)
    """Ids of the whole decorated text, `[Stts][spk_emb]...[Ptts]`."""
    speaker: NDArray[np.float32] | None = field(default=None, repr=False)
    """[hidden], L2-normalised; put in place of every `[spk_emb]` token."""
    audio: NDArray[np.int64] | None = field(default=None, repr=False)
    """[tokens, codebooks]: codes of a recording, after the text."""


def look_at_nothing() -> None:
    """Let a prefill go on."""


class Backbone(Protocol):
    """The GPT: its layers, the final norm and a KV cache with numbered slots; used from one thread only."""

    shape: ModelShape

    def prefill(
        self, slot: int, embeddings: torch.Tensor, look: Callable[[], None] = look_at_nothing
    ) -> torch.Tensor:
        """Fill a slot afresh with float32 [n, hidden]; returns the last position's hidden state [hidden].

        `look` is called at least every few dozen positions or layers. What it raises ends the prefill, and
        the slot is to be filled again before it is stepped.
        """

    def step(self, slots: Sequence[int], embeddings: torch.Tensor) -> torch.Tensor:
        """Append one position to each slot, float32 [len(slots), hidden]; returns hidden states like it.

        A slot's result does not depend on which other slots are in the step.
        """


class Generation(Protocol):
    """Some prompts being continued together, row by row; `advance` until `alive` is empty."""

    @property
    def alive(self) -> Sequence[int]:
        """The rows that still grow."""

    def advance(self) -> None:
        """Draw one token for every row that is alive (a few on a GPU)."""

    def hidden(self, row: int, start: int = 0) -> torch.Tensor:
        """Return the hidden states of a row from token `start` on, float32 [n, hidden], no end token."""

    def codes(self, row: int) -> torch.Tensor:
        """Return the tokens of a row, int64 [n, codebooks], without the end token."""

    def length(self, row: int) -> int:
        """Return how many tokens a row has, without the end token."""

    def ended(self, row: int) -> bool:
        """Tell whether a row drew its end token (and not: was retired, or reached `max_tokens`)."""

    def retire(self, row: int) -> None:
        """Grow a row no more."""


class Decoder(Protocol):
    """Draws audio tokens; used from one thread only."""

    shape: ModelShape

    def start(self, prompts: Sequence[Prompt], sampling: Sequence[Sampling]) -> Generation:
        """Prefill the prompts (at most 4) for `advance`; frees what an earlier generation held."""

    def refine(self, prompt: Prompt, sampling: Sampling, cancelled: Callable[[], bool]) -> list[int]:
        """Return the text tokens that refinement draws for `[Sbreak]...[Pbreak]...`, without its end.

        Stops at the next token when `cancelled` tells so; frees what a generation held.
        """


class ModelError(Exception):
    """The model cannot be loaded or used; one line that names the file and what is wrong, never a text."""
