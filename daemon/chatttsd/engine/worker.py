"""The engine worker: a child process that runs one engine and talks to the daemon over a socket it inherited.

A reader thread takes frames, so that a cancel is seen in the middle of a synthesis; the main thread alone
touches the engine. The process ends as soon as the daemon's end of the socket is closed.
"""

import argparse
import ctypes
import json
import os
import queue
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

import numpy as np
from numpy.typing import NDArray

from chatttsd.constants import SAMPLE_BYTES, SAMPLE_RATE
from chatttsd.engine.api import (
    Engine,
    EngineError,
    EngineFaultError,
    Level,
    ModelSettings,
    SynthesisRequest,
    TellLevel,
    TellWord,
    Word,
)
from chatttsd.engine.wire import (
    NO_REQUEST,
    Frame,
    FrameDecoder,
    FrameType,
    Hello,
    ProtocolError,
    decode_request,
    encode_level,
    encode_text,
    encode_word,
)

Report = Callable[[str], None]
"""Tells the daemon what the engine is doing, e.g. `loading 62 %`."""
Factory = Callable[[Report], Engine]
"""Makes an engine; raises EngineFaultError for what another try would not mend."""
Lost = Callable[[], None]

FIRST_PIECE: Final = SAMPLE_RATE * SAMPLE_BYTES * 20 // 1000
"""Bytes of the first AUDIO frame of a request: small, so that sound starts early."""
PIECE: Final = SAMPLE_RATE * SAMPLE_BYTES * 40 // 1000
"""Bytes of the AUDIO frames after it."""
_RECEIVE_BYTES: Final = 65_536
_PR_SET_PDEATHSIG: Final = 1
_DEVICE_LOST: Final = "CUDA error"
"""How the message of a device's fault begins, whatever the version of its library."""


@dataclass(slots=True)
class _Job:
    id: int
    request: SynthesisRequest
    cancelled: bool = False


class Worker:
    """One engine behind one socket; `lost` is called from the reader thread when the daemon is gone."""

    def __init__(self, channel: socket.socket, lost: Lost) -> None:
        self._channel = channel
        self._lost = lost
        self._jobs: dict[int, _Job] = {}
        self._waiting: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._send_lock = threading.Lock()
        self._reader = threading.Thread(target=self._read, name="frames", daemon=True)

    def run(self, factory: Factory) -> int:
        """Load the engine, say hello, serve until SHUTDOWN; returns the exit status."""
        self._reader.start()
        try:
            engine = factory(self.report)
        except Exception as error:
            kind = FrameType.FAULT if isinstance(error, EngineFaultError) else FrameType.ERROR
            self._send(Frame(kind, NO_REQUEST, encode_text(describe_start(error))))
            return 1
        hello = Hello(engine.name, tuple(engine.voices()), engine.detail)
        self._send(Frame(FrameType.HELLO, payload=hello.encode()))
        while (job := self._waiting.get()) is not None:
            if not self._serve(engine, job):
                self._channel.shutdown(socket.SHUT_RDWR)
                return 1
        engine.close()
        return 0

    def report(self, text: str) -> None:
        """Send a STATUS frame."""
        self._send(Frame(FrameType.STATUS, payload=encode_text(text)))

    def _serve(self, engine: Engine, job: _Job) -> bool:
        """Run one request and answer it with exactly one DONE or ERROR.

        False, without an answer: no request of this process can succeed any more, but one of the next will.
        """
        answer = Frame(FrameType.DONE, job.id)
        if not job.cancelled:
            request = replace(job.request, tell_word=self._teller(job), tell_level=self._level_teller(job))
            try:
                engine.synthesise(request, self._emitter(job), lambda: job.cancelled)
            except Exception as error:
                if is_device_lost(error):
                    return False
                answer = Frame(FrameType.ERROR, job.id, encode_text(describe(error)))
        self._jobs.pop(job.id, None)
        self._send(answer)
        return True

    def _emitter(self, job: _Job) -> Callable[[NDArray[np.int16]], bool]:
        first = True

        def emit(samples: NDArray[np.int16]) -> bool:
            nonlocal first
            for piece in cut(with_volume(samples, job.request.volume).tobytes(), first=first):
                if job.cancelled:
                    return False
                self._send(Frame(FrameType.AUDIO, job.id, piece))
                first = False
            return not job.cancelled

        return emit

    def _teller(self, job: _Job) -> TellWord:
        def tell(word: Word) -> None:
            if not job.cancelled:
                self._send(Frame(FrameType.WORD, job.id, encode_word(word)))

        return tell

    def _level_teller(self, job: _Job) -> TellLevel:
        def tell(level: Level) -> None:
            if not job.cancelled:
                self._send(Frame(FrameType.LEVEL, job.id, encode_level(level)))

        return tell

    def _send(self, frame: Frame) -> None:
        try:
            with self._send_lock:
                self._channel.sendall(frame.encode())
        except OSError:
            self._lost()

    def _read(self) -> None:
        decoder = FrameDecoder()
        try:
            while data := self._channel.recv(_RECEIVE_BYTES):
                for frame in decoder.feed(data):
                    self._take(frame)
        except (OSError, ProtocolError):
            # The daemon closed the socket or is not the daemon: both end this process.
            pass
        self._lost()

    def _take(self, frame: Frame) -> None:
        if frame.type is FrameType.SYNTHESISE:
            job = _Job(frame.request, decode_request(frame.payload))
            self._jobs[job.id] = job
            self._waiting.put(job)
        elif frame.type is FrameType.CANCEL:
            self._cancel(frame.request)
        elif frame.type is FrameType.SHUTDOWN:
            for request in tuple(self._jobs):
                self._cancel(request)
            self._waiting.put(None)
        else:
            raise ProtocolError(f"{frame.type.name} does not go to a worker")

    def _cancel(self, request: int) -> None:
        job = self._jobs.get(request)
        if job is not None:
            job.cancelled = True


