"""One request's way through decoder, vocoder and guard, while the segments after it are decoded beside it."""

from collections.abc import Callable, Sequence
from typing import Final

import torch

from chatttsd.engine.api import Cancelled, Emit, EngineError
from chatttsd.engine.chattts.batch import LARGEST, Batch, Row, Segment
from chatttsd.engine.chattts.delivery import CancelledError, Delivery, Lead
from chatttsd.engine.chattts.guard import Fault, judge_length
from chatttsd.engine.chattts.rendering import Rendering

COMFORTABLE_SECONDS: Final = 2.0
"""With this much ahead of the ear, the prompts of the next segments may be filled before the first sound."""
_WAIT_SECONDS: Final = 0.01
"""How long the cancel flag goes unseen while the vocoder alone works."""

Others = Callable[[], Sequence[Segment]]
"""The segments that will probably be asked for next, made only when there is time for them."""


class Speaking:
    """Says segments one after another; used from one thread only.

    `most_rows` are decoded together; `report` hears one line about what the guard let pass or made again.
    """

    def __init__(
        self,
        batch: Batch,
        open_rendering: Callable[[], Rendering],
        lead: Lead,
        *,
        retries: int,
        most_rows: int = LARGEST,
        report: Callable[[str], None] = lambda _line: None,
    ) -> None:
        self.most_rows = most_rows
        self.made_again = 0
        self._batch = batch
        self._open_rendering = open_rendering
        self._lead = lead
        self._retries = retries
        self._report = report

    def say(self, segment: Segment, others: Others, emit: Emit, cancelled: Cancelled) -> None:
        """Emit one segment; raises CancelledError, or EngineError when it stays wrong."""
        while (fault := self._attempt(segment, others, emit, cancelled)) is not None:
            if segment.attempt >= self._retries:
                raise EngineError(f"the model's speech was {fault}, in {segment.attempt + 1} attempts")
            self._again(fault)
            self._batch.forget(segment.key)
            segment = segment.again()

    def _again(self, fault: Fault) -> None:
        self.made_again += 1
        self._report(f"guard: a segment was {fault} and is made again")

    def _attempt(self, segment: Segment, others: Others, emit: Emit, cancelled: Cancelled) -> Fault | None:
        row = self._batch.row(segment.key) or self._start(segment, others, cancelled)
        rendering = self._open_rendering()
        try:
            return _Attempt(row, rendering, Delivery(emit, self._lead), self._batch, self._report).run(
                cancelled
            )
        finally:
            rendering.abandon()

    def _start(self, segment: Segment, others: Others, cancelled: Cancelled) -> Row:
        """Decode the segment, alone unless its sound can wait for the others' prompts."""
        rows = [segment]
        if self.most_rows > 1 and self._lead.seconds() >= COMFORTABLE_SECONDS:
            rows += self._wanting(others())[: self.most_rows - 1]
        if cancelled():
            raise CancelledError
        try:
            self._batch.start(rows)
        except EngineError:
            if len(rows) == 1:
                raise
            self._batch.start(rows[:1])  # what does not fit the model may be one of the others
        row = self._batch.row(segment.key)
        if row is None:
            raise EngineError("the decoder lost a segment")
        return row

    def _wanting(self, others: Sequence[Segment]) -> list[Segment]:
        """Return those that are not there yet, or are there and wrong."""
        wanting = []
        for segment in others:
            row = self._batch.row(segment.key)
            if row is None or not row.complete:
                wanting.append(segment)
            elif row.segment.attempt < self._retries and (fault := length_fault(row)):
                self._again(fault)
                wanting.append(row.segment.again())
        return wanting


def length_fault(row: Row) -> Fault | None:
    """Return what is wrong with the length of a complete row."""
    return judge_length(row.length, row.ended, row.segment.bounds)


class _Attempt:
    """One row made into sound."""

    def __init__(
        self,
        row: Row,
        rendering: Rendering,
        delivery: Delivery,
        batch: Batch,
        report: Callable[[str], None],
    ) -> None:
        self._row = row
        self._rendering = rendering
        self._delivery = delivery
        self._batch = batch
        self._report = report
        self._pushed = 0
        self._closed = False
        self._short: Fault | None = None
        """Found when a part was heard: all that was made is said before somebody else says the rest."""

    def run(self, cancelled: Cancelled) -> Fault | None:
        """Return what is wrong while nothing was heard; raises CancelledError, EngineError."""
        while not self._rendering.finished:
            if cancelled():
                raise CancelledError
            fault = self._push() or self._judge() or self._take()
            if fault is not None:
                return self._unheard(fault)
            self._delivery.release()
        fault = self._delivery.finish() or self._short
        return None if fault is None else self._unheard(fault)

    def _push(self) -> Fault | None:
        """Give the vocoder the tokens that are new."""
        if self._row.length <= self._pushed:
            return None
        states = self._row.states(self._pushed)
        self._pushed += states.shape[0]
        if not bool(torch.isfinite(states).all()):
            return Fault.BROKEN
        self._rendering.push(states)
        return None

    def _judge(self) -> Fault | None:
        """Look at the length when it is known."""
        if not self._row.complete or self._closed:
            return None
        fault = length_fault(self._row)
        if fault is Fault.TOO_SHORT and self._delivery.heard:
            fault, self._short = None, fault
        self._closed = True
        self._rendering.close()
        return fault

    def _take(self) -> Fault | None:
        """Draw the next token, of any row, and listen to what the vocoder has made meanwhile."""
        growing = self._batch.growing
        if growing:
            self._batch.advance()
        for samples in self._rendering.take(0.0 if growing else _WAIT_SECONDS):
            fault = self._delivery.take(samples)
            if fault is not None:
                return fault
        return None

    def _unheard(self, fault: Fault) -> Fault:
        if self._delivery.heard:
            raise EngineError(f"the model's speech became {fault}; a part of the segment was spoken")
        return fault
