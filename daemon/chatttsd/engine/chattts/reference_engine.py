"""The engine contract over upstream's own code: nothing is streamed, every segment is checked first."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from chatttsd.constants import SAMPLE_RATE
from chatttsd.engine.api import Cancelled, Emit, EngineError, SynthesisRequest, Voice
from chatttsd.engine.chattts.api import TOKENS_PER_SECOND, Sampling
from chatttsd.engine.chattts.guard import Bounds, Fault, SoundJudge, bounds, judge_length
from chatttsd.engine.chattts.trimming import Trimmer, to_int16
from chatttsd.engine.chattts.wording import (
    ENGINE,
    FrontEnd,
    Voices,
    rate_of,
    sampling_of,
    speed_of,
    spelled,
    words_of,
)
from chatttsd.voices.codec import encode_prompt, encode_speaker
from chatttsd.voices.files import StoredVoice

_CHUNK: Final = SAMPLE_RATE // 5
"""Samples that are emitted between two looks at the cancel flag."""


class Upstream(Protocol):
    """`reference.ReferenceModel`."""

    def speak(
        self,
        text: str,
        speaker: str | None,
        sampling: Sampling,
        parameters: "dict[str, str] | None" = None,
        *,
        sample: str | None = None,
        sample_text: str | None = None,
        cancelled: Cancelled | None = None,
    ) -> NDArray[np.float32]:
        """Return a segment at 24 kHz."""


class ReferenceEngine:
    """Speaks through `ChatTTS.Chat`, segment by segment."""

    name = ENGINE

    def __init__(
        self,
        model: Upstream,
        front_end: FrontEnd,
        voices: Voices,
        *,
        retries: int,
        report: Callable[[str], None] = lambda _line: None,
    ) -> None:
        self.detail = "upstream's own code in fp32 (backend = reference)"
        self._model = model
        self._front_end = front_end
        self._voices = voices
        self._retries = retries
        self._report = report

    def voices(self) -> Sequence[Voice]:
        """List the voices of the model."""
        return self._voices.listed()

    def synthesise(self, request: SynthesisRequest, emit: Emit, cancelled: Cancelled) -> None:
        """Emit one segment once it is complete and right; raises EngineError."""
        voice = self._voices.find(request.voice)
        written = spelled(request)
        spoken = words_of(self._front_end, written, request.language)
        speed = speed_of(request)
        allowed = bounds([written, spoken], rate_of(speed))
        sampling = sampling_of(request.parameters, allowed.longest)
        parameters = {**request.parameters, "speed": str(speed)}
        for attempt in range(self._retries + 1):
            drawn = replace(sampling, seed=sampling.seed + attempt)
            samples = self._speak(spoken, voice, drawn, parameters, cancelled)
            if cancelled():
                return
            fault = judge(samples, allowed)
            if fault is None:
                _emit(samples, emit, cancelled)
                return
            self._report(f"guard: a segment was {fault} and is made again")
        raise EngineError(f"the model's speech was {fault}, in {self._retries + 1} attempts")

    def close(self) -> None:
        """Do nothing: the process ends right after."""

    def _speak(
        self,
        spoken: str,
        voice: StoredVoice,
        sampling: Sampling,
        parameters: dict[str, str],
        cancelled: Cancelled,
    ) -> NDArray[np.float32]:
        return self._model.speak(
            spoken,
            None if voice.speaker is None else encode_speaker(voice.speaker),
            sampling,
            parameters,
            sample=None if voice.prompt is None else encode_prompt(voice.prompt),
            sample_text=voice.prompt_text or None,
            cancelled=cancelled,
        )


def judge(samples: NDArray[np.float32], allowed: Bounds) -> Fault | None:
    """Return what is wrong with a whole segment; upstream does not tell whether it reached its limit."""
    tokens = round(samples.size * TOKENS_PER_SECOND / SAMPLE_RATE)
    listener = SoundJudge()
    listener.feed(samples)
    return judge_length(tokens, tokens < allowed.longest, allowed) or listener.finish()


def _emit(samples: NDArray[np.float32], emit: Emit, cancelled: Cancelled) -> None:
    trimmer = Trimmer()
    whole = np.concatenate([trimmer.feed(samples), trimmer.finish()])
    for start in range(0, whole.size, _CHUNK):
        if cancelled() or not emit(to_int16(whole[start : start + _CHUNK])):
            return
