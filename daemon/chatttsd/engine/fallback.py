"""Who says a segment: ChatTTS where it can, espeak-ng where it cannot, so that no word is lost."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace
from typing import Final
from unicodedata import normalize

import regex

from chatttsd.constants import SAMPLE_BYTES, SAMPLE_RATE
from chatttsd.engine.api import (
    EngineDiedError,
    EngineError,
    EngineFaultError,
    Synthesiser,
    SynthesisRequest,
    Word,
)
from chatttsd.engine.cache import Entry
from chatttsd.engine.cached import Cached, Shelf, replay
from chatttsd.engine.model import ModelState, ResidentModel
from chatttsd.engine.model_setup import MODEL_VOICE
from chatttsd.engine.persistent import Persistent
from chatttsd.speech.expected import expected_seconds as seconds_of
from chatttsd.speech.remainder import remainder

MODEL_LANGUAGES: Final = ("zh", "cmn", "en")
"""What ChatTTS speaks."""
_USUAL_SPEED: Final = 5
_RATE_OF_A_SPEED: Final = 0.1
"""What one step of its `speed` is taken for."""
_FOREIGN: Final = regex.compile(
    r"(?V1)[\p{L}--[\p{Latin}\p{Greek}\p{Common}\p{Inherited}\p{Default_Ignorable_Code_Point}"
    r"\u4e00-\u9fff々〇]]"
)
"""Letters that ChatTTS's front end has no way to say; it knows Greek ones by name."""
_FOREIGN_NOTE: Final = "it knows Latin and Chinese letters only"
_BYTES_A_SECOND: Final = SAMPLE_RATE * SAMPLE_BYTES


def model_rate(request: SynthesisRequest) -> float:
    """Return how fast ChatTTS's speech of a request is heard: by its own `speed`, times the rate."""
    speed = int(request.parameters.get("speed", _USUAL_SPEED))
    return request.rate * (1.0 + _RATE_OF_A_SPEED * (speed - _USUAL_SPEED))


def is_meant_for_model(request: SynthesisRequest) -> bool:
    """Tell whether it is in a language of ChatTTS's, and for no voice of espeak-ng."""
    spoken = request.language.partition("-")[0].lower() in MODEL_LANGUAGES
    return spoken and (not request.voice or request.voice.startswith(MODEL_VOICE))


def is_for_model(request: SynthesisRequest) -> bool:
    """Tell whether ChatTTS would say it, and all of it: letters of other scripts it leaves out."""
    return is_meant_for_model(request) and not _FOREIGN.search(normalize("NFKC", request.text))


class ModelSynthesiser:
    """ChatTTS and nothing else: it waits while the model is loading.

    What is on the shelf is heard at once, the same sample for sample, while the model comes for what follows.
    """

    def __init__(self, model: ResidentModel, shelf: Shelf | None = None) -> None:
        self._model = model
        self._shelf = shelf
        kept = Persistent(model.client)
        self._inner: Synthesiser = Cached(kept, shelf) if shelf else kept

    async def synthesise(
        self, request: SynthesisRequest, *, expected_seconds: float, background: bool = False
    ) -> AsyncGenerator[bytes, None]:
        """Yield the PCM of one segment; raises EngineError, also when the model cannot come."""
        with self._model.in_use():
            self._model.call()
            if self._model.state is not ModelState.READY and (entry := self.recall(request)):
                for pcm in replay(entry, request):
                    yield pcm
                return
            await self._model.ready()
            stream = self._inner.synthesise(request, expected_seconds=expected_seconds, background=background)
            async with aclosing(stream) as chunks:
                async for pcm in chunks:
                    yield pcm
        self._model.note("")

    def recall(self, request: SynthesisRequest) -> Entry | None:
        """Return what ChatTTS made of this request before, if it is still there."""
        return self._shelf.recall(request) if self._shelf else None


class ModelByName:
    """ChatTTS by name for what answers a key stroke; of characters and keys only what is prepared.

    The others are espeak-ng's: a stroke waits for no model, but calls it back as any such request does.
    """

    def __init__(
        self,
        model: ResidentModel,
        embedded: Synthesiser,
        shelf: Shelf | None = None,
        embedded_shelf: Shelf | None = None,
    ) -> None:
        self._model = model
        self._by_model = ModelSynthesiser(model, shelf)
        self._embedded = Embedded(embedded, embedded_shelf)

    def synthesise(
        self, request: SynthesisRequest, *, expected_seconds: float, background: bool = False
    ) -> AsyncGenerator[bytes, None]:
        """Yield the PCM of one segment; raises EngineError, also when the model cannot come."""
        if request.kind != "text":
            return self._stroke(request, expected_seconds=expected_seconds, background=background)
        fitting = tuple(item for item in request.following if item.kind == "text")
        return self._by_model.synthesise(
            replace(request, following=fitting), expected_seconds=expected_seconds, background=background
        )

    async def _stroke(
        self, request: SynthesisRequest, *, expected_seconds: float, background: bool
    ) -> AsyncGenerator[bytes, None]:
        """Yield the PCM of a character or a key."""
        with self._model.in_use():
            self._model.call()
            if entry := self._by_model.recall(request):
                for pcm in replay(entry, request):
                    yield pcm
                return
            stream = self._embedded.synthesise(
                request, expected_seconds=expected_seconds, background=background
            )
            async with aclosing(stream) as chunks:
                async for pcm in chunks:
                    yield pcm


