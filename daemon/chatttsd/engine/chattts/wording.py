"""A request made into what the decoder continues: words, a voice, parameters, bounds."""

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final, Protocol

from chatttsd.engine.api import Cancelled, EngineError, SynthesisRequest, Voice
from chatttsd.engine.chattts.api import Prompt, Sampling
from chatttsd.engine.chattts.batch import Segment
from chatttsd.engine.chattts.decoder import REFINEMENT
from chatttsd.engine.chattts.guard import bounds
from chatttsd.engine.chattts.tokens import DEFAULT_SPEED, Tokens
from chatttsd.engine.espeak_names import character_name, key_name
from chatttsd.voices.arrays import prompt_array, speaker_array
from chatttsd.voices.files import StoredVoice
from chatttsd.voices.store import VoiceStore

ENGINE: Final = "chattts"
PREFIX: Final = f"{ENGINE}/"
"""Before a voice's name in its id; may be left out."""
RATE_OF_A_SPEED: Final = 0.1
"""What one step of `[speed_N]` is taken for; [speed_5] is the normal rate."""
_SPEEDS: Final = range(10)
LEAST_KEPT: Final = 0.5
"""With less of its letters than this, a text is better said by another engine."""
_SHORT: Final = 5
"""With fewer words (or Chinese characters) the model stumbles: breaks are put around them."""
_BREAK: Final = "[uv_break]"
_BREAKS_AFTER: Final = {1: 4, 2: 3}
_USUAL_BREAKS: Final = 2
_WORD: Final = re.compile(r"[\u3400-\u9fff]|[^\W\u3400-\u9fff]+")
_CONTROL: Final = re.compile(r"\[[a-z_0-9]+\]")
_STYLES: Final = ("oral", "laugh", "break")

Key = SynthesisRequest
"""A request without what does not change its sound here: `following`, `first`, `volume`, `gain`, `whole`."""


def key_of(request: SynthesisRequest) -> Key:
    """Return what makes two requests the same sound."""
    parameters = Frozen(request.parameters)
    return replace(
        request, volume=1.0, gain=0.0, parameters=parameters, following=(), first=False, whole=False
    )


class Frozen(dict[str, str]):
    """Parameters that can be a part of a key."""

    def __hash__(self) -> int:  # type: ignore[override] # a dict has none since it changes; this one does not
        return hash(frozenset(self.items()))


class Spoken(Protocol):
    """What the front end made of a text."""

    @property
    def text(self) -> str:
        """Words and punctuation that the model knows."""

    @property
    def kept(self) -> float:
        """The share 0..1 of the text's letters that the model can say."""


class FrontEnd(Protocol):
    """The text front end."""

    def spoken(self, text: str, language: str) -> Spoken:
        """Return a text as it is spoken; raises EngineError when nothing of it can be."""


def words_of(front_end: FrontEnd, text: str, language: str) -> str:
    """Return a text as it is spoken; raises EngineError when most of it cannot be."""
    spoken = front_end.spoken(text, language)
    if spoken.kept < LEAST_KEPT:
        raise EngineError(f"ChatTTS can say only {spoken.kept:.0%} of the letters")
    return spoken.text


class Refiner(Protocol):
    """The part of a decoder that refines."""

    def refine(self, prompt: Prompt, sampling: Sampling, cancelled: Cancelled) -> list[int]:
        """Return the text tokens that refinement draws, fewer when it is cancelled."""


def never() -> bool:
    """Tell that nothing is cancelled."""
    return False


class Voices:
    """The voices of the model as the engine uses them; the default is the first built-in one."""

    def __init__(self, store: VoiceStore) -> None:
        self._store = store

    def listed(self) -> tuple[Voice, ...]:
        """Return every voice that can be asked for now."""
        return tuple(
            Voice(PREFIX + voice.id, voice.name, ENGINE, voice.languages)
            for voice in self._store.scan().voices
        )

    def find(self, name: str) -> StoredVoice:
        """Return a voice by id, the default one for an empty id; raises EngineError."""
        if not name:
            return self._store.built_in()[0]
        voice = self._store.find(name.removeprefix(PREFIX))
        if voice is None:
            raise EngineError(f"the voice {name} is not there (any more)")
        return voice

    @classmethod
    def at(cls, directory: Path) -> "Voices":
        """Return the built-in voices and those in a folder."""
        return cls(VoiceStore(directory))


