import asyncio
import socket
import sys
import threading
from collections.abc import Iterator, Sequence

import numpy as np
import pytest

from chatttsd.engine.api import Cancelled, Emit, EngineError, Level, SynthesisRequest, Voice
from chatttsd.engine.client import EngineClient, worker_command
from chatttsd.engine.tone import ToneEngine
from chatttsd.engine.wire import (
    HEADER,
    Frame,
    FrameDecoder,
    FrameType,
    Hello,
    decode_level,
    decode_text,
    encode_request,
)
from chatttsd.engine.worker import (
    ENGINES,
    FIRST_PIECE,
    PIECE,
    Worker,
    cut,
    describe,
    is_device_lost,
    main,
    with_volume,
)
from support.engine_clients import LIMIT_SECONDS, QUICK, States
from support.tone_decoder import decode

LOUD = "loud"
"""A text that ends at once."""
LEVEL = Level(-31.25, 12)
"""What is told in the end of any text, be it cancelled."""


class Daemon:
    """The other end of a worker that runs in a thread of this process."""

    def __init__(self, engine: "ScriptedEngine | ToneEngine") -> None:
        self.channel, theirs = socket.socketpair()
        self.channel.settimeout(LIMIT_SECONDS)
        self.lost = threading.Event()
        self.status: list[int] = []
        self._theirs = theirs
        self._decoder = FrameDecoder()
        self._frames: list[Frame] = []
        self.worker = Worker(theirs, self.lost.set)
        self._thread = threading.Thread(
            target=lambda: self.status.append(self.worker.run(lambda _report: engine))
        )
        self._thread.start()

    def send(self, kind: FrameType, number: int = 0, request: SynthesisRequest | None = None) -> None:
        payload = b"" if request is None else encode_request(request)
        self.channel.sendall(Frame(kind, number, payload).encode())

    def receive(self) -> Frame:
        while not self._frames:
            self._frames += self._decoder.feed(self.channel.recv(65_536))
        return self._frames.pop(0)

    def answer(self, number: int) -> tuple[bytes, Frame]:
        """Read until the answer to a request; return its sound and the answer."""
        sound = b""
        while (frame := self.receive()).type is FrameType.AUDIO:
            assert frame.request == number
            sound += frame.payload
        assert frame.request == number
        return sound, frame

    def close(self) -> None:
        self.send(FrameType.SHUTDOWN)
        self.join()

    def join(self) -> None:
        self._thread.join(LIMIT_SECONDS)
        assert not self._thread.is_alive()
        self.channel.close()
        assert self.lost.wait(LIMIT_SECONDS)
        self._theirs.close()


class ScriptedEngine:
    """Emits a chunk each time the test lets it, until it is cancelled."""

    name = "scripted"
    detail = "two cores, for a test"

    def __init__(self) -> None:
        self.began: list[str] = []
        self.go_on = threading.Semaphore(0)
        self.threads: set[int] = set()
        self.closed = False

    def voices(self) -> Sequence[Voice]:
        return ()

    def synthesise(self, request: SynthesisRequest, emit: Emit, cancelled: Cancelled) -> None:
        self.began.append(request.text)
        self.threads.add(threading.get_ident())
        while not cancelled() and request.text != LOUD:
            if self.go_on.acquire(timeout=0.01) and not emit(np.ones(480, np.int16)):
                return
        request.tell_level(LEVEL)

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def engine() -> ScriptedEngine:
    return ScriptedEngine()


@pytest.fixture
def daemon(engine: ScriptedEngine) -> Iterator[Daemon]:
    daemon = Daemon(engine)
    assert Hello.decode(daemon.receive().payload).engine == "scripted"
    yield daemon
    daemon.close()


def test_a_request_is_answered_with_sound_and_one_done() -> None:
    daemon = Daemon(ToneEngine())
    assert daemon.receive().type is FrameType.HELLO
    daemon.send(FrameType.SYNTHESISE, 5, SynthesisRequest("hello"))
    sound, answer = daemon.answer(5)
    assert answer == Frame(FrameType.DONE, 5)
    assert decode(np.frombuffer(sound, np.int16))[0].text == "hello"
    daemon.close()
    assert daemon.status == [0]


