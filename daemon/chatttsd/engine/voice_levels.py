"""How loud each voice of ChatTTS is by itself, learnt while it speaks: at which gain its texts begin."""

import math
from collections import OrderedDict
from collections.abc import AsyncGenerator
from dataclasses import dataclass, replace
from typing import Final

from chatttsd.engine.api import Level, Synthesiser, SynthesisRequest
from chatttsd.engine.cached import Identity

TARGET: Final = -20.0
"""LUFS of speech: what espeak-ng's voices have by themselves, on average."""
MOST_DB: Final = 12.0
"""A gain is at most this far from none."""
ENOUGH_TENTHS: Final = 20
"""Tenths of a second of speech after which a voice's loudness is known."""
MOST_VOICES: Final = 48
"""So many are remembered, those that spoke last."""

_Key = tuple[str, tuple[object, ...]]
"""A voice, and what it and the model are."""


def gain_to(target: float, lufs: float) -> float:
    """Return the gain in dB that brings a loudness to a target, within bounds."""
    return within_bounds(target - lufs)


def within_bounds(gain: float) -> float:
    """Return the nearest gain in dB that is allowed."""
    return min(max(gain, -MOST_DB), MOST_DB)


@dataclass(slots=True)
class _Heard:
    """What was heard of a voice: the power of so many tenths of a second until its gain is known."""

    power: float = 0.0
    tenths: int = 0
    gain: float | None = None

    def add(self, level: Level) -> None:
        """Take a request's loudness; the first that is known for certain stays, so that nothing wavers."""
        if self.gain is not None:
            return
        self.power += level.tenths * math.pow(10.0, level.lufs / 10)
        self.tenths += level.tenths
        if self.tenths >= ENOUGH_TENTHS:
            self.gain = round(gain_to(TARGET, 10 * math.log10(self.power / self.tenths)), 1)


class VoiceLevels:
    """Gives the requests for ChatTTS the gain of their voice; `identity` says what a voice and the model are.

    The gain goes with the request, so that whoever makes it again makes the same samples. It is none until
    enough of the voice was heard, and of a voice or a model whose files have changed since.
    """

    def __init__(self, identity: Identity) -> None:
        self._identity = identity
        self._voices: OrderedDict[_Key, _Heard] = OrderedDict()

    def levelled(self, request: SynthesisRequest) -> SynthesisRequest:
        """Return a request, and those that follow it, with what is known; what it tells is learnt from."""
        key = self._key(request.voice)

        def learn(level: Level) -> None:
            # Of a voice that was replaced meanwhile nobody knows which one was heard.
            if key is not None and key == self._key(request.voice):
                self._heard(key).add(level)

        following = tuple(self._with_gain(item, self._key(item.voice)) for item in request.following)
        return replace(self._with_gain(request, key), following=following, tell_level=learn)

    def _with_gain(self, request: SynthesisRequest, key: _Key | None) -> SynthesisRequest:
        """Return a request with its gain: what answers a key stroke is levelled as a whole and needs none.

        Nor has one with a seed of its own: whoever gives it wants the same samples on any day.
        """
        if key is None or request.kind != "text" or "seed" in request.parameters:
            return replace(request, gain=0.0)
        heard = self._voices.get(key)
        return replace(request, gain=heard.gain or 0.0 if heard else 0.0)

    def _heard(self, key: _Key) -> _Heard:
        heard = self._voices.setdefault(key, _Heard())
        self._voices.move_to_end(key)
        while len(self._voices) > MOST_VOICES:
            self._voices.popitem(last=False)
        return heard

    def _key(self, voice: str) -> _Key | None:
        identity = self._identity(voice)
        return None if identity is None else (voice, identity)


class Levelled:
    """What speaks with ChatTTS's voices, given requests that carry what is known of them."""

    def __init__(self, inner: Synthesiser, levels: VoiceLevels) -> None:
        self._inner = inner
        self._levels = levels

    def synthesise(
        self, request: SynthesisRequest, *, expected_seconds: float, background: bool = False
    ) -> AsyncGenerator[bytes, None]:
        """Yield the PCM of one segment; raises EngineError."""
        known = self._levels.levelled(request)
        return self._inner.synthesise(known, expected_seconds=expected_seconds, background=background)
