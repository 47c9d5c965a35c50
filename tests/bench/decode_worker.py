"""What a user waits for: the real worker process, from its start to its first and its last sample."""

import asyncio
import json
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from chatttsd.constants import SAMPLE_BYTES, SAMPLE_RATE
from chatttsd.engine.api import ModelSettings, SynthesisRequest, WorkerSettings
from chatttsd.engine.client import EngineClient, worker_command
from chatttsd.engine.model_setup import model_environment

SHORT: Final = "明天早上八点我们在火车站东门口见面，请带好车票和身份证件。"
"""30 characters."""
LONG: Final = (
    "这座小城建在河的两岸，老房子大多有三百年的历史，屋顶上长着青草，清晨的时候可以听见远处的钟声，"
    "渔船从桥下慢慢地划过去，岸边卖早点的人已经开始忙碌。"
)
"""About 15 s."""
_PATIENT: Final = WorkerSettings(start_seconds=300.0, hang_seconds=300.0)
_KIBI: Final = 1024


@dataclass(frozen=True, slots=True)
class Rounds:
    """How often each thing is done."""

    first: int = 7
    """Short segments, whose first PCM counts."""
    alone: int = 2
    """Long segments, one at a time."""
    ahead: int = 6
    """Long segments that are read aloud one after the other."""


@dataclass(frozen=True, slots=True)
class Measured:
    """Medians, seconds but for the memory."""

    ready: float
    first_sound: float
    rtf: float
    rtf_ahead: float
    """With the next three segments decoded in the same batch."""
    peak_mb: float
    detail: str


@asynccontextmanager
async def worker(model: Path, precision: str) -> AsyncIterator[tuple[EngineClient, float]]:
    """Start a worker; yields its client and the seconds it took."""
    settings = ModelSettings(model_dir=str(model), precision=precision, device="cpu")
    with tempfile.TemporaryDirectory() as voices:
        chosen = json.dumps({"model": asdict(settings), "voices_directory": voices})
        client = EngineClient(
            worker_command("chattts", chosen),
            _PATIENT,
            on_state=lambda _state, _text: None,
            environment=model_environment(settings),
        )
        began = time.monotonic()
        await client.start()
        try:
            yield client, time.monotonic() - began
        finally:
            await client.stop()


async def measure(model: Path, precision: str, rounds: Rounds) -> Measured:
    """Start twice (the first fills the caches), then say the same text with other seeds."""
    async with worker(model, precision):
        pass
    async with worker(model, precision) as (client, ready):
        firsts = [(await _say(client, SHORT, seed))[0] for seed in range(rounds.first)]
        whole = [_rtf(*(await _say(client, LONG, seed))[1:]) for seed in range(rounds.alone)]
        ahead = await _ahead(client, rounds.ahead)
        peak = _peak_megabytes(client.pid)
        return Measured(
            ready, statistics.median(firsts), statistics.median(whole), ahead, peak, client.detail
        )


async def _ahead(client: EngineClient, segments: int) -> float:
    """Read some long segments aloud as the daemon asks for them; returns the RTF of them all."""
    requests = [_request(LONG, seed) for seed in range(100, 100 + segments)]
    began, seconds = time.monotonic(), 0.0
    for index, request in enumerate(requests):
        following = tuple(requests[index + 1 : index + 4])
        asked = SynthesisRequest(
            request.text, request.language, parameters=request.parameters, following=following
        )
        seconds += sum([len(pcm) async for pcm in client.synthesise(asked)]) / SAMPLE_BYTES / SAMPLE_RATE
    return _rtf(time.monotonic() - began, seconds)


async def _say(client: EngineClient, text: str, seed: int) -> tuple[float, float, float]:
    """Return the seconds to the first PCM, to the end, and of the sound."""
    began = time.monotonic()
    first, size = 0.0, 0
    async for pcm in client.synthesise(_request(text, seed)):
        first = first or time.monotonic() - began
        size += len(pcm)
    return first, time.monotonic() - began, size / SAMPLE_BYTES / SAMPLE_RATE


def _request(text: str, seed: int) -> SynthesisRequest:
    parameters: Mapping[str, str] = {"seed": str(seed)}
    return SynthesisRequest(text, "zh", parameters=parameters)


def _rtf(took: float, seconds: float) -> float:
    return took / seconds


def _peak_megabytes(pid: int | None) -> float:
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    line = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) * _KIBI / 1e6


def run(model: Path, precision: str, rounds: Rounds) -> Measured:
    """Measure in an event loop of its own."""
    return asyncio.run(measure(model, precision, rounds))
