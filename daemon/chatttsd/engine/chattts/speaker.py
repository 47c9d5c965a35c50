"""A prompt's embeddings: text tokens, a speaker in place of `[spk_emb]`, the codes of a recording."""

import numpy as np
import torch
from numpy.typing import NDArray

from chatttsd.engine.api import EngineError
from chatttsd.engine.chattts.api import ModelShape, Prompt
from chatttsd.engine.chattts.weights import Embeddings


def embed(prompt: Prompt, embeddings: Embeddings, speaker_token: int, shape: ModelShape) -> torch.Tensor:
    """Return a prompt as float32 [tokens, hidden], on the CPU.

    Raises EngineError when a token, the speaker or the codes do not fit the model.
    """
    tokens = torch.tensor(prompt.tokens, dtype=torch.int64)
    if not prompt.tokens or not 0 <= int(tokens.min()) <= int(tokens.max()) < shape.text_tokens:
        raise EngineError(f"a prompt needs tokens in 0..{shape.text_tokens - 1}")
    rows = torch.nn.functional.embedding(tokens, embeddings.text)
    if prompt.speaker is not None:
        rows[tokens == speaker_token] = _speaker_row(prompt.speaker, shape)
    if prompt.audio is None:
        return rows
    return torch.cat((rows, _audio_rows(prompt.audio, embeddings, shape)))


def _speaker_row(speaker: NDArray[np.float32], shape: ModelShape) -> torch.Tensor:
    if speaker.shape != (shape.hidden,) or not np.isfinite(speaker).all():
        raise EngineError(f"a speaker needs {shape.hidden} finite values, found {list(speaker.shape)}")
    return torch.from_numpy(speaker)


def _audio_rows(audio: NDArray[np.int64], embeddings: Embeddings, shape: ModelShape) -> torch.Tensor:
    if audio.ndim != 2 or audio.shape[1] != shape.codebooks:
        raise EngineError(f"an audio prompt needs [tokens, {shape.codebooks}], found {list(audio.shape)}")
    if audio.size and not 0 <= audio.min() <= audio.max() < shape.audio_tokens:
        raise EngineError(f"an audio prompt needs codes in 0..{shape.audio_tokens - 1}")
    codes = torch.from_numpy(audio)
    books = [
        torch.nn.functional.embedding(codes[:, book], table) for book, table in enumerate(embeddings.codes)
    ]
    return torch.stack(books).sum(0)
