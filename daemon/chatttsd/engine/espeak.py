"""The espeak-ng engine: the embedded default voice, without any download."""

import math
import unicodedata
from collections.abc import Callable, Sequence
from typing import Final

import numpy as np

from chatttsd.engine.api import Cancelled, Emit, EngineError, SynthesisRequest, Voice
from chatttsd.engine.espeak_library import EspeakLibrary, Samples
from chatttsd.engine.espeak_names import character_name, key_name
from chatttsd.engine.espeak_sound import Resampler, SilenceTrimmer
from chatttsd.engine.espeak_voices import ENGINE, EspeakVoice, VoiceTable, is_chinese
from chatttsd.speech.language import LanguageRun, runs

NORMAL_RATE: Final = 175
"""Words per minute at rate 1.0."""
MIN_RATE: Final = 80
"""The library speaks no slower: rates below 0.46 sound like 0.46."""
MARGIN_SECONDS: Final = 0.01
"""Silence kept before and after each run of one language."""
CLAUSE_SECONDS: Final = 0.15
SENTENCE_SECONDS: Final = 0.3
_CLAUSE_MARKS: Final = frozenset(",;:，、；：")
_SENTENCE_MARKS: Final = frozenset(".!?。！？…")


class EspeakEngine:
    """Speaks through libespeak-ng; `words_per_minute` and `pitch_value` say what is attained."""

    name = ENGINE
    detail = ""

    def __init__(self) -> None:
        self._library = EspeakLibrary()
        self._table = VoiceTable(self._library.voices())

    def voices(self) -> Sequence[Voice]:
        """List the voices of the library that have what they need."""
        return self._table.voices()

    def synthesise(self, request: SynthesisRequest, emit: Emit, cancelled: Cancelled) -> None:
        """Synthesise one segment, each run of one script by a voice that reads it; raises EngineError."""
        base = self._base_voice(request)
        text = _speakable(request)
        output = _Output(self._library.sample_rate, emit, cancelled)
        self._library.set_rate(words_per_minute(request.rate))
        self._library.set_pitch(pitch_value(request.pitch))
        parts = runs(text, request.language)
        for index, run in enumerate(parts):
            said = text[run.start : run.end]
            self._say(said, request.kind, self._voice_of(run, base), output)
            if output.stopped:
                return
            if index + 1 < len(parts):
                output.pause(_pause_after(said, text[run.end :]) / request.rate)
        output.finish()

    def close(self) -> None:
        """Give the library's memory back."""
        self._library.close()

    def _base_voice(self, request: SynthesisRequest) -> EspeakVoice:
        if request.voice:
            return self._table.by_id(request.voice)
        return self._table.by_language(request.language)

    def _voice_of(self, run: LanguageRun, base: EspeakVoice) -> EspeakVoice:
        """Keep the asked voice unless one of run and voice is Chinese and the other is not."""
        if is_chinese(run.language) == base.chinese:
            return base
        return self._table.by_language(run.language)

    def _say(self, text: str, kind: str, voice: EspeakVoice, output: "_Output") -> None:
        self._library.set_voice(voice.identifier)
        output.begin_run()
        if kind != "text" and len(text) == 1:
            self._library.spell(text, output.feed)
        else:
            self._library.speak(text, output.feed)
        output.end_run()


class _Output:
    """One request's samples on their way from the library to `emit`."""

    def __init__(self, rate: int, emit: Emit, cancelled: Cancelled) -> None:
        self.stopped = False
        self._rate = rate
        self._emit = emit
        self._cancelled = cancelled
        self._resampler = Resampler(rate)
        self._trimmer = SilenceTrimmer(0)

    def begin_run(self) -> None:
        """Start trimming anew: each run brings its own silence."""
        self._trimmer = SilenceTrimmer(int(MARGIN_SECONDS * self._rate))

    def feed(self, samples: Samples) -> bool:
        """Take samples of the library; False means stop."""
        return self._pass(self._resampler.feed, self._trimmer.feed(samples))

    def end_run(self) -> None:
        """Let the last run fade into its kept margin."""
        self._pass(self._resampler.feed, self._trimmer.finish())

    def pause(self, seconds: float) -> None:
        """Add silence between two runs."""
        self._pass(self._resampler.feed, np.zeros(int(seconds * self._rate), np.int16))

    def finish(self) -> None:
        """Emit what the resampler still holds."""
        self._pass(lambda _nothing: self._resampler.finish(), np.zeros(0, np.int16))

    def _pass(self, convert: Callable[[Samples], Samples], samples: Samples) -> bool:
        if self.stopped or self._cancelled():
            self.stopped = True
            return False
        converted = convert(samples)
        if converted.size and not self._emit(converted):
            self.stopped = True
        return not self.stopped


def words_per_minute(rate: float) -> int:
    """Return espeak-ng's speed for a rate; measured: 0.47..4.0 is attained within 16 %, less is not."""
    return max(MIN_RATE, round(NORMAL_RATE * rate))


def pitch_value(pitch: float) -> int:
    """Return espeak-ng's 0..100 for a pitch of 0.5..2.0, by octaves; measured: heard as 0.66..1.72."""
    return max(0, min(100, round(50 + 50 * math.log2(pitch))))


def _speakable(request: SynthesisRequest) -> str:
    """Return the text to speak for the request's kind; raises EngineError for an unknown kind."""
    if request.kind == "text":
        return request.text
    if request.kind == "key" and len(request.text) > 1:
        return key_name(request.text, request.language)
    if request.kind in {"char", "key"}:
        text = unicodedata.normalize("NFC", request.text)
        return character_name(text, request.language) or text
    raise EngineError(f"kind {request.kind!r} is unknown, allowed are text, char, key")


def _pause_after(said: str, following: str) -> float:
    """Return the seconds that the punctuation between two runs asks for: espeak-ng gives none at an end."""
    marks = {said.rstrip()[-1:], following.lstrip()[:1]}
    if marks & _SENTENCE_MARKS:
        return SENTENCE_SECONDS
    return CLAUSE_SECONDS if marks & _CLAUSE_MARKS else 0.0