class WithFallback:
    """ChatTTS when it is ready, else espeak-ng, segment by segment.

    A segment that ChatTTS breaks off is finished by espeak-ng from the word at which it did, estimated by the
    share of its expected length that was delivered. A character or a key never waits for ChatTTS: it is what
    was prepared for key echo, or espeak-ng.
    """

    def __init__(
        self,
        model: ResidentModel,
        embedded: Synthesiser,
        shelf: Shelf | None = None,
        embedded_shelf: Shelf | None = None,
    ) -> None:
        self._model = model
        self._by_model = ModelSynthesiser(model, shelf)
        self._embedded = Embedded(embedded, embedded_shelf)

    async def synthesise(
        self, request: SynthesisRequest, *, expected_seconds: float, background: bool = False
    ) -> AsyncGenerator[bytes, None]:
        """Yield the PCM of one segment; raises EngineError only when espeak-ng fails too."""
        prose = request.kind == "text"
        by_model = is_for_model(request)
        if by_model and prose:
            self._model.want()
        elif prose and is_meant_for_model(request) and self._model.state is ModelState.READY:
            self._model.note(f"espeak-ng spoke for ChatTTS: {_FOREIGN_NOTE}")
        if by_model and self._at_once(request) and (entry := self._by_model.recall(request)):
            for pcm in replay(entry, request):
                yield pcm
            return
        delivered = 0
        if by_model and prose and await self._model_speaks():
            following = (item for item in request.following if item.kind == "text" and is_for_model(item))
            fitting = tuple(replace(item, whole=True) for item in following)
            try:
                stream = self._by_model.synthesise(
                    replace(request, following=fitting, whole=True),
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
        async with aclosing(self._rest(request, delivered, background=background)) as chunks:
            async for pcm in chunks:
                yield pcm

    async def _rest(
        self, request: SynthesisRequest, delivered: int, *, background: bool
    ) -> AsyncGenerator[bytes, None]:
        """Yield what espeak-ng says of a request of which so many bytes have been heard."""
        rest = remainder(request.text, delivered / _BYTES_A_SECOND, model_rate(request))
        if not rest:
            return
        before, at = len(request.text) - len(rest), delivered // SAMPLE_BYTES
        stream = self._embedded.synthesise(
            replace(
                request,
                text=rest,
                tell_word=lambda word: request.tell_word(
                    Word(word.start + before, word.end + before, word.sample + at)
                ),
            ),
            expected_seconds=seconds_of(rest, request.rate),
            background=background,
        )
        async with aclosing(stream) as chunks:
            async for pcm in chunks:
                yield pcm

    def _at_once(self, request: SynthesisRequest) -> bool:
        """Tell whether only the shelf can answer for ChatTTS now: for key echo, and while it is not ready."""
        return self._model.welcome and (request.kind != "text" or self._model.state is not ModelState.READY)

    async def _model_speaks(self) -> bool:
        """Tell whether the model can say a segment now, or can after the wait that the settings allow."""
        model = self._model
        if model.speaks:
            try:
                await model.ready()
            except (EngineFaultError, EngineDiedError):
                return False
        return model.state is ModelState.READY


class Embedded:
    """An engine that is always there; it takes no parameters, has no voice of the model's and is level."""

    def __init__(self, inner: Synthesiser, shelf: Shelf | None = None) -> None:
        kept = Persistent(inner)
        self._inner: Synthesiser = Cached(kept, shelf) if shelf else kept

    def synthesise(
        self, request: SynthesisRequest, *, expected_seconds: float, background: bool = False
    ) -> AsyncGenerator[bytes, None]:
        """Yield the PCM of one segment, by the default voice of its language where its own is unknown."""
        voice = "" if request.voice.startswith(MODEL_VOICE) else request.voice
        plain = replace(request, voice=voice, gain=0.0, parameters={}, following=())
        return self._inner.synthesise(plain, expected_seconds=expected_seconds, background=background)
