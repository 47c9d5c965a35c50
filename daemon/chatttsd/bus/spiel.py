"""The interface `org.freedesktop.Speech.Provider`, by which libspiel's clients speak (Orca, WebKitGTK).

What they may rely on beyond the interface:
- An id of a voice is the daemon's own, or `auto`: the language's own voice of the engine that is ready. With
  `#raw` behind it the answer is bare PCM. Every id takes that; those of espeak-ng are not listed twice, since
  nobody finds a voice among two hundred.
- Ranges of events count characters (code points) of the text as it was sent, markup included.
- Pitch 0..2 and rate 0.1..10 are held within what the engines do (0.5..2 and 0.25..4).
- A language that nobody speaks leaves the choice to the text, and a voice that is gone is the default one.
  SSML that cannot be read is said without its markup. An empty text is answered with no sound. A request
  for which there is no room waits for it. What is too long or too much ends without a sound.
  All for a reason: libspiel (January 2026) aborts its program, a screen reader, when an utterance
  of its queue gets an error. So only what its callers cannot do is an error: other types, a bad descriptor.
"""

import logging
from collections.abc import Sequence
from dataclasses import replace
from enum import IntFlag
from functools import reduce
from math import isnan
from operator import and_
from typing import Final

from chatttsd.bus import errors
from chatttsd.bus.interface import Call, Interface, method, readable
from chatttsd.bus.service import SpeechService, VoiceRow
from chatttsd.constants import SAMPLE_RATE, SPIEL_INTERFACE
from chatttsd.speech.options import PITCHES, RATES, Kind, OptionError, parse_option

_LOGGER = logging.getLogger(__name__)

Offer = tuple[str, str, str, int, list[str]]
"""Human name, id, output format, features, languages."""

NAME: Final = "ChatTTS"
AUTOMATIC: Final = "auto"
RAW: Final = "#raw"

_PCM: Final = f"format=S16LE,channels=1,rate={SAMPLE_RATE}"
SPIEL_FORMAT: Final = f"audio/x-spiel,{_PCM}"
RAW_FORMAT: Final = f"audio/x-raw,{_PCM}"

_WORD_ENGINES: Final = ("espeak-ng",)
_LISTED_ONCE: Final = ("espeak-ng",)
_SHOWN: Final = {"chattts": NAME}


class Feature(IntFlag):
    """What a voice does: bits of libspeechprovider's `VoiceFeature`."""

    EVENTS_WORD = 0x1
    EVENTS_SENTENCE = 0x2
    EVENTS_SSML_MARK = 0x8
    SSML_SAY_AS_DATE = 0x10
    SSML_SAY_AS_TELEPHONE = 0x40
    SSML_SAY_AS_CHARACTERS = 0x80
    SSML_SAY_AS_ORDINAL = 0x400
    SSML_BREAK = 0x1000
    SSML_SUB = 0x2000
    SSML_EMPHASIS = 0x8000
    SSML_PROSODY = 0x10000
    SSML_SENTENCE_PARAGRAPH = 0x20000


MARKUP: Final = (
    Feature.SSML_SAY_AS_DATE
    | Feature.SSML_SAY_AS_TELEPHONE
    | Feature.SSML_SAY_AS_CHARACTERS
    | Feature.SSML_SAY_AS_ORDINAL
    | Feature.SSML_BREAK
    | Feature.SSML_SUB
    | Feature.SSML_EMPHASIS
    | Feature.SSML_PROSODY
    | Feature.SSML_SENTENCE_PARAGRAPH
)
"""What `kind=ssml` understands."""
EVENTS: Final = Feature.EVENTS_SENTENCE
"""What every voice tells in `audio/x-spiel`.

Marks are in the stream as well, but not promised: libspiel 1.0.5 hands them on without their names, and a
client that is promised marks sends one before each word.
"""