def cut(pcm: bytes, *, first: bool) -> Iterator[bytes]:
    """Cut samples into pieces of at most PIECE bytes, the very first of a request of at most FIRST_PIECE."""
    start = 0
    while start < len(pcm):
        end = start + (FIRST_PIECE if first else PIECE)
        yield pcm[start:end]
        start, first = end, False


def with_volume(samples: NDArray[np.int16], volume: float) -> NDArray[np.int16]:
    """Apply a linear gain, limited to the range of int16."""
    if volume == 1.0:
        return samples
    scaled: NDArray[np.int16] = np.clip(np.rint(samples * np.float32(volume)), -32768, 32767).astype(np.int16)
    return scaled


def is_device_lost(error: Exception) -> bool:
    """Tell whether a GPU refuses to work for this process from now on, as after any fault of a kernel."""
    return isinstance(error, RuntimeError) and str(error).startswith(_DEVICE_LOST)


def describe(error: Exception) -> str:
    """Say what went wrong in a segment; a foreign exception's message may quote the text and is left out."""
    if isinstance(error, EngineError):
        return str(error)
    return f"{type(error).__name__} at {_place(error)}"


def describe_start(error: Exception) -> str:
    """Say why an engine cannot start; no text has been seen yet, so a missing library may be named."""
    if isinstance(error, ImportError):
        return f"{type(error).__name__}: {error}"
    return describe(error)


def _place(error: Exception) -> str:
    trace = error.__traceback__
    place = "unknown"
    while trace is not None:
        place = f"{trace.tb_frame.f_globals.get('__name__', 'unknown')}:{trace.tb_lineno}"
        trace = trace.tb_next
    return place


def _espeak(_settings: str, _report: Report) -> Engine:
    from chatttsd.engine.espeak import EspeakEngine

    return EspeakEngine()


def _tone(_settings: str, _report: Report) -> Engine:
    from chatttsd.engine.tone import ToneEngine

    return ToneEngine()


def _chattts(settings: str, report: Report) -> Engine:
    """Load the model; whatever is wrong with it or its libraries would be so at the next try too."""
    chosen = json.loads(settings)
    try:
        from chatttsd.engine.chattts.api import ModelError
        from chatttsd.engine.chattts.engine import create
        from chatttsd.engine.post.manners import Mannered
    except ImportError as error:
        raise EngineFaultError(describe_start(error)) from None
    try:
        return Mannered(create(ModelSettings(**chosen["model"]), chosen["voices_directory"], report))
    except ModelError as error:
        raise EngineFaultError(str(error)) from None
    except Exception as error:
        raise EngineFaultError(describe_start(error)) from None


ENGINES: Final[dict[str, Callable[[str, Report], Engine]]] = {
    "espeak-ng": _espeak,
    "tone": _tone,
    "chattts": _chattts,
}
"""Every engine by its name; its settings are a JSON object or empty. It is imported only when it is made."""


def die_with_parent() -> None:
    """Have the kernel kill this process when the daemon dies: a stopped process sees no closed socket."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the worker; returns the exit status."""
    parser = argparse.ArgumentParser(prog="chatttsd-worker", description="Engine worker of chatttsd.")
    parser.add_argument("--engine", required=True, choices=sorted(ENGINES))
    parser.add_argument("--settings", default="", help="a JSON object for an engine that takes one")
    parser.add_argument("--fd", required=True, type=int, help="the inherited socket")
    options = parser.parse_args(arguments)
    # Ctrl-C at a terminal goes to the whole group; the daemon decides when its worker ends.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    die_with_parent()
    channel = socket.socket(fileno=options.fd)
    return Worker(channel, lambda: os._exit(0)).run(partial(ENGINES[options.engine], options.settings))


if __name__ == "__main__":
    sys.exit(main())
