"""Workers that misbehave, one kind a mode: `python fake_worker.py MODE --fd N`; see `fake_command`."""

import math
import os
import re
import signal
import socket
import struct
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, NoReturn

import numpy as np

from chatttsd.engine.api import (
    Cancelled,
    Emit,
    Engine,
    EngineError,
    EngineFaultError,
    Level,
    SynthesisRequest,
    Voice,
    Word,
)
from chatttsd.engine.tone import ToneEngine
from chatttsd.engine.wire import Frame, FrameDecoder, FrameType, Hello, encode_level, encode_text, encode_word
from chatttsd.engine.worker import Report, Worker


def fake_command(mode: str) -> tuple[str, ...]:
    """Return the command of a worker that misbehaves in `mode`."""
    return (sys.executable, str(Path(__file__)), mode)


class FaultyEngine(ToneEngine):
    """Does to each request what its text says; any other text is spoken in tones."""

    name = "faulty"

    def synthesise(self, request: SynthesisRequest, emit: Emit, cancelled: Cancelled) -> None:
        deed = _DEEDS.get(request.text)
        if deed is None:
            super().synthesise(request, emit, cancelled)
        else:
            deed(request, emit)


def _raise_value(request: SynthesisRequest, _emit: Emit) -> None:
    raise ValueError(f"cannot say {request.text}")


def _raise_engine(_request: SynthesisRequest, _emit: Emit) -> None:
    raise EngineError("the engine says no")


def _lose_device(_request: SynthesisRequest, emit: Emit) -> None:
    emit(np.ones(480, np.int16))
    raise RuntimeError("CUDA error: an illegal memory access was encountered\nand more")


def _segv(_request: SynthesisRequest, emit: Emit) -> None:
    emit(np.ones(480, np.int16))
    os.kill(os.getpid(), signal.SIGSEGV)
    time.sleep(60)


def _exit(_request: SynthesisRequest, _emit: Emit) -> None:
    os._exit(3)


def _endless(_request: SynthesisRequest, emit: Emit) -> None:
    """Go on for ever, deaf to every cancel."""
    while True:
        emit(np.ones(480, np.int16))
        time.sleep(0.002)


def _sleep(_request: SynthesisRequest, _emit: Emit) -> None:
    time.sleep(60)


def _ten_minutes(_request: SynthesisRequest, emit: Emit) -> None:
    for _ in range(600):
        if not emit(np.ones(24_000, np.int16)):
            return


_DEEDS: Final[dict[str, Callable[[SynthesisRequest, Emit], None]]] = {
    "raise": _raise_value,
    "refuse": _raise_engine,
    "segv": _segv,
    "lose device": _lose_device,
    "exit": _exit,
    "endless": _endless,
    "sleep": _sleep,
    "ten minutes": _ten_minutes,
}


def _broken(_report: Report) -> NoReturn:
    raise EngineError("the weights are missing")


def _hopeless(_report: Report) -> NoReturn:
    raise EngineFaultError("a file is cut short")


def _unimportable(_report: Report) -> NoReturn:
    raise ModuleNotFoundError("No module named 'torch'")


def _buggy(_report: Report) -> NoReturn:
    raise ValueError("a message with details")


def _loading(report: Report) -> Engine:
    for percent in (20, 40, 60, 80):
        report(f"loading {percent} %")
        time.sleep(0.1)
    return FaultyEngine()


class _Mirror(FaultyEngine):
    """Tells what it inherited by the names of its voices."""

    def voices(self) -> Sequence[Voice]:
        found = sorted(int(entry.name) for entry in Path("/proc/self/fd").iterdir())
        fds = [fd for fd in found if Path(f"/proc/self/fd/{fd}").exists()]
        names = (str(fds), os.environ.get("CHATTTSD_TEST", ""), os.environ.get("OPENBLAS_NUM_THREADS", ""))
        return [Voice(f"mirror/{index}", name, self.name, ()) for index, name in enumerate(names)]


WORDS_PACE_SAMPLES: Final = 2400
"""The wordy engine makes each word this long: a step whose height counts the words from 1."""
WORD_LEVEL: Final = Level(-23.5, 7)
"""What it tells of a request in the end."""


