"""The speech service: takes utterances, reads them one at a time, tells everybody how they end."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from time import monotonic
from typing import Any, Final

from chatttsd.audio.api import AudioOutput, AudioUnavailableError, Sink
from chatttsd.audio.descriptor import SinkClosedError, SinkError
from chatttsd.bus import errors
from chatttsd.bus.service import VoiceRow
from chatttsd.concessions import Concessions
from chatttsd.config import Config, ConfigError, load
from chatttsd.engine.api import EngineError, EngineFaultError
from chatttsd.engine.directory import EngineDirectory
from chatttsd.outcomes import OutcomeBook
from chatttsd.pipeline import Reading
from chatttsd.planning import Planner
from chatttsd.speech.events import EventKind, SpeechEvent
from chatttsd.speech.options import SpeakOptions
from chatttsd.speech.queue import SpeechQueue
from chatttsd.speech.segment import Segment
from chatttsd.speech.statistics import Statistics
from chatttsd.speech.utterance import Outcome, State, Utterance
from chatttsd.streams import Streams
from chatttsd.writing import decline, sink_of, write

_LOGGER = logging.getLogger(__name__)
_LAST_ID: Final = 2**32 - 1
_PATIENCE_SECONDS: Final = 1.5
"""An utterance that is not heard by then gets a reason."""


@dataclass(slots=True)
class Events:
    """Whom the service tells."""

    started: Callable[[int], None] = lambda _id: None
    progress: Callable[[int, int, int], None] = lambda _id, _start, _end: None
    mark: Callable[[str, int, str], None] = lambda _sender, _id, _name: None
    """Only for the sender of the utterance."""
    finished: Callable[[int, str], None] = lambda _id, _outcome: None
    changed: Callable[..., None] = lambda *_names: None
    configured: Callable[[Config], None] = lambda _config: None


class Service:
    """Everything that `org.chattts.Speech1` offers; runs on the event loop."""

    def __init__(
        self,
        config: Config,
        config_file: Path | None,
        output: AudioOutput,
        engines: EngineDirectory,
        statistics: Statistics,
        events: Events,
    ) -> None:
        self.options = config.speech.options()
        self._config = config
        self._config_file = config_file
        self._output = output
        self._engines = engines
        self._statistics = statistics
        self._events = events
        self._planner = Planner(config, engines, statistics.synthesised)
        engines.prepare_echo(self.options, config.speech.default_language)
        self._queue = SpeechQueue(config.limits, self._ended)
        self._concessions = Concessions(self._planner, engines)
        self._next_id = 1
        self._book = OutcomeBook()
        self._wake = asyncio.Event()
        self._paused = False
        self._reading: Reading | None = None
        self._spoken: Utterance | None = None
        self._turn = 0.0
        self._work: dict[int, asyncio.Task[None]] = {}
        self._streams = Streams(self._queue, self._new, self._stream)
        self._started: set[int] = set()
        self._failure = self._slow = ""
        self.notice = ""
        """What else is wrong, such as a configuration that could not be used."""

    async def run(self) -> None:
        """Read whatever is queued, for ever."""
        while True:
            utterance = self._queue.next()
            if utterance is None:
                self._output.release()
                self._unpause()
                self._wake.clear()
                self._changed()
                await self._wake.wait()
            else:
                self._changed()
                await self._follow(utterance, self._read(utterance))

    async def close(self) -> None:
        """Cancel everything, which silences the sound at once."""
        self.cancel_all()
        await self._streams.close()
        await self._output.close()

    def speak(self, sender: str, text: str, options: SpeakOptions) -> int:
        """Queue an utterance and return its id; raises BusError or LimitError."""
        self._planner.check(text, options, self.options)
        utterance = self._new(sender, text, options)
        self._queue.submit(utterance)
        self._wake.set()
        self._changed()
        return utterance.id

    def synthesize(self, sender: str, fd: int, text: str, options: SpeakOptions) -> int:
        """Start writing an utterance to `fd`, which the service closes; raises BusError or LimitError."""
        sink = sink_of(fd, options.container)
        try:
            self._planner.check(text, options, self.options)
        except errors.BusError:
            sink.close()
            raise
        return self._streams.start(sender, text, options, sink)

    def synthesize_in_turn(self, sender: str, fd: int, text: str, options: SpeakOptions) -> None:
        """Do the nearest to it once there is room; raises BusError for a bad `fd` and nothing else."""
        sink = sink_of(fd, options.container)
        try:
            nearest = self._concessions.nearest(text, options, self.options)
        except Exception:
            _LOGGER.exception("a stream could not be prepared")
            nearest = None
        if nearest is None:
            sink.close()
        else:
            self._streams.start_in_turn(sender, *nearest, sink)

    def decline(self, fd: int, container: str) -> None:
        """End a stream that will not be written, without a sound; whatever `fd` is, it is closed."""
        decline(fd, container)

    def wait(self, sender: str, utterance_id: int) -> Awaitable[str]:
        """Return a future of the outcome; raises BusError."""
        if self._queue.get(utterance_id) is None and utterance_id not in self._book:
            raise errors.no_such_utterance(utterance_id)
        allowed = self._config.limits.waits_per_sender
        if self._book.waiting(sender) >= allowed:
            raise errors.limits_exceeded(f"too many waiting calls from this client, allowed: {allowed}")
        return self._book.wait(sender, utterance_id)

    def cancel(self, utterance_id: int) -> None:
        """End an utterance as cancelled; raises BusError for an unknown id."""
        utterance = self._queue.get(utterance_id)
        if utterance is not None:
            self._queue.end(utterance, Outcome.CANCELLED)
        elif utterance_id not in self._book:
            raise errors.no_such_utterance(utterance_id)

    def cancel_all(self) -> None:
        """End everything as cancelled."""
        self._streams.drop_held()
        self._queue.end_all(Outcome.CANCELLED)

    def pause(self) -> None:
        """Hold the present sample; nothing happens when nothing is spoken."""
        if (self._queue.current is not None or len(self._queue)) and not self._paused:
            self._paused = True
            self._output.pause()
            self._changed()

    def resume(self) -> None:
        """Go on after `pause`."""
        self._unpause()
        self._changed()

    def skip(self) -> None:
        """Go on with the next segment."""
        if self._reading is not None and self._queue.current is self._spoken:
            self._reading.skip()

    def sender_left(self, sender: str) -> None:
        """Cancel what a client that is gone had bound to itself, and forget its waits."""
        self._streams.sender_left(sender)
        self._queue.end_bound_to(sender)
        self._book.forget(sender)

    async def load_model(self) -> None:
        """Begin to load the model; raises BusError with the reason when there is nothing to load."""
        try:
            self._engines.load()
        except EngineFaultError as error:
            raise errors.model_unavailable(str(error)) from None

    async def unload_model(self) -> None:
        """End the model's worker, which gives its memory back."""
        await self._engines.unload()
        self._failure = ""

    async def reload(self) -> None:
        """Take the configuration as it is on disk; raises BusError and changes nothing if it is invalid."""
        try:
            config = load(self._config_file)
        except ConfigError as error:
            raise errors.invalid_args(str(error)) from None
        self._config = config
        self._planner.config = config
        self._queue.limits = config.limits
        self.notice = self._failure = ""
        if config.speech.engine != self._engines.configured:
            self.notice = f"engine '{config.speech.engine}' takes effect when the service is started again"
        self._use_options(config.speech.options())
        self._events.configured(config)
        await self._engines.rescan()
        self._changed()

    def set_options(self, options: SpeakOptions) -> None:
        """Change the defaults; raises BusError for another voice that is not known."""
        if options.voice != self.options.voice:
            self._planner.check_voice(options.voice)
        self._use_options(options)

    def _use_options(self, options: SpeakOptions) -> None:
        self.options = options
        self._engines.prepare_echo(options, self._config.speech.default_language)
        self._events.changed("DefaultVoice", "Rate", "Volume")

    @property
    def state(self) -> str:
        """`idle`, `speaking` or `paused`."""
        if self._queue.current is None:
            return "idle"
        return "paused" if self._paused else "speaking"

    @property
    def model_state(self) -> str:
        """The model's state."""
        return self._engines.model_state

    @property
    def engine(self) -> str:
        """The engine that speaks when none is asked for."""
        return self._engines.engine

    @property
    def reason(self) -> str:
        """Why it is silent or on the fallback; several reasons are joined."""
        voice = self.options.voice
        unknown = "" if self._engines.knows_voice(voice) else f"the default voice '{voice}' is not known"
        reasons = (self._output.reason, self._slow, self._failure, self.notice, unknown, self._engines.reason)
        told = dict.fromkeys(reason.rstrip(".") for reason in reasons if reason)
        # What an utterance failed of is often the beginning of why the engine does not speak.
        return "; ".join(one for one in told if not any(one in other for other in told if other != one))

    @property
    def voices(self) -> Sequence[VoiceRow]:
        """Every voice that can be asked for."""
        return [(voice.id, voice.name, voice.engine, voice.languages) for voice in self._engines.voices]

    @property
    def queue_length(self) -> int:
        """How many utterances wait."""
        return len(self._queue)

    @property
    def current(self) -> int:
        """The id of the utterance being spoken, 0 for none."""
        return self._queue.current.id if self._queue.current else 0

    @property
    def current_characters(self) -> int:
        """How many characters the text being spoken has, 0 for none."""
        return len(self._queue.current.text) if self._queue.current else 0

    @property
    def statistics(self) -> dict[str, float | int | str]:
        """Counters and latencies by name, and what ChatTTS runs on."""
        figures: dict[str, float | int | str] = {**self._statistics.snapshot(), "xruns": self._output.xruns}
        return figures | {"engine_detail": self._engines.detail}

    def _new(self, sender: str, text: str, options: SpeakOptions) -> Utterance:
        utterance = Utterance(self._next_id, sender, text, options, monotonic())
        self._next_id = self._next_id % _LAST_ID + 1
        return utterance

    async def _follow(self, utterance: Utterance, work: Coroutine[Any, Any, None]) -> None:
        """Run an utterance's work to its end and give the outcome, whatever happens."""
        task = asyncio.create_task(work)
        self._work[utterance.id] = task
        try:
            await asyncio.wait([task])
        finally:
            del self._work[utterance.id]
        outcome = Outcome.CANCELLED
        if not task.cancelled():
            outcome = self._outcome(utterance, task.exception())
        self._queue.end(utterance, outcome)

    def _outcome(self, utterance: Utterance, error: BaseException | None) -> Outcome:
        if error is None:
            self._failure = ""
            return Outcome.FINISHED
        if isinstance(error, SinkClosedError):
            return Outcome.CANCELLED
        if isinstance(error, EngineError):
            self._failure = str(error)  # until an utterance is finished
        if isinstance(error, EngineError | AudioUnavailableError | SinkError):
            _LOGGER.warning("utterance %d failed: %s", utterance.id, error)
        else:
            _LOGGER.error("utterance %d failed", utterance.id, exc_info=error)
        return Outcome.FAILED

    async def _read(self, utterance: Utterance) -> None:
        self._turn = monotonic()
        waited = self._turn - utterance.submitted
        if self._output.reason and waited >= self._config.audio.wait_seconds:
            raise AudioUnavailableError(self._output.reason)  # it has waited long enough in the queue
        reading = Reading(
            self._planner.recipe(utterance),
            self._output,
            partial(self._heard, utterance),
            partial(self._reached, utterance),
        )
        self._reading, self._spoken = reading, utterance
        patience = asyncio.get_running_loop().call_later(_PATIENCE_SECONDS, self._explain_silence, utterance)
        try:
            await reading.run()
        except Exception:
            self._output.flush()  # nothing may be heard after the outcome
            raise
        finally:
            patience.cancel()
            self._slow = ""
            self._reading = self._spoken = None

    async def _stream(self, utterance: Utterance, sink: Sink) -> None:
        await self._follow(utterance, self._write(utterance, sink))

    async def _write(self, utterance: Utterance, sink: Sink) -> None:
        recipe = self._planner.recipe(utterance, background=True)
        await write(recipe, sink, partial(self._heard, utterance), partial(self._reached, utterance))

    def _explain_silence(self, utterance: Utterance) -> None:
        """Say what is waited for when nothing of an utterance has been heard for a while."""
        if utterance.id not in self._started and not self._paused and not self._output.reason:
            asked = utterance.options.engine
            engine = self._engines.engine if asked == "auto" else asked
            self._slow = f"nothing is heard yet: waiting for {engine} or the sound device"
            self._changed()

    def _heard(self, utterance: Utterance, segment: Segment) -> None:
        if utterance.state is State.ENDED:
            return
        if utterance.id not in self._started:
            self._started.add(utterance.id)
            self._events.started(utterance.id)
            if utterance is self._spoken:
                self._statistics.first_audio(monotonic() - self._turn)
                self._slow = ""
                self._changed()
        self._events.progress(utterance.id, segment.start, segment.end)

    def _reached(self, utterance: Utterance, event: SpeechEvent) -> None:
        if event.kind is EventKind.MARK and utterance.state is not State.ENDED:
            self._events.mark(utterance.sender, utterance.id, event.name)

    def _ended(self, utterance: Utterance) -> None:
        """Tell an outcome once; sound that is still to come is dropped at once."""
        outcome = utterance.outcome or Outcome.FAILED
        self._stop(utterance)
        if utterance is self._spoken or not (self.current or self.queue_length):
            self._unpause()  # a pause is one of what is spoken; it must not mute what comes next
        if outcome is Outcome.FINISHED and utterance.id not in self._started:
            self._events.started(utterance.id)
        self._started.discard(utterance.id)
        self._statistics.ended(outcome)
        self._events.finished(utterance.id, outcome)
        self._book.record(utterance.id, outcome)
        self._streams.refill()
        self._changed()

    def _stop(self, utterance: Utterance) -> None:
        work = self._work.get(utterance.id)
        if work is None:
            return
        if utterance is self._spoken:
            began = monotonic()
            self._output.flush()
            self._output.mark(lambda: self._statistics.stopped(monotonic() - began))
        work.cancel()

    def _unpause(self) -> None:
        if self._paused:
            self._paused = False
            self._output.resume()

    def _changed(self) -> None:
        self._events.changed("State", "Current", "QueueLength", "Reason")
