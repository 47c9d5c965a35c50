"""What is made of a request whose client does not survive an error: the nearest that can be spoken."""

import logging
from dataclasses import replace

from chatttsd.bus.errors import BusError, printable
from chatttsd.engine.directory import EngineDirectory
from chatttsd.planning import Planner
from chatttsd.speech.options import Kind, SpeakOptions
from chatttsd.speech.ssml import SsmlError, check_ssml
from chatttsd.unmarked import unmarked

_LOGGER = logging.getLogger(__name__)
_SHOWN = 40
"""Characters of what a client calls a voice or a language: it may have sent its text there."""


class Concessions:
    """Mends requests and tells the journal what was wrong, never the text, each kind once in a row."""

    def __init__(self, planner: Planner, engines: EngineDirectory) -> None:
        self._planner = planner
        self._engines = engines
        self._told: dict[str, str] = {}

    def nearest(
        self, text: str, options: SpeakOptions, defaults: SpeakOptions
    ) -> tuple[str, SpeakOptions] | None:
        """Return text and options that can be spoken, None where there are none."""
        options = self._of_voice(self._of_language(options), defaults)
        said, known = text, options
        if options.kind is Kind.SSML:  # read once: 100 000 characters of it take a while
            said, known = self._readable(text), replace(options, kind=Kind.TEXT)
        try:
            self._planner.check(said, known, defaults)
        except BusError as error:
            self._tell("", str(error), "nothing is said")
            return None
        return said, options

    def _of_language(self, options: SpeakOptions) -> SpeakOptions:
        tag = options.language
        if tag == "auto" or self._engines.knows_language(tag, options.engine):
            return options
        self._tell("language", f"nobody speaks the language '{tag[:_SHOWN]}'", "the text decides")
        return replace(options, language="auto")

    def _of_voice(self, options: SpeakOptions, defaults: SpeakOptions) -> SpeakOptions:
        if self._engines.knows_voice(options.voice, options.engine):
            return options
        self._tell("voice", f"there is no voice '{options.voice[:_SHOWN]}'", "the default one speaks")
        fits = options.language == "auto" or self._engines.speaks(defaults.voice, options.language)
        return replace(options, voice=defaults.voice if fits else "")

    def _readable(self, text: str) -> str:
        try:
            check_ssml(text)
        except SsmlError as error:
            self._tell("markup", f"text: {error}", "it is spoken without its markup")
            return unmarked(text)
        return text

    def _tell(self, kind: str, wrong: str, instead: str) -> None:
        message = printable(f"{wrong}; {instead}")
        if message != self._told.get(kind):
            _LOGGER.warning("a stream was asked for as it cannot be: %s", message)
            self._told[kind] = message
