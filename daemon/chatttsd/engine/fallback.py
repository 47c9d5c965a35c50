"""Who says a segment: ChatTTS where it can, espeak-ng where it cannot, so that no word is lost."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace
from typing import Final

from chatttsd.constants import SAMPLE_BYTES, SAMPLE_RATE
from chatttsd.engine.api import EngineError, EngineFaultError, Synthesiser, SynthesisRequest
from chatttsd.engine.model import ModelState, ResidentModel
from chatttsd.engine.model_setup import MODEL_VOICE
from chatttsd.engine.persistent import Persistent
from chatttsd.speech.expected import expected_seconds as seconds_of
from chatttsd.speech.remainder import remainder

MODEL_LANGUAGES: Final = ("zh", "cmn", "en")
"""What ChatTTS speaks."""
MODEL_RATES: Final = (0.5, 1.4)
"""What its `speed` 0 and 9 are taken for: it speaks no slower and no faster."""
_RATE_OF_A_SPEED: Final = 0.1
_BYTES_A_SECOND: Final = SAMPLE_RATE * SAMPLE_BYTES


def model_rate(request: SynthesisRequest) -> float:
    """Return how fast ChatTTS says a request, as a rate: that of its `speed`, or else the nearest it has."""
    slowest, fastest = MODEL_RATES
    if "speed" in request.parameters:
        return slowest + _RATE_OF_A_SPEED * int(request.parameters["speed"])
    return min(max(request.rate, slowest), fastest)


class ModelSynthesiser:
    """ChatTTS and nothing else, as an explicit request wants it: it waits while the model is loading."""

    def __init__(self, model: ResidentModel) -> None:
        self._model = model
        self._inner = Persistent(model.client)

    async def synthesise(
        self, request: SynthesisRequest, *, expected_seconds: float, background: bool = False
    ) -> AsyncGenerator[bytes, None]:
        """Yield the PCM of one segment; raises EngineError, also when the model cannot come."""
        with self._model.in_use():
            await self._model.demand()
            stream = self._inner.synthesise(request, expected_seconds=expected_seconds, background=background)
            async with aclosing(stream) as chunks:
                async for pcm in chunks:
                    yield pcm
        self._model.note("")


class WithFallback:
    """ChatTTS when it is ready, else espeak-ng, segment by segment.

    A segment that ChatTTS breaks off is finished by espeak-ng from the word at which it did, estimated by the
    share of its expected length that was delivered.
    """

    def __init__(self, model: ResidentModel, embedded: Synthesiser) -> None:
        self._model = model
        self._by_model = ModelSynthesiser(model)
        self._embedded = Embedded(embedded)

    async def synthesise(
        self, request: SynthesisRequest, *, expected_seconds: float, background: bool = False
    ) -> AsyncGenerator[bytes, None]:
        """Yield the PCM of one segment; raises EngineError only when espeak-ng fails too."""
        delivered = 0
        if self._is_for_model(request) and await self._model_speaks():
            fitting = tuple(item for item in request.following if self._is_for_model(item))
            try:
                stream = self._by_model.synthesise(
                    replace(request, following=fitting),
                    expected_seconds=expected_seconds,
                    background=background,
                )
                async with aclosing(stream) as chunks:
                    async for pcm in chunks:
                        delivered += len(pcm)
                        yield pcm
            except EngineError as error:
                self._model.note(f"espeak-ng spoke for ChatTTS: {error}")
            else:
                return
        rest = remainder(request.text, delivered / _BYTES_A_SECOND, model_rate(request))
        if not rest:
            return
        stream = self._embedded.synthesise(
            replace(request, text=rest),
            expected_seconds=seconds_of(rest, request.rate),
            background=background,
        )
        async with aclosing(stream) as chunks:
            async for pcm in chunks:
                yield pcm

    def _is_for_model(self, request: SynthesisRequest) -> bool:
        """Tell whether ChatTTS would say it: prose, in a language of its own, by no voice of espeak-ng."""
        spoken = request.language.partition("-")[0].lower() in MODEL_LANGUAGES
        by_voice = not request.voice or request.voice.startswith(MODEL_VOICE)
        return request.kind == "text" and spoken and by_voice

    async def _model_speaks(self) -> bool:
        """Tell whether the model can say a segment now, or can after the wait that the settings allow."""
        model = self._model
        model.want()
        if model.speaks:
            try:
                await model.ready()
            except EngineFaultError:
                return False
        return model.state is ModelState.READY


class Embedded:
    """An engine that is always there; it takes no parameters, and has no voice of the model's."""

    def __init__(self, inner: Synthesiser) -> None:
        self._inner = Persistent(inner)

    def synthesise(
        self, request: SynthesisRequest, *, expected_seconds: float, background: bool = False
    ) -> AsyncGenerator[bytes, None]:
        """Yield the PCM of one segment, by the default voice of its language where its own is unknown."""
        voice = "" if request.voice.startswith(MODEL_VOICE) else request.voice
        plain = replace(request, voice=voice, parameters={}, following=())
        return self._inner.synthesise(plain, expected_seconds=expected_seconds, background=background)
