"""The ChatTTS engine: what `engine/worker.py` runs in the worker process."""

from collections.abc import Callable, Sequence
from pathlib import Path

import torch

from chatttsd.engine.api import Cancelled, Emit, Engine, ModelSettings, SynthesisRequest, Voice
from chatttsd.engine.chattts.batch import Batch, Segment
from chatttsd.engine.chattts.delivery import CancelledError, Lead
from chatttsd.engine.chattts.interruptible import Interruptible
from chatttsd.engine.chattts.speaking import Speaking
from chatttsd.engine.chattts.wording import ENGINE, Key, Voices, Wording, key_of

Report = Callable[[str], None]


class ChatTTSEngine:
    """The model behind the engine contract; decodes the segments ahead that a request names as `following`.

    What was prepared stays until it is asked for, a request comes that nobody announced, or one is cancelled.
    """

    name = ENGINE

    def __init__(
        self,
        wording: Wording,
        voices: Voices,
        batch: Batch,
        speaking: Speaking,
        lead: Lead,
        *,
        detail: str,
        interrupt: Interruptible | None = None,
        close: Callable[[], None] = lambda: None,
    ) -> None:
        self.detail = detail
        self._wording = wording
        self._voices = voices
        self._batch = batch
        self._speaking = speaking
        self._lead = lead
        self._interrupt = interrupt
        self._close = close
        self._announced: frozenset[Key] = frozenset()

    def voices(self) -> Sequence[Voice]:
        """List the voices of the model."""
        return self._voices.listed()

    @torch.inference_mode()
    def synthesise(self, request: SynthesisRequest, emit: Emit, cancelled: Cancelled) -> None:
        """Emit one segment while it is made; raises EngineError."""
        if self._interrupt is not None:
            self._interrupt.cancelled = cancelled
        key = key_of(request)
        if request.first:
            self._lead.reset()
        if key not in self._announced:
            self._forget()
        following = tuple(key_of(item) for item in request.following)
        self._announced = frozenset((key, *following))
        self._batch.keep(self._announced)
        try:
            segment = self._segment(key, cancelled)
            self._speaking.say(segment, lambda: self._others(key, following, cancelled), emit, cancelled)
        except CancelledError:
            self._forget()
        finally:
            self._batch.forget(key)

    def hear_at(self, rate: float) -> None:
        """Take how fast the next segments are heard: that decides what is ahead of the ear."""
        self._lead.rate = rate

    def close(self) -> None:
        """End the vocoder's thread."""
        self._close()

    def _forget(self) -> None:
        self._batch.keep(())
        self._lead.reset()
        self._announced = frozenset()

    def _segment(self, key: Key, cancelled: Cancelled) -> Segment:
        """Return what was prepared, unless its voice has changed or gone since; raises EngineError."""
        row = self._batch.row(key)
        if row is not None and row.segment.voice == self._voices.find(key.voice):
            return row.segment
        self._batch.forget(key)
        return self._wording.segment(key, cancelled)

    def _others(self, key: Key, following: Sequence[Key], cancelled: Cancelled) -> list[Segment]:
        """Make the segments that come next; one that cannot be spoken says so when it is asked for."""
        found = []
        for item in dict.fromkeys(following):
            try:
                if item != key:
                    found.append(self._segment(item, cancelled))
            except CancelledError:
                raise
            except Exception:  # noqa: S112 - what is wrong with it must not end the segment asked for now
                continue
        return found


def create(settings: ModelSettings, voices_directory: str, report: Report) -> Engine:
    """Load the model and warm it up; `report` hears how far it is. Raises ModelError."""
    from chatttsd.engine.chattts.loading import load

    return load(settings, Path(voices_directory), report)