class SpielProvider(Interface):
    """A speech provider for libspiel: each request is streamed to a pipe of its own."""

    name = SPIEL_INTERFACE

    def __init__(self, service: SpeechService, text_limit: int) -> None:
        super().__init__()
        self._service = service
        self.text_limit = text_limit

    @method("pipe_fd h, text s, voice_id s, pitch d, rate d, is_ssml b, language s", crowded=True)
    def synthesize(
        self,
        call: Call,
        pipe_fd: int,
        text: str,
        voice_id: str,
        pitch: float,
        rate: float,
        is_ssml: bool,
        language: str,
    ) -> None:
        """Begin to stream speech to a pipe and answer at once; closing the pipe cancels it."""
        defaults = self._service.options
        voice, container = _voice_and_container(voice_id)
        fd = call.take_fd(pipe_fd)
        if len(text) > self.text_limit:
            _LOGGER.warning("nothing is said: %s", errors.text_too_long(len(text), self.text_limit))
            self._service.decline(fd, container)
            return
        options = replace(
            defaults,
            voice=voice or defaults.voice,
            language=self._language(language) or defaults.language,
            pitch=_held(pitch, PITCHES),
            rate=_held(rate, RATES),
            kind=Kind.SSML if is_ssml else Kind.TEXT,
            container=container,
        )
        self._service.synthesize_in_turn(call.sender, fd, text, options)

    def decline(self, fds: list[int]) -> None:
        """End the stream of a call that is turned away, as one with events: it needs its header."""
        for fd in fds[:1]:  # more are no streams
            fds[0] = -1
            self._service.decline(fd, "spiel")

    @readable("s", emits="const")
    def name_(self) -> str:
        """The provider's name for people."""
        return NAME

    @readable("a(ssstas)", cost=10)
    def voices(self) -> list[list[object]]:
        """Every voice: name for people, id, output format, feature bits, BCP 47 languages."""
        return [list(offer) for offer in offers(self._service.voices)]

    def _language(self, tag: str) -> str:
        """Return the BCP 47 tag of a language that a voice here speaks; empty for any other."""
        wanted = tag.replace("_", "-")
        spoken = {_primary(known) for row in self._service.voices for known in row[3]}
        try:
            return str(parse_option("language", wanted)) if _primary(wanted) in spoken else ""
        except OptionError:
            return ""


def offers(voices: Sequence[VoiceRow]) -> list[Offer]:
    """Return what is offered for the daemon's voices.

    The automatic voice comes first, also in the order of names, by which libspiel sorts: it takes the first
    one for who chooses none. It is there before any voice is known, so that no first message is lost.
    """
    automatic = _offers("Automatic", AUTOMATIC, _common(voices), _all_languages(voices))
    return [*automatic, *(offer for row in voices for offer in _offers_of(row))]


def _offers_of(row: VoiceRow) -> list[Offer]:
    voice, name, engine, languages = row
    found = _offers(f"{_SHOWN.get(engine, engine)}: {name}", voice, _features(engine), list(languages))
    return found[:1] if engine in _LISTED_ONCE else found


def _offers(name: str, voice: str, features: Feature, languages: list[str]) -> list[Offer]:
    silent = features & MARKUP
    return [
        (name, voice, SPIEL_FORMAT, int(features), languages),
        (f"{name} (no events)", voice + RAW, RAW_FORMAT, int(silent), languages),
    ]


def _features(engine: str) -> Feature:
    told = EVENTS | MARKUP
    return told | Feature.EVENTS_WORD if engine in _WORD_ENGINES else told


def _common(voices: Sequence[VoiceRow]) -> Feature:
    """Return what every voice does: anyone may speak for the automatic one."""
    return reduce(and_, (_features(row[2]) for row in voices)) if voices else EVENTS | MARKUP


def _all_languages(voices: Sequence[VoiceRow]) -> list[str]:
    return list(dict.fromkeys(language for row in voices for language in row[3]))


def _primary(tag: str) -> str:
    return tag.partition("-")[0].lower()


def _voice_and_container(voice_id: str) -> tuple[str, str]:
    """Return the daemon's id, empty for the automatic voice, and the container of an offered id."""
    voice = voice_id.removesuffix(RAW)
    container = "spiel" if voice == voice_id else "raw"
    return "" if voice == AUTOMATIC else voice, container


def _held(value: float, limits: tuple[float, float]) -> float:
    """Return a factor within what the engines do; what is no number changes nothing."""
    return 1.0 if isnan(value) else min(max(value, limits[0]), limits[1])
