"""Hidden states to samples beside the decoder: a thread of its own, or in turns on a single core.

Which chunks the vocoder makes is decided by the count of tokens alone, so both give the same samples.
"""

import queue
import threading
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from chatttsd.engine.api import EngineError

Floats = NDArray[np.float32]
PIECE: Final = 16
"""Tokens that are rendered in turn at a time: a cancelled segment wastes no more than their cost."""


class Stream(Protocol):
    """The vocoder's side of one segment."""

    def boundaries(self) -> Iterator[int]:
        """Yield the numbers of tokens, rising without end, at which a push makes samples."""

    def push(self, hidden: torch.Tensor) -> Floats:
        """Take hidden states [n, hidden]; returns the samples that are final, often none."""

    def finish(self) -> Floats:
        """Return the samples that are left; nothing may be pushed after it."""


OpenStream = Callable[[], Stream]


class Rendering(Protocol):
    """One segment's way through the vocoder, used from the engine's thread."""

    @property
    def finished(self) -> bool:
        """Whether every sample was taken after `close`."""

    def push(self, hidden: torch.Tensor) -> None:
        """Hand over hidden states [n, hidden]."""

    def close(self) -> None:
        """Tell that nothing more will be pushed."""

    def take(self, timeout: float = 0.0) -> list[Floats]:
        """Return what has been made, waiting up to `timeout` seconds for the first; raises its errors."""

    def abandon(self) -> None:
        """Want no more samples; returns at once."""


class Turns:
    """Renders when it is asked for samples, in the caller's thread."""

    def __init__(self, open_stream: OpenStream) -> None:
        self._stream = open_stream()
        self._waiting: deque[torch.Tensor] = deque()
        self._closed = False
        self._finished = False

    @property
    def finished(self) -> bool:
        """See `Rendering`."""
        return self._finished

    def push(self, hidden: torch.Tensor) -> None:
        """See `Rendering`."""
        self._waiting.extend(_pieces(hidden))

    def close(self) -> None:
        """See `Rendering`."""
        self._closed = True

    def take(self, timeout: float = 0.0) -> list[Floats]:
        """See `Rendering`; makes at most one piece, so that the caller can look at its cancel flag."""
        if self._waiting:
            return [self._stream.push(self._waiting.popleft())]
        if self._closed and not self._finished:
            self._finished = True
            return [self._stream.finish()]
        return []

    def abandon(self) -> None:
        """See `Rendering`."""
        self._waiting.clear()
        self._closed = self._finished = True


@dataclass(frozen=True, slots=True)
class _Work:
    rendering: "Beside"
    hidden: torch.Tensor | None
    """None: finish the stream."""


class VocoderThread:
    """One thread that renders segments one after another; `prepare` runs in it first.

    `need_cores` hears how many cores it needs: 1 as soon as there is work, 0 when there is none. A decoder
    that knows it does not wait for a thread of its own that has no core.
    """

    def __init__(
        self,
        open_stream: OpenStream,
        prepare: Callable[[], None] = lambda: None,
        need_cores: Callable[[int], None] = lambda _count: None,
    ) -> None:
        self._open_stream = open_stream
        self._prepare = prepare
        self._need_cores = need_cores
        self._work: queue.SimpleQueue[_Work | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="vocoder", daemon=True)
        self._thread.start()

    def open(self) -> "Beside":
        """Begin a segment."""
        return Beside(self._open_stream(), self._put, self._thread.is_alive)

    def close(self) -> None:
        """End the thread after the piece in hand."""
        self._work.put(None)
        self._thread.join()

    def _put(self, work: _Work) -> None:
        # Before the next step begins: a helper that has begun would have to be put to sleep.
        self._need_cores(1)
        self._work.put(work)

    def _run(self) -> None:
        self._prepare()
        with torch.inference_mode():
            while (work := self._work.get()) is not None:
                self._need_cores(1)
                work.rendering.render(work.hidden)
                if self._work.empty():
                    self._need_cores(0)
        self._need_cores(0)


class Beside:
    """Renders in the vocoder's thread; made by `VocoderThread.open`.

    The thread is given whole chunks: woken for each token it would take the decoder's core every time.
    """

    def __init__(self, stream: Stream, put: Callable[[_Work], None], is_alive: Callable[[], bool]) -> None:
        self._stream = stream
        self._put = put
        self._boundaries = stream.boundaries()
        self._boundary = next(self._boundaries)
        self._missing = self._boundary
        self._kept: list[torch.Tensor] = []
        self._is_alive = is_alive
        self._made: queue.SimpleQueue[Floats | Exception | None] = queue.SimpleQueue()
        self._finished = False
        self._abandoned = False

    @property
    def finished(self) -> bool:
        """See `Rendering`."""
        return self._finished

    def push(self, hidden: torch.Tensor) -> None:
        """See `Rendering`."""
        while len(hidden) >= self._missing:
            self._hand_over(hidden[: self._missing])
            hidden, before = hidden[self._missing :], self._boundary
            self._boundary = next(self._boundaries)
            self._missing = self._boundary - before
        self._kept.append(hidden)
        self._missing -= len(hidden)

    def close(self) -> None:
        """See `Rendering`."""
        if self._kept:
            self._hand_over(self._kept.pop())
        self._put(_Work(self, None))

    def _hand_over(self, hidden: torch.Tensor) -> None:
        self._put(_Work(self, torch.cat((*self._kept, hidden))))
        self._kept.clear()

    def take(self, timeout: float = 0.0) -> list[Floats]:
        """See `Rendering`."""
        taken: list[Floats] = []
        while not self._finished:
            try:
                made = self._made.get(block=timeout > 0 and not taken, timeout=timeout)
            except queue.Empty:
                self._require_thread()
                break
            if isinstance(made, Exception):
                raise made
            if made is None:
                self._finished = True
            else:
                taken.append(made)
        return taken

    def abandon(self) -> None:
        """See `Rendering`."""
        self._abandoned = self._finished = True

    def _require_thread(self) -> None:
        """Raise EngineError where nobody is left to make what is waited for."""
        if not self._is_alive() and self._made.empty():
            raise EngineError("the vocoder's thread has ended")

    def render(self, hidden: torch.Tensor | None) -> None:
        """Do one piece of work; called in the vocoder's thread."""
        if self._abandoned:
            return
        try:
            samples = self._stream.finish() if hidden is None else self._stream.push(hidden)
        except Exception as error:
            # It belongs to the thread that asked for the samples, and ends the segment there.
            self._abandoned = True
            self._made.put(error)
            return
        if samples.size:
            self._made.put(samples)
        if hidden is None:
            self._made.put(None)


def _pieces(hidden: torch.Tensor) -> tuple[torch.Tensor, ...]:
    return torch.split(hidden, PIECE) if hidden.shape[0] else ()