def test_a_cancel_ends_the_running_request_between_chunks(daemon: Daemon, engine: ScriptedEngine) -> None:
    daemon.send(FrameType.SYNTHESISE, 1, SynthesisRequest("a"))
    engine.go_on.release()
    assert daemon.receive().type is FrameType.AUDIO
    daemon.send(FrameType.CANCEL, 1)
    assert daemon.answer(1) == (b"", Frame(FrameType.DONE, 1))


def test_a_request_cancelled_while_it_waits_never_reaches_the_engine(
    daemon: Daemon, engine: ScriptedEngine
) -> None:
    for number, text in ((1, "a"), (2, "b"), (3, "c")):
        daemon.send(FrameType.SYNTHESISE, number, SynthesisRequest(text))
    engine.go_on.release()
    assert daemon.receive().request == 1
    daemon.send(FrameType.CANCEL, 2)
    daemon.send(FrameType.CANCEL, 1)
    assert daemon.answer(1)[1].type is FrameType.DONE
    assert daemon.answer(2) == (b"", Frame(FrameType.DONE, 2))
    engine.go_on.release()
    assert daemon.receive().request == 3
    daemon.send(FrameType.CANCEL, 3)
    assert daemon.answer(3)[1].type is FrameType.DONE
    assert engine.began == ["a", "c"]


def test_a_level_goes_before_the_answer_and_none_after_a_cancel(
    daemon: Daemon, engine: ScriptedEngine
) -> None:
    daemon.send(FrameType.SYNTHESISE, 1, SynthesisRequest(LOUD))
    _, frame = daemon.answer(1)
    assert (frame.type, decode_level(frame.payload)) == (FrameType.LEVEL, LEVEL)
    assert daemon.answer(1) == (b"", Frame(FrameType.DONE, 1))
    daemon.send(FrameType.SYNTHESISE, 2, SynthesisRequest("a"))
    engine.go_on.release()
    assert daemon.receive().type is FrameType.AUDIO
    daemon.send(FrameType.CANCEL, 2)
    assert daemon.answer(2) == (b"", Frame(FrameType.DONE, 2))


def test_one_thread_alone_touches_the_engine(daemon: Daemon, engine: ScriptedEngine) -> None:
    for number in range(1, 6):
        daemon.send(FrameType.SYNTHESISE, number, SynthesisRequest("a"))
        engine.go_on.release()
        assert daemon.receive().request == number
        daemon.send(FrameType.CANCEL, number)
        assert daemon.answer(number)[1].type is FrameType.DONE
    assert len(engine.threads) == 1


def test_a_cancel_of_an_unknown_request_is_ignored(daemon: Daemon, engine: ScriptedEngine) -> None:
    daemon.send(FrameType.CANCEL, 99)
    daemon.send(FrameType.SYNTHESISE, 1, SynthesisRequest("a"))
    daemon.send(FrameType.CANCEL, 1)
    assert daemon.answer(1)[1].type is FrameType.DONE


def test_shutdown_cancels_what_is_open_and_closes_the_engine() -> None:
    engine = ScriptedEngine()
    daemon = Daemon(engine)
    daemon.receive()
    daemon.send(FrameType.SYNTHESISE, 1, SynthesisRequest("a"))
    engine.go_on.release()
    assert daemon.receive().type is FrameType.AUDIO
    daemon.send(FrameType.SHUTDOWN)
    daemon.join()
    assert engine.closed
    assert daemon.status == [0]


@pytest.mark.parametrize(
    "data",
    [b"garbage!", HEADER.pack(b"cTw1", 2, 1, 2**31), Frame(FrameType.SYNTHESISE, 1, b"{}").encode()],
)
def test_garbage_from_the_daemon_ends_the_worker(data: bytes) -> None:
    daemon = Daemon(ToneEngine())
    daemon.receive()
    daemon.channel.sendall(data)
    assert daemon.lost.wait(LIMIT_SECONDS)
    # `lost` ends a real process; the thread of this test has to be ended by hand.
    daemon.worker._waiting.put(None)
    daemon.join()


def test_the_first_piece_is_short_and_the_others_bounded() -> None:
    pieces = list(cut(bytes(FIRST_PIECE + 2 * PIECE + 2), first=True))
    assert [len(piece) for piece in pieces] == [FIRST_PIECE, PIECE, PIECE, 2]
    assert [len(piece) for piece in cut(bytes(PIECE + 2), first=False)] == [PIECE, 2]
    assert list(cut(b"", first=True)) == []