class Wording:
    """Makes segments of requests."""

    def __init__(self, front_end: FrontEnd, tokens: Tokens, refiner: Refiner, voices: Voices) -> None:
        self._front_end = front_end
        self._tokens = tokens
        self._refiner = refiner
        self._voices = voices

    def segment(self, request: SynthesisRequest, cancelled: Cancelled = never) -> Segment:
        """Return what is decoded; raises EngineError when nothing can be spoken or the voice is gone.

        A refinement that is asked for takes seconds; when it is cancelled, the segment is of no use.
        """
        voice = self._voices.find(request.voice)
        written = spelled(request)
        spoken = words_of(self._front_end, written, request.language)
        if request.whole and (missing := self._tokens.missing(spoken)):
            raise EngineError(f"the model's vocabulary lacks {missing} of the words or characters")
        words = self._refined(spoken, request.parameters, cancelled) or padded(spoken)
        speed = speed_of(request)
        allowed = bounds([written, spoken, _CONTROL.sub(" ", words)], rate_of(speed))
        prompt = Prompt(
            self._tokens.refined_speech(
                words, speed=speed, speaker=voice.speaker is not None, sample_text=voice.prompt_text
            ),
            None if voice.speaker is None else speaker_array(voice.speaker),
            None if voice.prompt is None else prompt_array(voice.prompt),
        )
        sampling = sampling_of(request.parameters, allowed.longest)
        return Segment(key_of(request), prompt, sampling, allowed, voice=voice)

    def _refined(self, spoken: str, parameters: Mapping[str, str], cancelled: Cancelled) -> str:
        """Return the text with the control words that the model finds fitting; empty when not asked for."""
        if not wants_refinement(parameters):
            return ""
        styles = {name: int(parameters[name]) for name in _STYLES if name in parameters}
        tokens = self._tokens.refinement(
            spoken, oral=styles.get("oral"), laugh=styles.get("laugh"), breaks=styles.get("break")
        )
        drawn = self._refiner.refine(Prompt(tokens), replace(REFINEMENT, seed=seed_of(parameters)), cancelled)
        refined = self._tokens.refined(drawn)
        return refined if _WORD.search(_CONTROL.sub(" ", refined)) else ""


def wants_refinement(parameters: Mapping[str, str]) -> bool:
    """Tell whether a text is refined before it is said: as asked, or else where a style is asked for."""
    styled = any(name in parameters for name in _STYLES)
    return parameters.get("refine", "true" if styled else "false") == "true"


def spelled(request: SynthesisRequest) -> str:
    """Return the words to say for the request's kind."""
    if request.kind == "key" and len(request.text) > 1:
        return key_name(request.text, request.language)
    if request.kind in {"char", "key"}:
        return character_name(request.text, request.language) or request.text
    return request.text


def padded(spoken: str) -> str:
    """Return a short text with breaks around it, a longer one as it is; brackets become spaces.

    The counts are those that users of the model found (one word: four breaks after it, two: three, else two).
    """
    plain = spoken.replace("[", " ").replace("]", " ")
    count = len(_WORD.findall(plain))
    if count >= _SHORT:
        return plain
    return _BREAK + plain + _BREAK * _BREAKS_AFTER.get(count, _USUAL_BREAKS)


def speed_of(request: SynthesisRequest) -> int:
    """Return N of `[speed_N]`: the parameter, or else the one nearest to the rate."""
    if "speed" in request.parameters:
        return int(request.parameters["speed"])
    steps = round((request.rate - 1.0) / RATE_OF_A_SPEED)
    return min(max(DEFAULT_SPEED + steps, _SPEEDS[0]), _SPEEDS[-1])


def rate_of(speed: int) -> float:
    """Return the rate that a speed is taken for, above 0."""
    return 1.0 + (speed - DEFAULT_SPEED) * RATE_OF_A_SPEED


def seed_of(parameters: Mapping[str, str]) -> int:
    """Return the seed that was asked for, or the one that makes equal texts sound equal."""
    return int(parameters.get("seed", Sampling().seed))


def sampling_of(parameters: Mapping[str, str], limit: int) -> Sampling:
    """Return how the tokens are drawn; the values were checked by the daemon."""
    usual = Sampling()
    return Sampling(
        temperature=float(parameters.get("temperature", usual.temperature)),
        top_p=float(parameters.get("top_p", usual.top_p)),
        top_k=int(parameters.get("top_k", usual.top_k)),
        seed=seed_of(parameters),
        max_tokens=limit,
    )
