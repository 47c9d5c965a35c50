"""Plans an utterance: what may be asked for, its segments, and the engine's request for each."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Final

import regex

from chatttsd.bus import errors
from chatttsd.config import Config
from chatttsd.engine.api import SynthesisRequest
from chatttsd.engine.directory import EngineDirectory
from chatttsd.engine.model_setup import MODEL_ENGINE
from chatttsd.pipeline import Recipe, SegmentPlan
from chatttsd.speech.language import resolve
from chatttsd.speech.options import Kind, SpeakOptions
from chatttsd.speech.pauses import pause_after
from chatttsd.speech.segment import Segment, SegmentSettings, segments
from chatttsd.speech.utterance import Utterance

_LONGEST_KEY: Final = 64


class Planner:
    """Checks what clients ask for and makes the recipes; `config` may be replaced."""

    def __init__(
        self, config: Config, engines: EngineDirectory, on_synthesised: Callable[[float, float], None]
    ) -> None:
        self.config = config
        self._engines = engines
        self._on_synthesised = on_synthesised

    def check(self, text: str, options: SpeakOptions, defaults: SpeakOptions) -> None:
        """Raise BusError for what cannot be spoken; a bad default is not the caller's fault."""
        self._check_engine(options.engine)
        if options.voice != defaults.voice:
            self.check_voice(options.voice, options.engine)
        if options.language != "auto" and not self._engines.knows_language(options.language, options.engine):
            allowed = "auto or a language from the property Voices"
            raise errors.invalid_args(f"option 'language': got '{options.language}', allowed: {allowed}")
        if options.kind is Kind.CHAR and not regex.fullmatch(r"\X", text):
            raise errors.invalid_args(
                f"text: got {len(text)} characters with kind=char, allowed: 1 character"
            )
        if options.kind is Kind.KEY and len(text) > _LONGEST_KEY:
            allowed = f"a key name of at most {_LONGEST_KEY}"
            raise errors.invalid_args(f"text: got {len(text)} characters with kind=key, allowed: {allowed}")

    def _check_engine(self, engine: str) -> None:
        if engine not in self._engines.names:
            if engine == MODEL_ENGINE:
                raise errors.model_unavailable(self._engines.left_out)
            allowed = ", ".join(self._engines.names)
            raise errors.invalid_args(f"option 'engine': got '{engine}', configured here: {allowed}")
        if reason := self._engines.refusal(engine):
            raise errors.model_unavailable(reason)

    def check_voice(self, voice: str, engine: str = "auto") -> None:
        """Raise BusError for a voice that the engine does not have; empty is the engine's own."""
        if not self._engines.knows_voice(voice, engine):
            of_engine = "" if engine == "auto" else f" that belongs to {engine}"
            raise errors.invalid_args(
                f"option 'voice': got '{voice}', allowed: an id from the property Voices{of_engine}"
            )

    def recipe(self, utterance: Utterance, *, background: bool = False) -> Recipe:
        """Return how a checked utterance becomes sound."""
        options, speech = utterance.options, self.config.speech
        text = utterance.text
        if options.kind is Kind.TEXT:
            settings = SegmentSettings(
                first_max=speech.first_segment_weight, later_max=speech.later_segment_weight
            )
            cut = segments(text, settings)
        else:
            cut = iter([Segment(0, len(text), text)])
        if not self._engines.knows_voice(options.voice, options.engine):
            options = replace(options, voice="")  # a default of another engine must not mute this one
        request = partial(_request, options=options, default_language=speech.default_language)
        rest_seconds = speech.sentence_pause_seconds / options.rate
        return Recipe(
            SegmentPlan(cut),
            self._engines.synthesiser(options.engine),
            request,
            self._on_synthesised,
            lambda segment: pause_after(text[segment.start : segment.end], rest_seconds),
            background,
            self._engines.ahead,
        )


def _request(segment: Segment, options: SpeakOptions, default_language: str) -> SynthesisRequest:
    return SynthesisRequest(
        text=segment.text,
        language=resolve(segment.text, options.language, default_language),
        voice=options.voice,
        kind=options.kind,
        rate=options.rate,
        pitch=options.pitch,
        volume=options.volume,
        parameters=options.parameters,
    )