@pytest.mark.parametrize(
    ("volume", "expected"),
    [
        (1.0, [32767, -32768, 100, -1]),
        (0.5, [16384, -16384, 50, 0]),
        (0.0, [0, 0, 0, 0]),
        (3.0, [32767, -32768, 300, -3]),
    ],
)
def test_the_volume_never_wraps_around(volume: float, expected: list[int]) -> None:
    scaled = with_volume(np.array([32767, -32768, 100, -1], np.int16), volume)
    assert scaled.dtype == np.int16
    assert scaled.tolist() == expected


def test_the_volume_is_applied_to_what_the_engine_says() -> None:
    daemon = Daemon(ToneEngine())
    daemon.receive()
    peaks = []
    for number, volume in ((1, 1.0), (2, 0.25)):
        daemon.send(FrameType.SYNTHESISE, number, SynthesisRequest("hello", volume=volume))
        peaks.append(int(np.abs(np.frombuffer(daemon.answer(number)[0], np.int16)).max()))
    daemon.close()
    assert peaks[1] == pytest.approx(peaks[0] / 4, abs=1)


def test_only_an_engine_error_may_say_its_message() -> None:
    def boom(error: Exception) -> Exception:
        try:
            raise error
        except type(error) as caught:
            return caught

    assert describe(boom(EngineError("no such voice"))) == "no such voice"
    told = describe(boom(ValueError("a secret")))
    assert told.startswith(f"ValueError at {__name__}:")
    assert "secret" not in told
    assert describe(ValueError("never raised")) == "ValueError at unknown"


def test_the_engines_are_imported_only_when_they_are_made() -> None:
    assert set(ENGINES) == {"chattts", "espeak-ng", "tone"}
    assert ENGINES["tone"]("", lambda _text: None).name == "tone"


def test_an_unknown_engine_is_refused_and_the_known_ones_named(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["--engine", "nothing", "--fd", "3"])
    assert caught.value.code == 2
    assert "'espeak-ng', 'tone'" in capsys.readouterr().err


async def test_a_real_worker_ends_when_its_socket_closes_even_while_it_is_busy() -> None:
    ours, theirs = socket.socketpair()
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "chatttsd.engine.worker",
        "--engine",
        "tone",
        "--fd",
        str(theirs.fileno()),
        pass_fds=(theirs.fileno(),),
    )
    theirs.close()
    request = SynthesisRequest("x" * 1000, parameters={"tone_seconds_per_second": "1"})
    ours.sendall(Frame(FrameType.SYNTHESISE, 1, encode_request(request)).encode())
    ours.setblocking(False)
    loop = asyncio.get_running_loop()
    decoder = FrameDecoder()
    kinds: list[FrameType] = []
    async with asyncio.timeout(LIMIT_SECONDS):
        while FrameType.AUDIO not in kinds:
            kinds += [frame.type for frame in decoder.feed(await loop.sock_recv(ours, 65_536))]
        ours.close()
        assert await process.wait() == 0


async def test_no_word_of_the_text_appears_in_an_error_of_the_engine() -> None:
    client = EngineClient(worker_command("espeak-ng"), QUICK, on_state=States())
    await client.start()
    try:
        with pytest.raises(EngineError) as caught:
            async for _ in client.synthesise(SynthesisRequest("a secret", language="tlh")):
                pass
        assert "secret" not in str(caught.value)
        assert "'tlh'" in str(caught.value)
    finally:
        await client.stop()


def test_statuses_and_start_errors_are_sent_as_text() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.settimeout(LIMIT_SECONDS)
        worker = Worker(theirs, lambda: None)

        def factory(report: object) -> ToneEngine:
            worker.report("loading 62 %")
            raise EngineError("no weights")

        assert worker.run(factory) == 1
        frames = FrameDecoder().feed(ours.recv(65_536))
        assert [frame.type for frame in frames] == [FrameType.STATUS, FrameType.ERROR]
        assert [decode_text(frame.payload) for frame in frames] == ["loading 62 %", "no weights"]


@pytest.mark.parametrize(
    ("error", "lost"),
    [
        (RuntimeError("CUDA error: device-side assert triggered"), True),
        (RuntimeError("CUDA out of memory. Tried to allocate 2 GiB"), False),
        (ValueError("CUDA error"), False),
        (EngineError("CUDA error: told by the engine"), False),
    ],
)
def test_a_fault_of_the_device_is_told_from_one_of_a_request(error: Exception, *, lost: bool) -> None:
    assert is_device_lost(error) is lost