class WordyEngine(ToneEngine):
    """Tells each word before its samples; a word `segv` kills the worker the first time it is said.

    With a parameter `gain` its steps are as much higher as a hundred times the request's gain.
    """

    name = "wordy"

    def synthesise(self, request: SynthesisRequest, emit: Emit, cancelled: Cancelled) -> None:
        mark = Path(request.parameters.get("mark", os.devnull))
        more = round(100 * request.gain) if "gain" in request.parameters else 0
        for number, word in enumerate(re.finditer(r"\S+", request.text)):
            request.tell_word(Word(word.start(), word.end(), number * WORDS_PACE_SAMPLES))
            if word.group() == "segv" and not mark.exists():
                mark.touch()
                os.kill(os.getpid(), signal.SIGSEGV)
            time.sleep(float(request.parameters.get("nap", "0")))
            if cancelled() or not emit(np.full(WORDS_PACE_SAMPLES, number + 1 + more, np.int16)):
                return
        request.tell_level(WORD_LEVEL)


_FACTORIES: Final[dict[str, Callable[[Report], Engine]]] = {
    "faulty": lambda _report: FaultyEngine(),
    "wordy": lambda _report: WordyEngine(),
    "mirror": lambda _report: _Mirror(),
    "broken": _broken,
    "hopeless": _hopeless,
    "unimportable": _unimportable,
    "buggy": _buggy,
    "loading": _loading,
}

_HELLO: Final = Frame(FrameType.HELLO, payload=Hello("fake", ()).encode()).encode()
_HUGE: Final = struct.pack("!4sBII", b"cTw1", FrameType.AUDIO, 1, 0xFFFF_FFFF)
_OPENINGS: Final[dict[str, bytes]] = {
    "silent": b"",
    "garbage": b"GET / HTTP/1.1\r\n\r\n",
    "huge": _HUGE,
    "early audio": Frame(FrameType.AUDIO, 1, b"\0\0").encode(),
    "old version": Frame(
        FrameType.HELLO, payload=b'{"engine":"fake","version":0,"detail":"","voices":[]}'
    ).encode(),
    "bad hello": Frame(FrameType.HELLO, payload=b"[]").encode(),
    "answers": _HELLO,
    "stubborn": _HELLO,
}
_ANSWERS: Final[dict[str, Callable[[int], bytes]]] = {
    "garbage": lambda _number: b"\0" * 100,
    "huge": lambda _number: _HUGE,
    "other request": lambda number: Frame(FrameType.AUDIO, number + 7, b"\0\0").encode(),
    "half a sample": lambda number: Frame(FrameType.AUDIO, number, b"\0\0\0").encode(),
    "second hello": lambda number: Frame(FrameType.HELLO, number, b"{}").encode(),
    "bad error": lambda number: Frame(FrameType.ERROR, number, b"{").encode(),
    "word outside": lambda number: Frame(FrameType.WORD, number, encode_word(Word(0, 99, 0))).encode(),
    "many words": lambda number: Frame(FrameType.WORD, number, encode_word(Word(0, 1, 0))).encode() * 99,
    "half a level": lambda number: Frame(FrameType.LEVEL, number, encode_level(WORD_LEVEL)[1:]).encode(),
    "no level": lambda number: Frame(FrameType.LEVEL, number, encode_level(Level(math.nan, 7))).encode(),
    "level of another": lambda number: Frame(FrameType.LEVEL, number + 7, encode_level(WORD_LEVEL)).encode(),
    "twice": lambda number: Frame(FrameType.DONE, number).encode() * 2,
    "status": lambda number: (
        Frame(FrameType.STATUS, payload=encode_text("warming")).encode()
        + Frame(FrameType.DONE, number).encode()
    ),
}


def _answer(channel: socket.socket) -> None:
    """Answer each request with the bytes that its text names."""
    decoder = FrameDecoder()
    while data := channel.recv(65_536):
        for frame in decoder.feed(data):
            if frame.type is FrameType.SYNTHESISE:
                text = frame.payload.split(b'"text":"', 1)[1].split(b'"', 1)[0].decode()
                channel.sendall(_ANSWERS[text](frame.request))


def main() -> int:
    mode, descriptor = sys.argv[1], int(sys.argv[-1])
    if mode == "exit":
        return 7
    channel = socket.socket(fileno=descriptor)
    if mode in _FACTORIES:
        return Worker(channel, lambda: os._exit(0)).run(_FACTORIES[mode])
    channel.sendall(_OPENINGS[mode])
    if mode == "answers":
        _answer(channel)
    while True:
        time.sleep(60)


if __name__ == "__main__":
    sys.exit(main())
