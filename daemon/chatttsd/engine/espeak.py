"""The espeak-ng engine: the embedded default voice, without any download."""

import math
import unicodedata
from collections.abc import Callable, Sequence
from typing import Final

import numpy as np

from chatttsd.constants import SAMPLE_RATE
from chatttsd.engine.api import (
    Cancelled,
    Emit,
    EngineError,
    SynthesisRequest,
    TellWord,
    Voice,
    Word,
    ignore_word,
)
from chatttsd.engine.espeak_library import EspeakLibrary, Samples, WordEvent
from chatttsd.engine.espeak_loudness import gain_of
from chatttsd.engine.espeak_names import character_name, key_name
from chatttsd.engine.espeak_pace import shares, speed_of
from chatttsd.engine.espeak_sound import Resampler
from chatttsd.engine.espeak_voices import ENGINE, EspeakVoice, VoiceTable, is_chinese
from chatttsd.engine.espeak_words import RunWords
from chatttsd.engine.post.level import amplified
from chatttsd.engine.post.silence import SilenceTrimmer
from chatttsd.engine.post.stretching import Stretcher
from chatttsd.speech.language import LanguageRun, runs

HEAD_SECONDS: Final = 0.005
"""Silence kept before each run of one language."""
TAIL_SECONDS: Final = 0.01
"""Silence kept after each run."""
CLAUSE_SECONDS: Final = 0.15
SENTENCE_SECONDS: Final = 0.3
_CLAUSE_MARKS: Final = frozenset(",;:，、；：")
_SENTENCE_MARKS: Final = frozenset(".!?。！？…")


class EspeakEngine:
    """Speaks through libespeak-ng; a sentence takes about as long as its rate says (`espeak_pace`).

    What is attained of a pitch `pitch_value` says.
    """

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
        # The name of a key or a character is not what stands in the request.
        tell = request.tell_word if request.kind == "text" else ignore_word
        rate, stretch = shares(request.rate)
        output = _Output(self._library.sample_rate, stretch, emit, cancelled, tell)
        try:
            self._speak(request, base, text, rate, output)
        finally:
            output.close()

    def close(self) -> None:
        """Give the library's memory back."""
        self._library.close()

    def _speak(
        self, request: SynthesisRequest, base: EspeakVoice, text: str, rate: float, output: "_Output"
    ) -> None:
        self._library.set_pitch(pitch_value(request.pitch))
        parts = runs(text, request.language)
        for index, run in enumerate(parts):
            said = text[run.start : run.end]
            voice = self._voice_of(run, base)
            self._library.set_voice(voice.identifier)
            self._library.set_rate(speed_of(rate, chinese=voice.chinese))
            output.begin_run(said, run.start, gain_of(voice.voice.id, request.pitch))
            self._say(said, request.kind, output)
            output.end_run()
            if output.stopped:
                return
            if index + 1 < len(parts):
                output.pause(_pause_after(said, text[run.end :]) / request.rate)
        output.finish()

    def _base_voice(self, request: SynthesisRequest) -> EspeakVoice:
        if request.voice:
            return self._table.by_id(request.voice)
        return self._table.by_language(request.language)

    def _voice_of(self, run: LanguageRun, base: EspeakVoice) -> EspeakVoice:
        """Keep the asked voice unless one of run and voice is Chinese and the other is not."""
        if is_chinese(run.language) == base.chinese:
            return base
        return self._table.by_language(run.language)

    def _say(self, text: str, kind: str, output: "_Output") -> None:
        if kind != "text" and len(text) == 1:
            self._library.spell(text, output.feed)
        else:
            self._library.speak(text, output.feed, output.hear)


class _Output:
    """One request's samples on their way from the library to `emit`."""

    def __init__(self, rate: int, stretch: float, emit: Emit, cancelled: Cancelled, tell: TellWord) -> None:
        self.stopped = False
        self._stretch = stretch
        self._stretcher = Stretcher(stretch, 1.0) if stretch != 1.0 else None
        self._rate = rate
        self._emit = emit
        self._cancelled = cancelled
        self._tell = tell
        self._resampler = Resampler(rate)
        self._trimmer = SilenceTrimmer(0, 0)
        self._gain = 1.0
        self._words = RunWords("", 0)
        self._run_began = 0
        self._passed = 0

    def begin_run(self, text: str, offset: int, gain: float) -> None:
        """Start trimming anew: each run brings its own silence. It is `text`, `offset` characters on."""
        self._trimmer = SilenceTrimmer(int(HEAD_SECONDS * self._rate), int(TAIL_SECONDS * self._rate))
        self._gain = gain
        self._words = RunWords(text, offset)
        self._run_began = self._passed

    def hear(self, event: WordEvent) -> None:
        """Take a word of the run."""
        self._words.hear(event)

    def feed(self, samples: Samples) -> bool:
        """Take samples of the library; False means stop."""
        kept = amplified(self._trimmer.feed(samples), self._gain)
        if kept.size:
            self._tell_words(self._passed + kept.size)
        return self._pass(self._resampler.feed, kept)

    def end_run(self) -> None:
        """Let the last run fade into its kept margin; a word that lies behind it is told at its end."""
        kept = self._trimmer.finish()
        self._tell_words(self._passed + kept.size)
        self._pass(self._resampler.feed, kept)
        self._tell_words(self._passed, all_of_them=True)

    def pause(self, seconds: float) -> None:
        """Add so much silence, as it is heard, between two runs."""
        count = int(seconds * self._stretch * self._rate)
        self._pass(self._resampler.feed, np.zeros(count, np.int16))

    def finish(self) -> None:
        """Emit what is still held."""
        self._pass(lambda _nothing: self._resampler.finish(), np.zeros(0, np.int16))
        if self._stretcher is not None and not self.stopped:
            self._send(self._stretcher.finish())

    def close(self) -> None:
        """Give back what is not Python's."""
        if self._stretcher is not None:
            self._stretcher.close()

    def _tell_words(self, end: int, *, all_of_them: bool = False) -> None:
        """Tell the words that begin before sample `end` of what the resampler was given."""
        shift = self._run_began - self._trimmer.dropped
        for word in self._words.due(math.inf if all_of_them else end - shift):
            place = min(max(self._run_began, word.sample + shift), end)
            if not self.stopped:
                seconds = place / self._rate / self._stretch
                self._tell(Word(word.start, word.end, round(seconds * SAMPLE_RATE)))

    def _pass(self, convert: Callable[[Samples], Samples], samples: Samples) -> bool:
        if self.stopped or self._cancelled():
            self.stopped = True
            return False
        self._passed += samples.size
        converted = convert(samples)
        return self._send(converted if self._stretcher is None else self._stretcher.feed(converted))

    def _send(self, samples: Samples) -> bool:
        if samples.size and not self._emit(samples):
            self.stopped = True
        return not self.stopped


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
        # The library says "capital" of its own accord; whether that is told is the client's to choose.
        return character_name(text, request.language) or text.lower()
    raise EngineError(f"kind {request.kind!r} is unknown, allowed are text, char, key")


def _pause_after(said: str, following: str) -> float:
    """Return the seconds that the punctuation between two runs asks for: espeak-ng gives none at an end."""
    marks = {said.rstrip()[-1:], following.lstrip()[:1]}
    if marks & _SENTENCE_MARKS:
        return SENTENCE_SECONDS
    return CLAUSE_SECONDS if marks & _CLAUSE_MARKS else 0.0
