"""Voices as arrays, for the engine worker and chatttsctl; the daemon never imports this (numpy)."""

import numpy as np
from numpy.typing import NDArray

from chatttsd.voices.codec import CODEBOOKS, AudioPrompt, VoiceError, check_prompt


def speaker_array(speaker: bytes) -> NDArray[np.float32]:
    """Return a speaker's 768 values, L2-normalised in float16 as upstream does it (`Speaker.apply`)."""
    values = np.frombuffer(speaker, "<f2")
    norm = np.sqrt(np.sum(np.square(values, dtype=np.float32))).astype(np.float16)
    length = norm or np.float16(1)  # zeros stay zeros
    normalised: NDArray[np.float32] = np.divide(values, length, dtype=np.float16).astype(np.float32)
    return normalised


def prompt_array(prompt: AudioPrompt) -> NDArray[np.int64]:
    """Return the codes of a recording as the decoder wants them, [tokens, codebooks]."""
    return np.frombuffer(prompt.codes, "<u2").reshape(CODEBOOKS, prompt.tokens).T.astype(np.int64)


def audio_prompt(codes: NDArray[np.integer]) -> AudioPrompt:
    """Make an audio prompt of codes [tokens, codebooks]; raises VoiceError."""
    if codes.ndim != 2 or codes.shape[1] != CODEBOOKS:
        raise VoiceError(f"codes of shape {codes.shape}, allowed: (tokens, {CODEBOOKS})")
    if codes.size and codes.min() < 0:
        raise VoiceError(f"code {codes.min()} in the recording")
    return check_prompt(AudioPrompt(codes.shape[0], codes.T.astype("<u2").tobytes()))
