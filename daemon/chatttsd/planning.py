"""Plans an utterance: what may be asked for, its segments, and the engine's request for each."""

from collections.abc import Callable, Iterable, Iterator
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
from chatttsd.speech.cutting import cut
from chatttsd.speech.dressing import script_of
from chatttsd.speech.language import resolve
from chatttsd.speech.names import LONGEST_KEY
from chatttsd.speech.options import PITCHES, RATES, VOLUMES, Kind, SpeakOptions
from chatttsd.speech.script import Manner, Passage, as_key
from chatttsd.speech.segment import Segment, SegmentSettings
from chatttsd.speech.ssml import SsmlError, check_ssml
from chatttsd.speech.strokes import stroke
from chatttsd.speech.utterance import Utterance

_STROKES: Final = (Kind.CHAR, Kind.KEY)
_ECHO: Final = 40
"""Characters: speech-dispatcher sends names of keys and punctuation as short texts in `<speak>`."""
_LONGEST_STROKE: Final = 120
"""Characters: the name of a key may be a few words, a mark of Orca's before each."""
_LONG_TEXT: Final = 9000
"""Characters: up to here a segment is found in some ms, even in markup, among names or between blanks."""


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
        if options.kind is Kind.KEY and len(text) > LONGEST_KEY:
            allowed = f"a key name of at most {LONGEST_KEY}"
            raise errors.invalid_args(f"text: got {len(text)} characters with kind=key, allowed: {allowed}")
        if options.kind is Kind.SSML:
            _check_ssml(text)

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
        options = utterance.options
        script, typed = self._script(utterance.text, options)
        if not self._engines.knows_voice(options.voice, options.engine):
            options = replace(options, voice="")  # a default of another engine must not mute this one
        return Recipe(
            SegmentPlan(self._segments(script, options), aside=len(utterance.text) > _LONG_TEXT),
            # Nobody waits for a key in a file.
            self._engines.synthesiser(options.engine, typed=typed and not background),
            partial(self._request, options=options),
            self._on_synthesised,
            background,
            self._engines.ahead,
            echo=options.kind in _STROKES or len(utterance.text) <= _ECHO,
        )

    def _script(self, text: str, options: SpeakOptions) -> tuple[Iterable[Passage], bool]:
        """Return the script of a checked text, and whether it is as a whole what a key is answered with.

        Nothing is read of a text that is too long for that before its first passage is asked for.
        """
        default = self.config.speech.default_language
        if len(text) > _LONGEST_STROKE:
            return _late(partial(script_of, text, options, default)), False
        script = self._with_strokes(list(script_of(text, options, default)), options)
        alone = len(script) == 1 and script[0].manner.kind in _STROKES
        return script, alone or options.kind in _STROKES

    def _segments(self, script: Iterable[Passage], options: SpeakOptions) -> Iterator[Segment]:
        """Yield the segments of a script; nothing is read of it before the first is asked for."""
        speech = self.config.speech
        settings = SegmentSettings(
            first_max=speech.first_segment_weight, later_max=speech.later_segment_weight
        )
        yield from cut(script, settings, speech.sentence_pause_seconds, options.rate)

    def _with_strokes(self, script: list[Passage], options: SpeakOptions) -> list[Passage]:
        """Return what answers a key stroke as the name of a key, which waits for no model."""
        if len(script) != 1 or script[0].manner.kind is not Kind.TEXT:
            return script
        wanted = self._language(script[0].manner, options)
        language = resolve(script[0].text, wanted, self.config.speech.default_language)
        name = stroke(script[0].text, language)
        return [as_key(script[0], name)] if name else script

    def _request(self, segment: Segment, options: SpeakOptions) -> SynthesisRequest:
        manner = segment.manner
        wanted = self._language(manner, options)
        return SynthesisRequest(
            text=segment.text,
            language=resolve(segment.text, wanted, self.config.speech.default_language),
            voice=self._voice(manner, options),
            kind=manner.kind,
            rate=_within(options.rate * manner.rate, RATES),
            pitch=_within(options.pitch * manner.pitch, PITCHES),
            volume=_within(options.volume * manner.volume, VOLUMES),
            parameters=options.parameters,
        )

    def _language(self, manner: Manner, options: SpeakOptions) -> str:
        """Return what markup or else the client asked for; a language nobody speaks is left to the text."""
        if manner.language and self._engines.knows_language(manner.language, options.engine):
            return manner.language
        return options.language

    def _voice(self, manner: Manner, options: SpeakOptions) -> str:
        """Return the voice that markup names, if there is one; another language has a voice of its own."""
        if manner.voice and self._engines.knows_voice(manner.voice, options.engine):
            return manner.voice
        if manner.language and not self._engines.speaks(options.voice, manner.language):
            return ""
        return options.voice


def _late(script: Callable[[], Iterable[Passage]]) -> Iterator[Passage]:
    """Yield the passages of a script that is made once the first is asked for."""
    yield from script()


def _check_ssml(text: str) -> None:
    try:
        check_ssml(text)
    except SsmlError as error:
        raise errors.invalid_args(f"text: {error}") from None


def _within(value: float, limits: tuple[float, float]) -> float:
    low, high = limits
    return min(max(value, low), high)
