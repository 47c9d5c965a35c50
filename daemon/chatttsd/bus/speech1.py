"""The interface `org.chattts.Speech1`; its docstrings are the published documentation."""

from collections.abc import Awaitable, Mapping
from dataclasses import replace
from typing import Any, Final

from dbus_next import Variant

from chatttsd import __version__
from chatttsd.bus import errors
from chatttsd.bus.interface import Call, Interface, Signal, method, readable
from chatttsd.bus.service import SpeechService
from chatttsd.constants import INTERFACE
from chatttsd.speech.options import OptionError, SpeakOptions, parse_option, parse_options
from chatttsd.speech.queue import LimitError

_SIGNATURES: Final = {float: "d", int: "t", str: "s"}
"""What a figure of `Statistics` is on the bus."""


class Speech1(Interface):
    """Speaks text: an utterance is queued, gets an id at once and ends in exactly one outcome."""

    name = INTERFACE
    signals = (
        Signal("Started", (("id", "u"),), "The first sample of the utterance is heard."),
        Signal(
            "Progress",
            (("id", "u"), ("start", "u"), ("end", "u")),
            "The characters start..end (end excluded) of the text begin to be heard.",
        ),
        Signal(
            "Mark",
            (("id", "u"), ("name", "s")),
            "A mark of the SSML begins to be heard; sent to nobody but the client that speaks.",
        ),
        Signal(
            "Finished",
            (("id", "u"), ("outcome", "s")),
            "The utterance ended: finished, cancelled, interrupted, dropped or failed.",
        ),
    )

    def __init__(self, service: SpeechService, text_limit: int) -> None:
        super().__init__()
        self._service = service
        self.text_limit = text_limit

    @method("text s", "id u")
    def speak(self, call: Call, text: str) -> int:
        """Queue a text with the default options and return its id at once."""
        return self._speak(call, text, {})

    @method("text s, options a{ss}", "id u")
    def speak_with(self, call: Call, text: str, options: dict[str, str]) -> int:
        """Queue a text with options (voice, language, engine, rate, pitch, volume, priority, kind, ...)."""
        return self._speak(call, text, options)

    @method("fd h, text s, options a{ss}", "id u")
    def synthesize(self, call: Call, fd: int, text: str, options: dict[str, str]) -> int:
        """Write speech to a descriptor: S16LE mono 24 kHz, or WAV by container=wav; closing it cancels."""
        parsed = self._parse(text, options)
        if "priority" in options:
            raise errors.invalid_args("option 'priority' has no meaning for Synthesize: nothing is played")
        try:
            return self._service.synthesize(call.sender, call.take_fd(fd), text, parsed)
        except LimitError as error:
            raise errors.limits_exceeded(str(error)) from None

    @method("id u", "outcome s")
    def wait(self, call: Call, utterance_id: int) -> Awaitable[str]:
        """Answer with the outcome when the utterance ends, at once if it has."""
        return self._service.wait(call.sender, utterance_id)

    @method("id u", free=True)
    def cancel(self, _call: Call, utterance_id: int) -> None:
        """Silence an utterance, or take it out of the queue; nothing happens if it has ended."""
        self._service.cancel(utterance_id)

    @method(free=True)
    def cancel_all(self, _call: Call) -> None:
        """Silence the current utterance and empty the queue."""
        self._service.cancel_all()

    @method(free=True)
    def pause(self, _call: Call) -> None:
        """Stop at the present sample; does nothing when nothing is spoken."""
        self._service.pause()

    @method(free=True)
    def resume(self, _call: Call) -> None:
        """Go on at the sample where Pause stopped."""
        self._service.resume()

    @method(free=True)
    def skip(self, _call: Call) -> None:
        """Go on with the next segment of the current utterance."""
        self._service.skip()

    @method()
    def load_model(self, _call: Call) -> Awaitable[None]:
        """Begin to load the ChatTTS model and answer at once; ModelState tells how it goes."""
        return self._service.load_model()

    @method()
    def unload_model(self, _call: Call) -> Awaitable[None]:
        """Give back the memory of the ChatTTS model, until LoadModel or an utterance with engine=chattts."""
        return self._service.unload_model()

    @method()
    def reload(self, _call: Call) -> Awaitable[None]:
        """Read the configuration and the voices again; an invalid file changes nothing and is named."""
        return self._service.reload()

    @readable("s", emits="const")
    def version(self) -> str:
        """The daemon's version."""
        return __version__

    @readable("s")
    def state(self) -> str:
        """What it does now: idle, speaking or paused."""
        return self._service.state

    @readable("s")
    def model_state(self) -> str:
        """The ChatTTS model: absent, unloaded, loading, warming, ready or failed."""
        return self._service.model_state

    @readable("s")
    def engine(self) -> str:
        """The engine that speaks when none is asked for."""
        return self._service.engine

    @readable("s")
    def reason(self) -> str:
        """Why it is silent or on the fallback engine; empty when all is well."""
        return self._service.reason

    @readable("a(sssas)", cost=10)
    def voices(self) -> list[list[Any]]:
        """Every voice: id, name, engine, BCP 47 languages."""
        return [[row[0], row[1], row[2], list(row[3])] for row in self._service.voices]

    @readable("u")
    def queue_length(self) -> int:
        """How many utterances wait to be spoken."""
        return self._service.queue_length

    @readable("u")
    def current(self) -> int:
        """The id of the utterance being spoken, 0 for none."""
        return self._service.current

    @readable("s", setter="_set_default_voice")
    def default_voice(self) -> str:
        """The voice of utterances that choose none; empty is the engine's own for the language."""
        return self._service.options.voice

    @readable("d", setter="_set_rate")
    def rate(self) -> float:
        """The rate of utterances that choose none, 0.25 to 4."""
        return self._service.options.rate

    @readable("d", setter="_set_volume")
    def volume(self) -> float:
        """The volume of utterances that choose none, 0 to 1."""
        return self._service.options.volume

    @readable("a{sv}", emits="false", cost=10)
    def statistics(self) -> dict[str, Variant]:
        """Counters since the start, latencies in ms (p50, p95, p99 of the last 512), and engine_detail."""
        figures = self._service.statistics
        return {name: Variant(_SIGNATURES[type(value)], value) for name, value in figures.items()}

    def _set_default_voice(self, value: str) -> None:
        self._set("voice", value)

    def _set_rate(self, value: float) -> None:
        self._set("rate", repr(value))

    def _set_volume(self, value: float) -> None:
        self._set("volume", repr(value))

    def _set(self, key: str, value: str) -> None:
        try:
            parsed = "" if key == "voice" and not value else parse_option(key, value)
        except OptionError as error:
            raise errors.invalid_args(str(error)) from None
        changed: dict[str, Any] = {key: parsed}
        self._service.set_options(replace(self._service.options, **changed))

    def _speak(self, call: Call, text: str, options: Mapping[str, str]) -> int:
        if "container" in options:
            raise errors.invalid_args("option 'container' is for Synthesize: Speak plays the sound")
        parsed = self._parse(text, options)
        try:
            return self._service.speak(call.sender, text, parsed)
        except LimitError as error:
            raise errors.limits_exceeded(str(error)) from None

    def _parse(self, text: str, options: Mapping[str, str]) -> SpeakOptions:
        if not text:
            raise errors.invalid_args("text: got an empty text, allowed: at least 1 character")
        if len(text) > self.text_limit:
            raise errors.text_too_long(len(text), self.text_limit)
        try:
            return parse_options(options, self._service.options)
        except OptionError as error:
            raise errors.invalid_args(str(error)) from None
